/*
 * A cron expression: is refused with a reason, or has times that come one after
 * the other, in a zone with a clock that is changed twice a year.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/zone_file.h"
#include "model/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS 20

static void
check_times(const struct cron *c, const struct zone *zone, int64_t after)
{
	int64_t first = after, t;

	for (uint64_t n = 1; n <= STEPS; n++) {
		t = cron_next(c, after, zone);
		if (t <= after)
			abort();
		if (t == CRON_NEVER)
			return;
		if (t % 60 != 0 || cron_count(c, first, t, zone) != n)
			abort();
		after = t;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_free_ char *text = xmemdup(data, size);
	struct err e = ERR_INIT;
	struct zone_rule rule;
	_zone_ struct zone *zone = NULL;
	struct cron c;

	if (cron_parse(text, &c, &e) < 0) {
		if (!e.msg[0] || e.kind != ERR_USAGE)
			abort();
		return 0;
	}
	if (!zone_rule_parse("CET-1CEST,M3.5.0,M10.5.0/3", &rule))
		abort();
	zone = zone_of_rule("x", &rule);
	check_times(&c, NULL, 0);
	check_times(&c, zone, 1774739000); /* before a gap */
	check_times(&c, zone, 1792886000); /* before a repeated hour */
	return 0;
}
