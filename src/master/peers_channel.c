/* What a program of the agent's and the master tell each other. */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/master.h"
#include "master/peers_parts.h"
#include "proto/json.h"

/* Read in one turn: in pieces, until so much was read or so long was taken, as
 * a piece may hold many requests and what is due must not wait for them all. */
#define CHUNK 4096
#define TURN_CHUNKS 16
#define TURN_US 5000
#define FIELDS_MAX 16

/* --- log ---------------------------------------------------------------- */

static bool
may_log(struct peer *p)
{
	int64_t now = clock_mono_ms();

	p->logs += (double)(now - p->logs_ms) * PEER_LOGS_SECOND / 1000;
	if (p->logs > PEER_LOGS)
		p->logs = PEER_LOGS;
	p->logs_ms = now;
	if (p->logs < 1) {
		p->logs_dropped++;
		return false;
	}
	p->logs--;
	return true;
}

/* "; status=503, url=..." */
static void
add_fields(struct buf *out, const struct value *params)
{
	const char *before = " (";
	size_t n = 0;

	for (size_t i = 0; i < params->u.object.n && n < FIELDS_MAX; i++) {
		const struct value_member *f = &params->u.object.members[i];

		if (strcmp(f->key, "level") == 0 ||
		    strcmp(f->key, "message") == 0)
			continue;
		buf_addf(out, "%s%.64s=", before, f->key);
		if (f->value->type == VALUE_STRING)
			buf_adds(out, f->value->u.string.s);
		else
			json_encode(f->value, out);
		before = ", ";
		n++;
	}
	if (n)
		buf_addc(out, ')');
}

static enum log_level
level_of(const char *name)
{
	static const char *const names[] = { [LOG_LEVEL_DEBUG] = "debug",
					     [LOG_LEVEL_INFO] = "info",
					     [LOG_LEVEL_WARN] = "warn",
					     [LOG_LEVEL_ERROR] = "error" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return (enum log_level)i;
	return LOG_LEVEL_INFO;
}

void
peer_log(struct peer *p, const struct value *params)
{
	const struct log_about about = { .component = p->kind->name };
	_buf_ struct buf text = { .max = 4UL * LOG_MESSAGE_MAX };

	if (!may_log(p))
		return;
	if (p->logs_dropped)
		log_event(LOG_LEVEL_WARN, &about,
			  "%llu messages of it were left out",
			  (unsigned long long)p->logs_dropped);
	p->logs_dropped = 0;
	buf_addf(&text, "%.*s", LOG_MESSAGE_MAX,
		 value_get_string(params, "message", "no message"));
	add_fields(&text, params);
	log_event(level_of(value_get_string(params, "level", "info")), &about,
		  "%s", text.data);
}

/* --- Is it well? -------------------------------------------------------- */

static void
hangs(void *arg)
{
	struct peer *p = arg;
	struct err e = ERR_INIT;

	err_set(&e, ERR_UNAVAILABLE, "it did not %s for %d s: it hangs",
		channel_backlog(&p->channel) ? "read" : "answer",
		PEER_STALL_MS / 1000);
	peer_fail(p, &e);
}

static void
ping(void *arg)
{
	struct peer *p = arg;
	struct value *params = value_object();

	value_set(params, "n", value_int(++p->pings));
	peer_notify(p, "ping", params);
	loop_timer_set(p->master->loop, &p->ping,
		       clock_mono_ms() + PEER_STALL_MS, hangs, p);
	peer_write(p);
}

static void
ping_later(struct peer *p)
{
	loop_timer_set(p->master->loop, &p->ping,
		       clock_mono_ms() + PEER_PING_MS, ping, p);
}

static void
on_ready(struct peer *p, const struct value *params)
{
	const struct value *pings = value_get(params, "ping");

	if (p->state != PEER_STARTING)
		return;
	peer_event(p, EVENT_READY);
	if (pings && pings->type == VALUE_BOOL && pings->u.boolean)
		ping_later(p);
}

static void
on_log(struct peer *p, const struct value *params)
{
	peer_log(p, params);
}

static void
on_pong(struct peer *p, const struct value *params)
{
	if (p->pings == p->pongs || value_get_int(params, "n", -1) != p->pings)
		return;
	p->pongs = p->pings;
	ping_later(p);
}

/* --- Reading ------------------------------------------------------------ */

static const struct {
	const char *method;
	void (*take)(struct peer *p, const struct value *params);
} notifications[] = {
	{ "ready", on_ready },
	{ "log", on_log },
	{ "pong", on_pong },
};

static void
take_notification(struct peer *p, const struct rpc_request *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(notifications); i++)
		if (strcmp(notifications[i].method, r->method) == 0) {
			notifications[i].take(p, r->params);
			return;
		}
	if (p->kind->notified)
		p->kind->notified(p, r);
}

