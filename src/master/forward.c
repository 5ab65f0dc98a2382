#include "master/forward.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/forward_parts.h"

/* While the store takes no changes. */
#define TROUBLE_MS 1000
/* Ends that are not measured yet before somebody looks. */
#define UNMEASURED_MAX 256

static const struct log_about about = { .component = "forward" };

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
forward_restart(struct master *m)
{
	struct err lost = ERR_INIT, e = ERR_INIT;
	struct destination *d;

	err_set(&lost, ERR_CONFLICT,
		"the database was damaged, and is a new one");
	TAILQ_FOREACH(d, &m->forward.list, link)
	{
		destination_give_up(d, &lost);
		store_cursor_release(&d->now.cursor);
		memset(&d->now, 0, sizeof(d->now));
		if (load(d, &e) < 0)
			log_event(LOG_LEVEL_ERROR, &about,
				  "destination %s: no cursor can be made: %s",
				  d->name, e.msg);
		destination_reset(d);
	}
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
