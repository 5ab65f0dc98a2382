/* What is done, on its way to the disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "master/forward_parts.h"

#define REASON_MAX 1024
#define EXCERPT_MAX 4096
#define ASIDE_ID_MAX 128
#define ASIDE_MAX 10000 /* in one message */
#define ACCEPTED_MAX (INT64_C(1) << 32)

static void
copy_progress(const struct progress *from, struct progress *to)
{
	*to = *from;
	store_cursor_copy(&from->cursor, &to->cursor);
}

/* --- Writing -------------------------------------------------------------- */

static size_t
length(const struct value *list)
{
	return list ? list->u.array.n : 0;
}

static int
write_aside(struct master *m, const struct batch *b, const struct value *list,
	    struct err *e)
{
	int64_t now_ms = clock_real_ms();

	for (size_t i = 0; i < length(list); i++) {
		const struct value *v = list->u.array.items[i];
		const struct store_aside a = {
			.time_ms = now_ms,
			.record = value_get_string(v, "id", ""),
			.code = value_get_string(v, "code", ""),
			.reason = value_get_string(v, "reason", NULL),
			.excerpt = value_get_string(v, "excerpt", NULL),
		};

		if (store_aside_add(m->store, b->destination->name, &a, e) < 0)
			return -1;
	}
	return 0;
}

static int
write_change(struct master *m, struct change *c, struct err *e)
{
	struct destination *d = container_of(c, struct destination, change);
	const struct batch *b;

	if (store_cursor_put(m->store, &d->next.cursor, e) < 0)
		return -1;
	TAILQ_FOREACH(b, &d->batches, link)
	if (write_aside(m, b, b->aside, e) < 0 ||
	    (b->whole && write_aside(m, b, b->large, e) < 0))
		return -1;
	return 0;
}

static void
answer(struct destination *d, const struct err *failed)
{
	struct request *q = steal_ptr(&d->telling);

	if (!q)
		return;
	q->release = NULL;
	if (failed)
		request_fail(q, failed, NULL);
	else
		request_answer(q, value_object());
}

static void
log_aside(const struct batch *b, const struct value *list)
{
	const struct log_about about = { .component = "forward" };
	const struct value *first;

	if (!length(list))
		return;
	first = list->u.array.items[0];
	log_event(LOG_LEVEL_WARN, &about,
		  "destination %s: %zu records put aside, the first %s: %s %s",
		  b->destination->name, length(list),
		  value_get_string(first, "id", ""),
		  value_get_string(first, "code", ""),
		  value_get_string(first, "reason", ""));
}

/* It is as it was; what nobody tells again is settled all the same. */
static void
undo_batch(struct batch *b)
{
	b->applied = b->settled = b->kept_at;
	b->whole = false;
	value_free(steal_ptr(&b->aside));
}

static void
finish_batch(struct destination *d, struct batch *b)
{
	log_aside(b, b->aside);
	value_free(steal_ptr(&b->aside));
	b->kept_at = b->applied;
	if (!b->whole)
		return;
	log_aside(b, b->large);
	TAILQ_REMOVE(&d->batches, b, link);
	d->n_batches--;
	batch_free(b);
}

static void
finish_batches(struct destination *d, bool failed)
{
	struct batch *b, *next;

	for (b = TAILQ_FIRST(&d->batches); b; b = next) {
		next = TAILQ_NEXT(b, link);
		if (failed)
			undo_batch(b);
		else
			finish_batch(d, b);
	}
}

static void
change_done(struct master *m, struct change *c, const struct err *failed)
{
	struct destination *d = container_of(c, struct destination, change);

	(void)m;
	if (failed) {
		store_cursor_release(&d->next.cursor);
	} else {
		store_cursor_release(&d->now.cursor);
		d->now = d->next;
		d->now.cursor.lines_changed = false;
	}
	memset(&d->next, 0, sizeof(d->next));
	finish_batches(d, failed);
	answer(d, failed);
	if (failed)
		destination_read_anew(d);
	destination_serve(d);
}

void
destination_give_up(struct destination *d, const struct err *why)
{
	struct batch *b;

	change_drop(d->master, &d->change);
	store_cursor_release(&d->next.cursor);
	memset(&d->next, 0, sizeof(d->next));
	answer(d, why);
	while ((b = TAILQ_FIRST(&d->batches))) {
		TAILQ_REMOVE(&d->batches, b, link);
		batch_free(b);
	}
	d->n_batches = 0;
}

struct progress *
destination_edit(struct destination *d)
{
	if (!d->change.pending) {
		copy_progress(&d->now, &d->next);
		change_add(d->master, &d->change, false, write_change,
			   change_done);
	}
	return &d->next;
}

struct progress *
destination_progress(struct destination *d)
{
	return d->change.pending ? &d->next : &d->now;
}

/* --- Applying ------------------------------------------------------------- */

static void
apply_records(struct store_cursor *c, const struct batch *b)
{
	for (size_t i = b->applied; i < b->settled; i++) {
		const struct mark *m = &b->marks[i];

		if (m->job)
			store_cursor_set_line(c, m->job, m->line);
		if (m->ended)
			store_cursor_forget(c, m->ended);
	}
}

