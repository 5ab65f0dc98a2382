#include "api/upstream.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define CHUNK 65536
#define SLOT_BITS 16
#define NO_SLOT SIZE_MAX

static void
broken(struct upstream *c, const char *why)
{
	if (c->broken)
		return;
	c->broken = true;
	loop_io_set(&c->io, 0);
	c->hooks.gone(c->hooks.arg, why);
}

/* --- Calls under way ---------------------------------------------------- */

static size_t
take_slot(struct upstream *c)
{
	size_t i = c->free_slot, n = c->n_slots ? c->n_slots * 2 : 64;

	if (i != NO_SLOT) {
		c->free_slot = c->slots[i].next;
		return i;
	}
	if (c->n_slots == UPSTREAM_CALLS_MAX)
		return NO_SLOT;
	c->slots = xrealloc(c->slots, n, sizeof(*c->slots));
	for (i = c->n_slots; i < n; i++) {
		c->slots[i] = (struct upstream_slot){ .next = c->free_slot };
		c->free_slot = i;
	}
	c->n_slots = n;
	return take_slot(c);
}

static void
forget(struct upstream *c, struct call *call)
{
	size_t i = (size_t)call->id & ((1U << SLOT_BITS) - 1);

	c->slots[i] = (struct upstream_slot){ .next = c->free_slot };
	c->free_slot = i;
	c->under_way--;
	call->id = 0;
}

/* NULL: it was cancelled, or never asked. */
static struct call *
find(const struct upstream *c, int64_t id)
{
	size_t i = (size_t)id & ((1U << SLOT_BITS) - 1);

	return id > 0 && i < c->n_slots && c->slots[i].id == id ?
		       c->slots[i].call :
		       NULL;
}

/* --- Asking ------------------------------------------------------------- */

static int
compose(struct buf *line, int64_t id, const char *method,
	const struct buf *params, const struct buf *auth)
{
	buf_adds(line, "{\"jsonrpc\":\"2.0\"");
	if (id)
		buf_addf(line, ",\"id\":%lld", (long long)id);
	buf_addf(line, ",\"method\":\"%s\",\"params\":", method);
	buf_add(line, params->data, params->len);
	if (auth) {
		buf_adds(line, ",\"auth\":");
		buf_add(line, auth->data, auth->len);
	}
	buf_adds(line, "}\n");
	return line->overflow || line->len > UPSTREAM_ASK_MAX ? -1 : 0;
}

int
upstream_ask(struct upstream *c, struct call *call, const char *method,
	     const struct buf *params, const struct buf *auth,
	     struct problem *pb)
{
	_buf_ struct buf line = { 0 };
	size_t i;

	if (c->broken || c->out.len > UPSTREAM_OUT_MAX)
		return problem_set(pb, PROBLEM_UNAVAILABLE,
				   "the agent does not keep up");
	i = take_slot(c);
	if (i == NO_SLOT)
		return problem_set(pb, PROBLEM_UNAVAILABLE,
				   "%d requests are under way",
				   UPSTREAM_CALLS_MAX);
	call->id = (++c->last_id << SLOT_BITS) | (int64_t)i;
	c->slots[i] = (struct upstream_slot){ .call = call, .id = call->id };
	c->under_way++;
	if (compose(&line, call->id, method, params, auth) < 0) {
		forget(c, call);
		return problem_set(pb, PROBLEM_TOO_LARGE,
				   "a request has at most %lu bytes",
				   UPSTREAM_ASK_MAX);
	}
	buf_add(&c->out, line.data, line.len);
	return 0;
}

void
upstream_say(struct upstream *c, const char *method, const struct buf *params)
{
	_buf_ struct buf line = { 0 };

	if (c->broken || c->out.len > UPSTREAM_OUT_MAX)
		return;
	if (compose(&line, 0, method, params, NULL) == 0)
		buf_add(&c->out, line.data, line.len);
}

void
upstream_cancel(struct upstream *c, struct call *call)
{
	_buf_ struct buf params = { 0 };

	if (!call->id)
		return;
	buf_addf(&params, "{\"request\":%lld}", (long long)call->id);
	forget(c, call);
	upstream_say(c, "cancel", &params);
}

