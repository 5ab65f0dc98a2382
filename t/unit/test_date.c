/* base/date: days and dates. */
#include "tap.h"

#include "base/date.h"

static const struct {
	const char *title;
	int64_t year;
	unsigned month, day;
	int64_t want;
	unsigned weekday;
} cases[] = {
	{ "the epoch, a Thursday", 1970, 1, 1, 0, 4 },
	{ "the day before it", 1969, 12, 31, -1, 3 },
	{ "a leap day", 2024, 2, 29, 19782, 4 },
	{ "the leap day of a full century", 2000, 2, 29, 11016, 2 },
	{ "the day after a February of 28 days", 2100, 3, 1, 47541, 1 },
	{ "the first of year 0", 0, 1, 1, -719528, 6 },
	{ "the last of year 9999", 9999, 12, 31, 2932896, 5 },
};

static void
test_months(void)
{
	is_int(date_month_days(2024, 2), 29, "2024 is a leap year");
	is_int(date_month_days(2023, 2), 28, "2023 is none");
	is_int(date_month_days(1900, 2), 28, "1900 is none");
	is_int(date_month_days(2000, 2), 29, "2000 is a leap year");
	is_int(date_month_days(2023, 12), 31, "December has 31 days");
}

/* Every day of a thousand years follows the one before. */
static void
test_days(void)
{
	struct date d = date_from_day(-366000);
	bool held = true;

	for (int64_t day = -366000; held && day < 366000; day++) {
		struct date next = date_from_day(day + 1);

		held = date_to_day(d.year, d.month, d.day) == day;
		if (++d.day > date_month_days(d.year, d.month)) {
			d.day = 1;
			d.month = d.month % 12 + 1;
			d.year += d.month == 1;
		}
		held = held && d.year == next.year && d.month == next.month &&
		       d.day == next.day;
	}
	ok(held, "dates of two thousand years follow each other");
}

int
main(void)
{
	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		struct date d = date_from_day(cases[i].want);

		is_int(date_to_day(cases[i].year, cases[i].month, cases[i].day),
		       cases[i].want, "%s has its number", cases[i].title);
		ok(d.year == cases[i].year && d.month == cases[i].month &&
			   d.day == cases[i].day,
		   "%s is found by it", cases[i].title);
		is_int(date_weekday(cases[i].want), cases[i].weekday,
		       "%s has its weekday", cases[i].title);
	}
	is_int(date_div(-1, 60), -1, "division rounds down");
	is_int(date_div(-60, 60), -1, "exact division is exact");
	is_int(date_mod(-1, 60), 59, "what remains is never negative");
	test_months();
	test_days();
	return tap_done();
}
