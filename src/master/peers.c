#include "master/peers.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/api.h"
#include "master/forward.h"
#include "master/master.h"
#include "master/peers_parts.h"
#include "model/units.h"

static const struct peer_kind *const kinds[] = {
	&api_peer,
	&forward_peer,
};

_Static_assert(ARRAY_SIZE(kinds) <= PEERS_MAX, "a place for each");

static const char *const names[PEER_STATES] = {
	[PEER_OFF] = "off",
	[PEER_STARTING] = "starting",
	[PEER_READY] = "ready",
	[PEER_ENDING] = "ending",
	[PEER_REPLACING] = "restarting",
	[PEER_WAITING] = "waiting",
};

const char *
peer_state_name(enum peer_state state)
{
	return names[state];
}

static struct log_about
about(const struct peer *p)
{
	return (struct log_about){ .component = p->kind->name };
}

/* --- Acts --------------------------------------------------------------- */

static void
on_timer(void *arg)
{
	peer_event(arg, EVENT_TIMER);
}

static void
set_timer(struct peer *p, int64_t after_ms)
{
	loop_timer_set(p->master->loop, &p->timer, clock_mono_ms() + after_ms,
		       on_timer, p);
}

static void
on_end(void *arg, unsigned events)
{
	(void)events;
	peer_event(arg, EVENT_GONE);
}

static int
try_start(struct peer *p, struct err *e)
{
	if (peer_exec(p, e) < 0)
		return -1;
	if (peer_channel_open(p, e) < 0 ||
	    loop_io_add(p->master->loop, &p->end, p->pidfd, EPOLLIN, on_end,
			p) < 0) {
		kill(p->pid, SIGKILL);
		peer_channel_close(p);
		peer_reap(p, &(struct err)ERR_INIT);
		return -1;
	}
	return 0;
}

static void
start(struct peer *p)
{
	struct err e = ERR_INIT;

	p->killed = false;
	if (try_start(p, &e) < 0) {
		p->known = strcmp(e.msg, p->trouble.msg) == 0;
		p->trouble = e;
		peer_event(p, EVENT_FAILED);
		return;
	}
	p->starts++;
	set_timer(p, PEER_START_MS);
	peer_configure(p);
}

static void
be_up(struct peer *p)
{
	const struct log_about a = about(p);

	loop_timer_cancel(&p->timer);
	p->ready_ms = clock_mono_ms();
	log_event(LOG_LEVEL_INFO, &a, "%s is ready, process %d",
		  p->kind->program, (int)p->pid);
	if (p->kind->up)
		p->kind->up(p);
}

/* It may end what it is about; what it still says is heard. */
static void
stop(struct peer *p)
{
	peer_write(p);
	shutdown(p->fd, SHUT_WR);
	set_timer(p, PEER_STOP_MS);
}

static void
kill_it(struct peer *p)
{
	p->killed = true;
	loop_timer_cancel(&p->timer);
	loop_timer_cancel(&p->ping);
	loop_timer_cancel(&p->stall);
	if (p->pid > 0)
		kill(p->pid, SIGKILL);
}

static void
too_slow(struct peer *p)
{
	err_set(&p->trouble, ERR_UNAVAILABLE, "it was not ready within %d s",
		PEER_START_MS / 1000);
	kill_it(p);
}

static void
forget(struct peer *p)
{
	struct err how = ERR_INIT;

	loop_timer_cancel(&p->timer);
	loop_io_del(&p->end);
	peer_channel_close(p);
	peer_reap(p, &how);
	if (!p->killed)
		p->trouble = how;
	if (p->kind->down)
		p->kind->down(p);
}

