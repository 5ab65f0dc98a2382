/*
 * control.h: the agent's socket, and who is on it.
 *
 * Clients are known by the user id that the kernel gives (SO_PEERCRED), and
 * speak JSON-RPC lines (proto/rpc.h).  What each may ask for is a table
 * (messages.c).  Nothing a client does delays another: lines are bounded,
 * output is bounded, one that does not read is not read from, and one that
 * begins a line has CLIENT_LINE_MS to end it.
 */
#ifndef MASTER_CONTROL_H
#define MASTER_CONTROL_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"
#include "master/request.h"

struct client;

#define CLIENTS_MAX 1024
#define CLIENT_LINE_MS 30000 /* from the first byte of a line to its end */
#define CLIENT_OUT_PAUSE (1UL << 20) /* unread by it: nothing more is read */
#define CLIENT_OUT_MAX (64UL << 20)  /* unread by it: it is dropped */

TAILQ_HEAD(clients, client);

struct control {
	struct loop_io listener;
	int fd;
	char *path; /* NULL: the socket is not ours to remove */
	struct clients clients;
	size_t n;
	bool full; /* not listening until a client goes */
	uint64_t accepted, refused, requests, errors;
};

/* Listen at the configured place, or on what systemd handed over. */
int control_open(struct master *m, struct err *e);
void control_close(struct master *m);
/* Send what there is to send; the loop calls it after the commit. */
void control_flush(struct master *m);

#endif
