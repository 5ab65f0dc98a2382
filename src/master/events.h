/*
 * events.h: what happens, for those who watch it by the HTTP API.
 *
 * The newest EVENTS_KEPT, in EVENTS_BYTES at most, are kept in a ring, and
 * each stream has a place in it: a stream costs no memory for what it has not
 * been sent yet, and one that falls off the ring's end is told so by an event
 * "gap".  Nothing is kept as long as nobody has ever watched.
 *
 *	event {"request": ID, "id": 1790000000000001, "type": "job.ended",
 *	       "data": {...}}
 *
 * Ids grow, over restarts as well.  Types: job.queued, job.started, job.retry,
 * job.ended with {id, name, plugin, state, attempt, trigger, error};
 * agent.reloaded, agent.stopping; gap {missed}, which is null where it is not
 * known.
 */
#ifndef MASTER_EVENTS_H
#define MASTER_EVENTS_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/value.h"

#define EVENTS_KEPT 1024
#define EVENTS_BYTES (1UL << 20)
#define EVENTS_OUT (1UL << 20) /* unread by the API: no more is sent */

struct master;
struct request;
struct live_job;
struct stream;

struct event {
	char *text; /* "id":1,"type":"x","data":{}} */
	size_t len;
};

LIST_HEAD(streams, stream);

struct events {
	struct event ring[EVENTS_KEPT];
	int64_t first; /* id of the first of this agent's life */
	int64_t next;  /* id of the one to come; 0: nobody ever watched */
	size_t n, bytes;
	struct streams streams;
	size_t n_streams;
	bool behind; /* a stream has more to be sent */
};

/* `data` is taken over. */
void events_add(struct master *m, const char *type, struct value *data);
void events_job(struct master *m, const char *type, const struct live_job *j);

/* From the one after `after` on; 0: from now on. */
void events_watch(struct request *q, int64_t after);
/* Send what there is room for. */
void events_send(struct master *m);
void events_release(struct master *m);

#endif
