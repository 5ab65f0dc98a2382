#include "proto/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "proto/session_parts.h"

/* --- The states
 * ---------------------------------------------------------------- */

static const char *const state_names[] = {
	[SESSION_STARTING] = "starting", [SESSION_ASKED] = "asked",
	[SESSION_READY] = "ready",	 [SESSION_BUSY] = "busy",
	[SESSION_DEAD] = "dead",
};

enum event {
	EVENT_REQUEST,	   /* of the owner */
	EVENT_READY,	   /* the notification */
	EVENT_LOAD_FAILED, /* an error to no request in particular */
	EVENT_ANSWER,	   /* to the request that is under way */
	EVENT_STRAY,	   /* an answer to anything else */
	EVENT_END,	   /* of the stream */
	EVENTS
};

/* Where an event leads; or, with `refusal`, what is said of it. */
struct transition {
	enum session_state next;
	const char *refusal;
};

#define EARLY                                              \
	{                                                  \
		SESSION_DEAD, "an answer before \"ready\"" \
	}
#define STRAY                                           \
	{                                               \
		SESSION_DEAD, "an answer to no request" \
	}
#define AGAIN                                      \
	{                                          \
		SESSION_DEAD, "a second \"ready\"" \
	}
#define OVER                                          \
	{                                             \
		SESSION_DEAD, "the session has ended" \
	}

static const struct transition transitions[SESSION_STATES][EVENTS] = {
	[SESSION_STARTING] = {
		[EVENT_REQUEST] = { SESSION_ASKED, NULL },
		[EVENT_READY] = { SESSION_READY, NULL },
		[EVENT_LOAD_FAILED] = { SESSION_DEAD, NULL },
		[EVENT_ANSWER] = EARLY,
		[EVENT_STRAY] = EARLY,
		[EVENT_END] = { SESSION_DEAD, "ended before \"ready\"" },
	},
	[SESSION_ASKED] = {
		[EVENT_REQUEST] = { SESSION_ASKED, "a request is under way" },
		[EVENT_READY] = { SESSION_BUSY, NULL },
		[EVENT_LOAD_FAILED] = { SESSION_DEAD, NULL },
		[EVENT_ANSWER] = EARLY,
		[EVENT_STRAY] = EARLY,
		[EVENT_END] = { SESSION_DEAD, "ended before \"ready\"" },
	},
	[SESSION_READY] = {
		[EVENT_REQUEST] = { SESSION_BUSY, NULL },
		[EVENT_READY] = AGAIN,
		[EVENT_LOAD_FAILED] = STRAY,
		[EVENT_ANSWER] = { SESSION_DEAD, "a second answer" },
		[EVENT_STRAY] = STRAY,
		[EVENT_END] = { SESSION_DEAD, NULL },
	},
	[SESSION_BUSY] = {
		[EVENT_REQUEST] = { SESSION_BUSY, "a request is under way" },
		[EVENT_READY] = AGAIN,
		[EVENT_LOAD_FAILED] = STRAY,
		[EVENT_ANSWER] = { SESSION_READY, NULL },
		[EVENT_STRAY] = STRAY,
		[EVENT_END] = { SESSION_DEAD, "ended without an answer" },
	},
	[SESSION_DEAD] = {
		[EVENT_REQUEST] = OVER,
		[EVENT_READY] = OVER,
		[EVENT_LOAD_FAILED] = OVER,
		[EVENT_ANSWER] = OVER,
		[EVENT_STRAY] = OVER,
		[EVENT_END] = { SESSION_DEAD, NULL },
	},
};

const char *
session_state_name(enum session_state state)
{
	return state_names[state];
}

static const char *
step(struct session *s, enum event event)
{
	const struct transition *t = &transitions[s->state][event];

	s->state = t->next;
	return t->refusal;
}

