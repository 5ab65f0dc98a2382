/*
 * planned.h: one schedule, from a job's settings to when and how it runs.
 */
#ifndef MASTER_PLANNED_H
#define MASTER_PLANNED_H

#include "config/config.h"
#include "master/schedules.h"
#include "model/policy.h"
#include "store/store.h"

/* What could not be done now is tried again after this. */
#define PLANNED_RETRY_MS 1000

struct planned *planned_new(const char *name);
void planned_free(struct planned *s);

/* What it does is that job of the configuration, which outlives it. */
void planned_set(struct planned *s, const struct config_job *job);

/*
 * What a client asked for: the settings of a job as an object.  It is the
 * same as in the file, but that nothing is read for it: no ${...}.
 */
int planned_check_spec(const struct value *spec, struct err *e);
/* -1: s->broken says why; it is kept, and does not run. */
int planned_set_spec(struct planned *s, const char *json);

/* From its row in the store, and into it but for the spec. */
void planned_take_row(struct planned *s, const struct store_schedule *row);
void planned_fill_row(const struct planned *s, struct store_schedule *row);

/*
 * Fill s->schedule and what goes with it.  Where its due times are others than
 * those that its row knows, what was due by those does not matter any more:
 * s->last_due_ms is 0 then.
 */
int planned_plan(struct planned *s, struct err *e);

void planned_policy(const struct config_job *job, struct policy *out);

#endif
