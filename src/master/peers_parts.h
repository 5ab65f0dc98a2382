/*
 * peers_parts.h: what the files of peers.h share.
 */
#ifndef MASTER_PEERS_PARTS_H
#define MASTER_PEERS_PARTS_H

#include "master/peers.h"

enum peer_event {
	EVENT_WANTED,
	EVENT_UNWANTED,
	EVENT_REPLACE,
	EVENT_READY,
	EVENT_BROKE,  /* it broke a rule; p->trouble says which */
	EVENT_FAILED, /* it could not be executed */
	EVENT_GONE,   /* its process has ended */
	EVENT_TIMER,
	PEER_EVENTS,
};

/* What has happened, by the table of peers.c. */
void peer_event(struct peer *p, enum peer_event event);

/* What it leads to; -1: nothing changes, and nothing is done. */
int peer_next(enum peer_state from, enum peer_event event);

/* --- peers_exec.c ------------------------------------------------------- */

/* Sets path and program, the latter to -1 where there is none. */
void peer_find_program(struct peer *p);
/* Sets pid, pidfd and fd. */
int peer_exec(struct peer *p, struct err *e);
/* Wait for the process that has ended; how is in `e`. */
void peer_reap(struct peer *p, struct err *e);

/* --- peers_channel.c ---------------------------------------------------- */

int peer_channel_open(struct peer *p, struct err *e);
void peer_channel_close(struct peer *p);
/* Tell it how it is configured, where that is news. */
void peer_configure(struct peer *p);
void peer_write(struct peer *p);
/* What is answered to `log`. */
void peer_log(struct peer *p, const struct value *params);

#endif
