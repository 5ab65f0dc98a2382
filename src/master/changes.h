/*
 * changes.h: what a turn of the loop changes in the store, in one commit.
 *
 *	change_add(m, &x->change, CHANGE_x, write, done)
 *	...
 *	changes_commit(m)		at the end of the turn
 *
 * `write` puts it into the store; `done` is called once it is on disk, or
 * with the reason why it never will be.  Where the commit fails, `done` is
 * called in the reverse order, so that a change is undone before what it was
 * built on.  A change that must not be lost is kept and written again until
 * the store takes it; meanwhile no job starts (m->changes.trouble).
 */
#ifndef MASTER_CHANGES_H
#define MASTER_CHANGES_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"

struct master;
struct change;

/* 0; -1: this one can't be, and the others can. */
typedef int change_write_fn(struct master *m, struct change *c, struct err *e);
/* `failed` is NULL where it is on disk. */
typedef void change_done_fn(struct master *m, struct change *c,
			    const struct err *failed);

/* Embedded in what it is about, which lives until `done`. */
struct change {
	TAILQ_ENTRY(change) link;
	change_write_fn *write;
	change_done_fn *done;
	bool keep;    /* must not be lost */
	bool refused; /* `error` says why `write` failed */
	bool pending; /* added, and not done */
	struct err *error;
};

TAILQ_HEAD(change_list, change);

struct changes {
	struct change_list list;
	bool committing;
	struct err trouble;	  /* kind ERR_NONE: the store takes changes */
	int64_t trouble_since_ms; /* unix */
	int64_t retry_delay_ms;
	struct loop_timer retry;
	/* figures */
	uint64_t commits, failures, written;
	int64_t last_commit_us;
};

void changes_init(struct changes *c);

/*
 * Note a change; `keep` where what happened can't be taken back (a job has
 * ended).  It must not be pending already.
 */
void change_add(struct master *m, struct change *c, bool keep,
		change_write_fn *write, change_done_fn *done);
/* Take one back that is not written yet.  Fine where it is not pending. */
void change_drop(struct master *m, struct change *c);

/* Write all, and call what waits for that.  The loop calls it each turn. */
void changes_commit(struct master *m);

#endif
