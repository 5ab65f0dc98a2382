/*
 * grace.h: how long each level of the agent is given to end.
 *
 * They nest: whoever stops something waits longer than what it stops may
 * take, so that a level which hangs is found by the one above it, and nothing
 * is killed that is still ending as it should.
 *
 *	a plugin	GRACE_PLUGIN_MS		TERM to KILL, by its pid 1
 *	a worker	GRACE_WORKER_MS		to being reported as stuck
 *	the agent	agent.stop_timeout	of the configuration
 *	the service	GRACE_STOP_MS		more: EXTEND_TIMEOUT_USEC, and
 *						TimeoutStopSec of its unit
 */
#ifndef MODEL_GRACE_H
#define MODEL_GRACE_H

#define GRACE_PLUGIN_MS 2000
#define GRACE_WORKER_MS 5000
#define GRACE_STOP_MS 15000

#endif
