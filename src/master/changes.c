#include "master/changes.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/master.h"

#define RETRY_FIRST_MS 500
#define RETRY_MOST_MS 30000
/* Changes that follow from changes, within one turn. */
#define ROUNDS_MAX 8

static const struct log_about about = { .component = "store" };

void
changes_init(struct changes *c)
{
	*c = (struct changes){ .retry_delay_ms = RETRY_FIRST_MS };
	TAILQ_INIT(&c->list);
}

void
change_add(struct master *m, struct change *c, bool keep,
	   change_write_fn *write, change_done_fn *done)
{
	if (c->pending)
		fatal("a change was added twice");
	*c = (struct change){
		.write = write, .done = done, .keep = keep, .pending = true
	};
	TAILQ_INSERT_TAIL(&m->changes.list, c, link);
}

void
change_drop(struct master *m, struct change *c)
{
	if (!c->pending)
		return;
	TAILQ_REMOVE(&m->changes.list, c, link);
	c->pending = false;
	free(steal_ptr(&c->error));
}

/* --- A store that takes nothing ----------------------------------------- */

static void
retry(void *arg)
{
	(void)arg; /* the end of this turn tries */
}

static void
trouble_begins(struct master *m, const struct err *e)
{
	struct changes *c = &m->changes;

	if (c->trouble.kind == ERR_NONE) {
		c->trouble_since_ms = clock_real_ms();
		log_event(LOG_LEVEL_ERROR, &about,
			  "%s; no job starts until it can be written again%s%s",
			  e->msg, e->hint[0] ? ": " : "", e->hint);
	}
	c->trouble = *e;
	c->failures++;
	loop_timer_set(m->loop, &c->retry, clock_mono_ms() + c->retry_delay_ms,
		       retry, m);
	c->retry_delay_ms *= 2;
	if (c->retry_delay_ms > RETRY_MOST_MS)
		c->retry_delay_ms = RETRY_MOST_MS;
}

static void
trouble_ends(struct master *m)
{
	struct changes *c = &m->changes;

	if (c->trouble.kind == ERR_NONE)
		return;
	log_event(LOG_LEVEL_WARN, &about,
		  "the store can be written again, after %lld s",
		  (long long)(clock_real_ms() - c->trouble_since_ms) / 1000);
	c->trouble.kind = ERR_NONE;
	c->retry_delay_ms = RETRY_FIRST_MS;
	loop_timer_cancel(&c->retry);
}

/* Whether it is no use to try yet. */
static bool
waits(const struct changes *c)
{
	return c->trouble.kind != ERR_NONE && c->retry.at_ms > clock_mono_ms();
}

/* --- One commit --------------------------------------------------------- */

static void
write_one(struct master *m, struct change *c)
{
	struct err e = ERR_INIT;

	c->refused = false;
	if (c->write(m, c, &e) == 0)
		return;
	c->refused = true;
	if (!c->error)
		c->error = xmalloc(sizeof(*c->error));
	*c->error = e;
}

/*
 * Everything there is, and what the start of jobs adds: it is moved to
 * `written` in the order of its writing.
 */
static void
write_all(struct master *m, struct change_list *written)
{
	struct change_list *list = &m->changes.list;

	for (int round = 0; round < ROUNDS_MAX; round++) {
		struct change *c;

		while ((c = TAILQ_FIRST(list))) {
			TAILQ_REMOVE(list, c, link);
			TAILQ_INSERT_TAIL(written, c, link);
			write_one(m, c);
			m->changes.written++;
		}
		pools_dispatch(m);
		if (TAILQ_EMPTY(list))
			return;
	}
}

static void
finish_one(struct master *m, struct change *c, const struct err *failed)
{
	_free_ struct err *own = steal_ptr(&c->error);

	c->pending = false;
	c->done(m, c, failed ? failed : c->refused ? own : NULL);
}

static void
finish_all(struct master *m, struct change_list *written)
{
	struct change *c;

	while ((c = TAILQ_FIRST(written))) {
		TAILQ_REMOVE(written, c, link);
		finish_one(m, c, NULL);
	}
}

/* What must not be lost goes back, in its order, before what came since. */
static void
undo_all(struct master *m, struct change_list *written, const struct err *e)
{
	struct change_list kept = TAILQ_HEAD_INITIALIZER(kept);
	struct change *c;

	while ((c = TAILQ_LAST(written, change_list))) {
		TAILQ_REMOVE(written, c, link);
		if (c->keep)
			TAILQ_INSERT_HEAD(&kept, c, link);
		else
			finish_one(m, c, e);
	}
	TAILQ_CONCAT(&kept, &m->changes.list, link);
	TAILQ_CONCAT(&m->changes.list, &kept, link);
}

static void
commit_once(struct master *m)
{
	struct change_list written = TAILQ_HEAD_INITIALIZER(written);
	struct changes *c = &m->changes;
	int64_t began = clock_mono_us();
	struct err e = ERR_INIT;
	bool ok = master_replace_store(m, &e) == 0 &&
		  store_begin(m->store, &e) == 0;

	if (ok) {
		CRASH_POINT("commit-begun");
		write_all(m, &written);
		CRASH_POINT("commit-written");
		ok = store_commit(m->store, &e) == 0;
		if (!ok)
			store_rollback(m->store);
	} else {
		TAILQ_CONCAT(&written, &c->list, link);
	}
	c->last_commit_us = clock_mono_us() - began;
	if (!ok) {
		trouble_begins(m, &e);
		undo_all(m, &written, &e);
		return;
	}
	CRASH_POINT("commit-done");
	c->commits++;
	trouble_ends(m);
	finish_all(m, &written);
	CRASH_POINT("commit-told");
}

/* While the store takes nothing: what may fail, fails. */
static void
refuse_all(struct master *m)
{
	struct change_list all = TAILQ_HEAD_INITIALIZER(all);
	struct err e = m->changes.trouble;

	TAILQ_CONCAT(&all, &m->changes.list, link);
	undo_all(m, &all, &e);
}

static bool
is_idle(const struct master *m)
{
	return TAILQ_EMPTY(&m->changes.list) &&
	       m->changes.trouble.kind == ERR_NONE && !store_damaged(m->store);
}

void
changes_commit(struct master *m)
{
	struct changes *c = &m->changes;

	for (int round = 0; round < ROUNDS_MAX; round++) {
		if (waits(c)) {
			refuse_all(m);
			return;
		}
		if (is_idle(m))
			pools_dispatch(m);
		if (is_idle(m))
			return;
		commit_once(m);
	}
}
