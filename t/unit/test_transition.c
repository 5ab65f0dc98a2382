/* model/transition: the life of a job, every state by every state. */
#include "tap.h"

#include "model/transition.h"

/* A row a state, a letter a state that may follow ('x') or not ('.'). */
static const char *const want[JOB_STATES] = {
	/*                  queued, running, succeeded, failed, timed_out,
	 *                  cancelled, denied, lost */
	[JOB_QUEUED] = ".x.x.xx.",    [JOB_RUNNING] = "x.xxxxxx",
	[JOB_SUCCEEDED] = "........", [JOB_FAILED] = "........",
	[JOB_TIMED_OUT] = "........", [JOB_CANCELLED] = "........",
	[JOB_DENIED] = "........",    [JOB_LOST] = "........",
};

int
main(void)
{
	for (enum job_state from = 0; from < JOB_STATES; from++) {
		for (enum job_state to = 0; to < JOB_STATES; to++)
			is_int(job_transition_allowed(from, to),
			       want[from][to] == 'x', "%s %s become %s",
			       job_state_name(from),
			       want[from][to] == 'x' ? "may" : "may not",
			       job_state_name(to));
		is_int(job_state_final(from), !strchr(want[from], 'x'),
		       "%s is %s end", job_state_name(from),
		       strchr(want[from], 'x') ? "no" : "an");
	}
	return tap_done();
}
