/*
 * upkeep.h: what is done from time to time: retention, the watchdog.
 */
#ifndef MASTER_UPKEEP_H
#define MASTER_UPKEEP_H

struct master;

void upkeep_start(struct master *m);
/* There is one job more that retention may find too much. */
void upkeep_job_ended(struct master *m);
void upkeep_stop(struct master *m);

#endif
