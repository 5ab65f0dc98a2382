/* A request: read, mapped, asked of the master, answered. */
#include <stdlib.h>
#include <string.h>

#include "api/accept.h"
#include "api/http_parts.h"
#include "api/stats.h"
#include "base/clock.h"
#include "base/mem.h"

static struct connection *
connection_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

void
exchange_hold(struct exchange *x, size_t bytes)
{
	struct http *h = x->connection->listener->http;

	h->held = h->held - x->held + bytes;
	x->held = bytes;
}

/* Whether more waits to be read than there is to be in memory. */
bool
exchange_is_held_up(const struct http *h)
{
	return h->held > (size_t)h->settings.held_bytes;
}

/* With the request's first line. */
void *
exchange_begin(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct exchange *x = xcalloc(1, sizeof(*x));

	(void)cls;
	x->connection = connection_of(mhd);
	x->connection->exchange = x;
	/* a byte more than is taken, so that it is seen to be too long */
	x->target = xstrndup(uri ? uri : "", REQUEST_TARGET_MAX + 1);
	x->line = uri;
	x->began_us = clock_mono_us();
	buf_init(&x->body,
		 (size_t)x->connection->listener->http->rules.body_max);
	buf_init(&x->out, STREAM_BACKLOG_MAX + REPLY_MAX);
	reply_init(&x->reply);
	return x;
}

void
exchange_end(void *cls, struct MHD_Connection *mhd, void **context,
	     enum MHD_RequestTerminationCode why)
{
	struct exchange *x = *context;
	struct http *h;

	(void)cls;
	(void)mhd;
	(void)why;
	if (!x)
		return;
	h = x->connection->listener->http;
	upstream_cancel(h->master, &x->call);
	if (x->begun)
		stats_streams(--h->streams);
	exchange_hold(x, 0);
	x->connection->exchange = NULL;
	connection_set_phase(x->connection, PHASE_IDLE);
	mapped_release(&x->mapped);
	reply_release(&x->reply);
	buf_release(&x->body);
	buf_release(&x->out);
	free(x->target);
	free(x);
	*context = NULL;
}

/* --- The header ----------------------------------------------------------- */

struct collected {
	struct http_header headers[REQUEST_HEADERS_MAX + 1];
	size_t n;
	bool broken;
};

/*
 * The library keeps a header where it came, with a NUL for the colon and one
 * for each byte of the line's end.  So it is seen here what it does not tell:
 * that a header went on over several lines (its name is elsewhere then), had
 * a NUL in it, or ended by LF alone.
 */
static bool
is_one_line(const struct http_header *h)
{
	const char *s = h->name + h->name_len + 1;

	if ((uintptr_t)h->value < (uintptr_t)s ||
	    (uintptr_t)h->value - (uintptr_t)s > HTTP_POOL_BYTES)
		return false;
	for (; s < h->value; s++)
		if (*s != ' ' && *s != '\t')
			return false;
	return h->value[h->value_len + 1] == '\0';
}

/* The same of the first line: target and version are neighbours. */
static bool
is_first_line(const struct exchange *x, const char *version)
{
	size_t len = strlen(x->target);

	return len > REQUEST_TARGET_MAX ||
	       ((uintptr_t)version == (uintptr_t)x->line + len + 1 &&
		version[strlen(version) + 1] == '\0');
}

static enum MHD_Result
collect(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_len,
	const char *value, size_t value_len)
{
	struct collected *c = cls;
	struct http_header *h = &c->headers[c->n];

	(void)kind;
	if (c->n == ARRAY_SIZE(c->headers))
		return MHD_NO;
	*h = (struct http_header){ .name = key,
				   .name_len = key_len,
				   .value = value ? value : "",
				   .value_len = value ? value_len : 0 };
	c->broken |= !value || !is_one_line(h);
	c->n++;
	return MHD_YES;
}

static void
check_peer(struct exchange *x)
{
	struct connection *c = x->connection;

	connection_check_peer(c);
	if (c->untrusted)
		problem_set(&x->problem, PROBLEM_CERTIFICATE, "%s",
			    c->peer.data ? c->peer.data : "");
}

static void
take_header(struct exchange *x, const char *method, const char *version)
{
	static struct collected c;
	struct http *h = x->connection->listener->http;
	struct http_request q = { .method = method, .target = x->target };
	int coding;

	c.n = 0;
	c.broken = !is_first_line(x, version);
	MHD_get_connection_values_n(x->connection->mhd, MHD_HEADER_KIND,
				    collect, &c);
	q.headers = c.headers;
	q.n_headers = c.n;
	q.broken = c.broken;
	x->coding = CODING_IDENTITY;
	if (map_head(&q, &h->rules, &x->mapped, &x->problem) < 0)
		return;
	check_peer(x);
	coding =
		accept_coding(x->mapped.accept_encoding, coding_names, CODINGS);
	x->coding = coding < 0 ? CODING_IDENTITY : (enum coding)coding;
	if (exchange_is_held_up(h))
		problem_set(&x->problem, PROBLEM_UNAVAILABLE,
			    "too many answers wait to be read");
}

/* Whether what is wrong is told before the body has come, if it ever does. */
static bool
is_told_at_once(const struct exchange *x)
{
	return x->problem.code != PROBLEM_NONE &&
	       (x->problem.close || (x->mapped.has_body && x->mapped.expects));
}

