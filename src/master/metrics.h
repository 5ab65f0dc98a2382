/*
 * metrics.h: what the agent measures of itself: a row each in metrics.c.
 *
 * docs/metrics.md is made from the table.
 */
#ifndef MASTER_METRICS_H
#define MASTER_METRICS_H

#include "base/buf.h"
#include "model/metrics.h"
#include "model/value.h"

struct master;
struct live_job;

void metrics_open(struct master *m);
void metrics_close(struct master *m);

void metrics_job_began(struct master *m, const struct live_job *j);
void metrics_job_ended(struct master *m, const struct live_job *j);

/* Look at what no event tells of; the two below do. */
void metrics_take(struct master *m);

/* All of it now: an array of {name, kind, labels, value}, a series each. */
struct value *metrics_value(struct master *m);

/*
 * The same, and what plugins measured, as Prometheus has it: an array of
 * {name, kind, unit, help, samples}, a sample being {labels, value} or, of a
 * histogram, {labels, count, sum, buckets: [{le, count}]}, summed up, the last
 * with le null.
 */
struct value *metrics_families(struct master *m);

/* docs/metrics.md. */
void metrics_write_reference(struct buf *out);

#endif
