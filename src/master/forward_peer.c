/* What the forwarder asks for and says: the master's end of its channel. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/forward_parts.h"

/* How long a batch.next may wait. */
#define WAIT_MOST_MS 600000
/* Between looks at what a refused secret is by now. */
#define RENEW_MS 10000

static const struct log_about about = { .component = "forward" };

const char *const destination_states[DESTINATION_STATES] = {
	[DESTINATION_STARTING] = "starting", [DESTINATION_OK] = "ok",
	[DESTINATION_RETRYING] = "retrying", [DESTINATION_HELD] = "held",
	[DESTINATION_STOPPED] = "stopped",
};

static void
forget_waiting(struct request *q)
{
	struct destination *d = q->data;

	d->waiting = NULL;
	loop_timer_cancel(&d->timer);
}

static int64_t
bounded(const struct value *params, const char *key, int64_t most)
{
	int64_t n = value_get_int(params, key, most);

	return n < 1 ? 1 : n > most ? most : n;
}

/* Nothing: reading begins anew. Else behind what was handed out last. */
static int
go_on(struct destination *d, const struct value *after, struct err *e)
{
	char position[32];

	if (!after || after->type == VALUE_NULL) {
		destination_restart(d);
		return 0;
	}
	snprintf(position, sizeof(position), "%llu.e",
		 (unsigned long long)d->handed);
	if (after->type == VALUE_STRING &&
	    strcmp(after->u.string.s, position) == 0)
		return 0;
	return err_set(e, ERR_CONFLICT,
		       "nothing was handed out to destination %s up to there",
		       d->name);
}

static int
on_next(struct destination *d, struct request *q, const struct value *params,
	struct err *e)
{
	int64_t wait_ms = value_get_int(params, "wait_ms", 0);

	if (d->waiting)
		return err_set(e, ERR_USAGE,
			       "destination %s waits for a batch already",
			       d->name);
	if (go_on(d, value_get(params, "after"), e) < 0)
		return -1;
	if (d->n_batches >= FORWARD_BATCHES)
		return err_set(e, ERR_USAGE,
			       "%d batches of destination %s are under way",
			       FORWARD_BATCHES, d->name);
	d->want_records = bounded(params, "records", 10000);
	d->want_bytes = bounded(params, "bytes", CONFIG_BATCH_BYTES_MAX);
	if (wait_ms < 0 || wait_ms > WAIT_MOST_MS)
		wait_ms = WAIT_MOST_MS;
	d->wait_until_ms = clock_mono_ms() + wait_ms;
	d->waiting = q;
	q->data = d;
	q->release = forget_waiting;
	destination_serve(d);
	return 0;
}

static const struct {
	const char *method;
	int (*handle)(struct destination *d, struct request *q,
		      const struct value *params, struct err *e);
} requests[] = {
	{ "batch.next", on_next },
	{ "batch.done", destination_done },
};

static void
on_request(struct peer *p, const struct rpc_request *r)
{
	static const struct caller caller = { .uid = (uid_t)-1,
					      .name = "forward" };
	struct request *q = request_new(peer_channel(p), &caller, &r->id);
	const char *name = value_get_string(r->params, "destination", "");
	struct destination *d = forward_find(p->master, name);
	struct err e = ERR_INIT;

	if (!d)
		err_set(&e, ERR_NOT_FOUND,
			"destination \"%.64s\" is not configured", name);
	for (size_t i = 0; d && i < ARRAY_SIZE(requests); i++) {
		if (strcmp(requests[i].method, r->method) != 0)
			continue;
		if (requests[i].handle(d, q, r->params, &e) == 0)
			return;
		d = NULL;
	}
	if (d)
		err_set(&e, ERR_USAGE, "no method \"%.64s\"", r->method);
	request_fail(q, &e, NULL);
}

static enum destination_state
state_of(const char *name)
{
	for (int i = 0; i < DESTINATION_STATES; i++)
		if (strcmp(destination_states[i], name) == 0)
			return (enum destination_state)i;
	return DESTINATION_STARTING;
}

static void
log_state(const struct destination *d, enum destination_state before)
{
	bool is_bad =
		d->state == DESTINATION_HELD || d->state == DESTINATION_STOPPED;

	if (d->state == DESTINATION_OK && before == DESTINATION_STARTING)
		return;
	log_event(is_bad		     ? LOG_LEVEL_ERROR :
		  d->state == DESTINATION_OK ? LOG_LEVEL_INFO :
					       LOG_LEVEL_WARN,
		  &about, "destination %s: %s%s%s", d->name,
		  destination_states[d->state], d->error[0] ? ": " : "",
		  d->error);
}

/* A token that was refused may be renewed by now, in the file it came from. */
static void
renew(void *arg)
{
	struct master *m = arg;
	const struct destination *d;

	master_renew_destinations(m);
	TAILQ_FOREACH(d, &m->forward.list, link)
	if (d->state == DESTINATION_HELD && d->config->written) {
		loop_timer_set(m->loop, &m->forward.renew_timer,
			       clock_mono_ms() + RENEW_MS, renew, m);
		return;
	}
}

static void
on_notified(struct peer *p, const struct rpc_request *r)
{
	const struct value *v = r->params;
	struct destination *d =
		forward_find(p->master, value_get_string(v, "name", ""));
	enum destination_state before;

	if (strcmp(r->method, "destination") != 0 || !d)
		return;
	before = d->state;
	d->state = state_of(value_get_string(v, "state", ""));
	snprintf(d->error, sizeof(d->error), "%s",
		 value_get_string(v, "error", ""));
	d->status = value_get_int(v, "status", 0);
	d->since_ms = value_get_int(v, "since_ms", clock_real_ms());
	d->retry_at_ms = value_get_int(v, "retry_at_ms", 0);
	if (d->state != DESTINATION_OK)
		d->errors++;
	if (d->state != before)
		log_state(d, before);
	if (d->state == DESTINATION_HELD && d->config->written &&
	    !loop_timer_is_set(&p->master->forward.renew_timer))
		loop_timer_set(p->master->loop, &p->master->forward.renew_timer,
			       clock_mono_ms(), renew, p->master);
}

static void
on_down(struct peer *p)
{
	struct destination *d;

	TAILQ_FOREACH(d, &p->master->forward.list, link)
	{
		destination_restart(d);
		d->state = DESTINATION_STARTING;
		d->since_ms = clock_real_ms();
		d->retry_at_ms = d->status = 0;
		d->error[0] = '\0';
	}
}

static bool
is_wanted(const struct master *m)
{
	return m->setup->config.forward.n > 0;
}

static struct value *
configure(struct master *m)
{
	const struct config *c = &m->setup->config;
	struct value *v = value_object();
	struct value *list;

	value_set(v, "agent", agent_id_to_value(&m->agent));
	list = value_set(v, "destinations", value_array());
	for (size_t i = 0; i < c->forward.n; i++)
		value_append(list,
			     config_destination_value(&c->forward.items[i]));
	return v;
}

const struct peer_kind forward_peer = {
	.name = "forward",
	.program = "devops_agent-forward",
	.line_max = FORWARD_LINE_MAX,
	.out_pause = FORWARD_OUT_PAUSE,
	.out_max = FORWARD_OUT_MAX,
	.wanted = is_wanted,
	.configure = configure,
	.request = on_request,
	.notified = on_notified,
	.down = on_down,
};
