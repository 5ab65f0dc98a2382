#include "forward/transport.h"

#include <curl/curl.h>
#include <sys/stat.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define CONNECT_MS 10000
#define HEADERS_MAX (256UL << 10)
#define UPLOAD_BUFFER (256L << 10)
#define LOOK_MS 1000 /* files are looked at no more often */
#define RETRY_AFTER_MAX_S 3600

/* What tells a file from what it was. */
struct seen {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
};

#define FILES 3

struct transport {
	struct loop *loop;
	CURLM *multi;
	CURL *easy;
	bool active; /* the request is under way */
	struct request request;
	struct curl_slist *headers;
	struct loop_timer timer;
	struct seen seen[FILES];
	int64_t looked_ms;

	struct buf body;
	size_t body_len, headers_len; /* all that came */
	bool head_whole;	      /* the empty line after the headers */
	char error[CURL_ERROR_SIZE];
};

/* A socket that libcurl wants watched. */
struct watch {
	struct loop_io io;
	struct transport *t;
};

void
transport_global_init(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		fatal("libcurl can't be initialised");
}

void
transport_global_release(void)
{
	curl_global_cleanup();
}

/* --- The end of a request --------------------------------------------------
 */

static void
detach(struct transport *t)
{
	curl_multi_remove_handle(t->multi, t->easy);
	curl_slist_free_all(t->headers);
	t->headers = NULL;
	t->active = false;
}

static int64_t
retry_after_ms(struct transport *t)
{
	curl_off_t s = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &s);
	if (s > RETRY_AFTER_MAX_S)
		s = RETRY_AFTER_MAX_S;
	return s > 0 ? (int64_t)s * 1000 : 0;
}

static void
finish(struct transport *t, CURLcode code)
{
	struct outcome o = { .error = "" };
	_free_ char *location = NULL;
	char name[32];
	char *url = NULL;
	long status = 0;

	/* to libcurl it is an answer if it ends within its headers */
	if (code == CURLE_OK && !t->head_whole)
		code = CURLE_PARTIAL_FILE;
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &url);
	location = url ? xstrdup(url) : NULL;
	snprintf(name, sizeof(name), "curl-%d", (int)code);
	o.reply = (struct reply){ (int)code, (int)status };
	o.retry_after_ms = retry_after_ms(t);
	if (code)
		o.error = t->error[0] ? t->error : curl_easy_strerror(code);
	o.error_name = name;
	o.location = location;
	buf_adds(&t->body, "");
	o.body = t->body;
	o.cut = t->body_len > t->body.len;
	detach(t);
	t->request.done(t->request.arg, &o);
}

/* `t` may be active anew once this returns, but is not freed by it. */
static void
look_for_end(struct transport *t)
{
	int left;
	CURLMsg *m = curl_multi_info_read(t->multi, &left);

	if (m && m->msg == CURLMSG_DONE && t->active)
		finish(t, m->data.result);
}

/* --- The loop and libcurl --------------------------------------------------
 */

static void
act(struct transport *t, curl_socket_t fd, int what)
{
	int running;

	curl_multi_socket_action(t->multi, fd, what, &running);
	look_for_end(t);
}

static void
on_socket(void *arg, unsigned events)
{
	struct watch *w = arg;
	int what = 0;

	if (events & (EPOLLIN | EPOLLHUP))
		what |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (events & EPOLLERR)
		what |= CURL_CSELECT_ERR;
	act(w->t, w->io.fd, what);
}

static void
on_timer(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int
socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *data)
{
	struct transport *t = arg;
	struct watch *w = data;
	unsigned events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w) {
			loop_io_del(&w->io);
			free(w);
		}
		curl_multi_assign(t->multi, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		events |= EPOLLOUT;
	if (w) {
		loop_io_set(&w->io, events);
		return 0;
	}
	w = xcalloc(1, sizeof(*w));
	w->t = t;
	curl_multi_assign(t->multi, fd, w);
	if (loop_io_add(t->loop, &w->io, fd, events, on_socket, w) < 0)
		fatal("a socket can't be watched: %m");
	return 0;
}

static int
timer_wanted(CURLM *multi, long ms, void *arg)
{
	struct transport *t = arg;

	(void)multi;
	if (ms < 0)
		loop_timer_cancel(&t->timer);
	else
		loop_timer_set(t->loop, &t->timer, clock_mono_ms() + ms,
			       on_timer, t);
	return 0;
}

/* --- What comes back ------------------------------------------------------ */

static size_t
on_header(char *data, size_t size, size_t n, void *arg)
{
	struct transport *t = arg;

	t->headers_len += size * n;
	/* a block of its own for 100 Continue, and the like */
	t->head_whole = *data == '\r' || *data == '\n';
	return t->headers_len > HEADERS_MAX ? 0 : size * n;
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct transport *t = arg;
	size_t len = size * n;
	size_t room = TRANSPORT_ANSWER_KEPT - t->body.len;

	t->body_len += len;
	buf_add(&t->body, data, len < room ? len : room);
	return t->body_len > TRANSPORT_ANSWER_MAX ? 0 : len;
}

/* --- Handles ---------------------------------------------------------------
 */

