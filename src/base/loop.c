#include "base/loop.h"

#include <sys/timerfd.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

/* A wait shorter than this found its events there already. */
#define SLEPT_US 50

/* Signals taken in a turn. */
#define SIGNALS_MAX 16

/* No time that the kernel's clocks can show. */
#define NEVER_MS (INT64_MAX / 1000000 - 1000)

const unsigned loop_lag_bounds_us[LOOP_LAG_BUCKETS - 1] = {
	100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 1000000,
};

struct loop {
	int epoll;
	bool stop, in_turn;
	/* what the turn has still to serve; removed: NULL */
	struct epoll_event events[LOOP_IO_MAX];
	int n_events, at_event;
	struct loop_timer *due[LOOP_TIMERS_MAX];
	size_t n_due;

	struct heap mono, wall;
	uint64_t order;

	struct loop_io wall_io; /* timerfd, made when first needed */
	int64_t wall_armed_ms;	/* by the kernel's clock; 0: not armed */
	int64_t seen_set_ms;	/* the clock's, as a test set it */
	int64_t clock_set_ms;	/* what it showed when it was last set */
	void (*on_clock_set)(void *);
	void *clock_set_arg;

	struct loop_io signal_io;
	sigset_t old_mask;
	void (*on_signal)(void *, const struct signalfd_siginfo *);
	void *signal_arg;

	void (*on_turn)(void *);
	void *turn_arg;

	int64_t woke_us,
		ready_us; /* the last wake-up; since when events may be ready */
	struct loop_stats stats;
};

static bool
timer_before(const struct heap_node *a, const struct heap_node *b)
{
	const struct loop_timer *x = HEAP_ENTRY(a, struct loop_timer, node);
	const struct loop_timer *y = HEAP_ENTRY(b, struct loop_timer, node);

	return x->at_ms != y->at_ms ? x->at_ms < y->at_ms : x->order < y->order;
}

struct loop *
loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));

	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		fatal("epoll_create1: %s", strerror(errno));
	heap_init(&l->mono, timer_before);
	heap_init(&l->wall, timer_before);
	l->wall_io.fd = l->signal_io.fd = -1;
	l->seen_set_ms = clock_set_by_ms();
	l->woke_us = clock_mono_us();
	return l;
}

void
loop_free(struct loop *l)
{
	if (!l)
		return;
	if (l->signal_io.fd >= 0) {
		close(l->signal_io.fd);
		sigprocmask(SIG_SETMASK, &l->old_mask, NULL);
	}
	if (l->wall_io.fd >= 0)
		close(l->wall_io.fd);
	close(l->epoll);
	heap_release(&l->mono);
	heap_release(&l->wall);
	free(l);
}

/* --- Descriptors -------------------------------------------------------------
 */

static int
control(struct loop_io *io, int op, unsigned events)
{
	struct epoll_event ev = { .events = events, .data.ptr = io };

	return epoll_ctl(io->loop->epoll, op, io->fd, &ev);
}

int
loop_io_add(struct loop *l, struct loop_io *io, int fd, unsigned events,
	    loop_io_fn *fn, void *arg)
{
	if (io->added)
		fatal("loop_io_add: descriptor %d is added already", io->fd);
	*io = (struct loop_io){
		.fd = fd, .events = events, .fn = fn, .arg = arg, .loop = l
	};
	if (events && control(io, EPOLL_CTL_ADD, events) < 0) {
		io->fd = -1;
		return -1;
	}
	io->added = true;
	return 0;
}

/* What was ready in this turn is not told any more. */
static void
drop_pending(struct loop *l, const struct loop_io *io)
{
	for (int i = l->at_event; i < l->n_events; i++)
		if (l->events[i].data.ptr == io)
			l->events[i].data.ptr = NULL;
}

void
loop_io_set(struct loop_io *io, unsigned events)
{
	int op = !io->events ? EPOLL_CTL_ADD :
		 events	     ? EPOLL_CTL_MOD :
			       EPOLL_CTL_DEL;

	if (!io->added || events == io->events)
		return;
	/* with no events at all the kernel would still tell of a hang-up */
	if (control(io, op, events) < 0)
		fatal("epoll_ctl on descriptor %d: %s", io->fd,
		      strerror(errno));
	io->events = events;
	if (!events)
		drop_pending(io->loop, io);
}

