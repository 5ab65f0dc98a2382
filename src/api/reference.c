/* docs/api.md, of the same tables as /openapi.json. */
#include "api/openapi.h"
#include "api/problem.h"
#include "api/request.h"
#include "api/route.h"
#include "base/mem.h"

static const char intro[] =
	"# HTTP API\n"
	"\n"
	"<!-- Made of the tables in src/api; `build/t/test_api_map --write` makes it anew. -->\n"
	"\n"
	"The agent as a service listens at `agent.listen_addr`, by a program of "
	"its own,\n"
	"`devops_agent-api`, which opens no file, knows no secret but its "
	"certificate's, and\n"
	"passes each request on to the agent, which decides. The same calls go "
	"over the local\n"
	"socket ([protocol.md](protocol.md)).\n"
	"\n"
	"```console\n"
	"$ curl -s http://127.0.0.1:8080/v1/jobs | jq\n"
	"$ curl -s http://127.0.0.1:8080/v1/jobs -H \"Authorization: Bearer "
	"$TOKEN\" \\\n"
	"    --json '{\"plugin\":\"collect-disk\",\"wait_ms\":10000}'\n"
	"```\n"
	"\n"
	"- JSON, UTF-8. Times are RFC 3339 in UTC, durations integers named "
	"`*_ms`, sizes `*_bytes`.\n"
	"  Members may be added: pass over what you don't know.\n"
	"- **Who asks** is said by `Authorization: Bearer TOKEN` (`devops_agent "
	"token add`) or a\n"
	"  client certificate. A role may what the one before it may: reader, "
	"operator, admin.\n"
	"- **Lists** take `limit` and `cursor`, and answer `{\"items\":[...],"
	"\"next\":...}`; `next` is\n"
	"  the cursor of the next page, null after the last.\n"
	"- **POST** wants `Content-Type: application/json`, even without a "
	"body, so that no web page\n"
	"  can send one unasked. There is no CORS and no cookie.\n"
	"- `Host` must be an address, `localhost`, or one of `api.hosts`: a "
	"page whose own name was\n"
	"  turned to this address is refused.\n"
	"- `ETag` and `If-None-Match` save sending what has not changed; "
	"`Accept-Encoding` may ask\n"
	"  for zstd or gzip. `HEAD` is as `GET`, `OPTIONS` says what a path "
	"takes.\n"
	"- A body comes with its `Content-Length`; transfer codings are not "
	"taken (411), nor is more\n"
	"  than one Content-Length or Host, or a header over several lines.\n"
	"- What is no HTTP at all, or a header of more than some 14 KiB, is "
	"answered by a short text\n"
	"  without more, and the connection is closed.\n"
	"\n"
	"`GET /openapi.json` is this page as OpenAPI 3.1.\n"
	"\n"
	"## Routes\n"
	"\n"
	"| | | who | |\n"
	"|---|---|---|---|\n";

static const char streams[] =
	"## Streams\n"
	"\n"
	"`/v1/events` and `logs?follow=1` are server-sent events: `event:` is "
	"the type, `data:` a\n"
	"JSON object on one line, `id:` where to go on. After a lost "
	"connection, send the last id\n"
	"as `Last-Event-ID`, as a browser's EventSource and others do by "
	"themselves. A comment comes\n"
	"every 15 s when nothing else does. A reader that is more than 8 MiB "
	"behind gets what there\n"
	"is and the stream's end; one that takes nothing for 30 s is cut. A "
	"stream ends by itself\n"
	"with `end` (the job's record) or `error` (a problem, such as a token "
	"that was revoked).\n"
	"\n"
	"## Limits\n"
	"\n"
	"| what | bound |\n"
	"|---|---|\n"
	"| a URI | 4096 bytes |\n"
	"| a header | 64 lines, 8192 bytes |\n"
	"| a body | `api.limits.body`, at most 1 MiB, nested 60 deep |\n"
	"| a header's coming | 10 s to 20 s from its first byte |\n"
	"| a body's coming | 30 s |\n"
	"| a connection without a request | 75 s |\n"
	"| an answer's reading | 60 s and 1 s for each 16 KB |\n"
	"| connections | 11000; 256 from one address that is not loopback |\n"
	"| streams | 2000 |\n"
	"| answers that wait to be read, in all | 256 MiB |\n"
	"\n";

static const char problems[] =
	"## Problems\n"
	"\n"
	"An error is `application/problem+json` (RFC 9457): `type` (\"" PROBLEM_TYPE
	"\"\n"
	"and `code`), `title`, `status`, `code`, `detail`, `hint` (what to do "
	"about it), and what\n"
	"else is known, as `retry_after_ms` or the `difference` between what a "
	"plugin asks for and\n"
	"what it was granted. Types stay; texts may change.\n"
	"\n"
	"| `code` | status | |\n"
	"|---|---|---|\n";

static void
add_row(struct buf *out, const struct route *r)
{
	buf_addf(out, "| `%s` | [`%s`](#%s) | %s | %s |\n",
		 route_verb_name(r->verb), r->path, r->id,
		 route_role_name(r->role), r->summary);
}

static const char *const places[] = {
	[IN_PATH] = "path",
	[IN_QUERY] = "query",
	[IN_HEADER] = "header",
	[IN_BODY] = "body",
};

static void
add_param(struct buf *out, const struct param *p)
{
	_buf_ struct buf words = { 0 };

	param_write_words(p, &words);
	buf_addf(out, "| `%s` | %s | %s | %s%s |\n", p->name, places[p->in],
		 words.data, p->help, p->required ? " Required." : "");
}

static void
add_route(struct buf *out, const struct route *r)
{
	buf_addf(out, "### <a id=\"%s\"></a>%s %s\n\n%s. For %s%s.", r->id,
		 route_verb_name(r->verb), r->path, r->summary,
		 r->role == FOR_ALL ? "" : "the role ",
		 route_role_name(r->role));
	if (r->details)
		buf_addf(out, " %s", r->details);
	if (r->schema)
		buf_addf(out, " Answers %d: `%s`.", r->status, r->schema);
	buf_adds(out, "\n\n");
	if (!r->takes->name)
		return;
	buf_adds(out, "| | in | is | |\n|---|---|---|---|\n");
	for (const struct param *p = r->takes; p->name; p++)
		add_param(out, p);
	buf_addc(out, '\n');
}

void
reference_write(struct buf *out)
{
	buf_adds(out, intro);
	for (size_t i = 0; i < routes_count; i++)
		add_row(out, &routes[i]);
	buf_addc(out, '\n');
	for (size_t i = 0; i < routes_count; i++)
		add_route(out, &routes[i]);
	buf_adds(out, streams);
	buf_adds(out, problems);
	for (int i = 1; i < PROBLEM_COUNT; i++)
		buf_addf(out, "| `%s` | %d | %s |\n", problem_types[i].name,
			 problem_types[i].status, problem_types[i].title);
}
