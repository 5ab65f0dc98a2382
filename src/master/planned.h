/*
 * planned.h: one schedule, from a job's settings to when and how it runs.
 */
#ifndef MASTER_PLANNED_H
#define MASTER_PLANNED_H

#include "config/config.h"
#include "master/schedules.h"
#include "model/policy.h"

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

/* Fill s->schedule and what goes with it. */
int planned_plan(struct planned *s, struct err *e);

void planned_policy(const struct config_job *job, struct policy *out);

#endif
