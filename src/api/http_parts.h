/*
 * http_parts.h: what the files of the HTTP side share; theirs alone.
 */
#ifndef API_HTTP_PARTS_H
#define API_HTTP_PARTS_H

#include <sys/queue.h>
#include <sys/socket.h>

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/upstream.h"
#include "api/encode.h"
#include "api/http.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/settings.h"
#include "api/tls.h"
#include "base/loop.h"

/* Of a connection: its header and what is made of it. A library's sum. After a
 * request the library clears all of it, so that each connection has it: enough
 * for the longest header (request.h) and its lines, no more. */
#define HTTP_POOL_BYTES (18U << 10)
#define HTTP_POOL_STEP 2048U
#define STREAM_BACKLOG_MAX (8UL << 20) /* bytes that a reader is behind */
#define STREAM_BEAT_MS 15000
#define STREAM_ACCEPT_MS 1000  /* silence of the master: it was accepted */
#define STREAM_STALLED_BEATS 2 /* without a byte read: it is dropped */
#define ADDRESS_BUCKETS 4096

/* One socket that is listened on, as the library knows it. */
struct listener {
	TAILQ_ENTRY(listener) link;
	struct http *http;
	struct MHD_Daemon *daemon;
	struct loop_io io;
	struct loop_timer timer;
	int fd;
	bool tls, draining; /* no new connections: freed when none is left */
	size_t connections;
	int64_t limit; /* of connections, that it began with */
};

enum phase {
	PHASE_IDLE,   /* waits for a request */
	PHASE_HEADER, /* a header has begun to come */
	PHASE_BODY,   /* the header is there */
	PHASE_ASKING, /* the master is asked */
	PHASE_REPLY,  /* the answer goes */
	PHASE_STREAM, /* events go, as long as there are any */
	PHASE_GONE,   /* nobody listens any more */
	PHASES,
};

struct exchange;

struct connection {
	struct listener *listener;
	struct MHD_Connection *mhd;
	struct identity *identity; /* NULL: no TLS */
	struct exchange *exchange; /* NULL: PHASE_IDLE, PHASE_HEADER */
	struct loop_timer timer;
	struct loop_io watch; /* for the client's going, while suspended */
	int fd;
	enum phase phase;
	uint64_t received; /* bytes, when it became idle */
	int64_t idle_since_ms;
	bool suspended, loopback, checked;
	bool untrusted;	 /* its certificate; `peer` says why */
	struct buf peer; /* JSON of its certificate; empty: none */
	char address[INET6_ADDRSTRLEN];
};

/* One request, from its first line to the end of its answer. */
struct exchange {
	struct connection *connection;
	char *target;
	const char *line; /* where the library has the target */
	struct mapped mapped;
	struct problem problem;
	struct buf body;
	struct call call;
	struct reply reply;
	enum coding coding;
	int64_t began_us;
	size_t held; /* bytes that count against held_bytes */
	/* a stream */
	struct buf out;
	size_t out_sent; /* of `out` */
	uint64_t sent, sent_at_beat;
	int stalled;
	bool begun, ended;
};

struct address {
	LIST_ENTRY(address) link;
	size_t n;
	char text[INET6_ADDRSTRLEN];
};
LIST_HEAD(addresses, address);

struct http {
	struct loop *loop;
	struct upstream *master;
	struct http_settings settings;
	struct map_rules rules;
	struct identity *identity;
	TAILQ_HEAD(, listener) listeners;
	struct addresses addresses[ADDRESS_BUCKETS];
	size_t connections, most, streams, held;
	bool dirty; /* a connection was resumed in this turn */
};

/* http.c */
void listener_run(struct listener *l);

/* connection.c */
enum MHD_Result connection_may(void *cls, const struct sockaddr *address,
			       socklen_t len);
void connection_notify(void *cls, struct MHD_Connection *mhd, void **context,
		       enum MHD_ConnectionNotificationCode what);
void connection_set_phase(struct connection *c, enum phase phase);
void connection_suspend(struct connection *c);
void connection_resume(struct connection *c);
/* Once a handshake is over; false: it is not trusted, `peer` says why. */
void connection_check_peer(struct connection *c);

/* exchange.c */
void *exchange_begin(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result exchange_handle(void *cls, struct MHD_Connection *mhd,
				const char *url, const char *method,
				const char *version, const char *data,
				size_t *size, void **context);
void exchange_end(void *cls, struct MHD_Connection *mhd, void **context,
		  enum MHD_RequestTerminationCode why);
/* The client went, or the time is up: what was asked is not wanted. */
void exchange_abandon(struct exchange *x);
void exchange_timed_out(struct exchange *x);
void exchange_fail(struct exchange *x, const struct problem *p);
void exchange_hold(struct exchange *x, size_t bytes);
bool exchange_is_held_up(const struct http *h);

/* respond.c */
enum MHD_Result respond(struct exchange *x);
enum MHD_Result respond_stream(struct exchange *x,
			       MHD_ContentReaderCallback read);

/* stream.c */
void stream_notified(struct exchange *x, const char *method,
		     struct json_text params);
void stream_answered(struct exchange *x, const struct answer *a);
void stream_begin(struct exchange *x);
void stream_beat(struct exchange *x);
ssize_t stream_read(void *cls, uint64_t pos, char *buf, size_t max);

#endif
