/*
 * An HTTP request, as far as libmicrohttpd has taken it apart: a line of
 * method and target, headers a line each, an empty line, a body.  What is
 * mapped asks for one of the methods by an object on one line; what is not
 * has a problem that is JSON.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/accept.h"
#include "api/encode.h"
#include "api/reply.h"
#include "api/request.h"
#include "base/mem.h"
#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	struct http_header headers[REQUEST_HEADERS_MAX + 1];
	struct http_request q;
};

/* The next line; NULL after the last. */
static char *
next_line(char **at)
{
	char *line = *at, *end = line ? strchr(line, '\n') : NULL;

	*at = end ? end + 1 : NULL;
	if (end)
		*end = '\0';
	return line;
}

static void
add_header(struct input *in, char *line)
{
	char *colon = strchr(line, ':');
	struct http_header *h = &in->headers[in->q.n_headers];

	if (!colon || in->q.n_headers == ARRAY_SIZE(in->headers))
		return;
	*colon++ = '\0';
	colon += strspn(colon, " \t");
	*h = (struct http_header){ line, colon, strlen(line), strlen(colon) };
	in->q.n_headers++;
}

static void
check_object(const char *text, size_t len)
{
	struct json_field none = { "", JSON_IS_ANY, { NULL, 0 } };
	struct err e = ERR_INIT;

	if (json_pick(text, len, 0, &none, 1, &e) < 0 ||
	    memchr(text, '\n', len))
		abort();
}

static void
check_result(struct mapped *m, const struct problem *p)
{
	_cleanup_(reply_release) struct reply r;

	reply_init(&r);
	if (p->code != PROBLEM_NONE) {
		reply_problem(&r, p, m, NULL, 0);
		check_object(r.body.data, r.body.len);
	} else if (m->route) {
		check_object(m->params.data, m->params.len);
	}
	if (m->accept_encoding)
		accept_coding(m->accept_encoding, coding_names, CODINGS);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const hosts[] = { "agent.example" };
	static const struct map_rules rules = { hosts, 1, 65536, true };
	_free_ char *text = xmemdup(data, size);
	_cleanup_(mapped_release) struct mapped m = { 0 };
	struct problem p = PROBLEM_INIT;
	struct input in = { .q = { .headers = in.headers } };
	char *at = text, *line = next_line(&at), *space = strchr(line, ' ');

	if (!space)
		return 0;
	*space = '\0';
	in.q.method = line;
	in.q.target = space + 1;
	while ((line = next_line(&at)) && *line)
		add_header(&in, line);
	if (map_head(&in.q, &rules, &m, &p) == 0)
		map_body(&m, at ? at : "", at ? strlen(at) : 0, &p);
	check_result(&m, &p);
	return 0;
}
