/* The next batch of a destination. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "master/forward_parts.h"

/* Places without a wanted job that a restart may look at again. */
#define SCANNED_MAX 10000

struct reader {
	struct destination *d;
	struct batch *batch;
	struct buf *out;
	size_t base; /* where it begins there */
	bool ended;  /* of jobs that ended, in `range`; or of those that run */
	struct range range;
	struct store_read got;
	int64_t records, bytes; /* of the batch at most */
	/* the lines of one job: where they began, and where they are */
	int64_t job, line;
};

void
batch_free(struct batch *b)
{
	value_free(b->aside);
	value_free(b->large);
	free(b->marks);
	free(b->lines);
	free(b);
}

const struct mark *
batch_base(const struct batch *b)
{
	return b->whole	  ? &b->end :
	       b->applied ? &b->marks[b->applied - 1] :
			    &b->start;
}

int64_t
destination_line(const struct destination *d, int64_t job)
{
	const struct progress *p = d->change.pending ? &d->next : &d->now;
	int64_t line = store_cursor_line(&p->cursor, job);
	const struct batch *b;

	TAILQ_FOREACH(b, &d->batches, link)
	for (size_t i = 0; i < b->n_lines; i++)
		if (b->lines[i].job == job && b->lines[i].line > line)
			line = b->lines[i].line;
	return line;
}

/* --- One record ----------------------------------------------------------- */

static struct value *
aside_value(const char *agent, const struct store_job *job)
{
	struct value *v = value_object();
	_free_ char *id = xasprintf("%s-%" PRId64, agent, job->id);

	value_set(v, "id", value_string(id));
	value_set(v, "code", value_string("too_large"));
	value_set(v, "reason",
		  value_string("the record is too large to be sent"));
	return v;
}

/* Lines that the limit of a job's log took before they were read. */
static void
count_gap(struct reader *r, const struct store_job *job,
	  const struct store_log *line)
{
	const struct store_cursor *c = &destination_progress(r->d)->cursor;

	if (r->job != job->id) {
		r->job = job->id;
		r->line = destination_line(r->d, job->id);
		if (r->ended && r->line < r->range.from.line)
			r->line = r->range.from.line;
		for (size_t i = 0; i < c->n_lines; i++)
			if (c->lines[i].job == job->id &&
			    c->lines[i].most > r->line)
				r->line = c->lines[i].most;
	}
	if (line->seq > r->line + 1)
		r->batch->end.missing_lines += line->seq - r->line - 1;
	if (line->seq > r->line)
		r->line = line->seq;
}

/*
 * All before the next record is done with the last one: what was passed over
 * as not wanted, too.
 */
static void
close_mark(const struct reader *r)
{
	struct batch *b = r->batch;
	struct mark *m = &b->end;

	if (r->ended) {
		m->to = r->range.from;
		m->jobs = r->got.jobs;
		m->bytes = r->got.bytes;
		m->missing = r->got.missing;
	}
	if (b->n) {
		struct mark *last = &b->marks[b->n - 1];

		m->job = last->job;
		m->line = last->line;
		m->ended = last->ended;
		*last = *m;
	}
}

static void
add_mark(struct reader *r, const struct store_job *job,
	 const struct store_log *line)
{
	struct batch *b = r->batch;
	struct mark m = { 0 };

	if (!r->ended && line) {
		m.job = job->id;
		m.line = line->seq;
	} else if (!line && destination_line(r->d, job->id)) {
		m.ended = job->id;
	}
	if (b->n == b->cap) {
		b->cap = b->cap ? 2 * b->cap : 64;
		b->marks = xrealloc(b->marks, b->cap, sizeof(*b->marks));
	}
	b->marks[b->n++] = m;
}

static void
keep_large(struct batch *b, const char *agent, const struct store_job *job)
{
	if (!b->large)
		b->large = value_array();
	value_append(b->large, aside_value(agent, job));
}

/* 1: it has no room, and is not in it. */
static int
take(void *arg, const struct store_job *job, const struct store_log *line)
{
	struct reader *r = arg;
	struct batch *b = r->batch;
	const struct record_place at = { r->d->master->agent.id, b->id,
					 b->n + 1 };
	size_t before = r->out->len;
	bool large;

	if ((int64_t)b->n >= r->records)
		return 1;
	if (b->n)
		buf_addc(r->out, ',');
	if (line)
		forward_add_line(r->out, &at, job, line);
	else
		forward_add_job(r->out, &at, job);
	large = r->out->overflow || r->out->len - before > FORWARD_RECORD_MAX;
	if (large || (b->n && (int64_t)(r->out->len - r->base) > r->bytes)) {
		r->out->overflow = false;
		r->out->len = before;
		if (b->n)
			return 1;
	}
	close_mark(r);
	if (line)
		count_gap(r, job, line);
	if (large)
		keep_large(b, at.agent, job);
	else
		add_mark(r, job, line);
	return 0;
}

/* --- Jobs that have not ended --------------------------------------------- */

struct logged {
	struct reader *reader;
	const struct store_job *job;
	struct err *e;
	int64_t line; /* the last one that was taken */
	bool found;
};

static int
take_logged(void *arg, const struct store_log *line)
{
	struct logged *l = arg;

	if (take(l->reader, l->job, line) != 0)
		return -2;
	l->line = line->seq;
	return 0;
}

static void
add_line(struct batch *b, int64_t job, int64_t line)
{
	b->lines = xrealloc(b->lines, b->n_lines + 1, sizeof(*b->lines));
	b->lines[b->n_lines++] = (struct batch_line){ job, line };
}