/* Later each time, until it was well for a while. */
static void
wait_for_it(struct peer *p)
{
	const struct log_about a = about(p);
	bool steady =
		p->ready_ms && clock_mono_ms() - p->ready_ms >= PEER_STEADY_MS;

	p->failures++;
	p->delay_ms = steady || !p->delay_ms ? PEER_DELAY_MS : p->delay_ms * 2;
	if (p->delay_ms > PEER_DELAY_MAX_MS)
		p->delay_ms = PEER_DELAY_MAX_MS;
	p->ready_ms = 0;
	p->retry_ms = clock_real_ms() + p->delay_ms;
	log_event(p->known ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, &a,
		  "%s: %s%s%s; starts again in %lld ms", p->kind->program,
		  p->trouble.msg, p->trouble.hint[0] ? "; " : "",
		  p->trouble.hint, (long long)p->delay_ms);
	set_timer(p, p->delay_ms);
}

static void
has_ended(struct peer *p)
{
	forget(p);
	p->known = false;
	wait_for_it(p);
}

static void
has_gone(struct peer *p)
{
	forget(p);
	p->delay_ms = 0;
}

static void
start_again(struct peer *p)
{
	forget(p);
	start(p);
}

static void
give_up(struct peer *p)
{
	loop_timer_cancel(&p->timer);
	p->delay_ms = 0;
}

static void
nothing(struct peer *p)
{
	(void)p;
}

/* --- Its life ----------------------------------------------------------- */

/* What is not here changes nothing. */
static const struct {
	void (*act)(struct peer *p);
	enum peer_state to;
} steps[PEER_STATES][PEER_EVENTS] = {
	[PEER_OFF] = {
		[EVENT_WANTED] = { start, PEER_STARTING },
	},
	[PEER_STARTING] = {
		[EVENT_READY] = { be_up, PEER_READY },
		[EVENT_UNWANTED] = { stop, PEER_ENDING },
		[EVENT_REPLACE] = { stop, PEER_REPLACING },
		[EVENT_BROKE] = { kill_it, PEER_STARTING },
		[EVENT_TIMER] = { too_slow, PEER_STARTING },
		[EVENT_FAILED] = { wait_for_it, PEER_WAITING },
		[EVENT_GONE] = { has_ended, PEER_WAITING },
	},
	[PEER_READY] = {
		[EVENT_UNWANTED] = { stop, PEER_ENDING },
		[EVENT_REPLACE] = { stop, PEER_REPLACING },
		[EVENT_BROKE] = { kill_it, PEER_READY },
		[EVENT_GONE] = { has_ended, PEER_WAITING },
	},
	[PEER_ENDING] = {
		[EVENT_WANTED] = { nothing, PEER_REPLACING },
		[EVENT_BROKE] = { kill_it, PEER_ENDING },
		[EVENT_TIMER] = { kill_it, PEER_ENDING },
		[EVENT_GONE] = { has_gone, PEER_OFF },
	},
	[PEER_REPLACING] = {
		[EVENT_UNWANTED] = { nothing, PEER_ENDING },
		[EVENT_BROKE] = { kill_it, PEER_REPLACING },
		[EVENT_TIMER] = { kill_it, PEER_REPLACING },
		[EVENT_GONE] = { start_again, PEER_STARTING },
	},
	[PEER_WAITING] = {
		[EVENT_WANTED] = { start, PEER_STARTING },
		[EVENT_REPLACE] = { start, PEER_STARTING },
		[EVENT_UNWANTED] = { give_up, PEER_OFF },
		[EVENT_TIMER] = { start, PEER_STARTING },
	},
};

int
peer_next(enum peer_state from, enum peer_event event)
{
	return steps[from][event].act ? (int)steps[from][event].to : -1;
}

void
peer_event(struct peer *p, enum peer_event event)
{
	enum peer_state from = p->state;

	if (!steps[from][event].act)
		return;
	/* first: the act may be followed by another event */
	p->state = steps[from][event].to;
	if (p->state != from)
		p->since_ms = clock_real_ms();
	steps[from][event].act(p);
}

void
peer_replace(struct peer *p)
{
	peer_event(p, EVENT_REPLACE);
}

void
peer_fail(struct peer *p, const struct err *e)
{
	if (p->killed)
		return;
	p->trouble = *e;
	peer_event(p, EVENT_BROKE);
}

/* --- All of them -------------------------------------------------------- */

