#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/date.h"

#define DAY_MS INT64_C(86400000)

/* What tests add to the kernel's clocks, or put in their place. */
static struct {
	bool frozen;
	int64_t mono_us;
	int64_t real_us;
	int64_t set_by_ms; /* the wall clock's moves that were no time passing
			    */
} test;

int64_t
clock_us(clockid_t id)
{
	struct timespec ts = { 0, 0 };

	if (test.frozen)
		return 0;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_mono_us(void)
{
	return clock_us(CLOCK_MONOTONIC) + test.mono_us;
}

int64_t
clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

int64_t
clock_real_ms(void)
{
	return (clock_us(CLOCK_REALTIME) + test.real_us) / 1000;
}

static char *
add_digits(char *at, unsigned n, int count)
{
	for (int i = count - 1; i >= 0; i--, n /= 10)
		at[i] = (char)('0' + n % 10);
	return at + count;
}

/* A record has three times, and there may be a million records to send. */
static void
format_usual(const struct date *d, unsigned ms, char *at)
{
	at = add_digits(at, (unsigned)d->year, 4);
	*at++ = '-';
	at = add_digits(at, d->month, 2);
	*at++ = '-';
	at = add_digits(at, d->day, 2);
	*at++ = 'T';
	at = add_digits(at, ms / 3600000, 2);
	*at++ = ':';
	at = add_digits(at, ms / 60000 % 60, 2);
	*at++ = ':';
	at = add_digits(at, ms / 1000 % 60, 2);
	*at++ = '.';
	at = add_digits(at, ms % 1000, 3);
	*at++ = 'Z';
	*at = '\0';
}

char *
clock_format(int64_t real_ms, char buf[CLOCK_TEXT])
{
	int ms = (int)(real_ms % 1000 + 1000) % 1000;
	time_t seconds = (time_t)((real_ms - ms) / 1000);
	char text[24] = "";
	struct tm tm;
	struct date d = date_from_day(date_div(real_ms, DAY_MS));

	if (d.year >= 1000 && d.year <= 9999) {
		format_usual(&d, (unsigned)date_mod(real_ms, DAY_MS), buf);
		return buf;
	}
	if (gmtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, CLOCK_TEXT, "%s.%03dZ", text, ms);
	return buf;
}

void
clock_freeze_for_tests(int64_t mono_ms, int64_t real_ms)
{
	test.frozen = true;
	test.mono_us = mono_ms * 1000;
	test.real_us = real_ms * 1000;
}

void
clock_shift_for_tests(int64_t mono_ms, int64_t real_ms)
{
	test.mono_us += mono_ms * 1000;
	test.real_us += real_ms * 1000;
	test.set_by_ms += real_ms - mono_ms;
}

void
clock_release_for_tests(void)
{
	test.frozen = false;
	test.mono_us = test.real_us = 0;
}

bool
clock_is_frozen(void)
{
	return test.frozen;
}

int64_t
clock_set_by_ms(void)
{
	return test.set_by_ms;
}

int64_t
clock_to_kernel_ms(int64_t real_ms)
{
	return test.frozen ? real_ms : real_ms - test.real_us / 1000;
}
