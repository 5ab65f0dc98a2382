/*
 * schedules_parts.h: what the files of schedules.h share.
 */
#ifndef MASTER_SCHEDULES_PARTS_H
#define MASTER_SCHEDULES_PARTS_H

#include "master/schedules.h"

struct planned *schedules_insert(struct master *m, struct planned *s);
/* Forget it; and free it. */
void schedules_unlink(struct master *m, struct planned *s);
void schedules_drop(struct master *m, struct planned *s);
/* 0: a run is under way to the store; `asked` NULL: nobody waits for it. */
int schedules_submit(struct master *m, struct planned *s, int64_t due_ms,
		     const char *trigger, const struct asked_run *asked,
		     struct err *e);
/* Its row is written with this turn's commit. */
void schedules_keep_row(struct master *m, struct planned *s);
/* It is looked at next at that time; SCHEDULE_NEVER. */
void schedules_next_turn(struct master *m, struct planned *s, int64_t at_ms);
/* What it is to do is known: find out when. */
void schedules_plan(struct master *m, struct planned *s);

/* The store is a new one, of another agent's id: all rows go into it. */
void schedules_keep_all(struct master *m);

#endif
