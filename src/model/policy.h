/*
 * policy.h: what becomes of a job beside its first run: how often and when it
 * is tried again, what the agent's own death means for it.
 *
 * It is kept with the job as one JSON object (policy_to_value()), so that a
 * queued job keeps its own policy whatever the configuration becomes.
 */
#ifndef MODEL_POLICY_H
#define MODEL_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "model/value.h"

/* What a plugin may ask for by job.Retry where nothing else is said. */
#define POLICY_ASKED_RETRIES 3
#define POLICY_BACKOFF_MS 5000
#define POLICY_MAX_BACKOFF_MS 300000
#define POLICY_PRIORITY_MAX 100

struct policy {
	int64_t retries;    /* attempts after the first; -1: only as asked */
	int64_t backoff_ms; /* before the second attempt */
	int64_t max_backoff_ms;
	bool rerun;	     /* after the agent's death; else the job is lost */
	int64_t timeout_ms;  /* 0: the plugin's own */
	bool by_path;	     /* `source` is a path, not a name */
	char *source;	     /* the plugin: its name, or the path of its file */
	char *method;	     /* NULL: run */
	bool memory_secrets; /* they were given with the job, and not kept */
};

void policy_init(struct policy *p);
void policy_release(struct policy *p); /* cleanup function */

struct value *policy_to_value(const struct policy *p);
/* What is absent or of a wrong type has its default. */
void policy_from_value(struct policy *p, const struct value *v);

/* Whether a job that failed in `attempt` (from 1) is to be tried again. */
bool policy_retries(const struct policy *p, int64_t attempt, bool asked);

/*
 * How long after a failed attempt (from 1) the next one is due: the backoff
 * doubles with each, up to its maximum; the upper half of that is spread by
 * `random` (any value), so that hosts that failed together do not come back
 * together (https://aws.amazon.com/builders-library/timeouts-retries-and-
 * backoff-with-jitter/, "equal jitter").
 */
int64_t policy_delay(const struct policy *p, int64_t attempt, uint64_t random);

#endif
