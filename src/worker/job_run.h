/*
 * job_run.h: what job.c, job_output.c and job_record.c share.
 */
#ifndef WORKER_JOB_RUN_H
#define WORKER_JOB_RUN_H

#include "proto/line.h"
#include "worker/job.h"

/* One run under way. */
struct job_run {
	struct job *job;
	struct sandbox_spec spec;
	struct sandbox box;
	struct limits limits;
	struct report exited; /* REPORT_EXITED, once it came */
	bool has_exited;
	bool entered;
	unsigned layers;
	int landlock_abi;
	bool cancelled;
	bool answered;	     /* rpc: a result or an error came */
	int64_t answered_ms; /* monotonic */
	bool out_of_memory;
	int64_t started_ms; /* monotonic */
	int64_t give_up_ms; /* monotonic; when pid 1 is overdue */

	struct session session; /* rpc */
	struct buf request;	/* for standard input, not rpc */
	struct line_cutter err_lines;
	struct line_cutter out_lines; /* json: those before the last */
	struct buf text;	      /* text: all; json: the last line */
	struct err broken;	      /* what came that must not; kind NONE */
	bool spoiled;		      /* ... while it could still speak */
	char *chunk;		      /* what is being read */
};

/* A line of log: kept, and shown to whoever watches. */
void job_log(struct job_run *run, enum log_level level,
	     enum logbook_stream stream, const char *message, size_t len,
	     uint64_t left_out, struct json_text fields);

/* --- job_output.c: what the plugin says ----------------------------------- */

/* Prepare for the output mode, and what goes to standard input. */
int job_output_start(struct job_run *run, struct err *e);
void job_output_release(struct job_run *run);
/* Bytes to write to standard input now; NULL: none, and it may be closed. */
struct buf *job_output_pending(struct job_run *run);
/* Whether standard input is to be closed once nothing is pending. */
bool job_output_asked(const struct job_run *run);
/* What was read; -1: the plugin broke a rule, which is in run->broken. */
int job_output_stdout(struct job_run *run, const char *data, size_t len);
void job_output_stderr(struct job_run *run, const char *data, size_t len);
/* At the end of both streams. */
void job_output_end(struct job_run *run);

/* --- job_record.c: what it came to ---------------------------------------- */

void job_record_finish(struct job_run *run);

#endif
