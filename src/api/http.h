/*
 * http.h: the HTTP side: listens, takes requests, asks the master, answers.
 *
 * 1. http_new() with the loop and the channel to the master;
 * 2. http_configure() with the listening sockets, and again whenever
 *    something changed: open connections go on with what they began with;
 * 3. http_turn() at the end of each turn of the loop, before the channel is
 *    flushed.
 *
 * One thread; libmicrohttpd is driven by the loop through its epoll
 * descriptor.  A connection whose request waits for the master is suspended
 * and costs nothing.  Each phase of a connection has its time (connection.c),
 * each of its buffers a bound.
 */
#ifndef API_HTTP_H
#define API_HTTP_H

#include <stddef.h>

#include "api/upstream.h"
#include "api/settings.h"
#include "base/err.h"
#include "base/loop.h"

struct http;

struct http *http_new(struct loop *l, struct upstream *master);

/*
 * Takes `s` over where it succeeds; else all stays as it was.  `fds` listen,
 * do not block, and are the caller's.
 */
int http_configure(struct http *h, struct http_settings *s, const int *fds,
		   size_t n, struct err *e);
void http_turn(struct http *h);
/*
 * Take no new connections.  There is no end but the process's: it may leave
 * once http_connections() is 0, or at any time.
 */
void http_quiesce(struct http *h);
size_t http_connections(const struct http *h);

#endif
