#include "master/forward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/forward_parts.h"

/* How long a batch.next may wait. */
#define WAIT_MOST_MS 600000
/* While the store takes no changes. */
#define TROUBLE_MS 1000
/* Ends that are not measured yet before somebody looks. */
#define UNMEASURED_MAX 256
/* Between looks at what a refused secret is by now. */
#define RENEW_MS 10000

static const struct log_about about = { .component = "forward" };

const char *const destination_states[DESTINATION_STATES] = {
	[DESTINATION_STARTING] = "starting", [DESTINATION_OK] = "ok",
	[DESTINATION_RETRYING] = "retrying", [DESTINATION_HELD] = "held",
	[DESTINATION_STOPPED] = "stopped",
};

/* --- Batches for who waits ------------------------------------------------ */

static void
on_timer(void *arg)
{
	destination_serve(arg);
}

static void
serve_at(struct destination *d, int64_t mono_ms)
{
	loop_timer_set(d->master->loop, &d->timer, mono_ms, on_timer, d);
}

static struct request *
take_waiting(struct destination *d)
{
	struct request *q = steal_ptr(&d->waiting);

	loop_timer_cancel(&d->timer);
	q->release = NULL;
	return q;
}

/* Answers are written as they are: there may be a MiB of records in one. */
static void
open_answer(struct destination *d, struct buf *out, uint64_t batch)
{
	buf_addf(out,
		 "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"batch\":"
		 "\"%llu.e\",\"records\":[",
		 d->waiting->id.text, (unsigned long long)batch);
}

static void
close_answer(struct destination *d, struct buf *out)
{
	buf_addf(out, "],\"more\":%s}}\n",
		 destination_jobs(d) > 0 ? "true" : "false");
	request_forget(take_waiting(d));
}

static void
answer_nothing(struct destination *d)
{
	struct buf *out = &d->waiting->channel->out;

	open_answer(d, out, d->handed);
	close_answer(d, out);
}

/* 0: answered, or there is nothing; 1: again, as there may be more. */
static int
read_batch(struct destination *d, struct err *e)
{
	struct buf *out = &d->waiting->channel->out;
	size_t before = out->len;
	struct batch *b = NULL;
	int rc;

	open_answer(d, out, d->last_batch + 1);
	rc = batch_read(d, out, &b, e);
	if (b && b->n) {
		d->handed = b->id;
		close_answer(d, out);
		return 0;
	}
	out->len = before;
	if (!b)
		return rc;
	/* nothing of it is for the forwarder */
	destination_apply(d);
	return 1;
}

static void
fail_waiting(struct destination *d, const struct err *e)
{
	request_fail(take_waiting(d), e, NULL);
}

static int
look(struct destination *d, struct err *e)
{
	int rc = destination_measure(d, e);

	if (rc == 0 && destination_jobs(d) <= 0)
		rc = destination_has_lines(d, e) > 0 ? 0 : 2;
	if (rc == 0)
		rc = read_batch(d, e);
	return rc;
}

static void
serve(struct destination *d)
{
	int64_t now = clock_mono_ms();
	struct err e = ERR_INIT;
	int rc = look(d, &e);

	if (!d->waiting)
		return;
	if (rc < 0)
		fail_waiting(d, &e);
	else if (rc == 1)
		serve_at(d, now);
	else if (now >= d->wait_until_ms)
		answer_nothing(d);
	else
		serve_at(d, d->wait_until_ms);
}

void
destination_serve(struct destination *d)
{
	if (!d->waiting)
		return;
	if (d->master->changes.trouble.kind == ERR_NONE)
		serve(d);
	else if (clock_mono_ms() >= d->wait_until_ms)
		answer_nothing(d);
	else
		serve_at(d, clock_mono_ms() + TROUBLE_MS);
}

/* --- Destinations --------------------------------------------------------- */

static bool
wants_job(void *arg, const char *name)
{
	struct destination *d = arg;

	return config_destination_wants(d->config, name);
}

static int64_t
line_of(void *arg, int64_t job)
{
	return destination_line(arg, job);
}

void
destination_read_anew(struct destination *d)
{
	const struct batch *b;

	d->reading = destination_progress(d)->cursor.owed;
	d->scanned[1].at = 0;
	TAILQ_FOREACH(b, &d->batches, link)
	ranges_take(&d->reading, b->start.to, b->end.to);
}

void
destination_restart(struct destination *d)
{
	struct err moved = ERR_INIT;
	struct batch *b, *next;

	for (b = TAILQ_FIRST(&d->batches); b; b = next) {
		next = TAILQ_NEXT(b, link);
		/* what is in the change that is pending stays till then */
		if (d->change.pending && b->applied > b->kept_at) {
			b->settled = b->applied;
			continue;
		}
		TAILQ_REMOVE(&d->batches, b, link);
		d->n_batches--;
		batch_free(b);
	}
	d->handed = 0;
	destination_read_anew(d);
	if (!d->waiting)
		return;
	err_set(&moved, ERR_CONFLICT,
		"destination %s begins anew at its cursor", d->name);
	fail_waiting(d, &moved);
}

