/* master/peers.c: the life of a program of the agent's, state by event. */
#include "master/peers_parts.h"
#include "tap.h"

#define NOTHING (-1)

static const char *const events[PEER_EVENTS] = {
	[EVENT_WANTED] = "it is wanted",
	[EVENT_UNWANTED] = "it is not wanted",
	[EVENT_REPLACE] = "another is to be in its place",
	[EVENT_READY] = "it says ready",
	[EVENT_BROKE] = "it breaks a rule",
	[EVENT_FAILED] = "it can't be executed",
	[EVENT_GONE] = "its process has ended",
	[EVENT_TIMER] = "the time is up",
};

static const int want[PEER_STATES][PEER_EVENTS] = {
	[PEER_OFF] = { [EVENT_WANTED] = PEER_STARTING,
		       [EVENT_UNWANTED] = NOTHING,
		       [EVENT_REPLACE] = NOTHING,
		       [EVENT_READY] = NOTHING,
		       [EVENT_BROKE] = NOTHING,
		       [EVENT_FAILED] = NOTHING,
		       [EVENT_GONE] = NOTHING,
		       [EVENT_TIMER] = NOTHING },
	[PEER_STARTING] = { [EVENT_WANTED] = NOTHING,
			    [EVENT_UNWANTED] = PEER_ENDING,
			    [EVENT_REPLACE] = PEER_REPLACING,
			    [EVENT_READY] = PEER_READY,
			    [EVENT_BROKE] = PEER_STARTING,
			    [EVENT_FAILED] = PEER_WAITING,
			    [EVENT_GONE] = PEER_WAITING,
			    [EVENT_TIMER] = PEER_STARTING },
	[PEER_READY] = { [EVENT_WANTED] = NOTHING,
			 [EVENT_UNWANTED] = PEER_ENDING,
			 [EVENT_REPLACE] = PEER_REPLACING,
			 [EVENT_READY] = NOTHING,
			 [EVENT_BROKE] = PEER_READY,
			 [EVENT_FAILED] = NOTHING,
			 [EVENT_GONE] = PEER_WAITING,
			 [EVENT_TIMER] = NOTHING },
	[PEER_ENDING] = { [EVENT_WANTED] = PEER_REPLACING,
			  [EVENT_UNWANTED] = NOTHING,
			  [EVENT_REPLACE] = NOTHING,
			  [EVENT_READY] = NOTHING,
			  [EVENT_BROKE] = PEER_ENDING,
			  [EVENT_FAILED] = NOTHING,
			  [EVENT_GONE] = PEER_OFF,
			  [EVENT_TIMER] = PEER_ENDING },
	[PEER_REPLACING] = { [EVENT_WANTED] = NOTHING,
			     [EVENT_UNWANTED] = PEER_ENDING,
			     [EVENT_REPLACE] = NOTHING,
			     [EVENT_READY] = NOTHING,
			     [EVENT_BROKE] = PEER_REPLACING,
			     [EVENT_FAILED] = NOTHING,
			     [EVENT_GONE] = PEER_STARTING,
			     [EVENT_TIMER] = PEER_REPLACING },
	[PEER_WAITING] = { [EVENT_WANTED] = PEER_STARTING,
			   [EVENT_UNWANTED] = PEER_OFF,
			   [EVENT_REPLACE] = PEER_STARTING,
			   [EVENT_READY] = NOTHING,
			   [EVENT_BROKE] = NOTHING,
			   [EVENT_FAILED] = NOTHING,
			   [EVENT_GONE] = NOTHING,
			   [EVENT_TIMER] = PEER_STARTING },
};

int
main(void)
{
	for (int s = 0; s < PEER_STATES; s++)
		for (int e = 0; e < PEER_EVENTS; e++)
			is_int(peer_next((enum peer_state)s,
					 (enum peer_event)e),
			       want[s][e], "%s, and %s: %s",
			       peer_state_name((enum peer_state)s), events[e],
			       want[s][e] < 0 ?
				       "nothing" :
				       peer_state_name(
					       (enum peer_state)want[s][e]));
	return tap_done();
}
