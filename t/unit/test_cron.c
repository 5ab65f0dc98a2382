/* model/cron: expressions, their errors, and how often a time comes. */
#include "tap.h"

#include "base/mem.h"
#include "base/zone_file.h"
#include "model/cron.h"

#define DAY 86400

static const struct {
	const char *title, *text;
	uint64_t minutes;
	uint32_t hours, days;
	uint16_t months;
	uint8_t weekdays;
	bool day_star, weekday_star;
} right[] = {
	{ "five stars are all", "* * * * *", 0xfffffffffffffff, 0xffffff,
	  0xfffffffe, 0x1ffe, 0x7f, true, true },
	{ "numbers are themselves", "5 4 3 2 1", 1 << 5, 1 << 4, 1 << 3, 1 << 2,
	  1 << 1, false, false },
	{ "the lowest values", "0 0 1 1 0", 1, 1, 2, 2, 1, false, false },
	{ "the highest values; 7 is Sunday", "59 23 31 12 7", UINT64_C(1) << 59,
	  1 << 23, UINT32_C(1) << 31, 1 << 12, 1, false, false },
	{ "ranges, lists and steps", "0-10/5,30 8-10 1,15 */6 1-5",
	  1 | 1 << 5 | 1 << 10 | 1 << 30, 7 << 8, 1 << 1 | 1 << 15,
	  1 << 1 | 1 << 7, 0x3e, false, false },
	{ "names in any case", "0 0 * JAN,mar-May mOn-fri", 1, 1, 0xfffffffe,
	  1 << 1 | 7 << 3, 0x3e, true, false },
	{ "a range up to Sunday", "0 0 * * fri-sun", 1, 1, 0xfffffffe, 0x1ffe,
	  0x61, true, false },
	{ "a range from Sunday", "0 0 * * sun-tue", 1, 1, 0xfffffffe, 0x1ffe,
	  0x07, true, false },
	{ "0-7 is the whole week", "0 0 * * 0-7", 1, 1, 0xfffffffe, 0x1ffe,
	  0x7f, true, false },
	{ "a star with a step is still a star", "0 0 */10 * */3", 1, 1,
	  1 << 1 | 1 << 11 | 1 << 21 | UINT32_C(1) << 31, 0x1ffe, 0x49, true,
	  true },
	{ "blanks and tabs around fields", " \t0  0\t1 1   0 ", 1, 1, 2, 2, 1,
	  false, false },
	{ "leading zeros", "00 09 01 01 07", 1, 1 << 9, 2, 2, 1, false, false },
	{ "@hourly", "@hourly", 1, 0xffffff, 0xfffffffe, 0x1ffe, 0x7f, true,
	  true },
	{ "@daily", "@daily", 1, 1, 0xfffffffe, 0x1ffe, 0x7f, true, true },
	{ "@midnight", " @midnight ", 1, 1, 0xfffffffe, 0x1ffe, 0x7f, true,
	  true },
	{ "@weekly", "@weekly", 1, 1, 0xfffffffe, 0x1ffe, 1, true, false },
	{ "@monthly", "@monthly", 1, 1, 2, 0x1ffe, 0x7f, false, true },
	{ "@yearly", "@yearly", 1, 1, 2, 2, 0x7f, false, true },
	{ "@annually", "@annually", 1, 1, 2, 2, 0x7f, false, true },
};

