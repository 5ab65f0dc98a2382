#include "api/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "proto/json.h"

const struct problem_type problem_types[PROBLEM_COUNT] = {
	[PROBLEM_NONE] = { "none", 200, "Nothing is wrong", NULL },
	[PROBLEM_INVALID_REQUEST] = { "invalid-request", 400,
				      "The request is not as it should be",
				      "usage" },
	[PROBLEM_MALFORMED_HTTP] = { "malformed-http", 400,
				     "This is no HTTP that is taken", NULL },
	[PROBLEM_HEADERS_TOO_LARGE] = { "headers-too-large", 431,
					"The header is too large", NULL },
	[PROBLEM_LENGTH_REQUIRED] = { "length-required", 411,
				      "A body comes with its Content-Length",
				      NULL },
	[PROBLEM_TOO_LARGE] = { "body-too-large", 413, "The body is too large",
				NULL },
	[PROBLEM_URI_TOO_LONG] = { "uri-too-long", 414, "The URI is too long",
				   NULL },
	[PROBLEM_MEDIA_TYPE] = { "media-type", 415,
				 "A body is application/json", NULL },
	[PROBLEM_NOT_ACCEPTABLE] = { "not-acceptable", 406,
				     "There is no such form of it", NULL },
	[PROBLEM_METHOD] = { "method-not-allowed", 405,
			     "That method is not for this", NULL },
	[PROBLEM_NO_ROUTE] = { "no-route", 404, "There is nothing of that path",
			       NULL },
	[PROBLEM_HOST] = { "host-unknown", 421,
			   "The Host header names another host", NULL },
	[PROBLEM_CROSS_ORIGIN] = { "cross-origin", 403,
				   "Pages of other sites may not ask", NULL },
	[PROBLEM_TIMEOUT] = { "request-timeout", 408,
			      "The request did not come in time", NULL },
	[PROBLEM_UNAUTHORIZED] = { "unauthorized", 401, "Who asks is not known",
				   "unauthorized" },
	[PROBLEM_CERTIFICATE] = { "certificate", 401,
				  "The client certificate is not trusted",
				  NULL },
	[PROBLEM_FORBIDDEN] = { "forbidden", 403, "Who asks may not",
				"forbidden" },
	[PROBLEM_DENIED] = { "permission-denied", 403,
			     "The plugin was not granted what it asks for",
			     "denied" },
	[PROBLEM_NOT_FOUND] = { "not-found", 404, "There is no such thing",
				"not_found" },
	[PROBLEM_CONFLICT] = { "conflict", 409, "It is not in a state for that",
			       "conflict" },
	[PROBLEM_TOO_MANY] = { "too-many", 429, "Too many: try again later",
			       "too_many" },
	[PROBLEM_NOT_IMPLEMENTED] = { "not-implemented", 501,
				      "This agent can't do that", NULL },
	[PROBLEM_AGENT] = { "agent", 500, "The agent failed", "agent" },
	[PROBLEM_UNAVAILABLE] = { "unavailable", 503,
				  "The agent can't now: try again later",
				  "unavailable" },
	[PROBLEM_NOT_READY] = { "not-ready", 503, "The agent is not ready",
				NULL },
	[PROBLEM_AGENT_SLOW] = { "agent-timeout", 504,
				 "The agent did not answer in time", NULL },
};

int
problem_set(struct problem *p, enum problem_code code, const char *fmt, ...)
{
	va_list args;

	*p = (struct problem){ .code = code };
	va_start(args, fmt);
	vsnprintf(p->detail, sizeof(p->detail), fmt, args);
	va_end(args);
	return -1;
}

int
problem_hint(struct problem *p, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(p->hint, sizeof(p->hint), fmt, args);
	va_end(args);
	return -1;
}

int
problem_close(struct problem *p)
{
	p->close = true;
	return -1;
}

enum problem_code
problem_by_kind(const char *kind)
{
	for (int i = 1; i < PROBLEM_COUNT; i++)
		if (problem_types[i].kind &&
		    strcmp(problem_types[i].kind, kind) == 0)
			return (enum problem_code)i;
	return PROBLEM_AGENT;
}

/* --- As JSON ------------------------------------------------------------ */

static const char *const own[] = { "type",   "title", "status", "code",
				   "detail", "hint",  "kind" };

static int
add_member(void *arg, struct json_text key, struct json_text value,
	   struct err *e)
{
	struct buf *out = arg;

	(void)e;
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (json_text_is(key, own[i]))
			return 0;
	buf_addc(out, ',');
	buf_add(out, key.s, key.len);
	buf_addc(out, ':');
	buf_add(out, value.s, value.len);
	return 0;
}

static void
add_text(struct buf *out, const char *name, const char *text)
{
	buf_addf(out, ",\"%s\":", name);
	json_encode_string(text, strlen(text), out);
}

void
problem_write(const struct problem *p, const char *members, size_t len,
	      struct buf *out)
{
	const struct problem_type *t = &problem_types[p->code];
	struct err ignored = ERR_INIT;

	buf_addf(out, "{\"type\":\"%s%s\"", PROBLEM_TYPE, t->name);
	add_text(out, "title", t->title);
	buf_addf(out, ",\"status\":%d", t->status);
	add_text(out, "code", t->name);
	if (p->detail[0])
		add_text(out, "detail", p->detail);
	if (p->hint[0])
		add_text(out, "hint", p->hint);
	if (members)
		json_each(members, len, 0, add_member, out, &ignored);
	else if (p->retry_after_ms)
		buf_addf(out, ",\"retry_after_ms\":%lld",
			 (long long)p->retry_after_ms);
	buf_addc(out, '}');
}
