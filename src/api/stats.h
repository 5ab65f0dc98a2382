/*
 * stats.h: what the api measures of itself; a part of /metrics.
 *
 * One set in a process: stats_open() once, before anything is counted.
 */
#ifndef API_STATS_H
#define API_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "model/metrics.h"

void stats_open(void);
void stats_close(void);

/* A request that was answered: its route's id, or "none". */
void stats_request(const char *route, int status, int64_t us);
void stats_bytes(int64_t in, int64_t out);
/* A connection or a request that was turned away before it was a request. */
void stats_rejected(const char *reason);
void stats_connections(size_t n);
void stats_streams(size_t n);
void stats_stream_dropped(void);
/* When the certificate ends, in seconds since 1970; 0: none. */
void stats_certificate(int64_t ends_s);

const struct metrics *stats_metrics(void); /* NULL: never opened */

#endif