static const struct {
	const char *text, *want_error;
} wrong[] = {
	{ "", "0 fields; want five: minute hour day-of-month month "
	      "day-of-week" },
	{ "*", "1 field; want five" },
	{ "* * * *", "4 fields; want five" },
	{ "0 * * * * *", "6 fields; want five: minute hour day-of-month month "
			 "day-of-week (no seconds, no year)" },
	{ "60 * * * *", "column 1: minute: 60 is out of range; want 0-59" },
	{ "* 24 * * *", "column 3: hour: 24 is out of range; want 0-23" },
	{ "* * 0 * *", "column 5: day of month: 0 is out of range; want 1-31" },
	{ "* * * 13 *",
	  "column 7: month: 13 is out of range; want 1-12 or jan-dec" },
	{ "* * * * 8", "column 9: day of week: 8 is out of range; want 0-7 (0 "
		       "and 7 are Sunday) or sun-sat" },
	{ "0,99 * * * *", "column 3: minute: 99 is out of range" },
	{ "* 1-99 * * *", "column 5: hour: 99 is out of range" },
	{ "* mon * * *", "column 3: hour: 'mon' is no value; want 0-23" },
	{ "* * * mon *",
	  "column 7: month: 'mon' is no value; want 1-12 or jan-dec" },
	{ "* * * * monday", "column 9: day of week: 'monday' is no value" },
	{ "* * * january *", "column 7: month: 'january' is no value" },
	{ "5, * * * *", "column 3: minute: a value is missing; want 0-59" },
	{ ",5 * * * *", "column 1: minute: a value is missing" },
	{ "5- * * * *", "column 3: minute: a value is missing" },
	{ "-5 * * * *", "column 1: minute: '-5' is no value" },
	{ "+5 * * * *", "column 1: minute: '+5' is no value" },
	{ "1.5 * * * *", "column 1: minute: '1.5' is no value" },
	{ "99999999999 * * * *",
	  "column 1: minute: '99999999999' is no value" },
	{ "* 22-2 * * *", "column 3: hour: the range 22-2 runs backwards" },
	{ "* * * * fri-mon", "column 9: day of week: the range fri-mon runs" },
	{ "5/10 * * * *", "column 2: minute: a step wants a range before it, "
			  "such as */2 or 5-59/2" },
	{ "*/0 * * * *", "column 3: minute: a step is a number from 1 on" },
	{ "*/ * * * *", "column 3: minute: a step is a number" },
	{ "*/x * * * *", "column 3: minute: a step is a number" },
	{ "*/90 * * * *", "column 3: minute: the step 90 is larger than the "
			  "range 0-59; every: repeats" },
	{ "** * * * *", "column 2: minute: '*' is out of place here" },
	{ "*5 * * * *", "column 2: minute: '5' is out of place here" },
	{ "1-5-9 * * * *", "column 4: minute: '-' is out of place here" },
	{ "*/2/3 * * * *", "column 4: minute: '/' is out of place here" },
	{ "0 0 L * *", "column 5: day of month: 'L' (the last) is not known" },
	{ "0 0 LW * *", "column 5: day of month: 'L' (the last)" },
	{ "0 0 15W * *", "column 5: day of month: 'W' (the nearest working "
			 "day) is not known here" },
	{ "0 0 * * 5L", "column 9: day of week: 'L' (the last)" },
	{ "0 0 * * mon#1", "column 9: day of week: '#' (the nth weekday)" },
	{ "0 0 ? * 1", "column 5: day of month: '?' is not known here; write "
		       "*" },
	{ "H * * * *",
	  "column 1: minute: 'H' (any, by hash) is not known here; "
	  "jitter: spreads load" },
	{ "0~30 * * * *", "column 1: minute: '~' (any of a range)" },
	{ "TZ=UTC * * * *", "column 1: minute: a time zone is not part of it; "
			    "write timezone: beside it" },
	{ "* * *\n* *", "4 fields" },
	{ "* * * * *\n", "column 10: day of week: '?' is out of place" },
	{ "@reboot", "@reboot is no time; always: true runs a plugin for as "
		     "long as the agent runs" },
	{ "@every 5m", "every: is a setting of its own, such as every: 5m" },
	{ "@dayly", "'@dayly' is not known; did you mean @daily?" },
	{ "@Hourly", "'@Hourly' is not known; did you mean @hourly?" },
	{ "@x", "'@x' is not known; want five fields, or @hourly" },
	{ "@daily 5", "'@daily 5' is not known" },
};

static void
test_right(void)
{
	for (size_t i = 0; i < TAP_COUNT(right); i++) {
		struct err e = ERR_INIT;
		struct cron c;

		if (!ok(cron_parse(right[i].text, &c, &e) == 0,
			"%s: it is right", right[i].title)) {
			diag("   got: %s", e.msg);
			continue;
		}
		ok(c.minutes == right[i].minutes && c.hours == right[i].hours &&
			   c.days == right[i].days &&
			   c.months == right[i].months &&
			   c.weekdays == right[i].weekdays &&
			   c.day_star == right[i].day_star &&
			   c.weekday_star == right[i].weekday_star,
		   "%s: it is read as meant", right[i].title);
	}
}