void
loop_io_del(struct loop_io *io)
{
	if (!io->added)
		return;
	if (io->events)
		control(io, EPOLL_CTL_DEL, 0);
	drop_pending(io->loop, io);
	io->added = false;
	io->fd = -1;
}

/* --- Timers
 * -------------------------------------------------------------------- */

void
loop_timer_cancel(struct loop_timer *t)
{
	struct loop *l = t->loop;

	if (t->due)
		l->due[t->due - 1] = NULL;
	else if (heap_has(&t->node))
		heap_remove(t->wall ? &l->wall : &l->mono, &t->node);
	t->due = 0;
}

static void
set_timer(struct loop *l, struct loop_timer *t, int64_t at_ms,
	  loop_timer_fn *fn, void *arg, bool wall)
{
	int64_t now_ms = wall ? clock_real_ms() : clock_mono_ms();

	loop_timer_cancel(t);
	*t = (struct loop_timer){ .at_ms = at_ms,
				  .since_ms = at_ms < now_ms ? now_ms : at_ms,
				  .order = ++l->order,
				  .fn = fn,
				  .arg = arg,
				  .loop = l,
				  .wall = wall };
	heap_add(wall ? &l->wall : &l->mono, &t->node);
}

void
loop_timer_set(struct loop *l, struct loop_timer *t, int64_t mono_ms,
	       loop_timer_fn *fn, void *arg)
{
	set_timer(l, t, mono_ms, fn, arg, false);
}

void
loop_wall_timer_set(struct loop *l, struct loop_timer *t, int64_t unix_ms,
		    loop_timer_fn *fn, void *arg)
{
	set_timer(l, t, unix_ms, fn, arg, true);
}

static int64_t
first_at_ms(const struct heap *h)
{
	const struct loop_timer *t =
		HEAP_ENTRY(heap_first(h), struct loop_timer, node);

	return t ? t->at_ms : NEVER_MS;
}

static void
clock_was_set(struct loop *l)
{
	l->stats.clock_sets++;
	l->seen_set_ms = clock_set_by_ms();
	l->clock_set_ms = clock_real_ms();
	if (l->on_clock_set)
		l->on_clock_set(l->clock_set_arg);
}

/* The timerfd: the first wall timer's time has come, or the clock was set. */
static void
on_wall(void *arg, unsigned events)
{
	struct loop *l = arg;
	uint64_t ticks;
	ssize_t n = read(l->wall_io.fd, &ticks, sizeof(ticks));

	(void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	l->wall_armed_ms = 0;
	if (n < 0 && errno == ECANCELED)
		clock_was_set(l);
	else if (n < 0)
		fatal("read of a timer: %s", strerror(errno));
}

static void
open_wall(struct loop *l)
{
	int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0 || loop_io_add(l, &l->wall_io, fd, EPOLLIN, on_wall, l) < 0)
		fatal("timerfd_create: %s", strerror(errno));
}

/*
 * What the kernel's one timer is to be armed for: the first of ours.  It is
 * armed, far off, even for none, because only an armed one tells that the
 * clock was set.
 */
static int64_t
wall_wanted_ms(const struct loop *l)
{
	int64_t at_ms = first_at_ms(&l->wall);

	if (at_ms < NEVER_MS)
		at_ms = clock_to_kernel_ms(at_ms);
	else if (!l->on_clock_set && l->wall_io.fd < 0)
		return 0;
	return at_ms < 1 ? 1 : at_ms; /* at 0 it would be disarmed */
}

static void
arm_wall(struct loop *l)
{
	int64_t at_ms;

	/* more than once where a hook about the clock sets another timer */
	while ((at_ms = wall_wanted_ms(l)) != l->wall_armed_ms) {
		struct itimerspec spec = {
			.it_value = { .tv_sec = at_ms / 1000,
				      .tv_nsec = at_ms % 1000 * 1000000 }
		};

		if (l->wall_io.fd < 0)
			open_wall(l);
		l->wall_armed_ms = at_ms;
		if (timerfd_settime(l->wall_io.fd,
				    TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
				    &spec, NULL) == 0)
			continue;
		/* armed all the same; and told of the clock here, once */
		if (errno != ECANCELED)
			fatal("timerfd_settime: %s", strerror(errno));
		clock_was_set(l);
	}
}

