/*
 * From an HTTP request to the message of the master, and what is refused.
 *
 * `test_api_map --write` makes docs/api.md anew.
 */
#include <stdlib.h>
#include <string.h>

#include "api/accept.h"
#include "api/openapi.h"
#include "api/request.h"
#include "base/file.h"
#include "base/mem.h"
#include "proto/json.h"
#include "tap.h"

#define DOC "docs/api.md"

#define HEADERS 8

struct mapping {
	const char *title;
	const char *method, *target;
	const char *headers; /* "Name: value" a line, besides Host */
	const char *body;
	const char *want;   /* "method params", or the problem's name */
	const char *detail; /* a part of it; NULL: whatever it is */
};

static const char post[] = "Content-Type: application/json\n";
#define POST "Content-Type: application/json\n"

static const struct mapping cases[] = {
	{ "a route without parameters", "GET", "/v1/status", "", "",
	  "status {}", NULL },
	{ "HEAD is as GET", "HEAD", "/v1/status", "", "", "status {}", NULL },
	{ "a name in the path", "GET", "/v1/plugins/collect-disk", "", "",
	  "plugin.get {\"name\":\"collect-disk\"}", NULL },
	{ "a name in the path that was escaped", "GET", "/v1/plugins/%61b", "",
	  "", "plugin.get {\"name\":\"ab\"}", NULL },
	{ "an id in the path", "GET", "/v1/jobs/42", "", "",
	  "job.get {\"id\":42}", NULL },
	{ "waiting asks for another method", "GET", "/v1/jobs/42?wait_ms=5", "",
	  "", "job.wait {\"id\":42,\"wait_ms\":5}", NULL },
	{ "filters", "GET",
	  "/v1/jobs?state=queued,failed&name=a&plugin=b&limit=7&"
	  "since=2026-01-31T23:59:59Z&cursor=99",
	  "", "",
	  "job.list {\"state\":[\"queued\",\"failed\"],\"name\":\"a\","
	  "\"plugin\":\"b\",\"limit\":7,\"since\":\"2026-01-31T23:59:59Z\","
	  "\"before\":99}",
	  NULL },
	{ "the log, and where to go on", "GET", "/v1/jobs/1/logs?cursor=4", "",
	  "", "job.logs {\"id\":1,\"after\":4}", NULL },
	{ "a stream goes on after Last-Event-ID, whatever its cursor", "GET",
	  "/v1/jobs/1/logs?follow=1&cursor=4", "Last-Event-ID: 9\n", "",
	  "job.logs {\"id\":1,\"after\":9,\"follow\":true}", NULL },
	{ "HEAD follows nothing", "HEAD", "/v1/jobs/1/logs?follow=1", "", "",
	  "job.logs {\"id\":1}", NULL },
	{ "follow=0 follows nothing", "GET", "/v1/jobs/1/logs?follow=0", "", "",
	  "job.logs {\"id\":1}", NULL },
	{ "lists that the api cuts ask for all", "GET",
	  "/v1/plugins?limit=2&cursor=b", "", "", "plugin.list {}", NULL },
	{ "an absolute target", "GET", "http://127.0.0.1/v1/status", "", "",
	  "status {}", NULL },
	{ "a job", "POST", "/v1/jobs", POST,
	  "{\"plugin\":\"a\",\"params\":{\"x\":[1,{\"y\":\"}\"}]},"
	  "\"wait_ms\":0}",
	  "job.submit {\"plugin\":\"a\",\"params\":{\"x\":[1,{\"y\":\"}\"}]},"
	  "\"wait_ms\":0}",
	  NULL },
	{ "a body on several lines is one line to the master", "POST",
	  "/v1/jobs", POST, "{\n \"params\": {\n\t\"x\": 1\r\n}\n}",
	  "job.submit {\"params\":{\"x\":1}}", NULL },
	{ "no body", "POST", "/v1/jobs/1/cancel", POST, "",
	  "job.cancel {\"id\":1}", NULL },
	{ "a key", "POST", "/v1/jobs", POST "Idempotency-Key: k 1\n",
	  "{\"name\":\"a\"}", "job.submit {\"key\":\"k 1\",\"name\":\"a\"}",
	  NULL },
	{ "a media type with a parameter", "POST", "/v1/jobs",
	  "Content-Type: Application/JSON; charset=utf-8\n", "{}",
	  "job.submit {}", NULL },
	{ "a body's key does not pass for the header's", "POST", "/v1/jobs",
	  POST, "{\"key\":\"k\"}", "invalid-request", "no member \"key\"" },
	{ "a body's follow does not either", "POST", "/v1/jobs", POST,
	  "{\"follow\":true}", "invalid-request", "no member \"follow\"" },

	{ "no such path", "GET", "/v1/nothing", "", "", "no-route", NULL },
	{ "a path with more after it", "GET", "/v1/status/", "", "", "no-route",
	  NULL },
	{ "an empty part of a path", "GET", "/v1/jobs//logs", "", "",
	  "no-route", NULL },
	{ "a path upwards", "GET", "/v1/jobs/../status", "", "", "no-route",
	  NULL },
	{ "a slash in a name", "GET", "/v1/plugins/a%2fb", "", "",
	  "invalid-request", "\"name\" must be" },
	{ "a NUL in a name", "GET", "/v1/plugins/a%00b", "", "",
	  "invalid-request", "\"name\" must be" },
	{ "half an escape", "GET", "/v1/plugins/a%0", "", "", "invalid-request",
	  "can't be read" },
	{ "a method that is not for it", "DELETE", "/v1/jobs", "", "",
	  "method-not-allowed", "GET, HEAD, POST, OPTIONS" },
	{ "a job's id that is none", "GET", "/v1/jobs/0", "", "",
	  "invalid-request", "from 1 on" },
	{ "a job's id that is too much", "GET", "/v1/jobs/99999999999999999999",
	  "", "", "invalid-request", NULL },
	{ "a parameter that nobody knows", "GET", "/v1/jobs?stat=queued", "",
	  "", "invalid-request", "no parameter \"stat\"" },
	{ "a parameter twice", "GET", "/v1/jobs?limit=1&limit=2", "", "",
	  "invalid-request", "twice" },
	{ "a state that is none", "GET", "/v1/jobs?state=queued,x", "", "",
	  "invalid-request", "\"state\" must be" },
	{ "a limit that is too much", "GET", "/v1/jobs?limit=1001", "", "",
	  "invalid-request", "from 1 to 1000" },
	{ "a time that is none", "GET", "/v1/jobs?since=today", "", "",
	  "invalid-request", "\"since\" must be" },
	{ "bytes that are no UTF-8", "GET", "/v1/jobs?name=%ff", "", "",
	  "invalid-request", NULL },
	{ "a space in the target", "GET", "/v1/status HTTP", "", "",
	  "malformed-http", NULL },
	{ "a body with GET", "GET", "/v1/status", "Content-Length: 3\n", "",
	  "invalid-request", "no body" },
	{ "POST without its media type", "POST", "/v1/jobs", "", "{}",
	  "media-type", NULL },
	{ "POST as a form sends it", "POST", "/v1/jobs",
	  "Content-Type: text/plain\n", "{}", "media-type", NULL },
	{ "a body that is no JSON", "POST", "/v1/jobs", POST, "{\"a\":}",
	  "invalid-request", "at byte 5" },
	{ "a body that is no object", "POST", "/v1/jobs", POST, "[]",
	  "invalid-request", "no object" },
	{ "a member twice", "POST", "/v1/jobs", POST,
	  "{\"name\":\"a\",\"name\":\"b\"}", "invalid-request", "twice" },
	{ "a member of another kind", "POST", "/v1/jobs", POST, "{\"name\":1}",
	  "invalid-request", "\"name\" must be" },
	{ "a priority out of range", "POST", "/v1/jobs", POST,
	  "{\"priority\":101}", "invalid-request", "from -100 to 100" },

	{ "two lengths", "POST", "/v1/jobs",
	  POST "Content-Length: 2\nContent-Length: 2\n", "{}", "malformed-http",
	  "more than one Content-Length" },
	{ "a length with a sign", "POST", "/v1/jobs",
	  POST "Content-Length: +2\n", "{}", "malformed-http", NULL },
	{ "a list of lengths", "POST", "/v1/jobs",
	  POST "Content-Length: 2, 2\n", "{}", "malformed-http", NULL },
	{ "a transfer coding", "POST", "/v1/jobs",
	  POST "Transfer-Encoding: chunked\n", "{}", "length-required", NULL },
	{ "a transfer coding by another case", "POST", "/v1/jobs",
	  POST "tRANSFER-ENCODING: identity\n", "{}", "length-required", NULL },
	{ "a length and a coding", "POST", "/v1/jobs",
	  POST "Content-Length: 2\nTransfer-Encoding: chunked\n", "{}",
	  "length-required", NULL },
	{ "a header's name with a space", "GET", "/v1/status",
	  "Content-Length : 5\n", "", "malformed-http", "name" },
	{ "a header's name that is empty", "GET", "/v1/status", ": 5\n", "",
	  "malformed-http", "name" },
	{ "a control in a header", "GET", "/v1/status", "X: a\x01\n", "",
	  "malformed-http", "control" },
	{ "a body that is too long", "POST", "/v1/jobs",
	  POST "Content-Length: 1001\n", "", "body-too-large", "1000 bytes" },
	{ "a length that is no 64 bits", "POST", "/v1/jobs",
	  POST "Content-Length: 18446744073709551618\n", "", "body-too-large",
	  NULL },

	{ "another host's name", "GET", "/v1/status", "Host: evil.example\n",
	  "", "host-unknown", NULL },
	{ "our own name, with a port", "GET", "/v1/status",
	  "Host: Agent.Example:8080\n", "", "status {}", NULL },
	{ "an address of IPv6", "GET", "/v1/status", "Host: [::1]:8080\n", "",
	  "status {}", NULL },
	{ "a host with more after its port", "GET", "/v1/status",
	  "Host: localhost:80.evil\n", "", "host-unknown", NULL },
	{ "two hosts", "GET", "/v1/status",
	  "Host: localhost\nHost: evil.example\n", "", "malformed-http",
	  "more than one Host" },
	{ "no host", "GET", "/v1/status", "Host:\nHost:\n", "",
	  "malformed-http", NULL },
	{ "an absolute target of another host", "GET",
	  "http://evil.example/v1/status", "", "", "host-unknown", NULL },
	{ "a page of another origin", "POST", "/v1/jobs",
	  POST "Origin: http://evil.example\n", "{}", "cross-origin", NULL },
	{ "a page of no origin", "POST", "/v1/jobs", POST "Origin: null\n",
	  "{}", "cross-origin", NULL },
	{ "a page of our own", "POST", "/v1/jobs",
	  POST "Origin: http://127.0.0.1\n", "{}", "job.submit {}", NULL },
	{ "what a browser says is of another site", "GET", "/v1/status",
	  "Sec-Fetch-Site: cross-site\nSec-Fetch-Mode: no-cors\n", "",
	  "cross-origin", NULL },
	{ "a link that was followed", "GET", "/v1/status",
	  "Sec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\n", "",
	  "status {}", NULL },
	{ "a scheme that is not ours", "GET", "/v1/status",
	  "Authorization: Basic YTpi\n", "", "unauthorized", NULL },
	{ "a token with a quote", "GET", "/v1/status",
	  "Authorization: Bearer a\"b\n", "", "unauthorized", NULL },
	{ "two tokens", "GET", "/v1/status",
	  "Authorization: Bearer a\nAuthorization: Bearer b\n", "",
	  "malformed-http", NULL },
	{ "metrics that are off", "GET", "/metrics", "", "", "no-route",
	  "metrics.prometheus" },
};

