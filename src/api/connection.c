/* A connection: who it is from, and how long each of its phases may take. */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "api/http_parts.h"
#include "api/stats.h"
#include "base/clock.h"
#include "base/mem.h"

/* Slower readers than this hold an answer in memory for too long. */
#define REPLY_MS 60000
#define REPLY_BYTES_PER_MS 16

/* --- Addresses ----------------------------------------------------------- */

/* As people write it; one of IPv4 in IPv6's clothes is one of IPv4. */
static bool
format_address(const struct sockaddr *a, char out[INET6_ADDRSTRLEN])
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)a;

	out[0] = '\0';
	if (a->sa_family == AF_INET)
		inet_ntop(AF_INET, &in->sin_addr, out, INET6_ADDRSTRLEN);
	else if (a->sa_family == AF_INET6 &&
		 IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		inet_ntop(AF_INET, in6->sin6_addr.s6_addr + 12, out,
			  INET6_ADDRSTRLEN);
	else if (a->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &in6->sin6_addr, out, INET6_ADDRSTRLEN);
	return strncmp(out, "127.", 4) == 0 || strcmp(out, "::1") == 0;
}

static struct addresses *
bucket_of(struct http *h, const char *text)
{
	uint32_t hash = 2166136261U;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619U;
	return &h->addresses[hash % ADDRESS_BUCKETS];
}

static struct address *
find_address(struct http *h, const char *text)
{
	struct address *a;

	LIST_FOREACH(a, bucket_of(h, text), link)
	if (strcmp(a->text, text) == 0)
		return a;
	return NULL;
}

static void
count_address(struct http *h, const char *text)
{
	struct address *a = find_address(h, text);

	if (!a) {
		a = xcalloc(1, sizeof(*a));
		memcpy(a->text, text, strlen(text) + 1);
		LIST_INSERT_HEAD(bucket_of(h, text), a, link);
	}
	a->n++;
}

static void
uncount_address(struct http *h, const char *text)
{
	struct address *a = find_address(h, text);

	if (!a || --a->n)
		return;
	LIST_REMOVE(a, link);
	free(a);
}

enum MHD_Result
connection_may(void *cls, const struct sockaddr *address, socklen_t len)
{
	struct listener *l = cls;
	char text[INET6_ADDRSTRLEN];
	const struct address *a;

	(void)len;
	if (format_address(address, text))
		return MHD_YES;
	a = find_address(l->http, text);
	if (!a || (int64_t)a->n < l->http->settings.per_address)
		return MHD_YES;
	stats_rejected("address");
	return MHD_NO;
}

/* --- Time ---------------------------------------------------------------- */

static uint64_t
bytes_received(const struct connection *c)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return 0;
	return info.tcpi_bytes_received;
}

/* The library then finds it closed, and ends it. */
static void
cut(struct connection *c, const char *why)
{
	stats_rejected(why);
	shutdown(c->fd, SHUT_RDWR);
}

static void watch_time(struct connection *c);

static void
idle_too_long(struct connection *c)
{
	const struct http_settings *s = &c->listener->http->settings;
	int64_t now = clock_mono_ms();

	if (c->phase == PHASE_HEADER) {
		cut(c, "slow header");
	} else if (bytes_received(c) != c->received) {
		/* what came is no whole header yet, or a handshake */
		c->phase = PHASE_HEADER;
		watch_time(c);
	} else if (now - c->idle_since_ms >= s->idle_ms) {
		cut(c, "idle");
	} else {
		watch_time(c);
	}
}

static void
on_time(void *arg)
{
	struct connection *c = arg;

	switch (c->phase) {
	case PHASE_IDLE:
	case PHASE_HEADER:
		idle_too_long(c);
		break;
	case PHASE_BODY:
		cut(c, "slow body");
		break;
	case PHASE_ASKING:
		exchange_timed_out(c->exchange);
		break;
	case PHASE_REPLY:
		cut(c, "slow reader");
		break;
	case PHASE_STREAM:
		stream_beat(c->exchange);
		watch_time(c);
		break;
	case PHASE_GONE:
	case PHASES:
		break;
	}
}