static void
open_handles(struct transport *t)
{
	t->multi = curl_multi_init();
	t->easy = curl_easy_init();
	if (!t->multi || !t->easy)
		fatal("no memory for libcurl");
	curl_multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
	curl_multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t);
	curl_multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
	curl_multi_setopt(t->multi, CURLMOPT_TIMERDATA, t);
	curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, 1L);
}

/* Closing calls back for each socket, which frees its watch. */
static void
close_handles(struct transport *t)
{
	if (t->active)
		detach(t);
	curl_easy_cleanup(t->easy);
	curl_multi_cleanup(t->multi);
	t->easy = NULL;
	t->multi = NULL;
	loop_timer_cancel(&t->timer);
}

struct transport *
transport_new(struct loop *l)
{
	struct transport *t = xcalloc(1, sizeof(*t));

	t->loop = l;
	buf_init(&t->body, TRANSPORT_ANSWER_KEPT + 1);
	open_handles(t);
	return t;
}

void
transport_free(struct transport *t)
{
	if (!t)
		return;
	close_handles(t);
	buf_release(&t->body);
	free(t);
}

void
transport_renew(struct transport *t)
{
	close_handles(t);
	open_handles(t);
	t->looked_ms = 0;
}

void
transport_cancel(struct transport *t)
{
	if (t->active)
		transport_renew(t);
}

/* --- Starting ------------------------------------------------------------- */

static void
look(const char *path, struct seen *seen)
{
	struct stat st;

	*seen = (struct seen){ 0 };
	if (!path || stat(path, &st) < 0)
		return;
	seen->dev = st.st_dev;
	seen->ino = st.st_ino;
	seen->size = st.st_size;
	seen->mtime = st.st_mtim;
}

/* A connection made with other files than there are now is not used. */
static void
look_at_files(struct transport *t, const struct settings *s)
{
	const char *paths[FILES] = { s->cert, s->key, s->ca };
	struct seen now[FILES] = { 0 };
	int64_t now_ms = clock_mono_ms();

	if (t->looked_ms && now_ms - t->looked_ms < LOOK_MS)
		return;
	for (size_t i = 0; i < FILES; i++)
		look(paths[i], &now[i]);
	if (t->looked_ms && memcmp(now, t->seen, sizeof(now)) != 0)
		transport_renew(t);
	memcpy(t->seen, now, sizeof(now));
	t->looked_ms = now_ms;
}

static void
add_header(struct transport *t, const char *name, const char *value)
{
	_free_ char *line = xasprintf("%s: %s", name, value);

	t->headers = curl_slist_append(t->headers, line);
}

static void
set_headers(struct transport *t)
{
	const struct request *r = &t->request;
	const struct settings *s = r->to;

	/* no wait for a leave to send: the answer says as much */
	t->headers = curl_slist_append(NULL, "Expect:");
	add_header(t, "Content-Type", r->content_type);
	if (r->encoding != COMPRESS_NONE)
		add_header(t, "Content-Encoding",
			   compression_name(r->encoding));
	add_header(t, "Idempotency-Key", r->key);
	if (s->bearer) {
		_free_ char *bearer = xasprintf("%s %s", r->scheme, s->bearer);

		add_header(t, "Authorization", bearer);
	}
	for (size_t i = 0; i < s->headers.n; i++)
		t->headers = curl_slist_append(t->headers, s->headers.items[i]);
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
}

static void
set_transport(struct transport *t, const struct settings *s)
{
	CURL *c = t->easy;
	long timeout =
		s->timeout_ms > LONG_MAX ? LONG_MAX : (long)s->timeout_ms;

	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, timeout);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
			 timeout < CONNECT_MS ? timeout : (long)CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER);
	curl_easy_setopt(c, CURLOPT_USERAGENT,
			 "devops_agent/" DEVOPS_AGENT_VERSION);
	/* "": none, whatever the environment says */
	curl_easy_setopt(c, CURLOPT_PROXY, s->proxy ? s->proxy : "");
	if (s->ca)
		curl_easy_setopt(c, CURLOPT_CAINFO, s->ca);
	if (s->cert)
		curl_easy_setopt(c, CURLOPT_SSLCERT, s->cert);
	if (s->cert || s->key)
		curl_easy_setopt(c, CURLOPT_SSLKEY, s->key ? s->key : s->cert);
	if (s->user) {
		curl_easy_setopt(c, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(c, CURLOPT_USERNAME, s->user);
		curl_easy_setopt(c, CURLOPT_PASSWORD, s->password);
	}
}

void
transport_start(struct transport *t, const struct request *r)
{
	CURL *c;

	look_at_files(t, r->to);
	c = t->easy;
	t->request = *r;
	t->body.len = 0;
	t->body_len = t->headers_len = 0;
	t->head_whole = false;
	t->error[0] = '\0';
	curl_easy_reset(c);
	set_transport(t, r->to);
	set_headers(t);
	curl_easy_setopt(c, CURLOPT_URL, r->url);
	curl_easy_setopt(c, CURLOPT_POST, 1L);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->body->data);
	curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
			 (curl_off_t)r->body->len);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->error);
	curl_multi_add_handle(t->multi, c);
	t->active = true;
}
