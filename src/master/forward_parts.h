/*
 * forward_parts.h: what the files of forward.h share.
 */
#ifndef MASTER_FORWARD_PARTS_H
#define MASTER_FORWARD_PARTS_H

#include "config/destination.h"
#include "master/forward.h"
#include "master/master.h"
#include "store/cursor.h"

/* How long one look at the store may take. */
#define FORWARD_LOOK_US 5000

/* How far a destination is, and what lies before it. */
struct progress {
	struct store_cursor cursor;
	/* what of cursor.owed was measured, up to this place, and is wanted */
	int64_t counted;
	int64_t jobs, bytes;
};

/* Lines of a job that has not ended. */
struct batch_line {
	int64_t job, line;
};

/* What is done once a record is, and all before it in its batch. */
struct mark {
	struct position to;
	int64_t jobs, bytes, missing, missing_lines; /* since its start */
	int64_t job, line; /* of a job that has not ended; 0: none */
	int64_t ended;	   /* that job has ended with this record; 0 */
};

struct batch {
	TAILQ_ENTRY(batch) link;
	struct destination *destination;
	uint64_t id;
	struct mark start, end;
	struct mark *marks; /* of each record; the last one is `end` */
	size_t n, cap;
	struct batch_line *lines; /* the last one of each such job */
	size_t n_lines;
	/* records: told to be done, in the pending change, on disk */
	size_t settled, applied, kept_at;
	bool whole;  /* applied to its end */
	int dropped; /* enum store_drop; -1: it is still owed */
	/* arrays of {id, code, reason, excerpt}; NULL: none */
	struct value *aside; /* told, and not on disk */
	struct value *large; /* never handed out: too large */
};

TAILQ_HEAD(batches, batch);

/* In the order of their names in forward_peer.c. */
enum destination_state {
	DESTINATION_STARTING, /* nothing was heard of it yet */
	DESTINATION_OK,
	DESTINATION_RETRYING,
	DESTINATION_HELD,
	DESTINATION_STOPPED,
	DESTINATION_STATES,
};

struct destination {
	TAILQ_ENTRY(destination) link;
	struct master *master;
	const struct config_destination *config; /* of m->setup */
	char *name;
	struct store_wanted wanted;

	struct progress now;  /* on disk */
	struct progress next; /* while `change` is pending */
	struct change change;
	struct ranges reading;	    /* what is owed and not under way */
	struct position scanned[2]; /* read from there to there: nothing */
	struct batches batches;	    /* under way, the oldest first */
	size_t n_batches;
	uint64_t last_batch;
	uint64_t handed; /* the batch handed out last; 0: it began anew */

	/* a batch.next that waits, and a batch.done */
	struct request *waiting, *telling;
	int64_t want_records, want_bytes;
	int64_t wait_until_ms; /* monotonic */
	struct loop_timer timer;
	struct loop_timer limit_timer;

	/* as the forwarder says */
	enum destination_state state;
	char error[256];
	int64_t status, since_ms, retry_at_ms; /* 0: none */
	int64_t errors;
};

/* --- forward.c ---------------------------------------------------------- */

struct destination *forward_find(struct master *m, const char *name);
/* What is under way is forgotten, and comes again. */
void destination_restart(struct destination *d);
/* The same, and what is owed is measured anew. */
void destination_reset(struct destination *d);
/* As the newest change has it. */
struct progress *destination_progress(struct destination *d);
/* Places that are read before they are under way. */
void destination_read_anew(struct destination *d);
/* Who waits for a batch gets one, if it is time. */
void destination_serve(struct destination *d);

/* --- forward_peer.c ----------------------------------------------------- */

extern const char *const destination_states[DESTINATION_STATES];

/* --- forward_record.c --------------------------------------------------- */

/* Whose they are; and that each is the n-th of the batch. */
struct record_place {
	const char *agent;
	uint64_t batch;
	size_t n;
};
void forward_add_job(struct buf *out, const struct record_place *at,
		     const struct store_job *job);
void forward_add_line(struct buf *out, const struct record_place *at,
		      const struct store_job *job,
		      const struct store_log *line);

/* --- forward_batch.c ---------------------------------------------------- */

/* The line of a job that has not ended up to which it was handed out. */
int64_t destination_line(const struct destination *d, int64_t job);
/* Whether there are lines of such jobs that were not. */
int destination_has_lines(struct destination *d, struct err *e);

/*
 * Read the next batch, of d->last_batch + 1; its records are added to `out`.
 * *read is NULL where there was none. 1: there is more to be looked at at
 * once.
 */
int batch_read(struct destination *d, struct buf *out, struct batch **read,
	       struct err *e);
void batch_free(struct batch *b);
/* Up to there it is in the newest change. */
const struct mark *batch_base(const struct batch *b);
/* Whether nothing of it is owed any more, in the newest change. */
static inline bool
batch_is_over(const struct batch *b)
{
	return b->whole || b->dropped >= 0;
}

/* --- forward_done.c ----------------------------------------------------- */

/*
 * What of the destination is to be changed with this turn's commit. It is
 * undone where that fails.
 */
struct progress *destination_edit(struct destination *d);
/* Nothing is under way, or told, any more: `why` is the answer. */
void destination_give_up(struct destination *d, const struct err *why);
/* What is settled, of all batches in their order. */
void destination_apply(struct destination *d);
/* batch.done */
int destination_done(struct destination *d, struct request *q,
		     const struct value *params, struct err *e);

/* --- forward_limit.c ---------------------------------------------------- */

/* Measure what is owed; 1: not all of it yet. */
int destination_measure(struct destination *d, struct err *e);
/* Jobs and bytes that are owed and not under way. */
int64_t destination_jobs(struct destination *d);
int64_t destination_bytes(struct destination *d);
/* Drop what its buffer does not hold, a step; more follow by its timer. */
void destination_limit(struct destination *d);
/* Owe again what ended since then; *jobs counts the places. */
int destination_replay(struct destination *d, int64_t since_ms, int64_t *jobs,
		       struct err *e);

/* --- forward_status.c --------------------------------------------------- */

/* Says that there is none of that name. */
int forward_unknown(const char *name, struct err *e);

#endif
