/*
 * zone_file.h: what a file of the time zone database says (TZif, RFC 8536).
 */
#ifndef BASE_ZONE_FILE_H
#define BASE_ZONE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/zone_rule.h"

/* Bytes of a file; the longest of the database has some 4,000. */
#define ZONE_FILE_MAX 65536

struct zone {
	char *name;
	size_t count;	  /* changes, in order of time: */
	int64_t *times;	  /* when */
	int32_t *offsets; /* and what holds from then on */
	int32_t first;	  /* what held before the first */
	struct zone_rule rule;
	bool has_rule; /* it holds after the last change */
};

/*
 * Reads what a file holds; versions 1 to 4.  Whatever comes is bounded and
 * checked: a file that is cut short, or whose parts contradict each other, is
 * an error (ERR_AGENT), as is one that counts leap seconds ("right/..."), whose
 * times are not those of the system's clock.
 */
int zone_decode(const char *name, const void *data, size_t len,
		struct zone **out, struct err *e);

/* A zone that a rule describes. */
struct zone *zone_of_rule(const char *name, const struct zone_rule *r);

void zone_free(struct zone *z);
void zone_freep(struct zone **z); /* the cleanup function */

#define _zone_ _cleanup_(zone_freep)

#endif