static int64_t
time_of(const struct connection *c)
{
	const struct http_settings *s = &c->listener->http->settings;
	int64_t left;

	switch (c->phase) {
	case PHASE_IDLE:
		left = c->idle_since_ms + s->idle_ms - clock_mono_ms();
		return left < s->header_ms ? left : s->header_ms;
	case PHASE_HEADER:
		return s->header_ms;
	case PHASE_BODY:
		return s->request_ms;
	case PHASE_ASKING:
		return c->exchange->mapped.stream ?
			       STREAM_ACCEPT_MS :
			       s->request_ms + c->exchange->mapped.wait_ms;
	case PHASE_REPLY:
		return REPLY_MS +
		       (int64_t)(c->exchange->held / REPLY_BYTES_PER_MS);
	case PHASE_STREAM:
		return STREAM_BEAT_MS;
	case PHASE_GONE:
	case PHASES:
		break;
	}
	return -1;
}

static void
watch_time(struct connection *c)
{
	int64_t ms = time_of(c);

	if (ms < 0)
		loop_timer_cancel(&c->timer);
	else
		loop_timer_set(c->listener->http->loop, &c->timer,
			       clock_mono_ms() + ms, on_time, c);
}

void
connection_set_phase(struct connection *c, enum phase phase)
{
	c->phase = phase;
	if (phase == PHASE_IDLE) {
		c->idle_since_ms = clock_mono_ms();
		c->received = bytes_received(c);
	}
	watch_time(c);
}

/* --- While the master is asked -------------------------------------------- */

static void
on_hangup(void *arg, unsigned events)
{
	struct connection *c = arg;

	(void)events;
	loop_io_set(&c->watch, 0);
	exchange_abandon(c->exchange);
}

void
connection_suspend(struct connection *c)
{
	if (c->suspended)
		return;
	c->suspended = true;
	MHD_suspend_connection(c->mhd);
	/* the library looks at a suspended one no more */
	loop_io_add(c->listener->http->loop, &c->watch, c->fd, EPOLLRDHUP,
		    on_hangup, c);
}

void
connection_resume(struct connection *c)
{
	if (!c->suspended)
		return;
	c->suspended = false;
	if (loop_io_is_added(&c->watch))
		loop_io_del(&c->watch);
	c->listener->http->dirty = true;
	MHD_resume_connection(c->mhd);
}

/* --- Its begin and end ---------------------------------------------------- */

static gnutls_session_t
session_of(struct connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		c->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return info ? (gnutls_session_t)info->tls_session : NULL;
}

void
connection_check_peer(struct connection *c)
{
	gnutls_session_t session = c->identity ? session_of(c) : NULL;

	if (c->checked || !session)
		return;
	c->checked = true;
	buf_init(&c->peer, 0);
	c->untrusted = identity_check_peer(c->identity, session, &c->peer) ==
		       PEER_UNTRUSTED;
}

static void
opened(struct listener *l, struct MHD_Connection *mhd, void **context)
{
	struct connection *c = xcalloc(1, sizeof(*c));
	struct http *h = l->http;
	const union MHD_ConnectionInfo *info;

	c->listener = l;
	c->mhd = mhd;
	c->watch.fd = -1;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	c->fd = info ? info->connect_fd : -1;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (info)
		c->loopback = format_address(info->client_addr, c->address);
	count_address(h, c->address);
	l->connections++;
	h->connections++;
	stats_connections(h->connections);
	if (l->tls && h->identity && session_of(c)) {
		c->identity = identity_ref(h->identity);
		identity_apply(c->identity, session_of(c));
	}
	*context = c;
	c->idle_since_ms = clock_mono_ms();
	connection_set_phase(c, PHASE_IDLE);
	c->received = 0;
}

static void
closed(struct connection *c)
{
	struct http *h = c->listener->http;

	loop_timer_cancel(&c->timer);
	if (loop_io_is_added(&c->watch))
		loop_io_del(&c->watch);
	uncount_address(h, c->address);
	c->listener->connections--;
	h->connections--;
	stats_connections(h->connections);
	/* the library listens again, where it was full, in its next turn */
	h->dirty = true;
	identity_unref(c->identity);
	buf_release(&c->peer);
	free(c);
}

void
connection_notify(void *cls, struct MHD_Connection *mhd, void **context,
		  enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		opened(cls, mhd, context);
	else if (*context)
		closed(*context);
}