static int
take_line(void *arg, const struct line *line, struct err *e)
{
	struct peer *p = arg;
	_cleanup_(rpc_request_release) struct rpc_request r;
	enum rpc_code code;

	/* it broke a rule, or was told to end, earlier in this piece */
	if (p->killed || p->state < PEER_STARTING || p->state == PEER_WAITING)
		return 0;
	if (rpc_request_parse(line->s, line->len, &r, &code, e) < 0) {
		/* one whose id can be told gets an answer, others are noise
		 * that a program of ours never makes */
		if (strcmp(r.id.text, "null") == 0 || !r.id.text[0])
			return -1;
		rpc_add_error(&p->channel.out, &r.id, code, e, NULL);
		return 0;
	}
	if (r.id.text[0])
		p->kind->request(p, &r);
	else
		take_notification(p, &r);
	return 0;
}

static void
set_events(struct peer *p)
{
	p->paused = channel_backlog(&p->channel) > p->kind->out_pause;
	loop_io_set(&p->io,
		    (p->paused ? 0U : (unsigned)EPOLLIN) |
			    (channel_backlog(&p->channel) ? EPOLLOUT : 0U));
}

static void
has_closed(void *arg)
{
	struct err e = ERR_INIT;

	err_set(&e, ERR_UNAVAILABLE, "it closed its channel, and went on");
	peer_fail(arg, &e);
}

/* Is there more? */
static bool
read_chunk(struct peer *p)
{
	static char chunk[CHUNK];
	struct err e = ERR_INIT;
	ssize_t n = recv(p->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		/* it ends, most likely, and how will be known */
		loop_io_del(&p->io);
		loop_timer_set(p->master->loop, &p->stall,
			       clock_mono_ms() + PEER_STOP_MS, has_closed, p);
		return false;
	}
	if (line_feed(&p->lines, chunk, (size_t)n, take_line, p, &e) < 0) {
		err_wrap(&e, "it said what it never would");
		e.kind = ERR_UNAVAILABLE;
		peer_fail(p, &e);
		return false;
	}
	return n == (ssize_t)sizeof(chunk) && p->fd >= 0 &&
	       loop_io_is_added(&p->io);
}

static void
read_peer(struct peer *p)
{
	int64_t began = clock_mono_us();

	for (int i = 0; i < TURN_CHUNKS; i++)
		if (!read_chunk(p) || clock_mono_us() - began >= TURN_US)
			return;
}

/* --- Writing ------------------------------------------------------------ */

void
peer_write(struct peer *p)
{
	struct buf *out = &p->channel.out;
	size_t backlog = channel_backlog(&p->channel);
	struct err e = ERR_INIT;
	ssize_t n;

	if (p->fd < 0 || !loop_io_is_added(&p->io))
		return;
	n = backlog ? send(p->fd, out->data + p->channel.sent, backlog,
			   MSG_DONTWAIT | MSG_NOSIGNAL) :
		      0;
	if (n > 0) {
		channel_sent(&p->channel, (size_t)n);
		backlog -= (size_t)n;
		loop_timer_cancel(&p->stall);
	}
	if (out->overflow || backlog > p->kind->out_max) {
		err_set(&e, ERR_UNAVAILABLE,
			"it left %zu bytes unread: it hangs", backlog);
		peer_fail(p, &e);
		return;
	}
	if (backlog && !loop_timer_is_set(&p->stall))
		loop_timer_set(p->master->loop, &p->stall,
			       clock_mono_ms() + PEER_STALL_MS, hangs, p);
	set_events(p);
}

static void
on_io(void *arg, unsigned events)
{
	struct peer *p = arg;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_peer(p);
	if (events & EPOLLOUT)
		peer_write(p);
}

void
peer_notify(struct peer *p, const char *method, struct value *params)
{
	if (p->state == PEER_STARTING || p->state == PEER_READY)
		rpc_add_notification(&p->channel.out, method, params);
	value_free(params);
}

/* --- Its life ----------------------------------------------------------- */

void
peer_configure(struct peer *p)
{
	_value_ struct value *fresh = p->kind->configure(p->master);

	if (p->configured && value_equal(p->configured, fresh))
		return;
	value_free(p->configured);
	p->configured = steal_ptr(&fresh);
	peer_notify(p, "configure", value_copy(p->configured));
	peer_write(p);
}

int
peer_channel_open(struct peer *p, struct err *e)
{
	line_init(&p->lines, p->kind->line_max);
	channel_init(&p->channel, p->master, p->kind->out_max * 2);
	p->channel.tagged = true;
	p->pings = 0;
	p->pongs = 0;
	p->logs = PEER_LOGS;
	p->logs_ms = clock_mono_ms();
	return loop_io_add(p->master->loop, &p->io, p->fd, EPOLLIN, on_io, p) <
			       0 ?
		       err_errno(e, "epoll") :
		       0;
}

void
peer_channel_close(struct peer *p)
{
	loop_io_del(&p->io);
	loop_timer_cancel(&p->stall);
	loop_timer_cancel(&p->ping);
	channel_release(&p->channel);
	line_release(&p->lines);
	value_free(steal_ptr(&p->configured));
}
