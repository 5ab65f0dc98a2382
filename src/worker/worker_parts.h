/*
 * worker_parts.h: what the files of a worker share.
 *
 * worker.c has its life, worker_io.c its descriptors, worker_job.c a job from
 * its request to its record; job_output.c what a plugin says in each mode of
 * output, job_record.c what it came to.
 */
#ifndef WORKER_WORKER_PARTS_H
#define WORKER_WORKER_PARTS_H

#include "proto/line.h"
#include "worker/hunt.h"
#include "worker/worker.h"

/* After the grace, for pid 1 to have taken everything with it. */
#define OVERDUE_MS 5000
/* After its answer, or the end of its input, for a plugin to end by itself. */
#define LINGER_MS 2000

/* One job under way. */
struct job_run {
	struct job *job;
	const struct launch *launch;
	struct worker *worker;
	enum worker_after after;
	int64_t timeout_ms; /* 0: none */
	int64_t started_ms; /* monotonic */

	/* how it goes */
	bool cancelled;
	bool answered; /* rpc: a result or an error came */
	int64_t answered_ms;
	bool counting;	   /* answered; what it used is being asked */
	bool memory_out;   /* the control group said so */
	bool spoiled;	   /* it broke a rule while it could still speak */
	struct err broken; /* which one; kind NONE */

	/* how it ended: the process lives on, or this is its end */
	bool lives;
	bool out_of_memory;
	struct report exited; /* or REPORT_USAGE where it lives */

	struct line_cutter out_lines; /* json: those before the last */
	struct buf request;	      /* for standard input, not rpc */
	struct buf text;	      /* text: all; json: the last line */
};

struct worker {
	struct loop *loop;
	struct starter *starter;
	struct launch *launch;
	const struct worker_handlers *handlers;
	void *arg;

	enum worker_state state;
	struct start start;
	bool placed;	 /* start.box is there */
	bool vanished;	 /* start.gone() came */
	bool entered;	 /* the sandbox stands */
	bool ready;	 /* rpc: it said so */
	bool failed;	 /* no sandbox could be made */
	bool given_up;	 /* it can't be killed */
	bool over_seen;	 /* its last job was finished for that */
	bool ended;	 /* by its owner */
	bool lingers;	 /* is given LINGER_MS to end by itself */
	bool told_end;	 /* its input is to be closed */
	bool done_whole; /* its last job ended with it */
	bool overdue_killed;
	bool lost_output; /* it can't be heard any more */
	bool tell_idle;
	bool spoke_sdk;	 /* what it answers is its last word */
	struct err *why; /* of gone(); NULL: as it should */
	char *sdk;

	struct loop_io in, out, err, report, memory;
	struct loop_timer overdue;

	bool has_exited; /* so did pid 1, as `exited` says */
	struct report exited;
	unsigned layers;
	int landlock_abi;

	struct session session;
	struct line_cutter err_lines;
	char *last_line; /* on standard error, without a job */

	struct job_run *run; /* NULL: none */
	struct hunt *hunt;   /* what the record of `run` waits for */
	int64_t job_id;	     /* the latest; 0: none yet */
	uint64_t jobs;
};

/* --- worker.c: its life ----------------------------------------------------
 */

enum worker_event {
	EVENT_START,
	EVENT_ENTERED,	/* the sandbox stands */
	EVENT_READY,	/* ... and waits for a job */
	EVENT_LOADED,	/* ... and has one already */
	EVENT_HANDED,	/* a job, to one that waits */
	EVENT_ANSWERED, /* and may have another job */
	EVENT_OVER,	/* nothing more is to be asked of it */
	EVENT_VANISHED,
	WORKER_EVENTS
};

void worker_step(struct worker *w, enum worker_event event);
/* See what has become possible; may call the owner and free the worker. */
void worker_advance(struct worker *w);
/* Keep the first reason why it is no use any more. */
void worker_blame(struct worker *w, const struct err *e);
/* It is given `ms` from now; 0: as long as it likes. */
void worker_set_overdue(struct worker *w, int64_t ms);
/* No job is to follow: close its input, and allow it LINGER_MS. */
void worker_let_end(struct worker *w);
void worker_abort(struct worker *w);
/* The program runs, and said "ready" if it has to. */
void worker_loaded(struct worker *w);
/* While it has no job. */
void worker_stray_line(struct worker *w, enum log_level level,
		       enum logbook_stream stream, const char *message,
		       size_t len, uint64_t left_out, struct json_text fields);

/* --- worker_io.c ------------------------------------------------------------
 */

/* Begin to listen to start.box. */
void worker_io_start(struct worker *w);
void worker_io_stop(struct worker *w);
/* Write what is pending, and close the input when it is time. */
void worker_io_write(struct worker *w);
/* Take what has been written before now, without waiting. */
void worker_io_drain(struct worker *w);
/* Every report that pid 1 left behind. */
void worker_io_reports(struct worker *w);

/* --- worker_job.c ------------------------------------------------------------
 */

/* A line of log: kept, and shown to whoever watches. */
void job_log(struct job_run *run, enum log_level level,
	     enum logbook_stream stream, const char *message, size_t len,
	     uint64_t left_out, struct json_text fields);
/* See whether the plugin has answered, and what follows. */
void worker_job_answered(struct worker *w);
void worker_job_used(struct worker *w, const struct report *r);
/* Make its record; done() follows, at once or when the hunt is over. */
void worker_job_finish(struct worker *w);
/* The same where no sandbox came to be. */
void worker_job_fail(struct worker *w, const struct err *e);

/* --- job_output.c: what the plugin says ------------------------------------
 */

/* Of the worker, for its whole life. */
void job_output_init(struct worker *w);
void job_output_release(struct worker *w);
/* Prepare for a job: what goes to standard input. */
int job_output_start(struct job_run *run, const struct job *job, struct err *e);
void job_run_free(struct job_run *run);
/* Bytes to write to standard input now; NULL: none. */
struct buf *job_output_pending(struct worker *w);
/* What was read; -1: the plugin broke a rule, which is in *e. */
int job_output_stdout(struct worker *w, const char *data, size_t len,
		      struct err *e);
void job_output_stderr(struct worker *w, const char *data, size_t len);
/* Standard output has ended: -1 and *e where it should not have. */
int job_output_stdout_end(struct worker *w, struct err *e);
/* At the end of the job; `last`: and of both streams. */
void job_output_end(struct job_run *run, bool last);

/* --- job_record.c: what it came to ------------------------------------------
 */

/* All but what has to be looked for on the host: true where there is such. */
bool job_record_finish(struct job_run *run);
/* The last lines of its log, where the cause may be. */
void job_record_tail(const struct job_run *run, struct buf *tail);
/* After the search. */
void job_record_hint(struct job_run *run);

#endif