struct sent {
	char *text;
	struct http_header headers[HEADERS];
	struct http_request q;
};

static void
add_header(struct sent *s, char *name, char *value)
{
	s->headers[s->q.n_headers++] =
		(struct http_header){ name, value, strlen(name),
				      strlen(value) };
}

static void
send_case(const struct mapping *c, struct sent *s)
{
	static char host[] = "Host", here[] = "127.0.0.1";
	char *line, *save = NULL;

	*s = (struct sent){ .text = xstrdup(c->headers) };
	s->q = (struct http_request){ .method = c->method,
				      .target = c->target,
				      .headers = s->headers };
	if (!strstr(c->headers, "Host:"))
		add_header(s, host, here);
	for (line = strtok_r(s->text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *colon = strchr(line, ':');

		*colon++ = '\0';
		add_header(s, line, colon + strspn(colon, " "));
	}
}

static const char *const hosts[] = { "agent.example" };
static const struct map_rules rules = { .hosts = hosts,
					.n_hosts = 1,
					.body_max = 1000 };

static void
check_case(const struct mapping *c)
{
	_cleanup_(mapped_release) struct mapped m = { 0 };
	_buf_ struct buf got = { 0 };
	struct problem p = PROBLEM_INIT;
	struct sent s;

	send_case(c, &s);
	if (map_head(&s.q, &rules, &m, &p) == 0)
		map_body(&m, c->body, strlen(c->body), &p);
	if (p.code != PROBLEM_NONE)
		buf_adds(&got, problem_types[p.code].name);
	else
		buf_addf(&got, "%s %s", m.ask, m.params.data);
	is_str(got.data, c->want, "%s", c->title);
	if (c->detail)
		has_str(p.detail, c->detail, "... and says why");
	free(s.text);
}

/* --- What is wanted most -------------------------------------------------- */

static const struct {
	const char *header;
	int want;
} types[] = {
	{ NULL, 0 },
	{ "", 0 },
	{ "*/*", 0 },
	{ "text/*", 0 },
	{ "b/b", 1 },
	{ "text/plain;q=0.5, b/b", 1 },
	{ "text/plain; q=0.5 , b/b ; q=0.4", 0 },
	{ "b/b;version=1.0.0,b/b;version=0.0.1;q=0.75,text/plain;q=0.5,*/*;q=0.1",
	  1 },
	{ "image/png", -1 },
	{ "text/plain;q=0", -1 },
	{ "*/*;q=0.1, b/*;q=0.2", 1 },
	{ "text/plain;q=nonsense", -1 },
	{ ",,;,", -1 },
};

static const struct {
	const char *header;
	int want;
} codings[] = {
	{ NULL, 2 },
	{ "", 2 },
	{ "gzip", 1 },
	{ "gzip, zstd", 0 },
	{ "gzip, zstd;q=0.5", 1 },
	{ "br", 2 },
	{ "*", 0 },
	{ "identity", 2 },
	{ "gzip;q=0.5, identity", 2 },
	{ "identity;q=0", -1 },
	{ "zstd;q=0, gzip;q=0.001", 1 },
	{ "GZIP", 1 },
};

static void
test_accept(void)
{
	static const char *const offers[] = { "text/plain", "b/b" };
	static const char *const names[] = { "zstd", "gzip", "identity" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		is_int(accept_type(types[i].header, offers, 2), types[i].want,
		       "Accept: %s", types[i].header ? types[i].header : "");
	for (size_t i = 0; i < ARRAY_SIZE(codings); i++)
		is_int(accept_coding(codings[i].header, names, 3),
		       codings[i].want, "Accept-Encoding: %s",
		       codings[i].header ? codings[i].header : "");
}

/* --- Bounds -----------------------------------------------------------------
 */

static void
test_bounds(void)
{
	_buf_ struct buf target = { 0 }, body = { 0 };
	struct mapping c = { .method = "GET",
			     .title = "a URI of 4096 bytes",
			     .headers = "",
			     .body = "",
			     .want = "invalid-request" };

	buf_adds(&target, "/v1/jobs?name=");
	while (target.len < REQUEST_TARGET_MAX)
		buf_addc(&target, 'a');
	c.target = target.data;
	check_case(&c);
	buf_addc(&target, 'a');
	c.target = target.data;
	c.title = "a URI of one more";
	c.want = "uri-too-long";
	check_case(&c);

	buf_adds(&body, "{\"params\":{\"a\":");
	for (int i = 2; i <= REQUEST_DEPTH_MAX; i++)
		buf_addc(&body, '[');
	for (int i = 2; i <= REQUEST_DEPTH_MAX; i++)
		buf_addc(&body, ']');
	buf_adds(&body, "}}");
	check_case(&(struct mapping){ "a body that is too deep", "POST",
				      "/v1/jobs", post, body.data,
				      "invalid-request", "deeper than" });
}

/* --- The tables --------------------------------------------------------------
 */

static void
test_tables(void)
{
	_buf_ struct buf text = { 0 };
	struct err e = ERR_INIT;

	openapi_write(&text);
	ok(json_check(text.data, text.len, &e) == 0, "OpenAPI is JSON: %s",
	   e.msg);
	for (size_t i = 0; i < routes_count; i++) {
		size_t n = 0;

		for (const struct param *p = routes[i].takes; p->name; p++)
			n++;
		ok(n < 32 && routes[i].reply, "%s has few parameters",
		   routes[i].id);
	}
}

static void
test_page(void)
{
	_buf_ struct buf page = { 0 }, made = { 0 };
	struct err e = ERR_INIT;

	reference_write(&made);
	ok(file_read(DOC, &page, &e) == 0, "there is " DOC);
	if (!ok(page.data && strcmp(page.data, made.data) == 0,
		DOC " is up to date"))
		diag("build/t/test_api_map --write makes it anew");
}

static int
write_page(void)
{
	_buf_ struct buf made = { 0 };
	struct err e = ERR_INIT;

	reference_write(&made);
	return file_replace(DOC, made.data, made.len, 0644, &e) < 0;
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--write") == 0)
		return write_page();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(&cases[i]);
	test_accept();
	test_bounds();
	test_tables();
	test_page();
	return tap_done();
}
