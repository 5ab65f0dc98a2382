/*
 * when.h: times as people write and read them: local ones.
 */
#ifndef CLI_WHEN_H
#define CLI_WHEN_H

#include <stdint.h>

#include "base/err.h"
#include "model/value.h"

/*
 * --at: "2026-01-31T23:59:59Z" with any offset, "23:59" (the next such local
 * time), "+10m" (from now on).
 */
int when_parse_at(const char *text, int64_t *ms, struct err *e);

/* --since: a time as above, or "2h" (ago). */
int when_parse_since(const char *text, int64_t *ms, struct err *e);

/* "2026-01-31 23:59:59", local. */
#define WHEN_TEXT 40
char *when_local(int64_t ms, char buf[WHEN_TEXT]);

/* The same of a record's member, an RFC 3339 text; "-" where it is null. */
char *when_member(const struct value *v, const char *key, char buf[WHEN_TEXT]);

/* "12ms", "3.4s", "5m10s", "2h3m": short, for people. */
char *when_span(int64_t ms, char buf[WHEN_TEXT]);

#endif
