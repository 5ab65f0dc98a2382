#include "forward/channel.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "proto/rpc.h"

#define READ_SIZE (128UL << 10)
#define WRITE_MAX (8UL << 20)

struct asked {
	struct asked *next;
	int64_t id;
	bool raw;
	channel_reply_fn *fn; /* NULL: forgotten */
	void *arg;
};

struct channel {
	struct loop *loop;
	struct loop_io io;
	int fd;
	bool ended;
	struct buf in, out;
	size_t scanned; /* of `in`, no line feed in it */
	int64_t last_id;
	struct asked *asked;
	channel_notice_fn *notice;
	channel_end_fn *end;
	void *arg;
};

static void
ended(struct channel *c, const struct err *e)
{
	if (c->ended)
		return;
	c->ended = true;
	loop_io_del(&c->io);
	c->end(c->arg, e);
}

/* The agent that was killed leaves what it had not read: an end, too. */
static void
broken(struct channel *c, const char *what)
{
	struct err e = ERR_INIT;

	if (errno == EPIPE || errno == ECONNRESET) {
		ended(c, NULL);
		return;
	}
	err_errno(&e, "%s the agent", what);
	ended(c, &e);
}

/* --- Writing -------------------------------------------------------------- */

static void
flush(struct channel *c)
{
	ssize_t n = 1;

	while (c->out.len && n > 0) {
		n = send(c->fd, c->out.data, c->out.len,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			buf_consume(&c->out, (size_t)n);
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		broken(c, "write to");
		return;
	}
	loop_io_set(&c->io, c->out.len ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void
send_line(struct channel *c, const struct buf *line)
{
	struct err e = ERR_INIT;

	if (c->ended)
		return;
	buf_add(&c->out, line->data, line->len);
	if (c->out.overflow) {
		err_set(&e, ERR_AGENT, "the agent reads nothing any more");
		ended(c, &e);
		return;
	}
	flush(c);
}

static void
ask(struct channel *c, const char *method, const struct value *params, bool raw,
    channel_reply_fn *fn, void *arg)
{
	_buf_ struct buf line = { 0 };
	struct asked *a = xcalloc(1, sizeof(*a));

	*a = (struct asked){ c->asked, ++c->last_id, raw, fn, arg };
	c->asked = a;
	rpc_add_request(&line, a->id, method, params);
	send_line(c, &line);
}

void
channel_ask(struct channel *c, const char *method, const struct value *params,
	    channel_reply_fn *fn, void *arg)
{
	ask(c, method, params, false, fn, arg);
}

void
channel_ask_raw(struct channel *c, const char *method,
		const struct value *params, channel_reply_fn *fn, void *arg)
{
	ask(c, method, params, true, fn, arg);
}

void
channel_forget(struct channel *c, const void *arg)
{
	for (struct asked *a = c->asked; a; a = a->next)
		if (a->arg == arg)
			a->fn = NULL;
}

void
channel_tell(struct channel *c, const char *method, const struct value *params)
{
	_buf_ struct buf line = { 0 };

	rpc_add_notification(&line, method, params);
	send_line(c, &line);
}

/* --- Reading -------------------------------------------------------------- */

static struct asked *
take_asked(struct channel *c, int64_t id)
{
	for (struct asked **p = &c->asked; *p; p = &(*p)->next) {
		struct asked *a = *p;

		if (a->id != id)
			continue;
		*p = a->next;
		return a;
	}
	return NULL;
}

/*
 * A batch is not decoded here. Its beginning is as rpc_add_result() writes it;
 * anything else is read in full, an error for one.
 */
static bool
take_raw(struct channel *c, struct buf *line)
{
	struct channel_reply r = { .line = line };
	struct asked *a, *found = NULL;
	char head[64];
	int n;

	for (a = c->asked; a && !found; a = a->next) {
		n = snprintf(head, sizeof(head),
			     "{\"jsonrpc\":\"2.0\",\"id\":%lld,\"result\":",
			     (long long)a->id);
		if (a->raw && line->len > (size_t)n &&
		    memcmp(line->data, head, (size_t)n) == 0) {
			r.at = (size_t)n;
			found = a;
		}
	}
	if (!found)
		return false;
	found = take_asked(c, found->id);
	if (found->fn)
		found->fn(found->arg, &r);
	free(found);
	return true;
}

static int
take_answer(struct channel *c, const struct rpc_answer *answer, struct err *e)
{
	struct channel_reply r = { .value = answer->value };
	struct asked *a = take_asked(c, answer->id);

	if (!a)
		return err_set(e, ERR_AGENT,
			       "the agent answered what was not asked");
	if (!answer->value) {
		r.error = &answer->error;
		r.kind = value_get_string(answer->data, "kind", "agent");
	} else if (a->raw) {
		free(a);
		return err_set(e, ERR_AGENT, "the agent's batch is no batch");
	}
	if (a->fn)
		a->fn(a->arg, &r);
	free(a);
	return 0;
}

static int
take_line(struct channel *c, struct buf *line, struct err *e)
{
	_cleanup_(rpc_answer_release) struct rpc_answer answer = { 0 };

	if (take_raw(c, line))
		return 0;
	if (rpc_answer_parse(line->data, line->len, &answer, e) < 0)
		return -1;
	if (answer.method[0]) {
		c->notice(c->arg, answer.method, answer.value);
		return 0;
	}
	return take_answer(c, &answer, e);
}

/* Take the first line out of `in`; false: there is none yet. */
static bool
cut_line(struct channel *c, struct buf *line)
{
	char *end = c->in.len > c->scanned ?
			    memchr(c->in.data + c->scanned, '\n',
				   c->in.len - c->scanned) :
			    NULL;
	size_t n;

	c->scanned = c->in.len;
	if (!end)
		return false;
	n = (size_t)(end - c->in.data);
	/* what follows goes into a buffer of its own, the line keeps this */
	*line = c->in;
	buf_init(&c->in, CHANNEL_LINE_MAX);
	buf_add(&c->in, end + 1, line->len - n - 1);
	line->len = n;
	*end = '\0';
	c->scanned = 0;
	return true;
}

static void
take_lines(struct channel *c)
{
	struct err e = ERR_INIT;

	for (;;) {
		_buf_ struct buf line = { 0 };

		if (c->ended || !cut_line(c, &line))
			return;
		if (take_line(c, &line, &e) < 0)
			ended(c, &e);
	}
}

static void
on_event(void *arg, unsigned events)
{
	struct channel *c = arg;
	struct err e = ERR_INIT;
	ssize_t n;

	if (events & EPOLLOUT)
		flush(c);
	if (c->ended || !(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	if (!buf_reserve(&c->in, READ_SIZE)) {
		err_set(&e, ERR_AGENT, "the agent's line is too long");
		ended(c, &e);
		return;
	}
	n = recv(c->fd, c->in.data + c->in.len, c->in.cap - c->in.len - 1,
		 MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		broken(c, "read from");
	else if (n == 0)
		ended(c, NULL);
	if (n <= 0)
		return;
	c->in.len += (size_t)n;
	take_lines(c);
}

struct channel *
channel_new(struct loop *l, int fd, channel_notice_fn *notice,
	    channel_end_fn *end, void *arg)
{
	struct channel *c = xcalloc(1, sizeof(*c));

	c->loop = l;
	c->fd = fd;
	c->notice = notice;
	c->end = end;
	c->arg = arg;
	buf_init(&c->in, CHANNEL_LINE_MAX);
	buf_init(&c->out, WRITE_MAX);
	if (loop_io_add(l, &c->io, fd, EPOLLIN, on_event, c) < 0)
		fatal("descriptor %d is no channel: %m", fd);
	return c;
}

void
channel_free(struct channel *c)
{
	struct asked *a;

	if (!c)
		return;
	loop_io_del(&c->io);
	close(c->fd);
	while ((a = c->asked)) {
		c->asked = a->next;
		free(a);
	}
	buf_release(&c->in);
	buf_release(&c->out);
	free(c);
}