void
peers_open(struct master *m)
{
	struct peers *all = &m->peers;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct peer *p = &all->items[all->n++];

		p->kind = kinds[i];
		p->master = m;
		p->program = -1;
		p->fd = -1;
		p->pidfd = -1;
		peer_find_program(p);
	}
}

void
peers_start(struct master *m)
{
	peers_reload(m);
}

/* Said once; nothing can change it but a restart. */
static void
say_missing(struct peer *p)
{
	const struct log_about a = about(p);

	if (!p->failures++)
		log_event(LOG_LEVEL_WARN, &a, "can't start: %s",
			  p->trouble.msg);
}

void
peers_reload(struct master *m)
{
	for (size_t i = 0; i < m->peers.n; i++) {
		struct peer *p = &m->peers.items[i];
		bool wanted = p->kind->wanted(m);

		if (p->program < 0) {
			if (wanted)
				say_missing(p);
			continue;
		}
		peer_event(p, wanted ? EVENT_WANTED : EVENT_UNWANTED);
		if (p->state == PEER_STARTING || p->state == PEER_READY)
			peer_configure(p);
	}
}

void
peers_flush(struct master *m)
{
	for (size_t i = 0; i < m->peers.n; i++) {
		struct peer *p = &m->peers.items[i];

		if (p->kind->turn && p->state == PEER_READY)
			p->kind->turn(p);
		if (channel_backlog(&p->channel) || p->paused)
			peer_write(p);
	}
}

/* Without the loop, which has ended. */
static void
wait_end(struct peer *p, int64_t until_ms)
{
	struct pollfd poller = { .fd = p->pidfd, .events = POLLIN };
	int64_t left = until_ms - clock_mono_ms();

	if (poll(&poller, 1, left > 0 ? (int)left : 0) <= 0)
		kill(p->pid, SIGKILL);
	peer_reap(p, &(struct err)ERR_INIT);
}

void
peers_close(struct master *m)
{
	int64_t until = clock_mono_ms() + PEER_STOP_MS;

	for (size_t i = 0; i < m->peers.n; i++)
		if (m->peers.items[i].pid > 0)
			stop(&m->peers.items[i]);
	for (size_t i = 0; i < m->peers.n; i++) {
		struct peer *p = &m->peers.items[i];

		loop_timer_cancel(&p->timer);
		loop_io_del(&p->end);
		if (p->pid > 0) {
			peer_channel_close(p);
			wait_end(p, until);
		}
		if (p->program >= 0)
			close(steal_fd(&p->program));
		free(steal_ptr(&p->path));
	}
	m->peers.n = 0;
}

struct peer *
peers_find(struct master *m, const struct peer_kind *kind)
{
	for (size_t i = 0; i < m->peers.n; i++)
		if (m->peers.items[i].kind == kind)
			return &m->peers.items[i];
	return NULL;
}

/* --- Showing them ------------------------------------------------------- */

static struct value *
time_value(int64_t ms)
{
	char text[UNITS_TEXT];

	return value_string(units_format_time(ms, text));
}

static struct value *
peer_value(const struct peer *p)
{
	struct value *v = value_object();

	value_set(v, "name", value_string(p->kind->name));
	value_set(v, "state", value_string(names[p->state]));
	value_set(v, "pid", p->pid > 0 ? value_int(p->pid) : value_null());
	value_set(v, "since",
		  p->since_ms ? time_value(p->since_ms) : value_null());
	value_set(v, "starts", value_int((int64_t)p->starts));
	value_set(v, "failures", value_int((int64_t)p->failures));
	value_set(v, "trouble",
		  p->trouble.kind != ERR_NONE ? value_string(p->trouble.msg) :
						value_null());
	if (p->state == PEER_WAITING)
		value_set(v, "retry_at", time_value(p->retry_ms));
	return v;
}

struct value *
peers_value(struct master *m)
{
	struct value *all = value_array();

	for (size_t i = 0; i < m->peers.n; i++)
		value_append(all, peer_value(&m->peers.items[i]));
	return all;
}