static void
test_wrong(void)
{
	struct cron untouched = { .hours = 77 };
	char text[CRON_TEXT_MAX + 2];
	struct err e = ERR_INIT;

	for (size_t i = 0; i < TAP_COUNT(wrong); i++) {
		e = (struct err)ERR_INIT;
		is_int(cron_parse(wrong[i].text, &untouched, &e), -1,
		       "'%s' is refused", wrong[i].text);
		has_str(e.msg, wrong[i].want_error, "... by its column");
		ok(e.kind == ERR_USAGE && untouched.hours == 77,
		   "... as wrong usage, and nothing is changed");
	}
	memset(text, ' ', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	is_int(cron_parse(text, &untouched, &e), -1, "a long text is refused");
	has_str(e.msg, "longer than 1024 bytes", "... as that");
}

static int64_t
next(const char *text, int64_t after)
{
	struct err e = ERR_INIT;
	struct cron c;

	return cron_parse(text, &c, &e) < 0 ? -1 : cron_next(&c, after, NULL);
}

static void
test_bounds(void)
{
	struct cron rare = { .minutes = 1,
			     .hours = 1,
			     .days = 1 << 29,
			     .months = 1 << 2,
			     .weekdays = 1,
			     .day_star = true,
			     .weekday_star = true };

	is_int(next("* * * * *", 0), 60, "the next is strictly after");
	is_int(next("* * * * *", 59), 60, "a second before it");
	is_int(next("* * * * *", -1), 0, "times before 1970 are times");
	is_int(next("0 0 30 2 *", 0), CRON_NEVER, "30 February is never");
	is_int(next("* * * * *", INT64_MAX), CRON_NEVER,
	       "nothing comes after the end of time");
	is_int(next("* * * * *", INT64_MAX - 1), CRON_NEVER,
	       "nothing comes shortly before it");
	is_int(next("* * * * *", INT64_C(253402300740)), CRON_NEVER,
	       "the last minute of year 9999 is the last");
	is_int(next("* * * * *", INT64_MIN), INT64_C(-62167219140),
	       "the first year is year 0");
	/* Sundays: 1880, then 1920, as 1900 had no leap day. */
	is_int(cron_next(&rare, INT64_C(-2834956800), NULL),
	       INT64_C(-1572825600), "a date 40 years ahead is found");
}

/* A zone whose clock changes by all that there is. */
static struct zone *
zone_of(const char *text)
{
	struct zone_rule r = { 0 };

	ok(zone_rule_parse(text, &r), "%s is a rule", text);
	return zone_of_rule(text, &r);
}

static const char *const rules[] = {
	"UTC0",
	"CET-1CEST,M3.5.0,M10.5.0/3",
	"LHST-10:30LHDT-11,M10.1.0,M4.1.0",
	"NST3:30NDT,M3.2.0/0:01,M11.1.0/0:01",
	"DAY10DAY-14,J364/0,J100/0", /* leaves a day out, and repeats one */
	"ODD-0:20:13ODD-1:40:11,J60/1:00:01,J200",
};

static const char *const expressions[] = {
	"* * * * *",	 "*/7 * * * *",	     "30 2 * * *",
	"0 0 * * *",	 "1-59/3 0-4 * * *", "15 */2 * * 0",
	"0 12 13 * fri", "5 0 29 2 *",	     "* 1-3 * 3,10 *",
};

/* Steps from `from` to `until`, with their instants checked to be in order. */
static uint64_t
walk(const struct cron *c, const struct zone *z, int64_t from, int64_t until)
{
	uint64_t n = 0;

	for (int64_t t = cron_next(c, from, z); t <= until;
	     from = t, t = cron_next(c, t, z), n++)
		if (t <= from)
			return UINT64_MAX;
	return n;
}

static bool
counts_right(const struct cron *c, const struct zone *z)
{
	int64_t start = INT64_C(1900000000);
	unsigned seed = 7;

	for (int i = 0; i < 40; i++) {
		int64_t from = start + rand_r(&seed) % (2 * 366 * DAY);
		int64_t until = from + rand_r(&seed) % (30 * DAY);
		uint64_t want = walk(c, z, from, until);
		uint64_t got = cron_count(c, from, until, z);

		/* and a sum is the sum of its parts */
		if (got == want &&
		    (from + DAY > until ||
		     got == cron_count(c, from, from + DAY, z) +
				     cron_count(c, from + DAY, until, z)))
			continue;
		diag("from %jd until %jd: got %ju, want %ju", (intmax_t)from,
		     (intmax_t)until, (uintmax_t)got, (uintmax_t)want);
		return false;
	}
	return true;
}

static void
test_count(void)
{
	_zone_ struct zone *berlin = zone_of(rules[1]);
	struct cron hourly;
	struct err e = ERR_INIT;

	ok(cron_parse("@hourly", &hourly, &e) == 0 &&
		   cron_count(&hourly, 1774745999, 1774746000, berlin) == 1,
	   "a time at the very second of a change is counted");
	for (size_t r = 0; r < TAP_COUNT(rules); r++) {
		_zone_ struct zone *z = zone_of(rules[r]);

		for (size_t i = 0; i < TAP_COUNT(expressions); i++) {
			struct cron c;

			ok(cron_parse(expressions[i], &c, &e) == 0 &&
				   counts_right(&c, z),
			   "'%s' in %s is counted as it is stepped through",
			   expressions[i], rules[r]);
		}
	}
}

int
main(void)
{
	test_right();
	test_wrong();
	test_bounds();
	test_count();
	return tap_done();
}
