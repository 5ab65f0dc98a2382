/*
 * peers.h: programs of the agent's own that the master executes, and watches.
 *
 * The HTTP API and the forwarder are programs apart, so that neither HTTP nor
 * TLS is linked to what decides.  Each is a row: a struct peer_kind, which
 * its own file defines (api.h, forward.h) and peers.c lists.
 *
 * The program is found when the agent starts, before it gives its privileges
 * up: devops_agent-NAME beside devops_agent, or in ../libexec/devops_agent
 * (of devops_agent-asan: devops_agent-NAME-asan).  Where there is none, its
 * trouble says so.  It is executed with an
 * empty environment and argv[0] alone, as the master's account, with these
 * descriptors and no other:
 *
 *	0, 1	/dev/null
 *	2	the agent's standard error
 *	3	the channel (PEER_CHANNEL), a socket: JSON-RPC 2.0, a line each
 *	4 ...	what kind->sockets() gave, in its order
 *
 * SIGKILL follows the master's death.  End of file on the channel means: end
 * within PEER_STOP_MS.  On the channel:
 *
 *	master	configure {...}		kind->configure(), first of all, and
 *					again whenever it has changed
 *	peer	ready {"ping": true}	within PEER_START_MS of its start
 *	peer	log {"level", "message", ...}	PEER_LOGS at once, then
 *					PEER_LOGS_SECOND a second: others are
 *					counted
 *	master	ping {"n": 1}		to one whose `ready` said so, each
 *	peer	pong {"n": 1}		PEER_PING_MS; late by PEER_STALL_MS it
 *					hangs
 *	peer	requests		kind->request()
 *	peer	other notifications	kind->notified()
 *
 * One that ends, breaks these rules, or does not read for PEER_STALL_MS what
 * there is for it, is killed where need be, and executed anew: after
 * PEER_DELAY_MS, and twice as late each time up to PEER_DELAY_MAX_MS, until
 * it was well for PEER_STEADY_MS.  What it had asked for is forgotten.
 */
#ifndef MASTER_PEERS_H
#define MASTER_PEERS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"
#include "master/request.h"
#include "model/value.h"
#include "proto/line.h"
#include "proto/rpc.h"

#define PEER_CHANNEL 3 /* descriptors in the program */
#define PEER_SOCKETS 4
#define PEER_SOCKETS_MAX 16

#define PEER_START_MS 10000
#define PEER_STOP_MS 2000
#define PEER_STALL_MS 30000
#define PEER_PING_MS 60000
#define PEER_DELAY_MS 100
#define PEER_DELAY_MAX_MS 30000
#define PEER_STEADY_MS 30000
#define PEER_LOGS 200
#define PEER_LOGS_SECOND 20

enum peer_state {
	PEER_OFF,	/* not wanted */
	PEER_STARTING,	/* executed, and not `ready` yet */
	PEER_READY,	/* serves */
	PEER_ENDING,	/* told to end, or killed, and not wanted */
	PEER_REPLACING, /* the same, and wanted again */
	PEER_WAITING,	/* ended by itself; started again after a delay */
	PEER_STATES,
};

struct peer;

struct peer_kind {
	const char *name;    /* in log, status and metrics: "api" */
	const char *program; /* "devops_agent-api" */
	size_t line_max;     /* bytes of a line from it */
	size_t out_pause;    /* bytes not read by it: its requests wait */
	size_t out_max;	     /* bytes not read by it: it hangs */
	/* Whether it is to run, as configured. */
	bool (*wanted)(const struct master *m);
	/* The params of `configure`, the caller's. */
	struct value *(*configure)(struct master *m);
	/*
	 * The sockets that it gets; they stay the kind's, which keeps them
	 * open.  Returns their count; -1 with `e`: none, and the program is
	 * not started but later.  NULL: it gets none.
	 */
	int (*sockets)(struct master *m, int fds[PEER_SOCKETS_MAX],
		       struct err *e);
	/*
	 * A request: request_new(peer_channel(p), ...) or request_take(), and
	 * an answer some time.  A line that is no request was answered.
	 */
	void (*request)(struct peer *p, const struct rpc_request *r);
	/* A notification that is none of those above.  NULL: ignored. */
	void (*notified)(struct peer *p, const struct rpc_request *r);
	/* After what was noted in a turn is committed; NULL: nothing. */
	void (*turn)(struct peer *p);
	/* It became ready; it has gone, and its requests with it.  NULL. */
	void (*up)(struct peer *p);
	void (*down)(struct peer *p);
};

struct peer {
	/* to be read by all */
	const struct peer_kind *kind;
	struct master *master;
	enum peer_state state;
	pid_t pid;	  /* 0: no process */
	int64_t since_ms; /* in this state, unix */
	int64_t retry_ms; /* PEER_WAITING: started then, unix */
	uint64_t starts, failures;
	struct err trouble; /* why it ended last; ERR_NONE: never did */
	/* private */
	int program; /* O_PATH; -1: there is none */
	char *path;
	struct channel channel;
	struct line_splitter lines;
	struct loop_io io;
	struct loop_io end;
	struct loop_timer timer; /* of the state */
	struct loop_timer stall; /* it does not read */
	struct loop_timer ping;
	int fd, pidfd;
	int64_t delay_ms, ready_ms; /* the latter of clock_mono_ms() */
	int64_t pings, pongs;
	bool paused, killed;
	bool known;		  /* why it can't start was said before */
	struct value *configured; /* what it was told */
	double logs;		  /* that it may say at once */
	int64_t logs_ms;
	uint64_t logs_dropped;
};

#define PEERS_MAX 2

struct peers {
	struct peer items[PEERS_MAX];
	size_t n;
};

/* Find the programs, while we may see them. */
void peers_open(struct master *m);
/* Start what is wanted; the loop is there. */
void peers_start(struct master *m);
/* The configuration is a new one: configure, start, end. */
void peers_reload(struct master *m);
/* Send what there is; the loop calls it after the commit. */
void peers_flush(struct master *m);
/* Tell all to end, and wait PEER_STOP_MS at most. */
void peers_close(struct master *m);

/* Run it anew, as its sockets are others now. */
void peer_replace(struct peer *p);
/* It did what it never would: kill it, and start it again. */
void peer_fail(struct peer *p, const struct err *e);
/* Tell it something.  `params` is taken over; nothing where it is not up. */
void peer_notify(struct peer *p, const char *method, struct value *params);

static inline struct channel *
peer_channel(struct peer *p)
{
	return &p->channel;
}

/* The peer of that kind; NULL where it is not listed. */
struct peer *peers_find(struct master *m, const struct peer_kind *kind);

const char *peer_state_name(enum peer_state state);
/* For `status`: [{name, state, pid, since, starts, failures, trouble}] */
struct value *peers_value(struct master *m);

#endif