/* The same for what a message does. */
static int
step_by(struct session *s, enum event event, const struct message *m,
	struct err *e)
{
	const char *refusal = step(s, event);
	char excerpt[TEXT_EXCERPT];

	if (!refusal)
		return 0;
	return err_set(e, ERR_USAGE, "at byte %llu: %s: %s",
		       (unsigned long long)m->at, refusal,
		       text_excerpt(m->s, m->len, excerpt));
}

/* --- Lifecycle
 * ------------------------------------------------------------------ */

void
session_init(struct session *s, size_t output_limit,
	     const struct session_handlers *handlers, void *arg)
{
	memset(s, 0, sizeof(*s));
	s->handlers = handlers;
	s->arg = arg;
	s->output_limit = output_limit;
	line_init(&s->lines, output_limit + SESSION_ENVELOPE);
}

void
session_release(struct session *s)
{
	buf_release(&s->out);
	buf_release(&s->scratch);
	strv_release(&s->methods);
	line_release(&s->lines);
	s->state = SESSION_DEAD;
}

/* What was counted for one job is told, and forgotten. */
static void
close_job(struct session *s)
{
	if (s->metrics > SESSION_METRICS_MAX)
		session_warn(s, "%zu metrics over %d were dropped",
			     s->metrics - SESSION_METRICS_MAX,
			     SESSION_METRICS_MAX);
	s->metrics = s->warnings = s->replies = 0;
}

/* --- What is sent
 * ----------------------------------------------------------------- */

static void
add_object(struct buf *out, const char *key, const struct value *v)
{
	buf_addf(out, "\"%s\":", key);
	if (v)
		json_encode(v, out);
	else
		buf_adds(out, "{}");
}

static void
add_request(struct buf *out, const struct session_request *r)
{
	buf_addf(out, "{\"jsonrpc\":\"2.0\",\"id\":%lld,\"method\":",
		 (long long)r->id);
	json_encode_string(r->method, strlen(r->method), out);
	buf_adds(out, ",\"params\":{");
	add_object(out, "input", r->input);
	buf_addf(out, ",\"job\":{\"id\":%lld,\"name\":", (long long)r->id);
	json_encode_string(r->job_name, strlen(r->job_name), out);
	buf_addf(out, ",\"attempt\":%lld,\"timeout_ms\":%lld},",
		 (long long)r->attempt, (long long)r->timeout_ms);
	add_object(out, "secrets", r->secrets);
	buf_adds(out, "}}\n");
}

int
session_request(struct session *s, const struct session_request *request,
		struct err *e)
{
	const char *refusal = transitions[s->state][EVENT_REQUEST].refusal;
	size_t before = s->out.len;

	if (refusal)
		return err_set(e, ERR_AGENT, "request %lld: %s",
			       (long long)request->id, refusal);
	add_request(&s->out, request);
	if (s->out.overflow) {
		s->out.len = before;
		s->out.overflow = false;
		return err_set(e, ERR_USAGE,
			       "request %lld: the parameters are "
			       "too large",
			       (long long)request->id);
	}
	close_job(s);
	s->id = request->id;
	s->asked = true;
	s->always = request->always;
	step(s, EVENT_REQUEST);
	return 0;
}

void
session_cancel(struct session *s)
{
	if (s->state == SESSION_ASKED || s->state == SESSION_BUSY)
		buf_addf(&s->out,
			 "{\"jsonrpc\":\"2.0\",\"method\":\"cancel\","
			 "\"params\":{\"id\":%lld}}\n",
			 (long long)s->id);
}

bool
session_has_method(const struct session *s, const char *method)
{
	return strv_has(&s->methods, method);
}

/* --- What comes
 * --------------------------------------------------------------------- */

static int
take_ready(struct session *s, const struct message *m, struct err *e)
{
	char sdk[SESSION_NAME_MAX + 1];

	if (step_by(s, EVENT_READY, m, e) < 0 ||
	    session_read_ready(s, m, sdk, e) < 0)
		return -1;
	if (s->handlers->ready)
		s->handlers->ready(s->arg, sdk, &s->methods);
	return 0;
}

