/*
 * What a destination is owed: how much, how much of it its buffer holds, and
 * what it is owed again.
 *
 * All of it goes through the store in steps, as there may be millions of
 * records; until all is measured the destination gets no batch.
 */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/forward_parts.h"

static const struct log_about about = { .component = "forward" };

/* --- Measuring ------------------------------------------------------------ */

/* What of the ranges was not measured yet; false: nothing. */
static bool
unmeasured(const struct progress *p, struct range *r)
{
	for (size_t i = 0; i < p->cursor.owed.n; i++) {
		*r = p->cursor.owed.items[i];
		if (r->until <= p->counted)
			continue;
		if (r->from.at < p->counted)
			r->from = (struct position){ p->counted, 0 };
		return true;
	}
	return false;
}

/* What is pending and what is on disk are measured alike. */
static void
add_measured(struct destination *d, int64_t counted,
	     const struct store_owed *owed)
{
	struct progress *both[] = { &d->now,
				    d->change.pending ? &d->next : NULL };

	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		if (!both[i])
			continue;
		both[i]->counted = counted;
		both[i]->jobs += owed->jobs;
		both[i]->bytes += owed->bytes;
	}
}

static int drop_newest(struct destination *d, struct range r, struct err *e);

/* How much more its buffer holds; 0 where that does not matter. */
static int64_t
room(const struct destination *d, const struct progress *p)
{
	int64_t most = d->config->buffer.size_bytes;

	if (!most || d->config->buffer.full != CONFIG_FULL_DROP_NEWEST)
		return 0;
	return most > p->bytes ? most - p->bytes : -1;
}

/* 1: not all of it yet. */
static int
measure_range(struct destination *d, struct range r, struct err *e)
{
	struct progress *p = destination_progress(d);
	struct store_measure until = {
		.deadline_us = clock_mono_us() + FORWARD_LOOK_US,
		.bytes = room(d, p),
	};
	struct store_owed owed = { 0 };
	int rc;

	if (until.bytes < 0)
		return drop_newest(d, r, e);
	rc = store_owed_measure(d->master->store, &r, &d->wanted, &until, &owed,
				e);
	if (rc < 0)
		return -1;
	add_measured(d, r.from.at, &owed);
	if (rc > 0 && until.bytes && clock_mono_us() < until.deadline_us)
		return drop_newest(d, r, e);
	return rc;
}

int
destination_measure(struct destination *d, struct err *e)
{
	struct range r;
	int rc = 0;

	while (rc == 0 && unmeasured(destination_progress(d), &r)) {
		rc = measure_range(d, r, e);
		if (r.until == RANGE_OPEN)
			break;
	}
	return rc;
}

int64_t
destination_jobs(struct destination *d)
{
	int64_t jobs = destination_progress(d)->jobs;
	const struct batch *b;

	TAILQ_FOREACH(b, &d->batches, link)
	if (!batch_is_over(b))
		jobs -= b->end.jobs - batch_base(b)->jobs;
	return jobs;
}

int64_t
destination_bytes(struct destination *d)
{
	int64_t bytes = destination_progress(d)->bytes;
	const struct batch *b;

	TAILQ_FOREACH(b, &d->batches, link)
	if (!batch_is_over(b))
		bytes -= b->end.bytes - batch_base(b)->bytes;
	return bytes;
}

/* --- Limits --------------------------------------------------------------- */

/* One that is under way from the start of what is owed. */
static struct batch *
first_batch(struct destination *d, struct position from)
{
	struct batch *b;

	TAILQ_FOREACH(b, &d->batches, link)
	if (!batch_is_over(b) &&
	    position_compare(batch_base(b)->to, from) == 0 &&
	    position_compare(b->end.to, from) > 0)
		return b;
	return NULL;
}

/*
 * It may yet be done, and then it counts as not dropped; but nothing is kept
 * for it any more.
 */
static void
drop_batch(struct destination *d, struct batch *b, enum store_drop why)
{
	struct progress *p = destination_edit(d);
	const struct mark *from = batch_base(b);

	ranges_take(&p->cursor.owed, from->to, b->end.to);
	p->cursor.dropped[why] += (int64_t)(b->n - b->applied);
	p->cursor.dropped[STORE_DROP_RETENTION] +=
		b->end.missing - from->missing;
	p->jobs -= b->end.jobs - from->jobs;
	p->bytes -= b->end.bytes - from->bytes;
	b->dropped = (int)why;
}

static int64_t
records_of(const struct destination *d, const struct store_owed *owed)
{
	return (d->wanted.jobs ? owed->jobs : 0) + owed->lines;
}

static void
drop_range(struct destination *d, const struct position from,
	   const struct position to, const struct store_owed *owed,
	   enum store_drop why)
{
	struct progress *p = destination_edit(d);

	ranges_take(&p->cursor.owed, from, to);
	ranges_take(&d->reading, from, to);
	d->scanned[1].at = 0;
	p->cursor.dropped[why] += records_of(d, owed);
	p->cursor.dropped[STORE_DROP_RETENTION] += owed->missing;
	p->jobs -= owed->jobs;
	p->bytes -= owed->bytes;
}

/* What came while its buffer was full, and was not measured yet. */
static int
drop_newest(struct destination *d, struct range r, struct err *e)
{
	const struct store_measure until = {
		.lines = d->wanted.logs,
		.deadline_us = clock_mono_us() + FORWARD_LOOK_US,
	};
	struct position from = r.from;
	struct store_owed owed = { 0 };
	int rc = store_owed_measure(d->master->store, &r, &d->wanted, &until,
				    &owed, e);

	if (rc < 0)
		return -1;
	if (position_compare(from, r.from) == 0)
		return rc;
	add_measured(d, r.from.at, &owed);
	drop_range(d, from, r.from, &owed, STORE_DROP_SIZE);
	return rc;
}

