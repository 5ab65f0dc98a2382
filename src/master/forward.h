/*
 * forward.h: the master's part of forwarding: what each destination is owed,
 * handed to devops_agent-forward in batches, and noted once it is done.
 *
 * The program is a peer (peers.h) and decides nothing that is kept: how far a
 * destination has come is its cursor (store/cursor.h), moved in the turn's
 * commit. One that died asks again, and gets what was not done.
 *
 *	forwarder	batch.next {"destination", "after", "records", "bytes",
 *			"wait_ms"}
 *	master		{"batch": POSITION, "records": [...], "more": true}
 *	forwarder	batch.done {"destination", "batch": POSITION,
 *			"accepted", "aside": [{"id", "code", "reason",
 *			"excerpt"}]}
 *	master		{}			once it is on disk
 *	forwarder	destination {"name", "state", "error", "status",
 *			"since_ms", "retry_at_ms"}
 *
 * A record is
 *
 *	{"id": "AGENT-JOB", "at": POSITION, "kind": "job", "record": {...}}
 *	{"id": "AGENT-JOB-LINE", ..., "kind": "log", "record": {...}}
 *
 * and its id never changes. A POSITION is a text that means something to the
 * master alone. `after` is that of the batch that was handed out last; without
 * it reading begins anew at the cursor. An answer comes as soon as there is a
 * record, and after wait_ms without one. Up to FORWARD_BATCHES are under way
 * at once. Everything up to a position is done at once, within a batch too.
 * Where a position is none any more (a replay, another forwarder), the error
 * is of kind "conflict": begin anew.
 *
 * What a destination does not take is kept until its buffer's limits say
 * otherwise, whatever storage.retention says; what is dropped is counted.
 */
#ifndef MASTER_FORWARD_H
#define MASTER_FORWARD_H

#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "master/peers.h"
#include "model/value.h"

struct master;
struct destination;

#define FORWARD_BATCHES 4
#define FORWARD_LINE_MAX (8UL << 20) /* bytes of a line from the program */
#define FORWARD_OUT_PAUSE (16UL << 20)
#define FORWARD_OUT_MAX (64UL << 20)
/* Of one record: a longer one is put aside. */
#define FORWARD_RECORD_MAX (12UL << 20)

TAILQ_HEAD(destinations, destination);

struct forward {
	struct destinations list;
	size_t n;
	uint64_t written; /* changes.written, as of the last turn */
	struct loop_timer renew_timer;
};

extern const struct peer_kind forward_peer;

/* The destinations of the configuration, where they were left. */
void forward_open(struct master *m);
/* The database is a new one: what ends from now on is owed. */
void forward_restart(struct master *m);
void forward_close(struct master *m);
/* The configuration is a new one: cursors stay. */
void forward_reload(struct master *m);
/* After each commit: hand out what there is now. */
void forward_turn(struct master *m);

/* The first job that must be kept for a destination; 0: none. */
int64_t forward_keep_seq(const struct master *m);
/* Drop what their buffers do not hold; from time to time. */
void forward_limit(struct master *m);

/* For `forward.status`; `aside` NULL, or the destination whose are shown. */
struct value *forward_value(struct master *m, const char *aside);
/* Why the agent is not ready, as anybody may know it; NULL: it is. */
const char *forward_trouble(struct master *m);

/* For metrics.c: each figure of each destination. */
struct forward_figures {
	const char *name;
	int64_t jobs, bytes, lag_ms; /* owed */
	int64_t accepted, aside, errors;
	int64_t last_ms; /* unix */
	int64_t ok;	 /* 1, or 0: it does not take records */
	const int64_t *dropped;
};
void forward_each(struct master *m,
		  void (*fn)(void *arg, const struct forward_figures *f),
		  void *arg);

#endif
