/*
 * rows.h: jobs of the store as clients see them: the record of
 * docs/protocol.md, with what else the queue knows of a job.
 */
#ifndef MASTER_ROWS_H
#define MASTER_ROWS_H

#include <stdbool.h>

#include "base/err.h"
#include "model/value.h"
#include "store/store.h"

struct master;

/* The record; `brief`: without what may be large, for lists. */
struct value *rows_value(const struct store_job *row, bool brief);

/* That of one job; NULL with `e` where there is none.  The caller frees. */
struct value *rows_get(struct master *m, int64_t id, struct err *e);

#endif
