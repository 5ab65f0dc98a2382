/*
 * keep.h: from a job's record and log to what the store keeps of them.
 */
#ifndef AGENT_KEEP_H
#define AGENT_KEEP_H

#include "base/buf.h"
#include "model/record.h"
#include "proto/logbook.h"
#include "store/store.h"

/* A record as a row of the store, whose texts it owns. */
struct kept {
	struct store_job job;
	struct value *form; /* the record's outside form */
	struct buf texts[10];
	size_t n;
};

/* Everything there is of `r`, which must outlive it. */
void kept_init(struct kept *k, const struct record *r);
void kept_release(struct kept *k); /* cleanup function */

/* A logbook's entries for store_job_finish(); `arg` is the logbook. */
int keep_logs(void *arg, store_log_fn *add, void *add_arg);

/* One entry, as the store has it; borrows it. */
struct store_log keep_line(const struct logbook_entry *entry);

#endif