static bool
is_behind(const struct destination *d, const struct store_job *job,
	  int64_t last)
{
	const struct store_cursor *c =
		d->change.pending ? &d->next.cursor : &d->now.cursor;
	int64_t line = destination_line(d, job->id);

	return line < last && (line || c->n_lines < STORE_LINES_MAX) &&
	       config_destination_wants(d->config, job->name);
}

static int
read_logged(void *arg, const struct store_job *job, int64_t last)
{
	struct logged *l = arg;
	struct destination *d = l->reader->d;
	int rc;

	if (!is_behind(d, job, last))
		return 0;
	l->job = job;
	l->line = 0;
	rc = store_log_list(d->master->store, job->id,
			    destination_line(d, job->id), 0, take_logged, l,
			    l->e);
	if (l->line)
		add_line(l->reader->batch, job->id, l->line);
	return rc;
}

/* What -2 says is that there is no room for more. */
static int
read_all_logged(struct reader *r, struct err *e)
{
	struct logged l = { .reader = r, .e = e };
	int rc = store_logged_each(r->d->master->store, 0, read_logged, &l, e);

	return rc == -2 ? 0 : rc;
}

static int
find_logged(void *arg, const struct store_job *job, int64_t last)
{
	struct logged *l = arg;

	l->found = is_behind(l->reader->d, job, last);
	return l->found ? -2 : 0;
}

int
destination_has_lines(struct destination *d, struct err *e)
{
	struct reader r = { .d = d };
	struct logged l = { .reader = &r, .e = e };
	int rc;

	if (!d->wanted.logs)
		return 0;
	rc = store_logged_each(d->master->store, 0, find_logged, &l, e);
	return rc == -1 ? -1 : l.found;
}

/* --- In the order of ends ------------------------------------------------- */

/* Of a long range the newest part, where that comes first. */
static struct range
newest_part(const struct range *r, int64_t end, int64_t records)
{
	struct range part = *r;

	if (end - r->from.at > 2 * records)
		part.from = (struct position){ end - records, 0 };
	return part;
}

/* The part of what is owed that is read next; false where there is none. */
static bool
choose(const struct destination *d, struct range *r)
{
	const struct ranges *all = &d->reading;
	int64_t last = store_last_seq(d->master->store);

	if (!all->n)
		return false;
	*r = all->items[0];
	if (d->config->order == CONFIG_ORDER_OLDEST ||
	    all->n > RANGES_MAX - FORWARD_BATCHES - 2)
		return r->from.at <= last;
	for (size_t i = all->n; i-- > 0;) {
		int64_t end = all->items[i].until;

		if (end > last)
			end = last + 1;
		*r = newest_part(&all->items[i], end, d->want_records);
		if (all->items[i].from.at < end)
			return true;
	}
	return false;
}

/* Whether a range begins where nothing was found before. */
static bool
was_scanned(const struct destination *d, struct position from)
{
	return d->scanned[1].at && position_compare(d->scanned[0], from) == 0;
}

static bool
wants_job(void *arg, const char *name)
{
	return config_destination_wants(((struct reader *)arg)->d->config,
					name);
}

static int64_t
line_of(void *arg, int64_t job)
{
	return destination_line(((struct reader *)arg)->d, job);
}

static int
read_ended(struct reader *r, bool *more, struct err *e)
{
	struct destination *d = r->d;
	struct batch *b = r->batch;
	const struct store_wanted w = {
		.jobs = d->wanted.jobs,
		.logs = d->wanted.logs,
		.job = wants_job,
		.line = line_of,
		.take = take,
		.arg = r,
		.deadline_us = clock_mono_us() + FORWARD_LOOK_US,
	};
	struct range *at = &r->range;
	int rc;

	if (!choose(d, at))
		return 0;
	b->start.to = b->end.to = at->from;
	for (size_t i = 0; i < b->n; i++)
		b->marks[i].to = at->from;
	if (was_scanned(d, at->from))
		at->from = d->scanned[1];
	r->ended = true;
	r->job = 0;
	rc = store_owed_read(d->master->store, at, &w, &r->got, e);
	if (rc < 0)
		return -1;
	close_mark(r);
	*more = rc > 0;
	return 0;
}

/* Nothing that is wanted: that is kept in mind, and on disk now and then. */
static bool
is_worth_it(struct destination *d, const struct batch *b)
{
	if (b->n || b->large || b->end.jobs || b->end.missing)
		return true;
	if (position_compare(b->start.to, b->end.to) >= 0)
		return false;
	d->scanned[0] = b->start.to;
	d->scanned[1] = b->end.to;
	return b->end.to.at - b->start.to.at > SCANNED_MAX;
}

static void
add_batch(struct destination *d, struct batch *b)
{
	ranges_take(&d->reading, b->start.to, b->end.to);
	d->scanned[1].at = 0;
	d->last_batch = b->id;
	TAILQ_INSERT_TAIL(&d->batches, b, link);
	d->n_batches++;
}

int
batch_read(struct destination *d, struct buf *out, struct batch **read,
	   struct err *e)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	struct reader r = {
		.d = d,
		.batch = b,
		.out = out,
		.base = out->len,
		.records = d->want_records,
		.bytes = d->want_bytes,
	};
	bool more = false;
	int rc = 0;

	b->destination = d;
	b->id = d->last_batch + 1;
	b->dropped = -1;
	*read = NULL;
	/* neither may keep the other waiting */
	if (d->wanted.logs && destination_jobs(d) > 0)
		r.records = (r.records + 1) / 2;
	if (d->wanted.logs)
		rc = read_all_logged(&r, e);
	r.records = d->want_records;
	if (rc == 0)
		rc = read_ended(&r, &more, e);
	if (rc < 0) {
		batch_free(b);
		return -1;
	}
	if (is_worth_it(d, b)) {
		add_batch(d, b);
		*read = b;
	} else {
		batch_free(b);
	}
	return more;
}