static enum MHD_Result
on_header(struct exchange *x, const char *method, const char *version)
{
	connection_set_phase(x->connection, PHASE_BODY);
	take_header(x, method, version);
	if (!is_told_at_once(x))
		return MHD_YES;
	exchange_fail(x, &x->problem);
	return respond(x);
}

/* --- The master ----------------------------------------------------------- */

void
exchange_fail(struct exchange *x, const struct problem *p)
{
	reply_problem(&x->reply, p, &x->mapped, NULL, 0);
}

static void
answered(void *arg, const struct answer *a)
{
	struct exchange *x = arg;
	struct problem p = PROBLEM_INIT;

	if (x->mapped.stream && (x->begun || a->problem.code == PROBLEM_NONE)) {
		stream_answered(x, a);
		return;
	}
	if (a->problem.code != PROBLEM_NONE)
		reply_problem(&x->reply, &a->problem, &x->mapped, a->members.s,
			      a->members.len);
	else if (x->mapped.route->reply(&x->mapped, a->result, &x->reply, &p) <
		 0)
		exchange_fail(x, &p);
	connection_resume(x->connection);
}

static void
notified(void *arg, const char *method, struct json_text params)
{
	struct exchange *x = arg;

	if (x->mapped.stream)
		stream_notified(x, method, params);
}

/* Who asks, for the master to decide. */
static void
write_auth(const struct exchange *x, struct buf *out)
{
	const struct connection *c = x->connection;

	buf_addf(out, "{\"address\":\"%s\"", c->address);
	if (x->mapped.token) {
		buf_adds(out, ",\"token\":");
		json_encode_string(x->mapped.token, strlen(x->mapped.token),
				   out);
	}
	if (c->checked && c->peer.len) {
		buf_adds(out, ",\"certificate\":");
		buf_add(out, c->peer.data, c->peer.len);
	}
	buf_addc(out, '}');
}

static int
ask(struct exchange *x)
{
	struct http *h = x->connection->listener->http;
	_buf_ struct buf auth = { 0 };

	if (x->mapped.stream && (int64_t)h->streams >= h->settings.streams)
		return problem_set(&x->problem, PROBLEM_TOO_MANY,
				   "%lld streams are open already",
				   (long long)h->settings.streams);
	write_auth(x, &auth);
	x->call.answered = answered;
	x->call.notified = notified;
	x->call.arg = x;
	return upstream_ask(h->master, &x->call, x->mapped.ask,
			    &x->mapped.params, &auth, &x->problem);
}

/* All of the request is there. */
static enum MHD_Result
on_request(struct exchange *x)
{
	const struct json_text nothing = { NULL, 0 };

	if (x->problem.code == PROBLEM_NONE)
		map_body(&x->mapped, x->body.data, x->body.len, &x->problem);
	if (x->problem.code == PROBLEM_NONE && !x->mapped.route) {
		reply_options(&x->reply, &x->mapped);
		return respond(x);
	}
	if (x->problem.code == PROBLEM_NONE && !x->mapped.ask) {
		x->mapped.route->reply(&x->mapped, nothing, &x->reply,
				       &x->problem);
		return respond(x);
	}
	if (x->problem.code == PROBLEM_NONE && ask(x) == 0) {
		connection_set_phase(x->connection, PHASE_ASKING);
		connection_suspend(x->connection);
		return MHD_YES;
	}
	exchange_fail(x, &x->problem);
	return respond(x);
}

void
exchange_abandon(struct exchange *x)
{
	upstream_cancel(x->connection->listener->http->master, &x->call);
	x->ended = true;
	connection_set_phase(x->connection, PHASE_GONE);
	connection_resume(x->connection);
}

void
exchange_timed_out(struct exchange *x)
{
	struct problem p = PROBLEM_INIT;

	if (x->mapped.stream) {
		stream_begin(x);
		return;
	}
	upstream_cancel(x->connection->listener->http->master, &x->call);
	problem_set(&p, PROBLEM_AGENT_SLOW, "the agent did not answer in time");
	exchange_fail(x, &p);
	connection_resume(x->connection);
}

/* --- What the library calls ------------------------------------------------
 */

static void
on_data(struct exchange *x, const char *data, size_t *size)
{
	if (x->problem.code == PROBLEM_NONE)
		buf_add(&x->body, data, *size);
	stats_bytes((int64_t)*size, 0);
	*size = 0;
}

enum MHD_Result
exchange_handle(void *cls, struct MHD_Connection *mhd, const char *url,
		const char *method, const char *version, const char *data,
		size_t *size, void **context)
{
	struct exchange *x = *context;

	(void)cls;
	(void)mhd;
	(void)url;
	if (!x)
		return MHD_NO;
	switch (x->connection->phase) {
	case PHASE_IDLE:
	case PHASE_HEADER:
		return on_header(x, method, version);
	case PHASE_BODY:
		if (!*size)
			return on_request(x);
		on_data(x, data, size);
		return MHD_YES;
	case PHASE_ASKING:
		return x->begun ? respond_stream(x, stream_read) : respond(x);
	case PHASE_REPLY:
	case PHASE_STREAM:
	case PHASE_GONE:
	case PHASES:
		break;
	}
	return MHD_NO;
}
