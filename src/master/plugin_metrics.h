/*
 * plugin_metrics.h: what plugins measured, as their jobs' last runs said.
 *
 * A series is a metric of a job with its labels.  A run's series replace
 * those of the run before of the same job.  At most PLUGIN_SERIES of them in
 * all, and PLUGIN_JOB_SERIES of a job; what comes after that is counted.  Of
 * two plugins that mean another kind or unit by one name, the one whose job
 * is first by its name is shown.
 */
#ifndef MASTER_PLUGIN_METRICS_H
#define MASTER_PLUGIN_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "model/record.h"
#include "model/value.h"

#define PLUGIN_SERIES 10000
#define PLUGIN_JOB_SERIES 256
#define PLUGIN_JOB_METRICS 1024 /* looked at of a run */
#define PLUGIN_METRIC_LABELS 16
#define PLUGIN_METRIC_TEXT 256 /* bytes of a label's value */

struct master;
struct plugin_job;

struct plugin_metrics {
	struct plugin_job **jobs; /* by name */
	size_t n_jobs, room, n_series;
	uint64_t left_out;
};

/* The record of a run that has ended. */
void plugin_metrics_take(struct master *m, const struct record *r);
/* Adds families as of the message `metrics` (metrics.h) to an array. */
void plugin_metrics_add(const struct master *m, struct value *families);
void plugin_metrics_release(struct master *m);

#endif
