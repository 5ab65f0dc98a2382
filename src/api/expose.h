/*
 * expose.h: metrics as Prometheus reads them: its text format 0.0.4, and
 * OpenMetrics 1.0.
 *
 * The master tells families as JSON: {"families":[{"name","kind","unit",
 * "help","samples":[...]}]}. A sample is {"labels":{},"value":n}; of a
 * histogram {"labels":{},"count":n,"sum":x,"buckets":[{"le":x,"count":n}]},
 * the buckets cumulative, without the one above all.  Names are made to fit
 * the rules, labels that can't be are left out; what is not as told is
 * passed over, as part of it may be a plugin's.
 */
#ifndef API_EXPOSE_H
#define API_EXPOSE_H

#include "base/buf.h"
#include "base/err.h"
#include "model/metrics.h"
#include "proto/json.h"

enum expose_form {
	EXPOSE_TEXT,
	EXPOSE_OPENMETRICS,
	EXPOSE_FORMS,
};

extern const char *const expose_types[EXPOSE_FORMS]; /* their media types */

/* By Accept; -1: neither. */
int expose_choose(const char *accept);

int expose_write(struct json_text families, enum expose_form form,
		 struct buf *out, struct err *e);

#endif