static void
count_lag(struct loop *l, int64_t us)
{
	size_t i = 0;

	if (us < 0)
		us = 0;
	while (i < LOOP_LAG_BUCKETS - 1 && us > loop_lag_bounds_us[i])
		i++;
	l->stats.lag[i]++;
	l->stats.lag_us_sum += us;
	if (us > l->stats.lag_us_max)
		l->stats.lag_us_max = us;
}

/*
 * Taken out of the heap before the first is called: a timer that is set in
 * here, even to the past, waits for the next turn behind these.
 */
static void
take_due(struct loop *l, struct heap *h, int64_t now_ms)
{
	l->n_due = 0;
	while (l->n_due < LOOP_TIMERS_MAX && first_at_ms(h) <= now_ms) {
		struct loop_timer *t =
			container_of(heap_first(h), struct loop_timer, node);

		heap_remove(h, &t->node);
		l->due[l->n_due++] = t;
		t->due = l->n_due;
	}
}

/* How long a timer has been due; what the clock jumped is nobody's delay. */
static int64_t
timer_late_us(const struct loop *l, const struct loop_timer *t)
{
	int64_t since_ms = t->since_ms;

	if (!t->wall)
		return clock_mono_us() - since_ms * 1000;
	if (since_ms < l->clock_set_ms)
		since_ms = l->clock_set_ms;
	return (clock_real_ms() - since_ms) * 1000;
}

static int
run_due(struct loop *l, struct heap *h, int64_t now_ms)
{
	int calls = 0;

	take_due(l, h, now_ms);
	for (size_t i = 0; i < l->n_due; i++) {
		struct loop_timer *t = l->due[i];

		if (!t)
			continue;
		t->due = 0;
		count_lag(l, timer_late_us(l, t));
		t->fn(t->arg);
		calls++;
	}
	l->n_due = 0;
	l->stats.timer_calls += (uint64_t)calls;
	return calls;
}

/* --- Signals, hooks ----------------------------------------------------------
 */

static void
on_signal_ready(void *arg, unsigned events)
{
	struct loop *l = arg;
	struct signalfd_siginfo info;

	(void)events;
	for (int i = 0; i < SIGNALS_MAX; i++) {
		if (read(l->signal_io.fd, &info, sizeof(info)) != sizeof(info))
			return;
		l->on_signal(l->signal_arg, &info);
	}
}

int
loop_signals(struct loop *l, const int *signals, size_t n,
	     void (*fn)(void *arg, const struct signalfd_siginfo *), void *arg)
{
	sigset_t set;
	int fd;

	if (l->on_signal)
		fatal("loop_signals: called twice");
	sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		if (sigaddset(&set, signals[i]) < 0)
			return -1;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -1;
	if (loop_io_add(l, &l->signal_io, fd, EPOLLIN, on_signal_ready, l) <
	    0) {
		close(fd);
		return -1;
	}
	sigprocmask(SIG_BLOCK, &set, &l->old_mask);
	l->on_signal = fn;
	l->signal_arg = arg;
	return 0;
}

void
loop_on_clock_set(struct loop *l, void (*fn)(void *arg), void *arg)
{
	l->on_clock_set = fn;
	l->clock_set_arg = arg;
}

void
loop_on_turn(struct loop *l, void (*fn)(void *arg), void *arg)
{
	l->on_turn = fn;
	l->turn_arg = arg;
}

/* --- Turns
 * ---------------------------------------------------------------------- */

