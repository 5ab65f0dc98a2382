/* The header of a request: what of HTTP is taken, and from whom. */
#include <arpa/inet.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/request.h"
#include "base/mem.h"

const char *
request_header(const struct http_request *q, const char *name, size_t *count)
{
	const char *value = NULL;
	size_t n = 0;

	for (size_t i = 0; i < q->n_headers; i++) {
		if (strcasecmp(q->headers[i].name, name) != 0)
			continue;
		value = q->headers[i].value;
		n++;
	}
	if (count)
		*count = n;
	return n == 1 ? value : NULL;
}

static int
malformed(struct problem *pb, const char *what)
{
	problem_set(pb, PROBLEM_MALFORMED_HTTP, "%s", what);
	return problem_close(pb);
}

/* --- Every header ------------------------------------------------------- */

static bool
is_token(const char *s, size_t len)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || (c && strchr(marks, c))))
			return false;
	}
	return len > 0;
}

static bool
is_field(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f)
			return false;
	return true;
}

static int
check_fields(const struct http_request *q, struct problem *pb)
{
	size_t bytes = 0;

	if (q->broken)
		return malformed(pb, "a header goes on over several lines, has "
				     "a NUL, or ends without CR LF");
	for (size_t i = 0; i < q->n_headers; i++) {
		const struct http_header *h = &q->headers[i];

		bytes += h->name_len + h->value_len;
		if (!is_token(h->name, h->name_len))
			return malformed(pb,
					 "a header has a name that is none");
		if (!is_field(h->value, h->value_len))
			return malformed(pb, "a header has a control in it");
	}
	if (bytes <= REQUEST_HEADER_BYTES_MAX &&
	    q->n_headers <= REQUEST_HEADERS_MAX)
		return 0;
	problem_set(pb, PROBLEM_HEADERS_TOO_LARGE,
		    "a header has at most %d lines and %d bytes",
		    REQUEST_HEADERS_MAX, REQUEST_HEADER_BYTES_MAX);
	return problem_close(pb);
}

/* --- Where the request ends --------------------------------------------- */

static int
check_length(const struct http_request *q, const struct map_rules *rules,
	     struct mapped *m, struct problem *pb)
{
	size_t count;
	const char *s = request_header(q, "Content-Length", &count);
	size_t len = s ? strlen(s) : 0;

	if (count > 1)
		return malformed(pb, "there is more than one Content-Length");
	if (!count)
		return 0;
	if (len == 0 || strspn(s, "0123456789") != len)
		return malformed(pb, "Content-Length is no number");
	for (size_t i = 0; i < len; i++) {
		m->body_len = m->body_len * 10 + (uint64_t)(s[i] - '0');
		if (m->body_len > rules->body_max) {
			m->has_body = true;
			problem_set(pb, PROBLEM_TOO_LARGE,
				    "a body has at most %llu bytes",
				    (unsigned long long)rules->body_max);
			return problem_close(pb);
		}
	}
	m->has_body = m->body_len > 0;
	return 0;
}

/*
 * A body's end is known by its length and by nothing else: transfer codings
 * are where servers and proxies have differed most, and nothing here needs
 * them.
 */
static int
check_framing(const struct http_request *q, const struct map_rules *rules,
	      struct mapped *m, struct problem *pb)
{
	const char *expect = request_header(q, "Expect", NULL);
	size_t count;

	request_header(q, "Transfer-Encoding", &count);
	if (count) {
		problem_set(pb, PROBLEM_LENGTH_REQUIRED,
			    "Transfer-Encoding is not taken here");
		problem_hint(pb, "send the body with its Content-Length");
		return problem_close(pb);
	}
	m->expects = expect && strcasecmp(expect, "100-continue") == 0;
	return check_length(q, rules, m, pb);
}

/* --- Which host is meant ------------------------------------------------ */

static bool
is_address(const char *name)
{
	unsigned char out[16];

	return inet_pton(AF_INET, name, out) == 1 ||
	       inet_pton(AF_INET6, name, out) == 1;
}

static bool
is_port(const char *s, size_t len)
{
	size_t digits = 0;

	while (digits < len && s[digits] >= '0' && s[digits] <= '9')
		digits++;
	return digits == len && len <= 5;
}

/* "name:80", "192.0.2.1", "[::1]:80": the name; false where it is none. */
static bool
split_host(const char *host, size_t len, char *name, size_t size)
{
	const char *end = memchr(host, ':', len);
	size_t n = end ? (size_t)(end - host) : len, after = n;

	if (len && *host == '[') {
		end = memchr(host, ']', len);
		if (!end)
			return false;
		n = (size_t)(end - host) - 1;
		after = n + 2;
		host++;
		len--;
		after--;
	}
	if (n == 0 || n >= size)
		return false;
	if (after < len &&
	    (host[after] != ':' || !is_port(host + after + 1, len - after - 1)))
		return false;
	memcpy(name, host, n);
	name[n] = '\0';
	if (n > 1 && name[n - 1] == '.')
		name[n - 1] = '\0';
	return true;
}

/*
 * A page's script that had its own name turned to our address still says its
 * own name.  An address in Host is no such name.
 */
bool
host_is_ours(const char *host, size_t len, const struct map_rules *rules)
{
	char name[256];

	if (!split_host(host, len, name, sizeof(name)))
		return false;
	if (is_address(name) || strcasecmp(name, "localhost") == 0)
		return true;
	for (size_t i = 0; i < rules->n_hosts; i++)
		if (strcasecmp(name, rules->hosts[i]) == 0)
			return true;
	return false;
}