/* Where what is under way begins within a range, nothing is read past it. */
static int64_t
end_of_idle(const struct destination *d, const struct range *r)
{
	int64_t end = r->until;
	const struct batch *b;

	TAILQ_FOREACH(b, &d->batches, link)
	if (!batch_is_over(b) && b->start.to.at < end &&
	    position_compare(b->start.to, r->from) > 0 &&
	    position_compare(b->start.to, b->end.to) < 0)
		end = b->start.to.at;
	return end;
}

/* The oldest, while `until` says so. 1: there may be more, 0: no more. */
static int
drop_oldest(struct destination *d, struct store_measure *until,
	    enum store_drop why, struct err *e)
{
	const struct progress *p = destination_progress(d);
	struct store_owed owed = { 0 };
	struct position from;
	struct range r;
	struct batch *b;
	int64_t ms = 0;
	int rc;

	if (!p->cursor.owed.n || p->jobs == 0)
		return 0;
	r = p->cursor.owed.items[0];
	from = r.from;
	b = first_batch(d, from);
	if (b && until->before_ms &&
	    store_owed_time(d->master->store, b->end.to.at - 1, &ms, e) < 0)
		return -1;
	if (b && (!until->before_ms || ms < until->before_ms)) {
		drop_batch(d, b, why);
		return 1;
	}
	if (b)
		return 0;
	r.until = end_of_idle(d, &r);
	if (r.until > p->counted)
		r.until = p->counted;
	until->lines = d->wanted.logs;
	until->deadline_us = clock_mono_us() + FORWARD_LOOK_US;
	rc = store_owed_measure(d->master->store, &r, &d->wanted, until, &owed,
				e);
	if (rc < 0)
		return -1;
	if (position_compare(from, r.from) == 0)
		return 0;
	drop_range(d, from, r.from, &owed, why);
	return 1;
}

static int
limit_age(struct destination *d, struct err *e)
{
	struct store_measure until = {
		.before_ms = clock_real_ms() - d->config->buffer.age_ms,
	};
	int64_t first = ranges_first(&destination_progress(d)->cursor.owed);
	int64_t ms = 0;

	if (!d->config->buffer.age_ms)
		return 0;
	if (store_owed_time(d->master->store, first, &ms, e) < 0)
		return -1;
	if (ms == 0 || ms >= until.before_ms)
		return 0;
	return drop_oldest(d, &until, STORE_DROP_AGE, e);
}

static int
limit_size(struct destination *d, struct err *e)
{
	const struct progress *p = destination_progress(d);
	int64_t most = d->config->buffer.size_bytes;
	struct store_measure until = { 0 };

	if (!most || p->bytes <= most)
		return 0;
	/* what is newest was not let in */
	if (d->config->buffer.full == CONFIG_FULL_DROP_NEWEST)
		return 0;
	until.reach = p->bytes - most;
	return drop_oldest(d, &until, STORE_DROP_SIZE, e);
}

static void
limit_again(void *arg)
{
	destination_limit(arg);
}

void
destination_limit(struct destination *d)
{
	struct master *m = d->master;
	struct err e = ERR_INIT;
	int rc;

	if (m->changes.trouble.kind != ERR_NONE)
		return;
	rc = destination_measure(d, &e);
	if (rc == 0)
		rc = limit_age(d, &e);
	if (rc == 0)
		rc = limit_size(d, &e);
	if (rc < 0)
		log_event(LOG_LEVEL_WARN, &about, "destination %s: %s", d->name,
			  e.msg);
	if (rc > 0)
		loop_timer_set(m->loop, &d->limit_timer, clock_mono_ms(),
			       limit_again, d);
}

void
forward_limit(struct master *m)
{
	struct destination *d;

	TAILQ_FOREACH(d, &m->forward.list, link)
	destination_limit(d);
}

int64_t
forward_keep_seq(const struct master *m)
{
	const struct destination *d;
	int64_t keep = RANGE_OPEN;

	TAILQ_FOREACH(d, &m->forward.list, link)
	{
		int64_t first = ranges_first(&d->now.cursor.owed);

		if (first < keep)
			keep = first;
	}
	return keep == RANGE_OPEN ? 0 : keep;
}

/* --- Again ---------------------------------------------------------------- */

/* Lines of jobs that have not ended, from that time on. */
static int
replay_lines(struct destination *d, struct store_cursor *c, int64_t since_ms,
	     struct err *e)
{
	for (size_t i = 0; i < c->n_lines; i++) {
		struct store_line *l = &c->lines[i];
		int64_t found = 0;

		if (store_line_before(d->master->store, l->job, l->line,
				      since_ms, &found, e) < 0)
			return -1;
		l->line = found;
	}
	c->lines_changed = true;
	return 0;
}

int
destination_replay(struct destination *d, int64_t since_ms, int64_t *jobs,
		   struct err *e)
{
	struct progress *p;
	int64_t at = 0, last = store_last_seq(d->master->store);

	if (store_owed_since(d->master->store, since_ms, &at, e) < 0)
		return -1;
	p = destination_edit(d);
	*jobs = last + 1 - at - ranges_count(&p->cursor.owed, at, last);
	ranges_add(&p->cursor.owed, at);
	if (replay_lines(d, &p->cursor, since_ms, e) < 0)
		return -1;
	destination_reset(d);
	return 0;
}
