/*
 * transition.h: which state of a job may follow which.
 *
 * The whole life of a job is one table; whoever changes a state asks here.
 * The states after JOB_RUNNING are ends: what is to be run again is a new job,
 * so that a record that was sent somewhere never changes. Only a job whose
 * attempt did not count (its policy says to try again) goes back to the queue.
 */
#ifndef MODEL_TRANSITION_H
#define MODEL_TRANSITION_H

#include <stdbool.h>

#include "model/record.h"

#define JOB_STATES (JOB_LOST + 1)

bool job_transition_allowed(enum job_state from, enum job_state to);

/* Whether nothing follows it. */
bool job_state_final(enum job_state state);

#endif