/* Microseconds until something is due, INT64_MAX for never; >= 0. */
static int64_t
due_in_us(const struct loop *l, int64_t until_mono_ms)
{
	int64_t at_ms = first_at_ms(&l->mono);
	int64_t in_us = INT64_MAX;

	if (until_mono_ms >= 0 && until_mono_ms < at_ms)
		at_ms = until_mono_ms;
	if (at_ms < NEVER_MS)
		in_us = at_ms * 1000 - clock_mono_us();
	/* otherwise the timerfd says so */
	if (clock_is_frozen() && l->wall.n) {
		int64_t wall_us =
			(first_at_ms(&l->wall) - clock_real_ms()) * 1000;

		in_us = wall_us < in_us ? wall_us : in_us;
	}
	if (l->seen_set_ms != clock_set_by_ms())
		return 0;
	return in_us < 0 ? 0 : in_us;
}

/* Rounded up: waking up before the time would be a turn for nothing. */
static int
as_timeout(int64_t us)
{
	if (us == INT64_MAX)
		return -1;
	return us > INT64_C(1000) * INT_MAX - 1000 ? INT_MAX :
						     (int)((us + 999) / 1000);
}

/* Time that is a test's passes when nothing is ready. */
static int
wait_frozen(struct loop *l, int64_t us)
{
	int timeout = us == INT64_MAX ? -1 : 0;
	int n = epoll_wait(l->epoll, l->events, LOOP_IO_MAX, timeout);

	if (n == 0 && us > 0)
		clock_shift_for_tests((us + 999) / 1000, (us + 999) / 1000);
	return n;
}

static void
wait_for_events(struct loop *l, int64_t until_mono_ms)
{
	int64_t us, before_us, after_us;
	int n;

	if (!clock_is_frozen())
		arm_wall(l);
	us = due_in_us(l, until_mono_ms);
	before_us = clock_mono_us();
	n = clock_is_frozen() ? wait_frozen(l, us) :
				epoll_wait(l->epoll, l->events, LOOP_IO_MAX,
					   as_timeout(us));
	if (n < 0 && errno != EINTR)
		fatal("epoll_wait: %s", strerror(errno));
	after_us = clock_mono_us();
	/* since when what is ready may have been so */
	l->ready_us = after_us - before_us < SLEPT_US ? l->woke_us : after_us;
	l->woke_us = after_us;
	l->n_events = n < 0 ? 0 : n;
}

static int
serve_io(struct loop *l)
{
	int calls = 0;

	for (l->at_event = 0; l->at_event < l->n_events;) {
		const struct epoll_event *ev = &l->events[l->at_event++];
		struct loop_io *io = ev->data.ptr;

		if (!io)
			continue;
		count_lag(l, clock_mono_us() - l->ready_us);
		io->fn(io->arg, ev->events);
		calls++;
	}
	l->n_events = l->at_event = 0;
	l->stats.io_calls += (uint64_t)calls;
	return calls;
}

static int
run_timers(struct loop *l)
{
	int calls = 0;

	if (l->seen_set_ms != clock_set_by_ms())
		clock_was_set(l);
	if (l->mono.n)
		calls += run_due(l, &l->mono, clock_mono_ms());
	if (l->wall.n)
		calls += run_due(l, &l->wall, clock_real_ms());
	return calls;
}

static void
end_turn(struct loop *l)
{
	if (l->on_turn)
		l->on_turn(l->turn_arg);
}

int
loop_turn(struct loop *l, int64_t until_mono_ms)
{
	int64_t busy_us;
	int calls;

	if (l->in_turn)
		fatal("loop_turn: called within a callback");
	l->in_turn = true;
	l->stats.turns++;
	wait_for_events(l, until_mono_ms);
	calls = serve_io(l);
	calls += run_timers(l);
	end_turn(l);
	busy_us = clock_mono_us() - l->woke_us;
	if (busy_us > l->stats.busy_us_max)
		l->stats.busy_us_max = busy_us;
	l->in_turn = false;
	return calls;
}

void
loop_run(struct loop *l)
{
	if (!l->stop)
		end_turn(l);
	while (!l->stop)
		loop_turn(l, -1);
	l->stop = false;
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
}

void
loop_take_stats(struct loop *l, struct loop_stats *out)
{
	*out = l->stats;
	out->timers = l->mono.n + l->wall.n;
	l->stats.lag_us_max = l->stats.busy_us_max = 0;
}