void
upstream_flush(struct upstream *c)
{
	ssize_t n;

	if (!c->out.len || c->broken)
		return;
	n = send(c->io.fd, c->out.data, c->out.len,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		buf_consume(&c->out, (size_t)n);
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		broken(c, strerror(errno));
	if (!c->broken)
		loop_io_set(&c->io, c->out.len ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* --- What the master says ------------------------------------------------ */

static void
copy_string(struct json_text t, char *out, size_t size)
{
	_buf_ struct buf text = { 0 };

	if (t.s)
		json_add_string(&text, t, size - 1);
	snprintf(out, size, "%s", text.data ? text.data : "");
}

/* An error, as the problem that it is to a client. */
static int
take_error(struct answer *a, struct json_text error, struct err *e)
{
	struct json_field fields[] = {
		{ "code", JSON_IS_NUMBER, { NULL, 0 } },
		{ "message", JSON_IS_STRING, { NULL, 0 } },
		{ "data", JSON_IS_OBJECT, { NULL, 0 } },
	};
	struct json_field data[] = {
		{ "kind", JSON_IS_STRING, { NULL, 0 } },
		{ "hint", JSON_IS_STRING, { NULL, 0 } },
		{ "retry_after_ms", JSON_IS_NUMBER, { NULL, 0 } },
	};
	char kind[32] = "agent";
	int64_t code = 0;

	if (json_pick(error.s, error.len, 0, fields, ARRAY_SIZE(fields), e) < 0)
		return -1;
	a->members = fields[2].value;
	if (a->members.s && json_pick(a->members.s, a->members.len, 0, data,
				      ARRAY_SIZE(data), e) < 0)
		return -1;
	if (data[0].value.s)
		copy_string(data[0].value, kind, sizeof(kind));
	if (fields[0].value.s)
		json_to_int(fields[0].value, &code);
	a->problem.code = code == -32601 ? PROBLEM_NOT_IMPLEMENTED :
					   problem_by_kind(kind);
	copy_string(fields[1].value, a->problem.detail,
		    sizeof(a->problem.detail));
	copy_string(data[1].value, a->problem.hint, sizeof(a->problem.hint));
	if (data[2].value.s)
		json_to_int(data[2].value, &a->problem.retry_after_ms);
	return 0;
}

static int
take_answer(struct upstream *c, int64_t id, struct json_text result,
	    struct json_text error, struct err *e)
{
	struct call *call = find(c, id);
	struct answer a = { .result = result };

	if (!call)
		return 0;
	if (error.s && take_error(&a, error, e) < 0)
		return -1;
	if (!error.s && !result.s)
		return err_set(e, ERR_AGENT, "an answer without a result");
	forget(c, call);
	call->answered(call->arg, &a);
	return 0;
}

static int
take_notification(struct upstream *c, const char *method,
		  struct json_text params, struct err *e)
{
	struct json_field field = { "request", JSON_IS_NUMBER, { NULL, 0 } };
	struct call *call;
	int64_t id;

	if (!params.s)
		params = (struct json_text){ "{}", 2 };
	if (json_pick(params.s, params.len, 0, &field, 1, e) < 0)
		return -1;
	if (!field.value.s) {
		c->hooks.notified(c->hooks.arg, method, params);
		return 0;
	}
	call = json_to_int(field.value, &id) ? find(c, id) : NULL;
	if (call && call->notified)
		call->notified(call->arg, method, params);
	return 0;
}

static int
take_line(void *arg, const struct line *line, struct err *e)
{
	struct upstream *c = arg;
	struct json_field fields[] = {
		{ "id", JSON_IS_NUMBER | JSON_IS_NULL, { NULL, 0 } },
		{ "method", JSON_IS_STRING, { NULL, 0 } },
		{ "params", JSON_IS_OBJECT, { NULL, 0 } },
		{ "result", JSON_IS_ANY, { NULL, 0 } },
		{ "error", JSON_IS_OBJECT, { NULL, 0 } },
	};
	char method[64];
	int64_t id = 0;

	if (json_pick(line->s, line->len, line->at, fields, ARRAY_SIZE(fields),
		      e) < 0)
		return -1;
	if (fields[1].value.s) {
		copy_string(fields[1].value, method, sizeof(method));
		return take_notification(c, method, fields[2].value, e);
	}
	if (fields[0].value.s)
		json_to_int(fields[0].value, &id);
	return take_answer(c, id, fields[3].value, fields[4].value, e);
}

static void
on_io(void *arg, unsigned events)
{
	static char chunk[CHUNK];
	struct upstream *c = arg;
	struct err e = ERR_INIT;
	ssize_t n;

	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	n = recv(c->io.fd, chunk, sizeof(chunk), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		broken(c, n < 0 ? strerror(errno) : "");
		return;
	}
	if (line_feed(&c->lines, chunk, (size_t)n, take_line, c, &e) < 0)
		broken(c, e.msg);
}

void
upstream_open(struct upstream *c, struct loop *l, int fd,
	      const struct upstream_hooks *hooks)
{
	*c = (struct upstream){ .hooks = *hooks, .free_slot = NO_SLOT };
	line_init(&c->lines, UPSTREAM_LINE_MAX);
	buf_init(&c->out, UPSTREAM_OUT_MAX + 2 * UPSTREAM_ASK_MAX);
	if (loop_io_add(l, &c->io, fd, EPOLLIN, on_io, c) < 0)
		broken(c, strerror(errno));
}

void
upstream_release(struct upstream *c)
{
	if (loop_io_is_added(&c->io))
		loop_io_del(&c->io);
	line_release(&c->lines);
	buf_release(&c->out);
	free(steal_ptr(&c->slots));
}
