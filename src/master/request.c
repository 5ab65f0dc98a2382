#include "master/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "master/master.h"
#include "master/messages.h"
#include "master/wait.h"

void
channel_init(struct channel *c, struct master *m, size_t out_max)
{
	*c = (struct channel){ .master = m };
	LIST_INIT(&c->requests);
	buf_init(&c->out, out_max);
}

void
channel_drop_requests(struct channel *c)
{
	struct request *q;

	while ((q = LIST_FIRST(&c->requests)))
		request_forget(q);
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

/* --- The end ------------------------------------------------------------ */

void
request_forget(struct request *q)
{
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
	if (q->id.text[0])
		rpc_add_result(&q->channel->out, &q->id, v);
	value_free(v);
	request_forget(q);
}

void
request_fail(struct request *q, const struct err *e, struct value *data)
{
	q->master->control.errors++;
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
