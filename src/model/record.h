/*
 * record.h: the job record (what one attempt of one job came to).
 *
 * The outside form, the JSON of docs/protocol.md, is made by
 * record_to_value(); record_release() frees everything the record owns.
 */
#ifndef MODEL_RECORD_H
#define MODEL_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strv.h"
#include "model/value.h"

enum job_state {
	JOB_QUEUED,
	JOB_RUNNING,
	JOB_SUCCEEDED,
	JOB_FAILED,
	JOB_TIMED_OUT,
	JOB_CANCELLED,
	JOB_DENIED, /* refused, or killed for an act never allowed */
	JOB_LOST,
};

const char *job_state_name(enum job_state state);
/* false where no state is called so. */
bool job_state_parse(const char *name, enum job_state *state);

struct agent_id {
	char *id; /* a UUID */
	char *host;
	struct value *labels; /* object */
};

struct record {
	int64_t id;
	char *name;
	char *plugin;
	enum job_state state;
	const char *trigger; /* "run", "schedule", ...: static text */
	int64_t attempt;
	int64_t scheduled_ms, started_ms, finished_ms; /* unix; 0: not yet */
	int64_t duration_ms;
	struct value *params; /* object */
	struct value *result; /* NULL: none */
	/* error_code is NULL where there was no error */
	char *error_code;
	char *error_message;
	char *error_hint;	  /* NULL: none */
	struct value *error_data; /* what the plugin added; NULL: none */
	int64_t retry_after_ms;	  /* -1: the plugin asked for no retry */
	int exit_code;		  /* -1: it did not exit by itself */
	int exit_signal;	  /* 0: none */
	int64_t cpu_ms;
	int64_t max_rss_bytes;
	struct value *metrics;	      /* array; NULL: none */
	struct value *denials;	      /* array of {access, object, allow} */
	struct value *sandbox;	      /* object: layer -> what was enforced */
	const struct agent_id *agent; /* borrowed */
};

void record_init(struct record *r);
void record_release(struct record *r); /* cleanup function */

/* Replaces an older error; `hint` may be NULL. */
void record_set_error(struct record *r, const char *code, const char *message,
		      const char *hint);

/*
 * The same for a plugin's own word, `own`: kept if it is one (letters, digits
 * and "_-.:/"), with "plugin_" before it if the agent or a state has the same;
 * `code` instead where it is none, or NULL.
 */
#define RECORD_CODE_MAX 64
void record_set_plugin_error(struct record *r, const char *own,
			     const char *code, const char *message);

struct value *record_to_value(const struct record *r);
/* Members of it: null where there was no error. */
struct value *record_error_value(const struct record *r);
struct value *agent_id_to_value(const struct agent_id *a); /* NULL is fine */

/* The exit status of `devops_agent run` for a job that ended so. */
int record_exit_status(const struct record *r);

#endif
