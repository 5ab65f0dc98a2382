/*
 * messages.h: what a client may ask for: a row each in messages.c.
 *
 * docs/control.md describes them to the outside.
 */
#ifndef MASTER_MESSAGES_H
#define MASTER_MESSAGES_H

#include "master/request.h"

/*
 * Answer by request_answer(), now or later, and return 0; or fill `e` (and
 * *data, taken over by the caller) and return -1, which is the answer.
 * `params` is an object whose members the row's `takes` has checked.
 */
typedef int message_fn(struct master *m, struct request *q,
		       const struct value *params, struct value **data,
		       struct err *e);

enum param_kind {
	PARAM_STRING,
	PARAM_NAME,  /* of a job, a plugin, a schedule */
	PARAM_COUNT, /* a whole number, not negative */
	PARAM_ID,    /* a job's, from 1 */
	PARAM_PRIORITY,
	PARAM_BOOL,
	PARAM_OBJECT,
	PARAM_TIME,   /* RFC 3339 */
	PARAM_STATES, /* one name of a state, or a list of them */
};

struct param {
	const char *name; /* NULL after the last */
	enum param_kind kind;
	bool required;
};

enum message_where {
	MESSAGE_LOCAL = 1 << 0, /* the agent's socket */
	MESSAGE_API = 1 << 1,	/* the HTTP API */
	MESSAGE_ANYWHERE = MESSAGE_LOCAL | MESSAGE_API,
};

struct message {
	const char *method;
	enum role role; /* the least that may */
	unsigned where; /* set of enum message_where */
	const struct param *takes;
	message_fn *handle;
};

/* NULL where there is none of that name there. */
const struct message *message_find(const char *method, unsigned where);
/* Each in turn; NULL after the last. */
const struct message *message_at(size_t i);
int message_unknown(const char *method, unsigned where, struct err *e);
int message_refuse(const struct message *msg, const struct caller *caller,
		   struct err *e);
/* That `params` are such as the message takes. */
int message_check(const struct message *msg, const struct value *params,
		  struct err *e);

message_fn on_status, on_events, on_metrics, on_health;
message_fn on_token_add, on_token_list, on_token_revoke;
message_fn on_plugin_list, on_plugin_get;
message_fn on_job_submit, on_job_list, on_job_get, on_job_logs, on_job_wait,
	on_job_cancel, on_job_retry;
message_fn on_schedule_list, on_schedule_next, on_schedule_add,
	on_schedule_remove, on_schedule_trigger, on_schedule_pause,
	on_schedule_resume;
message_fn on_forward_status, on_forward_replay;

#endif