void
destination_reset(struct destination *d)
{
	struct progress *both[] = { &d->now, &d->next };

	destination_restart(d);
	for (size_t i = 0; i < ARRAY_SIZE(both); i++)
		both[i]->counted = both[i]->jobs = both[i]->bytes = 0;
}

struct destination *
forward_find(struct master *m, const char *name)
{
	struct destination *d;

	TAILQ_FOREACH(d, &m->forward.list, link)
	if (strcmp(d->name, name) == 0)
		return d;
	return NULL;
}

static void
configure_one(struct destination *d, const struct config_destination *config)
{
	d->config = config;
	d->wanted = (struct store_wanted){
		.jobs = config->select.records & CONFIG_RECORD_JOB,
		.logs = config->select.records & CONFIG_RECORD_LOG,
		.job = wants_job,
		.line = line_of,
		.arg = d,
	};
}

/* As it was left; a new one gets what its buffer would still hold. */
static int
load(struct destination *d, struct err *e)
{
	struct store *s = d->master->store;
	int64_t now = clock_real_ms(), age = d->config->buffer.age_ms;

	if (store_cursor_get(s, d->name, &d->now.cursor, e) == 0)
		return 0;
	if (e->kind != ERR_NOT_FOUND)
		return -1;
	*e = (struct err)ERR_INIT;
	if (store_cursor_start(s, d->name, now, age ? now - age : 0,
			       &d->now.cursor, e) < 0)
		return -1;
	destination_edit(d);
	return 0;
}

static void
add(struct master *m, const struct config_destination *config)
{
	struct destination *d = xcalloc(1, sizeof(*d));
	struct err e = ERR_INIT;

	d->master = m;
	d->name = xstrdup(config->name);
	d->since_ms = clock_real_ms();
	TAILQ_INIT(&d->batches);
	configure_one(d, config);
	if (load(d, &e) < 0) {
		/* it is tried again by the next reload, or start */
		log_event(LOG_LEVEL_ERROR, &about,
			  "destination %s: its cursor can't be read: %s",
			  d->name, e.msg);
		free(d->name);
		free(d);
		return;
	}
	destination_read_anew(d);
	TAILQ_INSERT_TAIL(&m->forward.list, d, link);
	m->forward.n++;
}

static void
remove_one(struct master *m, struct destination *d)
{
	struct err gone = ERR_INIT;
	struct batch *b;

	err_set(&gone, ERR_NOT_FOUND, "destination %s is not configured",
		d->name);
	if (d->waiting)
		fail_waiting(d, &gone);
	change_drop(m, &d->change);
	loop_timer_cancel(&d->timer);
	loop_timer_cancel(&d->limit_timer);
	if (d->telling) {
		d->telling->release = NULL;
		request_fail(steal_ptr(&d->telling), &gone, NULL);
	}
	while ((b = TAILQ_FIRST(&d->batches))) {
		TAILQ_REMOVE(&d->batches, b, link);
		batch_free(b);
	}
	store_cursor_release(&d->now.cursor);
	store_cursor_release(&d->next.cursor);
	TAILQ_REMOVE(&m->forward.list, d, link);
	m->forward.n--;
	free(d->name);
	free(d);
}

void
forward_open(struct master *m)
{
	const struct config *c = &m->setup->config;

	TAILQ_INIT(&m->forward.list);
	for (size_t i = 0; i < c->forward.n; i++)
		add(m, &c->forward.items[i]);
}

void
forward_close(struct master *m)
{
	struct destination *d;

	loop_timer_cancel(&m->forward.renew_timer);
	while ((d = TAILQ_FIRST(&m->forward.list)))
		remove_one(m, d);
}

/* What is wanted of it is another: what it is owed is measured anew. */
static bool
selects_alike(const struct config_destination *a,
	      const struct config_destination *b)
{
	return a->select.records == b->select.records &&
	       value_equal(a->select.jobs, b->select.jobs);
}

/* The old configuration is still there. */
void
forward_reload(struct master *m)
{
	const struct config *c = &m->setup->config;
	struct destination *d, *next;

	for (d = TAILQ_FIRST(&m->forward.list); d; d = next) {
		const struct config_destination *config =
			config_find_destination(c, d->name);
		bool alike = config && selects_alike(d->config, config);

		next = TAILQ_NEXT(d, link);
		if (!config) {
			remove_one(m, d);
			continue;
		}
		configure_one(d, config);
		if (!alike)
			destination_reset(d);
	}
	for (size_t i = 0; i < c->forward.n; i++)
		if (!forward_find(m, c->forward.items[i].name))
			add(m, &c->forward.items[i]);
}

void
forward_turn(struct master *m)
{
	struct destination *d;
	int64_t last = store_last_seq(m->store);
	bool logged = m->services.running > 0 &&
		      m->changes.written != m->forward.written;

	m->forward.written = m->changes.written;
	TAILQ_FOREACH(d, &m->forward.list, link)
	{
		if (d->waiting &&
		    (last >= d->now.counted || (logged && d->wanted.logs)))
			destination_serve(d);
		else if (last - d->now.counted >= UNMEASURED_MAX &&
			 !loop_timer_is_set(&d->limit_timer))
			destination_limit(d);
	}
}

/* --- What the forwarder says ---------------------------------------------- */

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
