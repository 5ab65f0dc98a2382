/*
 * zone_rule.h: a time zone as one line, "CET-1CEST,M3.5.0,M10.5.0/3".
 *
 * This is POSIX's TZ with the wider hours of RFC 8536 (-167 to 167): what holds
 * after the last change that a file of the database lists.
 */
#ifndef BASE_ZONE_RULE_H
#define BASE_ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/zone.h"

enum zone_day_kind {
	ZONE_DAY_JULIAN,  /* Jn: 1 to 365, 29 February is never counted */
	ZONE_DAY_OF_YEAR, /* n: 0 to 365 */
	ZONE_DAY_WEEKDAY, /* Mm.w.d: the w-th weekday d of month m, 5: last */
};

struct zone_change {
	enum zone_day_kind kind;
	unsigned month, week, day;
	int32_t time; /* seconds after midnight, local before the change */
};

struct zone_rule {
	bool has_summer;
	int32_t standard, summer; /* seconds east of UTC */
	struct zone_change begin, end;
};

/* *r is untouched where the text is no rule. */
bool zone_rule_parse(const char *text, struct zone_rule *r);

/* The span that an instant is in, as zone_span(). */
struct zone_span zone_rule_span(const struct zone_rule *r, int64_t utc_s);

#endif
