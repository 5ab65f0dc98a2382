/*
 * upkeep.h: what is done from time to time: retention, the watchdog.
 */
#ifndef MASTER_UPKEEP_H
#define MASTER_UPKEEP_H

struct master;

void upkeep_start(struct master *m);
void upkeep_stop(struct master *m);

#endif
