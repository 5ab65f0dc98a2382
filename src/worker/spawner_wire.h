/*
 * spawner_wire.h: what the master and the spawner say to each other.
 *
 * Fixed-size messages on a SOCK_SEQPACKET pair.  Numbers of sandboxes and of
 * specs are the master's choice, and are not used twice.
 */
#ifndef WORKER_SPAWNER_WIRE_H
#define WORKER_SPAWNER_WIRE_H

#include <stdint.h>

#include "worker/spawner.h"

enum spawner_request_type {
	SPAWNER_SPEC,	/* spec_encode()'s bytes in a sealed memory file */
	SPAWNER_FORGET, /* that spec */
	SPAWNER_START,	/* a sandbox by that spec */
	SPAWNER_KILL,	/* everything of it */
	SPAWNER_KEEP,	/* a descriptor, as long as it lives */
};

struct spawner_request {
	uint32_t type;
	uint32_t zero;
	uint64_t spec;
	uint64_t id; /* of a sandbox */
};

enum spawner_reply_type {
	SPAWNER_STARTED, /* with its descriptors, in the order of enum below */
	SPAWNER_FAILED,	 /* it was not: error */
	SPAWNER_GONE,	 /* no process of it is left */
};

struct spawner_reply {
	uint32_t type;
	int32_t pid;
	uint64_t id;
	uint32_t out_of_memory;
	uint32_t metered;     /* the meter's descriptors are there */
	int32_t kind, errnum; /* of a struct err */
	char msg[1024], hint[512];
};

/*
 * Descriptors of SPAWNER_STARTED: the streams, those of struct meter where
 * r.metered says so, and the last only where there is such a one.
 */
enum {
	SPAWNER_FD_STDIN,
	SPAWNER_FD_STDOUT,
	SPAWNER_FD_STDERR,
	SPAWNER_FD_REPORT,
	SPAWNER_STREAMS,
	SPAWNER_FD_DEADLINE = SPAWNER_STREAMS,
	SPAWNER_FD_CPU,
	SPAWNER_FD_TASKS,
	SPAWNER_FD_MEMORY,
	SPAWNER_FDS
};

/*
 * One message with up to SPAWNER_FDS descriptors.  Sending: 0, or -1 and
 * errno.  Receiving: its length, 0 at the end, -1 and errno; *n_fds is how
 * many came, which are the caller's to close.
 */
int spawner_send(int fd, const void *message, size_t len, const int *fds,
		 size_t n_fds);
int spawner_receive(int fd, void *message, size_t len, int fds[SPAWNER_FDS],
		    size_t *n_fds);

/* The rest of the spawner's life, on its end of the channel. */
void spawner_serve(int fd) __attribute__((noreturn));

#endif
