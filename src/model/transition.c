#include "model/transition.h"

#define TO(state) (1U << (state))

/* The states that may follow, as a set of bits. */
static const unsigned followers[JOB_STATES] = {
	[JOB_QUEUED] = TO(JOB_RUNNING) | TO(JOB_FAILED) | TO(JOB_CANCELLED) |
		       TO(JOB_DENIED),
	[JOB_RUNNING] = TO(JOB_QUEUED) | TO(JOB_SUCCEEDED) | TO(JOB_FAILED) |
			TO(JOB_TIMED_OUT) | TO(JOB_CANCELLED) | TO(JOB_DENIED) |
			TO(JOB_LOST),
	[JOB_SUCCEEDED] = 0,
	[JOB_FAILED] = 0,
	[JOB_TIMED_OUT] = 0,
	[JOB_CANCELLED] = 0,
	[JOB_DENIED] = 0,
	[JOB_LOST] = 0,
};

bool
job_transition_allowed(enum job_state from, enum job_state to)
{
	return followers[from] & TO(to);
}

bool
job_state_final(enum job_state state)
{
	return followers[state] == 0;
}
