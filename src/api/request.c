#include "api/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/units.h"
#include "model/value.h"

/* --- Params of the message ---------------------------------------------- */

/* Its place in the route's list, as a bit. */
static uint64_t
bit_of(const struct route *r, const struct param *p)
{
	return (uint64_t)1 << (p - r->takes);
}

/* Whether one that goes on under the same name was there already. */
static bool
is_taken(const struct mapped *m, const struct param *p)
{
	for (const struct param *o = m->route->takes; o->name; o++)
		if (o != p && o->ask && p->ask && strcmp(o->ask, p->ask) == 0 &&
		    m->seen & bit_of(m->route, o))
			return true;
	return false;
}

/* Note what the api itself needs to know. */
static void
note(struct mapped *m, const struct param *p, const char *json, size_t len)
{
	struct json_text t = { json, len };

	if (p->asks)
		m->ask = p->asks;
	if (strcmp(p->name, "limit") == 0)
		json_to_int(t, &m->limit);
	else if (strcmp(p->name, "wait_ms") == 0)
		json_to_int(t, &m->wait_ms);
	else if (p->kind == PARAM_NAME && strcmp(p->name, "cursor") == 0 &&
		 len < sizeof(m->cursor) + 2) {
		memcpy(m->cursor, json + 1, len - 2);
		m->cursor[len - 2] = '\0';
	}
}

static void
add_member(struct mapped *m, const struct param *p, const char *json,
	   size_t len)
{
	bool streams = p->streams && *json == 't' && !m->head;

	note(m, p, json, len);
	m->stream |= streams;
	if (!p->ask || (p->streams && !streams))
		return;
	buf_addf(&m->params, "%s\"%s\":", m->params.len > 1 ? "," : "", p->ask);
	buf_add(&m->params, json, len);
}

static int
take_text(struct mapped *m, const struct param *p, const char *text, size_t len,
	  struct problem *pb)
{
	_buf_ struct buf json = { 0 };

	if (m->seen & bit_of(m->route, p))
		return problem_set(pb, PROBLEM_INVALID_REQUEST,
				   "\"%s\" is there twice", p->name);
	if (param_from_text(p, text, len, &json, pb) < 0)
		return -1;
	if (!is_taken(m, p))
		add_member(m, p, json.data, json.len);
	m->seen |= bit_of(m->route, p);
	return 0;
}

static int
unknown_param(const struct mapped *m, enum param_in in, const char *name,
	      struct problem *pb)
{
	const char *names[32], *near;
	size_t n = 0;

	for (const struct param *p = m->route->takes; p->name; p++)
		if (p->in == in && n < ARRAY_SIZE(names))
			names[n++] = p->name;
	near = units_nearest(name, names, n);
	problem_set(pb, PROBLEM_INVALID_REQUEST, "there is no %s \"%.64s\"",
		    in == IN_QUERY ? "parameter" : "member", name);
	return near ? problem_hint(pb, "did you mean \"%s\"?", near) : -1;
}

/* --- Path, query, header ------------------------------------------------ */

static int
take_path(struct mapped *m, struct json_text captured, struct problem *pb)
{
	char text[PARAM_BYTES_MAX];
	size_t len;

	if (!captured.s)
		return 0;
	for (const struct param *p = m->route->takes; p->name; p++) {
		if (p->in != IN_PATH)
			continue;
		if (param_unescape(captured.s, captured.len, false, text,
				   sizeof(text), &len) < 0)
			return problem_set(pb, PROBLEM_INVALID_REQUEST,
					   "the path can't be read");
		return take_text(m, p, text, len, pb);
	}
	return 0;
}

/* One "name=value". */
static int
take_pair(struct mapped *m, const char *pair, size_t len, struct problem *pb)
{
	char name[PARAM_BYTES_MAX], value[PARAM_BYTES_MAX];
	const char *equals = memchr(pair, '=', len);
	size_t name_len, value_len = 0;
	size_t n = equals ? (size_t)(equals - pair) : len;
	const struct param *p;

	if (!len)
		return 0;
	value[0] = '\0';
	if (param_unescape(pair, n, true, name, sizeof(name), &name_len) < 0 ||
	    (equals && param_unescape(equals + 1, len - n - 1, true, value,
				      sizeof(value), &value_len) < 0))
		return problem_set(pb, PROBLEM_INVALID_REQUEST,
				   "the query can't be read, or has a "
				   "parameter that is too long");
	p = route_param(m->route, IN_QUERY, name, name_len);
	return p ? take_text(m, p, value, value_len, pb) :
		   unknown_param(m, IN_QUERY, name, pb);
}

static int
take_query(struct mapped *m, struct json_text query, struct problem *pb)
{
	const char *s = query.s, *end = s ? s + query.len : NULL, *next;

	for (; s < end; s = next + 1) {
		next = memchr(s, '&', (size_t)(end - s));
		if (!next)
			next = end;
		if (take_pair(m, s, (size_t)(next - s), pb) < 0)
			return -1;
	}
	return 0;
}

static int
take_headers(const struct http_request *q, struct mapped *m, struct problem *pb)
{
	for (const struct param *p = m->route->takes; p->name; p++) {
		size_t count;
		const char *value;

		if (p->in != IN_HEADER)
			continue;
		value = request_header(q, p->name, &count);
		if (count > 1)
			return problem_set(pb, PROBLEM_INVALID_REQUEST,
					   "\"%s\" is there twice", p->name);
		if (value && take_text(m, p, value, strlen(value), pb) < 0)
			return -1;
	}
	return 0;
}

