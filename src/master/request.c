#include "master/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "master/master.h"
#include "master/messages.h"
#include "master/wait.h"

/* A larger buffer is not kept once it is empty. */
#define KEEP (1UL << 20)

void
channel_init(struct channel *c, struct master *m, size_t out_max)
{
	*c = (struct channel){ .master = m };
	LIST_INIT(&c->requests);
	buf_init(&c->out, out_max);
}

void
channel_sent(struct channel *c, size_t n)
{
	c->sent += n;
	/* each byte is moved once at most, on average */
	if (c->sent * 2 < c->out.len)
		return;
	buf_consume(&c->out, c->sent);
	c->sent = 0;
	/* what much was asked for once is not kept for */
	if (!c->out.len && c->out.cap > KEEP) {
		size_t max = c->out.max;

		buf_release(&c->out);
		buf_init(&c->out, max);
	}
}

void
channel_drop_requests(struct channel *c)
{
	struct request *q, *next;

	for (q = LIST_FIRST(&c->requests); q; q = next) {
		next = LIST_NEXT(q, by_channel);
		request_forget(q);
	}
}

void
channel_release(struct channel *c)
{
	channel_drop_requests(c);
	buf_release(&c->out);
}

struct request *
request_new(struct channel *c, const struct caller *caller,
	    const struct rpc_id *id)
{
	struct request *q = xcalloc(1, sizeof(*q));

	q->master = c->master;
	q->channel = c;
	q->caller = *caller;
	q->id = *id;
	LIST_INSERT_HEAD(&c->requests, q, by_channel);
	c->n_requests++;
	return q;
}

struct request *
request_find(const struct channel *c, const char *id)
{
	struct request *q;

	LIST_FOREACH(q, &c->requests, by_channel)
	if (strcmp(q->id.text, id) == 0)
		return q;
	return NULL;
}

/* --- Tickets ------------------------------------------------------------ */

struct ticket {
	struct request *q;
};

struct ticket *
ticket_for(struct request *q)
{
	q->ticket = xmalloc(sizeof(*q->ticket));
	q->ticket->q = q;
	return q->ticket;
}

struct request *
ticket_take(struct ticket *t)
{
	struct request *q = t->q;

	if (q)
		q->ticket = NULL;
	free(t);
	return q;
}

void
ticket_drop(struct request *q)
{
	free(steal_ptr(&q->ticket));
}

/* --- Audit -------------------------------------------------------------- */

/* Names and numbers of the parameters; never params or secrets. */
static void
audit_begin(struct request *q, const struct message *msg, unsigned where,
	    const struct value *params)
{
	static const char *const shown[] = { "id",	"name", "plugin",
					     "command", "role", "key" };
	_buf_ struct buf text = { .max = 1024 };

	/* on this host's socket the agent's own account is at work all day */
	if (msg->role < (where == MESSAGE_API ? ROLE_OPERATOR : ROLE_ADMIN))
		return;
	buf_adds(&text, msg->method);
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		const struct value *v = value_get(params, shown[i]);

		if (v && v->type == VALUE_STRING)
			buf_addf(&text, " %s=%.200s", shown[i], v->u.string.s);
		else if (v && v->type == VALUE_INT)
			buf_addf(&text, " %s=%lld", shown[i],
				 (long long)v->u.integer);
	}
	q->audit = buf_steal(&text);
}

/* Who, from where, what, and what came of it. */
static void
audit_end(struct request *q, const char *outcome, const char *why)
{
	static const struct log_about about = { .component = "audit" };
	const struct caller *c = &q->caller;

	if (!q->audit)
		return;
	log_event(LOG_LEVEL_INFO, &about, "%s%s%s: %s: %s%s%s", c->name,
		  c->address[0] ? " from " : "", c->address, q->audit, outcome,
		  *why ? ": " : "", why);
	free(steal_ptr(&q->audit));
}

static void
audit_done(struct request *q, const struct value *v)
{
	int64_t id = value_get_int(v, "id", 0);
	char text[32] = "";

	if (id)
		snprintf(text, sizeof(text), "job %lld", (long long)id);
	audit_end(q, "done", text);
}

/* --- The end ------------------------------------------------------------ */

void
request_forget(struct request *q)
{
	audit_end(q, "not waited for", "");
	if (q->ticket)
		q->ticket->q = NULL;
	if (q->release)
		q->release(q);
	wait_remove(q);
	loop_timer_cancel(&q->timer);
	LIST_REMOVE(q, by_channel);
	q->channel->n_requests--;
	free(q);
}

void
request_answer(struct request *q, struct value *v)
{
	audit_done(q, v);
	if (q->id.text[0])
		rpc_add_result(&q->channel->out, &q->id, v);
	value_free(v);
	request_forget(q);
}

void
request_fail(struct request *q, const struct err *e, struct value *data)
{
	q->master->control.errors++;
	audit_end(q, "refused", e->msg);
	if (q->id.text[0])
		rpc_add_error(&q->channel->out, &q->id, RPC_FAILED, e, data);
	value_free(data);
	request_forget(q);
}

void
request_notify(struct request *q, const char *method, struct value *params)
{
	if (q->channel->tagged)
		value_set(params, "request",
			  value_raw(q->id.text, strlen(q->id.text)));
	rpc_add_notification(&q->channel->out, method, params);
	value_free(params);
}

void
request_stream(struct request *q)
{
	if (q->channel->tagged)
		request_notify(q, "stream", value_object());
}

/* --- The beginning ------------------------------------------------------ */

void
request_take(struct channel *c, const struct caller *caller,
	     const struct rpc_request *r, unsigned where)
{
	struct master *m = c->master;
	const struct message *msg = message_find(r->method, where);
	struct request *q = request_new(c, caller, &r->id);
	_value_ struct value *data = NULL;
	struct err e = ERR_INIT;
	int rc = -1;

	m->control.requests++;
	if (msg)
		audit_begin(q, msg, where, r->params);
	if (!msg)
		message_unknown(r->method, where, &e);
	else if (caller->role < msg->role)
		message_refuse(msg, caller, &e);
	else if (c->n_requests > CHANNEL_REQUESTS_MAX)
		err_set(&e, ERR_TOO_MANY, "%d requests wait already",
			CHANNEL_REQUESTS_MAX);
	else if (message_check(msg, r->params, &e) == 0)
		rc = msg->handle(m, q, r->params, &data, &e);
	if (rc < 0)
		request_fail(q, &e, steal_ptr(&data));
}
