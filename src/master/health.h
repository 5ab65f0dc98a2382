/*
 * health.h: whether the agent lives, and can take jobs and keep them.
 *
 * Anybody may ask (/healthz, /readyz), so that the reasons name no path and
 * nothing that a secret could be in.
 */
#ifndef MASTER_HEALTH_H
#define MASTER_HEALTH_H

#include "model/value.h"

struct master;

/* {"alive": true, "ready": false, "reasons": ["..."]} */
struct value *health_value(struct master *m);

#endif
