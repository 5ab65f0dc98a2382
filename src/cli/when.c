#include "cli/when.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/date.h"
#include "base/mem.h"
#include "base/zone.h"
#include "model/cron.h"
#include "model/units.h"

#define DAY_S INT64_C(86400)

/* The host's own zone; UTC where it can't be read. */
static const struct zone *
here(void)
{
	static const struct zone *z;
	struct err ignored = ERR_INIT;

	if (!z && zone_open(NULL, &z, &ignored) < 0)
		z = zone_utc();
	return z;
}

/* "23:59", by what cron makes of it where the zone's clock changes. */
static bool
parse_clock(const char *text, int64_t *ms)
{
	struct cron cron;
	struct err ignored = ERR_INIT;
	_free_ char *fields = NULL;
	int64_t next;

	if (strlen(text) != 5 || text[2] != ':' ||
	    strspn(text, "0123456789:") != 5 || strchr(text + 3, ':'))
		return false;
	fields = xasprintf("%s %.2s * * *", text + 3, text);
	if (cron_parse(fields, &cron, &ignored) < 0)
		return false;
	next = cron_next(&cron, clock_real_ms() / 1000, here());
	if (next == CRON_NEVER)
		return false;
	*ms = next * 1000;
	return true;
}

int
when_parse_at(const char *text, int64_t *ms, struct err *e)
{
	int64_t span;

	if (units_parse_time(text, ms) || parse_clock(text, ms))
		return 0;
	if (text[0] == '+' && units_parse_duration(text + 1, &span)) {
		*ms = clock_real_ms() + span;
		return 0;
	}
	err_set(e, ERR_USAGE, "--at: %s is no time", text);
	return err_hint(e, "write 2026-01-31T23:59:59Z, 23:59 or +10m");
}

int
when_parse_since(const char *text, int64_t *ms, struct err *e)
{
	int64_t span;

	if (units_parse_time(text, ms))
		return 0;
	if (units_parse_duration(text, &span)) {
		*ms = clock_real_ms() - span;
		return 0;
	}
	err_set(e, ERR_USAGE, "--since: %s is no time", text);
	return err_hint(e, "write 2026-01-31T23:59:59Z, or 2h for two hours "
			   "ago");
}

char *
when_local(int64_t ms, char buf[WHEN_TEXT])
{
	int64_t s = date_div(ms, 1000);
	int64_t local = s + zone_offset(here(), s);
	struct date d = date_from_day(date_div(local, DAY_S));
	unsigned day_s = (unsigned)date_mod(local, DAY_S);

	snprintf(buf, WHEN_TEXT, "%04d-%02u-%02u %02u:%02u:%02u", (int)d.year,
		 d.month, d.day, day_s / 3600, day_s / 60 % 60, day_s % 60);
	return buf;
}

char *
when_member(const struct value *v, const char *key, char buf[WHEN_TEXT])
{
	int64_t ms;

	if (units_parse_time(value_get_string(v, key, ""), &ms))
		return when_local(ms, buf);
	snprintf(buf, WHEN_TEXT, "-");
	return buf;
}

char *
when_span(int64_t ms, char buf[WHEN_TEXT])
{
	long long s = (long long)ms / 1000;

	if (ms < 1000)
		snprintf(buf, WHEN_TEXT, "%lldms", (long long)ms);
	else if (s < 60)
		snprintf(buf, WHEN_TEXT, "%lld.%llds", s,
			 (long long)ms % 1000 / 100);
	else if (s < 3600)
		snprintf(buf, WHEN_TEXT, "%lldm%llds", s / 60, s % 60);
	else if (s < 2 * DAY_S)
		snprintf(buf, WHEN_TEXT, "%lldh%lldm", s / 3600, s / 60 % 60);
	else
		snprintf(buf, WHEN_TEXT, "%lldd%lldh", s / DAY_S,
			 s / 3600 % 24);
	return buf;
}