static void
apply(struct destination *d, struct batch *b)
{
	struct progress *p = destination_edit(d);
	const struct mark *from = batch_base(b);
	const struct mark *to =
		b->settled == b->n ? &b->end : &b->marks[b->settled - 1];
	struct store_cursor *c = &p->cursor;
	int64_t records = (int64_t)(b->settled - b->applied);

	apply_records(c, b);
	if (b->dropped >= 0) {
		c->dropped[b->dropped] -= records;
	} else {
		ranges_take(&c->owed, from->to, to->to);
		c->dropped[STORE_DROP_RETENTION] += to->missing - from->missing;
		p->jobs -= to->jobs - from->jobs;
		p->bytes -= to->bytes - from->bytes;
	}
	c->dropped[STORE_DROP_LOG_LIMIT] +=
		to->missing_lines - from->missing_lines;
	if (records)
		c->last_ms = clock_real_ms();
	b->applied = b->settled;
	b->whole = b->settled == b->n;
	if (b->whole)
		c->aside += (int64_t)length(b->large);
}

void
destination_apply(struct destination *d)
{
	struct batch *b;

	TAILQ_FOREACH(b, &d->batches, link)
	{
		if (!b->whole && (b->settled > b->applied || !b->n))
			apply(d, b);
		if (!b->whole)
			return;
	}
}

/* --- batch.done ----------------------------------------------------------- */

static void
forget_telling(struct request *q)
{
	((struct destination *)q->data)->telling = NULL;
}

/* "17.3": three records of batch 17. */
static struct batch *
find_batch(struct destination *d, const char *position, size_t *n)
{
	struct batch *b;

	TAILQ_FOREACH(b, &d->batches, link)
	{
		char id[32];
		int len = snprintf(id, sizeof(id), "%llu.",
				   (unsigned long long)b->id);
		unsigned long count;
		char *rest;

		if (strncmp(position, id, (size_t)len) != 0)
			continue;
		if (strcmp(position + len, "e") == 0) {
			*n = b->n;
			return b;
		}
		count = strtoul(position + len, &rest, 10);
		*n = count;
		return *rest || count < 1 || count > b->n ? NULL : b;
	}
	return NULL;
}

static void
add_text(struct value *to, const struct value *from, const char *key,
	 size_t most)
{
	const char *s = value_get_string(from, key, NULL);

	if (s)
		value_set(to, key,
			  value_string_n(s, text_cut(s, strlen(s), most)));
}

static int
take_aside(struct batch *b, const struct value *list, struct err *e)
{
	_value_ struct value *aside = value_array();

	if (!list || list->type == VALUE_NULL)
		return 0;
	if (list->type != VALUE_ARRAY || list->u.array.n > ASIDE_MAX)
		return err_set(e, ERR_USAGE,
			       "\"aside\" must be a list of up to %d records",
			       ASIDE_MAX);
	for (size_t i = 0; i < list->u.array.n; i++) {
		const struct value *v = list->u.array.items[i];
		struct value *one;

		if (!value_get_string(v, "id", NULL) ||
		    !value_get_string(v, "code", NULL))
			return err_set(e, ERR_USAGE,
				       "a record in \"aside\" has no \"id\" or "
				       "no \"code\"");
		one = value_append(aside, value_object());
		add_text(one, v, "id", ASIDE_ID_MAX);
		add_text(one, v, "code", ASIDE_ID_MAX);
		add_text(one, v, "reason", REASON_MAX);
		add_text(one, v, "excerpt", EXCERPT_MAX);
	}
	value_free(b->aside);
	b->aside = steal_ptr(&aside);
	return 0;
}

/* Up to there; how many records that are. */
static int64_t
settle(struct destination *d, struct batch *last, size_t n)
{
	int64_t records = 0;
	struct batch *b;

	TAILQ_FOREACH(b, &d->batches, link)
	{
		size_t to = b == last ? n : b->n;

		if (to > b->settled) {
			records += (int64_t)(to - b->settled);
			b->settled = to;
		}
		if (b == last)
			break;
	}
	return records;
}

int
destination_done(struct destination *d, struct request *q,
		 const struct value *params, struct err *e)
{
	const char *position = value_get_string(params, "batch", "");
	int64_t aside, accepted, records;
	struct store_cursor *c;
	struct batch *b;
	size_t n = 0;

	b = find_batch(d, position, &n);
	if (!b)
		return err_set(e, ERR_CONFLICT,
			       "nothing of destination %s is under way up to "
			       "\"%.32s\"",
			       d->name, position);
	if (d->telling)
		return err_set(e, ERR_USAGE,
			       "destination %s: a batch.done waits for the "
			       "disk already",
			       d->name);
	if (take_aside(b, value_get(params, "aside"), e) < 0)
		return -1;
	records = settle(d, b, n);
	aside = (int64_t)length(b->aside);
	accepted = value_get_int(params, "accepted", records - aside);
	c = &destination_edit(d)->cursor;
	c->aside += aside;
	c->accepted += accepted > 0 && accepted < ACCEPTED_MAX ? accepted : 0;
	d->telling = q;
	q->release = forget_telling;
	q->data = d;
	destination_apply(d);
	return 0;
}