static const struct notification {
	const char *name;
	int (*take)(struct session *s, const struct message *m, struct err *e);
	bool must; /* be right; else a malformed one is ignored */
} notifications[] = {
	{ "ready", take_ready, true },
	{ "log", session_take_log, false },
	{ "metric", session_take_metric, false },
	{ "progress", session_take_progress, false },
};

static void
warn_malformed(struct session *s, const char *name, const struct err *why)
{
	if (++s->warnings > SESSION_WARNINGS_MAX)
		return;
	session_warn(s, "a \"%s\" message was ignored: %s", name, why->msg);
	if (s->warnings == SESSION_WARNINGS_MAX)
		session_warn(s, "no further ignored message will be told of");
}

static int
take_notification(struct session *s, const struct message *m, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(notifications); i++) {
		const struct notification *n = &notifications[i];

		if (!json_text_is(m->method, n->name))
			continue;
		if (n->take(s, m, e) == 0)
			return 0;
		if (n->must)
			return -1;
		warn_malformed(s, n->name, e);
	}
	return 0;
}

/* The agent serves no method to plugins. */
static int
refuse_request(struct session *s, const struct message *m, struct err *e)
{
	if (m->id.len > SESSION_NAME_MAX)
		return err_set(e, ERR_USAGE,
			       "at byte %llu: an \"id\" of more "
			       "than %d bytes",
			       (unsigned long long)m->at, SESSION_NAME_MAX);
	if (++s->replies > SESSION_REPLIES_MAX)
		return err_set(e, ERR_USAGE,
			       "at byte %llu: more than %d requests "
			       "to the agent, which serves none",
			       (unsigned long long)m->at, SESSION_REPLIES_MAX);
	buf_addf(&s->out,
		 "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"error\":"
		 "{\"code\":-32601,\"message\":\"no such method\"}}\n",
		 (int)m->id.len, m->id.s);
	return 0;
}

static enum event
answer_event(const struct session *s, const struct message *m)
{
	int64_t id;

	if (m->error.s && json_kind(m->id) == JSON_IS_NULL)
		return EVENT_LOAD_FAILED;
	/* in SESSION_READY the id is that of the last answer */
	return json_to_int(m->id, &id) && s->asked && id == s->id ?
		       EVENT_ANSWER :
		       EVENT_STRAY;
}

static int
take_result(struct session *s, const struct message *m, struct err *e)
{
	if (m->result.len > s->output_limit)
		return err_set(e, ERR_USAGE,
			       "at byte %llu: a result of %zu "
			       "bytes; the limit is %zu",
			       (unsigned long long)m->at, m->result.len,
			       s->output_limit);
	close_job(s);
	if (s->handlers->result)
		s->handlers->result(s->arg, s->id, m->result);
	return 0;
}

static int
take_error(struct session *s, const struct message *m, bool loading,
	   struct err *e)
{
	struct session_error error = { 0 };

	if (session_read_error(s, m, &error, e) < 0)
		return -1;
	close_job(s);
	if (loading && s->handlers->load_failed)
		s->handlers->load_failed(s->arg, &error);
	else if (!loading && s->handlers->error)
		s->handlers->error(s->arg, s->id, &error);
	else
		value_free(error.data);
	return 0;
}

static int
take_answer(struct session *s, const struct message *m, struct err *e)
{
	enum event event = answer_event(s, m);

	if (step_by(s, event, m, e) < 0)
		return -1;
	if (m->result.s)
		return take_result(s, m, e);
	return take_error(s, m, event == EVENT_LOAD_FAILED, e);
}

/* --- Lines
 * ----------------------------------------------------------------------------
 */

