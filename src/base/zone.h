/*
 * zone.h: time zones of the host's database, by their IANA names.
 *
 *	const struct zone *z;
 *
 *	if (zone_open("Europe/Berlin", &z, e) < 0)
 *		return -1;
 *	local_s = utc_s + zone_offset(z, utc_s);
 *
 * Zones are read once and kept by name for the life of the process: nobody
 * frees them, pointers to them stay good, and what takes a zone only reads
 * memory (no I/O, no global state such as that of localtime()).  An open after
 * the database was updated reads the new file; who holds the old zone keeps it.
 * Not for several threads.
 *
 * Times are seconds since 1970 in UTC, without leap seconds.
 */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include <stdint.h>

#include "base/err.h"

struct zone;

/*
 * The zone of that name ("Europe/Berlin", "UTC"), from TZDIR or
 * /usr/share/zoneinfo.  NULL and "local" are the host's own zone: what TZ says
 * where it is set (a name, a path, or a rule such as
 * "CET-1CEST,M3.5.0,M10.5.0") and otherwise /etc/localtime; UTC where there is
 * neither.  "UTC" needs no database.
 *
 * A name that is none is ERR_USAGE, with the nearest that is one in the message
 * or, where no database is installed, with what to install in the hint; a file
 * that is damaged or can't be read is ERR_AGENT.
 */
int zone_open(const char *name, const struct zone **out, struct err *e);

/* UTC; what takes a zone takes it for NULL as well. */
const struct zone *zone_utc(void);

/* Seconds east of UTC at that instant. */
int32_t zone_offset(const struct zone *z, int64_t utc_s);

/* A stretch of time over which the offset stays the same. */
struct zone_span {
	int64_t from;	/* the first second in it, INT64_MIN: no beginning */
	int64_t until;	/* the first second after it, INT64_MAX: no end */
	int32_t offset; /* the neighbours' may be the same */
};

/* The span that an instant is in: from <= utc_s < until. */
struct zone_span zone_span(const struct zone *z, int64_t utc_s);

/* The name; for the host's own zone that of the database where known. */
const char *zone_name(const struct zone *z);

#endif
