/*
 * date.h: days and dates of the Gregorian calendar, before 1582 as well.
 *
 * A day is a number of days since 1970-01-01.  Years are within +-10^9.
 */
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include <stdint.h>

struct date {
	int64_t year;
	unsigned month; /* 1 to 12 */
	unsigned day;	/* 1 to 31 */
};

int64_t date_to_day(int64_t year, unsigned month, unsigned day);
struct date date_from_day(int64_t day);
unsigned date_month_days(int64_t year, unsigned month); /* 28 to 31 */
unsigned date_weekday(int64_t day);			/* 0 (Sunday) to 6 */

/* Division that rounds down, and what remains (0 <= remainder < b). */
static inline int64_t
date_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static inline int64_t
date_mod(int64_t a, int64_t b)
{
	return a - date_div(a, b) * b;
}

#endif