/* --- The header --------------------------------------------------------- */

static int
map_options(struct mapped *m, struct json_text path, struct problem *pb)
{
	if (path.len == 1 && *path.s == '*') {
		memcpy(m->allow, "GET, HEAD, POST, OPTIONS", 25);
		return 0;
	}
	route_allow(path.s, path.len, m->allow);
	return m->allow[0] ? 0 :
			     problem_set(pb, PROBLEM_NO_ROUTE,
					 "there is nothing of that path here");
}

static int
map_route(const struct http_request *q, const struct map_rules *rules,
	  struct mapped *m, struct json_text path, struct json_text query,
	  struct problem *pb)
{
	struct json_text captured;

	m->route = route_find(q->method, path.s, path.len, &captured, pb);
	if (!m->route) {
		route_allow(path.s, path.len, m->allow);
		return -1;
	}
	m->head = strcmp(q->method, "HEAD") == 0;
	m->ask = m->route->ask;
	m->stream = m->route->streams;
	buf_addc(&m->params, '{');
	if (head_check_route(q, m, rules, pb) < 0)
		return -1;
	if (take_path(m, captured, pb) < 0 || take_headers(q, m, pb) < 0)
		return -1;
	return take_query(m, query, pb);
}

int
map_head(const struct http_request *q, const struct map_rules *rules,
	 struct mapped *m, struct problem *pb)
{
	struct json_text path, query;

	*m = (struct mapped){ .limit = REQUEST_PAGE };
	if (head_check(q, rules, m, pb) < 0 ||
	    head_split_target(q->target, rules, &path, &query, pb) < 0)
		return -1;
	m->accept = request_header(q, "Accept", NULL);
	m->accept_encoding = request_header(q, "Accept-Encoding", NULL);
	m->if_none_match = request_header(q, "If-None-Match", NULL);
	if (strcmp(q->method, "OPTIONS") == 0)
		return map_options(m, path, pb);
	return map_route(q, rules, m, path, query, pb);
}

/* --- The body ----------------------------------------------------------- */

/* How deep checked JSON nests. */
static int
depth_of(struct json_text t)
{
	int depth = 0, most = 0;
	bool string = false;

	for (size_t i = 0; i < t.len; i++) {
		char c = t.s[i];

		if (string && c == '\\')
			i++;
		else if (c == '"')
			string = !string;
		else if (!string && (c == '{' || c == '[') && ++depth > most)
			most = depth;
		else if (!string && (c == '}' || c == ']'))
			depth--;
	}
	return most;
}

struct taking {
	struct mapped *m;
	struct problem *pb;
};

static int
take_member(void *arg, struct json_text key, struct json_text value,
	    struct err *e)
{
	struct taking *t = arg;
	_buf_ struct buf name = { 0 }, compact = { 0 };
	_value_ struct value *raw = NULL;
	const struct param *p;

	(void)e;
	if (!key.s)
		return problem_set(t->pb, PROBLEM_INVALID_REQUEST,
				   "the body is no object");
	json_add_string(&name, key, PARAM_BYTES_MAX);
	buf_adds(&name, "");
	p = route_param(t->m->route, IN_BODY, name.data, name.len);
	if (!p)
		return unknown_param(t->m, IN_BODY, name.data, t->pb);
	if (t->m->seen & bit_of(t->m->route, p))
		return problem_set(t->pb, PROBLEM_INVALID_REQUEST,
				   "\"%s\" is there twice", p->name);
	t->m->seen |= bit_of(t->m->route, p);
	if (param_check(p, value, t->pb) < 0)
		return -1;
	/* on one line, as the master wants it */
	raw = value_raw(value.s, value.len);
	json_encode(raw, &compact);
	add_member(t->m, p, compact.data, compact.len);
	return 0;
}

static int
take_body(struct mapped *m, struct json_text body, struct problem *pb)
{
	struct taking t = { m, pb };
	struct err e = ERR_INIT;

	if (json_check(body.s, body.len, &e) < 0)
		return problem_set(pb, PROBLEM_INVALID_REQUEST,
				   "the body is no JSON: %s", e.msg);
	if (depth_of(body) > REQUEST_DEPTH_MAX)
		return problem_set(pb, PROBLEM_INVALID_REQUEST,
				   "the body nests deeper than %d",
				   REQUEST_DEPTH_MAX);
	while (strchr(" \t\r\n", *body.s)) {
		body.s++;
		body.len--;
	}
	if (*body.s != '{')
		return problem_set(pb, PROBLEM_INVALID_REQUEST,
				   "the body is no object");
	return json_each(body.s, body.len, 0, take_member, &t, &e);
}

static int
check_required(const struct mapped *m, struct problem *pb)
{
	for (const struct param *p = m->route->takes; p->name; p++)
		if (p->required && !(m->seen & bit_of(m->route, p)))
			return problem_set(pb, PROBLEM_INVALID_REQUEST,
					   "\"%s\" is missing", p->name);
	return 0;
}

int
map_body(struct mapped *m, const char *body, size_t len, struct problem *pb)
{
	struct json_text text = { body, len };

	if (!m->route)
		return 0;
	if (len && take_body(m, text, pb) < 0)
		return -1;
	buf_addc(&m->params, '}');
	return check_required(m, pb);
}

void
mapped_release(struct mapped *m)
{
	buf_release(&m->params);
}
