/* The answer, as the library sends it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/http_parts.h"
#include "api/stats.h"
#include "base/clock.h"
#include "base/mem.h"

/*
 * On every answer: no other type is guessed of it, no page frames it, none
 * reads it, none is told where it was.
 */
static const struct {
	const char *name, *value;
} always[] = {
	{ "X-Content-Type-Options", "nosniff" },
	{ "Content-Security-Policy",
	  "default-src 'none'; frame-ancestors 'none'" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cache-Control", "private, no-cache" },
	{ "Vary", "Accept, Accept-Encoding, Authorization" },
};

static void
add(struct MHD_Response *response, const char *name, const char *value)
{
	MHD_add_response_header(response, name, value);
}

static void
add_usual(struct MHD_Response *response)
{
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		add(response, always[i].name, always[i].value);
}

static void
add_own(struct MHD_Response *response, const struct reply *r)
{
	char seconds[24];

	if (r->location[0])
		add(response, "Location", r->location);
	if (r->allow[0])
		add(response, "Allow", r->allow);
	if (r->challenge)
		add(response, "WWW-Authenticate",
		    "Bearer realm=\"devops_agent\"");
	if (r->close)
		add(response, "Connection", "close");
	if (r->retry_after_s) {
		snprintf(seconds, sizeof(seconds), "%lld",
			 (long long)r->retry_after_s);
		add(response, "Retry-After", seconds);
	}
}

/* Whether If-None-Match names it: weak ones, a list of them, or "*". */
static bool
is_known(const char *header, const char *etag)
{
	size_t len = strlen(etag);

	if (!header)
		return false;
	if (strcmp(header, "*") == 0)
		return true;
	/* its quotes are part of it, so that a part of one is not found */
	for (const char *s = header; (s = strstr(s, etag + 2)); s += len - 2)
		if (s == header || strchr(" ,/", s[-1]))
			return true;
	return false;
}

/* W/"...": the same in every coding. */
static void
make_etag(const struct buf *body, char etag[40])
{
	char hex[TLS_HASH_HEX];

	tls_hash(body->data, body->len, hex);
	snprintf(etag, 40, "W/\"%.32s\"", hex);
}

static void
count(const struct exchange *x, bool timed)
{
	int64_t us = timed ? clock_mono_us() - x->began_us : -1;

	stats_request(x->mapped.route ? x->mapped.route->id : "none",
		      x->reply.status, us);
}

static enum MHD_Result
queue(struct exchange *x, struct MHD_Response *response)
{
	enum MHD_Result rc;

	rc = MHD_queue_response(x->connection->mhd, (unsigned)x->reply.status,
				response);
	MHD_destroy_response(response);
	return rc;
}

/* The body becomes the library's. */
static struct MHD_Response *
make_response(struct exchange *x)
{
	struct reply *r = &x->reply;
	size_t len = r->body.len;

	stats_bytes(0, (int64_t)len);
	if (!len)
		return MHD_create_response_from_buffer(0, NULL,
						       MHD_RESPMEM_PERSISTENT);
	return MHD_create_response_from_buffer(len, buf_steal(&r->body),
					       MHD_RESPMEM_MUST_FREE);
}

enum MHD_Result
respond(struct exchange *x)
{
	struct reply *r = &x->reply;
	struct MHD_Response *response;
	char etag[40] = "";
	bool encoded = false;

	if (x->problem.code != PROBLEM_NONE && r->status < 400)
		exchange_fail(x, &x->problem);
	if (r->status == 200 && x->mapped.route && x->mapped.route->etag) {
		make_etag(&r->body, etag);
		if (is_known(x->mapped.if_none_match, etag)) {
			r->status = 304;
			buf_release(&r->body);
		}
	}
	encoded = encode_body(x->coding, &r->body);
	exchange_hold(x, r->body.len);
	response = make_response(x);
	add_usual(response);
	add_own(response, r);
	if (r->status != 204 && r->status != 304)
		add(response, "Content-Type", r->type);
	if (encoded)
		add(response, "Content-Encoding", coding_names[x->coding]);
	if (etag[0])
		add(response, "ETag", etag);
	count(x, !x->mapped.wait_ms);
	connection_set_phase(x->connection, PHASE_REPLY);
	return queue(x, response);
}

enum MHD_Result
respond_stream(struct exchange *x, MHD_ContentReaderCallback read)
{
	struct MHD_Response *response;

	x->reply.status = 200;
	count(x, false);
	connection_set_phase(x->connection, PHASE_STREAM);
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096,
						     read, x, NULL);
	add_usual(response);
	add(response, "Content-Type", "text/event-stream");
	add(response, "X-Accel-Buffering", "no");
	return queue(x, response);
}
