#include "base/date.h"

#include <stdbool.h>

/* Years are counted from March here, so that a leap day is the last of its
 * year; 400 of them, an era, have 146097 days. */
#define ERA_DAYS 146097
#define ERA_SHIFT 719468 /* days from 0000-03-01 to 1970-01-01 */

static bool
is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int64_t
date_to_day(int64_t year, unsigned month, unsigned day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = date_div(y, 400), of_era = date_mod(y, 400);
	int64_t from_march = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

	return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 +
	       from_march - ERA_SHIFT;
}

struct date
date_from_day(int64_t day)
{
	int64_t era = date_div(day + ERA_SHIFT, ERA_DAYS);
	unsigned rest = (unsigned)date_mod(day + ERA_SHIFT, ERA_DAYS);
	unsigned year =
		(rest - rest / 1460 + rest / 36524 - rest / 146096) / 365;
	unsigned of_year = rest - (365 * year + year / 4 - year / 100);
	unsigned march = (5 * of_year + 2) / 153;
	unsigned month = march < 10 ? march + 3 : march - 9;

	return (struct date){
		.year = era * 400 + year + (month <= 2),
		.month = month,
		.day = of_year - (153 * march + 2) / 5 + 1,
	};
}

unsigned
date_month_days(int64_t year, unsigned month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30,
					31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

unsigned
date_weekday(int64_t day)
{
	return (unsigned)date_mod(day + 4, 7); /* 1970-01-01: a Thursday */
}