static int
unknown_host(struct problem *pb)
{
	problem_set(pb, PROBLEM_HOST, "this agent is not known by that name");
	return problem_hint(pb, "add the name to api.hosts, or use an address");
}

static int
check_host(const struct http_request *q, const struct map_rules *rules,
	   struct problem *pb)
{
	size_t count;
	const char *host = request_header(q, "Host", &count);

	if (!host)
		return malformed(pb, count ? "there is more than one Host" :
					     "there is no Host");
	return host_is_ours(host, strlen(host), rules) ? 0 : unknown_host(pb);
}

/*
 * What a browser says on behalf of a page: the page must be ours. A link that
 * somebody follows is fine, as nothing of the answer is the other page's.
 */
static int
check_origin(const struct http_request *q, struct problem *pb)
{
	size_t n;
	const char *origin = request_header(q, "Origin", &n);
	const char *site = request_header(q, "Sec-Fetch-Site", NULL);
	const char *mode = request_header(q, "Sec-Fetch-Mode", NULL);
	const char *host = request_header(q, "Host", NULL);
	const char *authority = origin ? strstr(origin, "://") : NULL;

	if (n > 1 || (origin && (!authority || !host ||
				 strcasecmp(authority + 3, host) != 0)))
		return problem_set(pb, PROBLEM_CROSS_ORIGIN,
				   "Origin is not this host");
	if (!site || strcmp(site, "same-origin") == 0 ||
	    strcmp(site, "none") == 0)
		return 0;
	if (strcmp(q->method, "GET") == 0 && mode &&
	    strcmp(mode, "navigate") == 0)
		return 0;
	return problem_set(pb, PROBLEM_CROSS_ORIGIN,
			   "Sec-Fetch-Site is \"%.32s\"", site);
}

int
head_check(const struct http_request *q, const struct map_rules *rules,
	   struct mapped *m, struct problem *pb)
{
	if (check_fields(q, pb) < 0 || check_framing(q, rules, m, pb) < 0 ||
	    check_host(q, rules, pb) < 0)
		return -1;
	return check_origin(q, pb);
}

/* --- The target --------------------------------------------------------- */

/* "http://host/path": its path; the host is to be ours too. */
static int
skip_authority(const char **target, const struct map_rules *rules,
	       struct problem *pb)
{
	const char *s = *target;
	size_t len;

	s += strncasecmp(s, "https://", 8) == 0 ? 8 :
	     strncasecmp(s, "http://", 7) == 0	? 7 :
						  0;
	if (s == *target)
		return malformed(pb, "the target is no path");
	len = strcspn(s, "/?");
	if (!host_is_ours(s, len, rules))
		return unknown_host(pb);
	*target = s[len] ? s + len : "/";
	return 0;
}

int
head_split_target(const char *target, const struct map_rules *rules,
		  struct json_text *path, struct json_text *query,
		  struct problem *pb)
{
	if (strlen(target) > REQUEST_TARGET_MAX) {
		problem_set(pb, PROBLEM_URI_TOO_LONG,
			    "a URI has at most %d bytes", REQUEST_TARGET_MAX);
		return problem_close(pb);
	}
	for (const char *s = target; *s; s++)
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f)
			return malformed(pb, "the target has a space or a "
					     "control in it");
	if (*target != '/' && strcmp(target, "*") != 0 &&
	    skip_authority(&target, rules, pb) < 0)
		return -1;
	path->s = target;
	path->len = strcspn(target, "?#");
	*query = (struct json_text){ NULL, 0 };
	if (target[path->len] == '?') {
		query->s = target + path->len + 1;
		query->len = strcspn(query->s, "#");
	}
	return 0;
}

/* --- Once the route is known -------------------------------------------- */

static int
check_media_type(const struct http_request *q, struct problem *pb)
{
	const char *type = request_header(q, "Content-Type", NULL);
	size_t len = type ? strcspn(type, "; \t") : 0;

	if (type && len == strlen("application/json") &&
	    strncasecmp(type, "application/json", len) == 0)
		return 0;
	problem_set(pb, PROBLEM_MEDIA_TYPE,
		    "a POST has the Content-Type application/json");
	return problem_hint(pb, "so that no page can send it without asking "
				"first: add the header, even where there is "
				"no body");
}

static bool
is_bearer_token(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && len <= REQUEST_TOKEN_MAX &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789-._~+/=") == len;
}

static int
take_token(const struct http_request *q, struct mapped *m, struct problem *pb)
{
	size_t count;
	const char *s = request_header(q, "Authorization", &count);

	if (!count)
		return 0;
	if (!s)
		return malformed(pb, "there is more than one Authorization");
	if (strncasecmp(s, "Bearer ", 7) == 0) {
		m->token = s + 7 + strspn(s + 7, " ");
		if (is_bearer_token(m->token))
			return 0;
	}
	m->token = NULL;
	problem_set(pb, PROBLEM_UNAUTHORIZED,
		    "Authorization is no bearer token");
	return problem_hint(pb, "send \"Authorization: Bearer TOKEN\"");
}

int
head_check_route(const struct http_request *q, struct mapped *m,
		 const struct map_rules *rules, struct problem *pb)
{
	if (m->route->verb == VERB_POST && check_media_type(q, pb) < 0)
		return -1;
	if (m->route->verb != VERB_POST && m->has_body) {
		problem_set(pb, PROBLEM_INVALID_REQUEST,
			    "a %s has no body here", q->method);
		return problem_close(pb);
	}
	if (m->route->reply == reply_metrics && !rules->metrics)
		return problem_set(pb, PROBLEM_NO_ROUTE,
				   "metrics.prometheus is off");
	return take_token(q, m, pb);
}
