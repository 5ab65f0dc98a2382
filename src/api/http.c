#include "api/http.h"

#include <sys/epoll.h>

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/http_parts.h"
#include "api/stats.h"
#include "base/clock.h"
#include "base/mem.h"

#define CROWD 256 /* connections */

/* Nothing is unescaped by the library: request.c reads what came. */
static size_t
leave_as_it_is(void *cls, struct MHD_Connection *mhd, char *s)
{
	(void)cls;
	(void)mhd;
	return strlen(s);
}

/*
 * What the library refuses by itself (no HTTP at all, headers past its
 * memory) it says here alone.
 */
static void __attribute__((format(printf, 2, 0)))
library_said(void *cls, const char *format, va_list args)
{
	(void)cls;
	(void)args;
	if (strstr(format, "Error processing request"))
		stats_rejected("malformed");
	else if (strstr(format, "connection limit"))
		stats_rejected("connections");
}

/* --- Listeners -------------------------------------------------------------
 */

static void
on_listener_time(void *arg)
{
	listener_run(arg);
}

static void
on_listener(void *arg, unsigned events)
{
	(void)events;
	listener_run(arg);
}

/* The library's turn; it says when it wants another without an event. */
void
listener_run(struct listener *l)
{
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(l->daemon);
	if (MHD_get_timeout(l->daemon, &ms) == MHD_YES)
		loop_timer_set(l->http->loop, &l->timer,
			       clock_mono_ms() + (int64_t)ms, on_listener_time,
			       l);
	else
		loop_timer_cancel(&l->timer);
}

static struct MHD_Daemon *
start_daemon(struct listener *l, const struct http_settings *s)
{
	unsigned flags = MHD_USE_EPOLL | MHD_USE_SUSPEND_RESUME |
			 MHD_USE_ERROR_LOG | (l->tls ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, s->key },
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, s->cert },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem plain[] = { { MHD_OPTION_END, 0, NULL } };

	return MHD_start_daemon(
		flags, 0, connection_may, l, exchange_handle, l,
		MHD_OPTION_EXTERNAL_LOGGER, library_said, NULL,
		MHD_OPTION_LISTEN_SOCKET, l->fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)s->connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HTTP_POOL_BYTES, MHD_OPTION_CONNECTION_MEMORY_INCREMENT,
		(size_t)HTTP_POOL_STEP, MHD_OPTION_CONNECTION_TIMEOUT, 0U,
		MHD_OPTION_NOTIFY_CONNECTION, connection_notify, l,
		MHD_OPTION_NOTIFY_COMPLETED, exchange_end, l,
		MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, l,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_as_it_is, NULL,
		MHD_OPTION_ARRAY, l->tls ? tls : plain, MHD_OPTION_END);
}

static void
listener_free(struct listener *l)
{
	if (loop_io_is_added(&l->io))
		loop_io_del(&l->io);
	loop_timer_cancel(&l->timer);
	if (l->daemon) {
		MHD_quiesce_daemon(l->daemon); /* the socket stays */
		MHD_stop_daemon(l->daemon);
	}
	free(l);
}

static struct listener *
listener_new(struct http *h, int fd, const struct http_settings *s,
	     struct err *e)
{
	struct listener *l = xcalloc(1, sizeof(*l));
	const union MHD_DaemonInfo *info;

	l->http = h;
	l->fd = fd;
	l->tls = s->cert != NULL;
	l->limit = s->connections;
	l->io.fd = -1;
	l->daemon = start_daemon(l, s);
	info = l->daemon ? MHD_get_daemon_info(l->daemon,
					       MHD_DAEMON_INFO_EPOLL_FD) :
			   NULL;
	if (!info || loop_io_add(h->loop, &l->io, info->epoll_fd, EPOLLIN,
				 on_listener, l) < 0) {
		listener_free(l);
		err_set(e, ERR_AGENT, "libmicrohttpd could not start");
		return NULL;
	}
	listener_run(l);
	return l;
}

/* Its socket is another's, or nobody's; its connections go on. */
static void
listener_drain(struct listener *l)
{
	if (l->draining)
		return;
	l->draining = true;
	MHD_quiesce_daemon(l->daemon);
	listener_run(l);
}

static void
free_drained(struct http *h)
{
	struct listener *l, *next;

	for (l = TAILQ_FIRST(&h->listeners); l; l = next) {
		next = TAILQ_NEXT(l, link);
		if (!l->draining || l->connections)
			continue;
		TAILQ_REMOVE(&h->listeners, l, link);
		listener_free(l);
	}
}

/* --- Settings --------------------------------------------------------------
 */

struct http *
http_new(struct loop *l, struct upstream *master)
{
	struct http *h = xcalloc(1, sizeof(*h));

	h->loop = l;
	h->master = master;
	TAILQ_INIT(&h->listeners);
	for (size_t i = 0; i < ADDRESS_BUCKETS; i++)
		LIST_INIT(&h->addresses[i]);
	return h;
}

static bool
listens_so(const struct http *h, int fd, const struct http_settings *s)
{
	const struct listener *l;

	TAILQ_FOREACH(l, &h->listeners, link)
	if (!l->draining && l->fd == fd && l->tls == (s->cert != NULL) &&
	    l->limit == s->connections)
		return true;
	return false;
}

/* What the library was told at its start takes another start. */
static int
listen_anew(struct http *h, const struct http_settings *s, const int *fds,
	    size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct listener *l, *old;

		if (listens_so(h, fds[i], s))
			continue;
		TAILQ_FOREACH(old, &h->listeners, link)
		if (old->fd == fds[i])
			listener_drain(old);
		l = listener_new(h, fds[i], s, e);
		if (!l)
			return -1;
		TAILQ_INSERT_TAIL(&h->listeners, l, link);
	}
	return 0;
}

static void
take_rules(struct http *h)
{
	h->rules = (struct map_rules){
		.hosts = (const char *const *)h->settings.hosts.items,
		.n_hosts = h->settings.hosts.n,
		.body_max = (uint64_t)h->settings.body_bytes,
		.metrics = h->settings.metrics,
	};
}

int
http_configure(struct http *h, struct http_settings *s, const int *fds,
	       size_t n, struct err *e)
{
	__attribute__((cleanup(identity_unrefp))) struct identity *identity =
		NULL;

	if (s->cert) {
		identity = identity_new(s->cert, s->key, s->client_ca, e);
		if (!identity)
			return -1;
	}
	if (listen_anew(h, s, fds, n, e) < 0)
		return -1;
	identity_unref(h->identity);
	h->identity = steal_ptr(&identity);
	stats_certificate(h->identity ? identity_ends(h->identity) : 0);
	http_settings_release(&h->settings);
	h->settings = *s;
	*s = (struct http_settings){ .metrics = false };
	take_rules(h);
	return 0;
}

/* --- Turns -----------------------------------------------------------------
 */

/*
 * A crowd that has gone leaves its memory to the C library, which keeps what
 * is below what is still used.
 */
static void
give_memory_back(struct http *h)
{
	if (h->connections > h->most)
		h->most = h->connections;
	if (h->most < CROWD || h->connections > h->most / 4)
		return;
	h->most = h->connections;
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

void
http_turn(struct http *h)
{
	struct listener *l;

	if (h->dirty) {
		h->dirty = false;
		TAILQ_FOREACH(l, &h->listeners, link)
		listener_run(l);
	}
	free_drained(h);
	give_memory_back(h);
}

void
http_quiesce(struct http *h)
{
	struct listener *l;

	TAILQ_FOREACH(l, &h->listeners, link)
	listener_drain(l);
}

size_t
http_connections(const struct http *h)
{
	return h->connections;
}
