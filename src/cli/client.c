#include "cli/client.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/strv.h"
#include "proto/json.h"
#include "proto/rpc.h"

#define CHUNK 65536

/* --- Connecting --------------------------------------------------------- */

/* 0 or an errno. */
static int
connect_to(struct client *c, const char *path)
{
	/* an agent that is stuck does not take connections either */
	const struct timeval patience = { .tv_sec = CLIENT_ANSWER_MS / 1000 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	_close_ int fd = -1;

	if (len >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	memcpy(address.sun_path, path, len + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return errno;
	c->fd = steal_fd(&fd);
	c->path = xstrdup(path);
	return 0;
}

/* Why nobody answers there. */
static int
explain(const struct config *config, const char *path, int errnum,
	struct err *e)
{
	struct stat st;

	if (errnum == EACCES && lstat(path, &st) == 0) {
		err_set(e, ERR_DENIED, "this user may not use the agent at %s",
			path);
		return -1;
	}
	errno = errnum;
	if (errnum == ENOENT || errnum == ECONNREFUSED)
		err_set(e, ERR_AGENT, "no agent answers at %s", path);
	else
		err_errno(e, "no agent answers at %s", path);
	if (errnum == EACCES)
		return err_hint(e, "this user may not look there");
	return err_hint(e, "start it by devops_agent%s%s",
			config->file ? " --config " : "",
			config->file ? config->file : "");
}

int
client_open(struct client *c, const struct config *config, struct err *e)
{
	_strv_ struct strv paths = { NULL, 0 };
	int errnum = ENOENT;
	size_t told = 0;

	*c = (struct client){ .fd = -1, .in = { .max = RPC_ANSWER_MAX } };
	config_client_sockets(config, &paths);
	for (size_t i = 0; i < paths.n; i++) {
		int rc = connect_to(c, paths.items[i]);

		if (rc == 0)
			return 0;
		/* the one that is there says more than those that are not */
		if (i == 0 || (errnum == ENOENT && rc != ENOENT)) {
			errnum = rc;
			told = i;
		}
	}
	return explain(config, paths.items[told], errnum, e);
}

void
client_release(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	free(c->path);
	c->path = NULL;
	buf_release(&c->in);
	value_free(steal_ptr(&c->data));
}

/* --- Asking ------------------------------------------------------------- */

static int
lost(const struct client *c, struct err *e)
{
	return err_set(e, ERR_AGENT,
		       "the agent at %s closed the connection before it "
		       "answered",
		       c->path);
}

static int
send_all(struct client *c, const struct buf *out, struct err *e)
{
	size_t done = 0;

	while (done < out->len) {
		ssize_t n = send(c->fd, out->data + done, out->len - done,
				 MSG_NOSIGNAL);

		if (n > 0)
			done += (size_t)n;
		else if (errno == EPIPE || errno == ECONNRESET)
			return lost(c, e);
		else if (errno != EINTR)
			return err_errno(e, "ask the agent at %s", c->path);
	}
	return 0;
}

int
client_send(struct client *c, const char *method, struct value *params,
	    int64_t *id, struct err *e)
{
	_buf_ struct buf out = { 0 };

	*id = ++c->last;
	rpc_add_request(&out, *id, method, params);
	value_free(params);
	if (out.overflow || out.len > RPC_LINE_MAX)
		return err_set(e, ERR_USAGE, "a request has at most %lu bytes",
			       RPC_LINE_MAX);
	return send_all(c, &out, e);
}

/* --- Hearing ------------------------------------------------------------ */

static int
silent(const struct client *c, struct err *e)
{
	return err_set(e, ERR_AGENT, "the agent at %s does not answer",
		       c->path);
}

/* Wait for bytes; what else happens meanwhile is the watch's. */
static int
wait_readable(const struct client *c, const struct client_watch *w,
	      struct err *e)
{
	struct pollfd fds[] = { { .fd = c->fd, .events = POLLIN },
				{ .fd = w->stop_fd, .events = POLLIN } };

	for (;;) {
		int64_t left = w->until ? w->until - clock_mono_ms() : -1;
		int n;

		if (w->until && left <= 0)
			return silent(c, e);
		n = poll(fds, 2, (int)(left > 60000 ? 60000 : left));
		if (n < 0 && errno != EINTR)
			return err_errno(e, "poll");
		if (n > 0 && fds[1].revents && w->stop(w->arg, e) < 0)
			return -1;
		if (n > 0 && fds[0].revents)
			return 0;
	}
}

static int
read_more(struct client *c, struct err *e)
{
	ssize_t n;

	if (c->start) {
		buf_consume(&c->in, c->start);
		c->seen -= c->start;
		c->start = 0;
	}
	if (!buf_reserve(&c->in, CHUNK))
		return err_set(e, ERR_AGENT,
			       "the agent at %s sent a line of more than %lu "
			       "bytes",
			       c->path, RPC_ANSWER_MAX);
	n = recv(c->fd, c->in.data + c->in.len, CHUNK, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return lost(c, e);
	c->in.len += (size_t)n;
	return 0;
}

/* A line without its line feed; good until the next read. */
static int
next_line(struct client *c, const struct client_watch *w, const char **line,
	  size_t *len, struct err *e)
{
	for (;;) {
		char *end = c->in.len > c->seen ?
				    memchr(c->in.data + c->seen, '\n',
					   c->in.len - c->seen) :
				    NULL;

		if (end) {
			*line = c->in.data + c->start;
			*len = (size_t)(end - *line);
			c->start = c->seen = (size_t)(end + 1 - c->in.data);
			return 0;
		}
		c->seen = c->in.len;
		if (wait_readable(c, w, e) < 0 || read_more(c, e) < 0)
			return -1;
	}
}

static int
fail(struct client *c, struct rpc_answer *a, struct err *e)
{
	value_free(c->data);
	c->data = steal_ptr(&a->data);
	*e = a->error;
	if (e->kind == ERR_NONE)
		e->kind = ERR_AGENT;
	return -1;
}

/* 1 where it was the answer, 0 where it was something else. */
static int
take_line(struct client *c, int64_t id, const struct client_watch *w,
	  struct rpc_answer *a, struct err *e)
{
	const char *line;
	size_t len;

	if (next_line(c, w, &line, &len, e) < 0)
		return -1;
	if (rpc_answer_parse(line, len, a, e) < 0) {
		e->kind = ERR_AGENT;
		return -1;
	}
	if (a->method[0]) {
		if (w->note && a->value)
			w->note(w->arg, a->method, a->value);
		return 0;
	}
	/* without an id it is about a line that it could not read */
	if (!a->value && (a->id == id || a->id < 0))
		return fail(c, a, e);
	return a->id == id;
}

int
client_answer(struct client *c, int64_t id, const struct client_watch *w,
	      struct value **out, struct err *e)
{
	for (;;) {
		_cleanup_(rpc_answer_release) struct rpc_answer a = { .id = 0 };
		int rc = take_line(c, id, w, &a, e);

		if (rc < 0)
			return -1;
		if (rc == 0)
			continue;
		*out = steal_ptr(&a.value);
		return 0;
	}
}

int
client_call(struct client *c, const char *method, struct value *params,
	    struct value **out, struct err *e)
{
	const struct client_watch w = {
		.stop_fd = -1,
		.until = clock_mono_ms() + CLIENT_ANSWER_MS,
	};
	int64_t id;

	if (client_send(c, method, params, &id, e) < 0)
		return -1;
	return client_answer(c, id, &w, out, e);
}

bool
client_is_stranger(struct client *c)
{
	_value_ struct value *v = NULL;
	struct err e = ERR_INIT;

	return client_call(c, "status", NULL, &v, &e) < 0 &&
	       e.kind == ERR_DENIED;
}