static int
not_an_object(const struct line *line, size_t start, struct err *e)
{
	char excerpt[TEXT_EXCERPT];
	uint64_t at = line->at + start;

	if (start < line->len && line->s[start] == '[')
		return err_set(
			e, ERR_USAGE,
			"at byte %llu: an array; a message is one object",
			(unsigned long long)at);
	err_set(e, ERR_USAGE, "at byte %llu: no JSON object but \"%s\"",
		(unsigned long long)line->at,
		text_excerpt(line->s, line->len, excerpt));
	return err_hint(e, "standard output carries the protocol; print to "
			   "standard error, or declare another output: in the "
			   "header");
}

/* What the members that a message has must be among themselves. */
static const char *
misshapen(const struct message *m, struct json_text version)
{
	if (!json_text_is(version, "2.0"))
		return "a message without \"jsonrpc\":\"2.0\"";
	if (m->method.s)
		return m->result.s || m->error.s ?
			       "a message with \"method\" and an answer" :
			       NULL;
	if (m->result.s && m->error.s)
		return "an answer with both \"result\" and \"error\"";
	if (!m->result.s && !m->error.s)
		return "a message with none of \"method\", \"result\" and "
		       "\"error\"";
	return m->id.s ? NULL : "an answer without \"id\"";
}

static int
read_message(const struct line *line, struct message *m, struct err *e)
{
	struct json_field f[] = {
		{ "jsonrpc", JSON_IS_ANY, { 0 } },
		{ "id", JSON_IS_NUMBER | JSON_IS_STRING | JSON_IS_NULL, { 0 } },
		{ "method", JSON_IS_STRING, { 0 } },
		{ "params", JSON_IS_ANY, { 0 } },
		{ "result", JSON_IS_ANY, { 0 } },
		{ "error", JSON_IS_OBJECT, { 0 } },
	};
	const char *wrong;
	size_t start = 0;

	while (start < line->len && memchr(" \t\r", line->s[start], 3))
		start++;
	if (start == line->len || line->s[start] != '{')
		return not_an_object(line, start, e);
	if (json_pick(line->s, line->len, line->at, f, ARRAY_SIZE(f), e) < 0)
		return -1;
	*m = (struct message){
		.s = line->s,
		.len = line->len,
		.at = line->at,
		.id = f[1].value,
		.method = f[2].value,
		.params = f[3].value,
		.result = f[4].value,
		.error = f[5].value,
	};
	wrong = misshapen(m, f[0].value);
	if (!wrong)
		return 0;
	return err_set(e, ERR_USAGE, "at byte %llu: %s",
		       (unsigned long long)line->at, wrong);
}

static int
take_line(void *arg, const struct line *line, struct err *e)
{
	struct session *s = arg;
	struct message m = { .s = NULL };

	if (s->state == SESSION_DEAD)
		return 0;
	if (read_message(line, &m, e) < 0)
		return -1;
	if (!m.method.s)
		return take_answer(s, &m, e);
	return m.id.s ? refuse_request(s, &m, e) : take_notification(s, &m, e);
}

static int
die(struct session *s, struct err *e)
{
	s->state = SESSION_DEAD;
	close_job(s);
	return err_wrap(e, "standard output");
}

int
session_feed(struct session *s, const char *data, size_t len, struct err *e)
{
	struct err wrong = ERR_INIT;

	if (s->state == SESSION_DEAD)
		return 0;
	if (line_feed(&s->lines, data, len, take_line, s, &wrong) == 0)
		return 0;
	*e = wrong;
	return die(s, e);
}

int
session_end(struct session *s, struct err *e)
{
	const char *refusal;

	if (s->state == SESSION_DEAD)
		return 0;
	if (line_end(&s->lines, e) < 0)
		return die(s, e);
	refusal = step(s, EVENT_END);
	if (!refusal)
		return 0;
	err_set(e, ERR_USAGE, "at byte %llu: %s",
		(unsigned long long)s->lines.at, refusal);
	return die(s, e);
}
