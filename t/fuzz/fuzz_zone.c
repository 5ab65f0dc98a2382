/*
 * A file of the time zone database: is refused with a reason, or is a zone
 * whose spans follow each other and in which schedules have their times. The
 * same bytes are tried as a rule.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/zone_file.h"
#include "model/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SPANS 300
#define STEPS 12

static void
check_spans(const struct zone *z)
{
	int64_t t = INT64_C(-3000000000);

	for (int i = 0; i < SPANS && t < INT64_MAX; i++) {
		struct zone_span s = zone_span(z, t);

		if (s.from > t || s.until <= t ||
		    s.offset != zone_offset(z, s.until - 1))
			abort();
		t = s.until;
	}
}

static void
check_times(const struct zone *z, const char *text, int64_t after)
{
	struct err e = ERR_INIT;
	int64_t first = after;
	struct cron c;

	if (cron_parse(text, &c, &e) < 0)
		abort();
	for (uint64_t n = 1; n <= STEPS; n++) {
		int64_t t = cron_next(&c, after, z);

		if (t <= after)
			abort();
		if (t == CRON_NEVER)
			return;
		if (cron_count(&c, first, t, z) != n)
			abort();
		after = t;
	}
}

static void
check_zone(const struct zone *z)
{
	check_spans(z);
	check_times(z, "30 2 * * *", 0);
	check_times(z, "*/25 * * * *", 1700000000);
	check_times(z, "59 23 28-31 * mon", z->count ? z->times[0] - 9999 : 0);
	check_times(z, "0 0 30 2 *", 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_free_ char *text = xmemdup(data, size);
	_zone_ struct zone *z = NULL, *ruled = NULL;
	struct err e = ERR_INIT;
	struct zone_rule rule;

	if (zone_decode("x", data, size, &z, &e) == 0)
		check_zone(z);
	else if (!e.msg[0])
		abort();
	if (zone_rule_parse(text, &rule)) {
		ruled = zone_of_rule("x", &rule);
		check_zone(ruled);
	}
	return 0;
}
