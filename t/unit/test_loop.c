/* base/loop: descriptors, timers of both clocks, signals; turns. */
#include "tap.h"

#include <sys/syscall.h>
#include <sys/timerfd.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/mem.h"

/* --- The kernel's wall clock "set": the test's own timerfd_settime(), which
 * the loop's calls come to --- */

static int arms;	/* calls */
static bool say_set;	/* the next one finds that the clock was set */
static int64_t armed_s; /* for when */

int
timerfd_settime(int fd, int flags, const struct itimerspec *new,
		struct itimerspec *old)
{
	long r = syscall(SYS_timerfd_settime, fd, flags, new, old);

	arms++;
	armed_s = new->it_value.tv_sec;
	if (r == 0 && say_set) {
		say_set = false;
		errno = ECANCELED;
		return -1;
	}
	return (int)r;
}

/* --- What callbacks leave --- */

static char trail[4096]; /* a letter for each call */

static void
leave(char c)
{
	size_t n = strlen(trail);

	if (n + 1 < sizeof(trail)) {
		trail[n] = c;
		trail[n + 1] = '\0';
	}
}

static const char *
take_trail(void)
{
	static char taken[sizeof(trail)];

	memcpy(taken, trail, sizeof(taken));
	trail[0] = '\0';
	return taken;
}

struct pipe {
	int r, w;
	struct loop_io io;
	struct pipe *other; /* what its callback removes */
	bool free_other;
};

static void
pipe_open(struct pipe *p)
{
	int fds[2];

	memset(p, 0, sizeof(*p));
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		abort();
	p->r = fds[0];
	p->w = fds[1];
}

static void
pipe_close(struct pipe *p)
{
	loop_io_del(&p->io);
	close(p->r);
	if (p->w >= 0)
		close(p->w);
}

static void
on_letter(void *arg, unsigned events)
{
	struct pipe *p = arg;
	char c;

	if (events & EPOLLIN && read(p->io.fd, &c, 1) == 1)
		leave(c);
	if (events & EPOLLHUP)
		leave('!');
}

static void
say(const struct pipe *p, const char *text)
{
	if (write(p->w, text, strlen(text)) < 0)
		abort();
}

static int
turn(struct loop *l)
{
	return loop_turn(l, 0);
}

static void
test_io(struct loop *l)
{
	struct pipe p;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct loop_io file = { 0 };

	pipe_open(&p);
	is_int(loop_io_add(l, &p.io, p.r, EPOLLIN, on_letter, &p), 0,
	       "a descriptor is added");
	is_int(turn(l), 0, "... and nothing called while it is not ready");
	say(&p, "ab");
	turn(l);
	turn(l);
	turn(l);
	is_str(take_trail(), "ab", "what is left unread is told again");
	loop_io_set(&p.io, 0);
	say(&p, "c");
	turn(l);
	is_str(take_trail(), "", "with no events nothing is told");
	close(p.w);
	p.w = -1;
	is_int(turn(l), 0, "... not even a hang-up");
	loop_io_set(&p.io, EPOLLIN);
	turn(l);
	is_str(take_trail(), "c!", "with events again, both are");
	loop_io_del(&p.io);
	is_int(turn(l), 0, "removed, nothing is told");
	is_int(p.io.fd, -1, "... and the descriptor is forgotten");
	loop_io_del(&p.io);
	loop_io_set(&p.io, EPOLLIN);
	is_int(turn(l), 0, "removing it again does nothing");
	is_int(loop_io_add(l, &file, fd, EPOLLIN, on_letter, NULL), -1,
	       "a regular file is refused");
	is_int(errno, EPERM, "... with EPERM");
	ok(!loop_io_is_added(&file), "... and not added");
	close(fd);
	pipe_close(&p);
}

/* Removes the other one, which is ready too, and may free it. */
static void
on_remove(void *arg, unsigned events)
{
	struct pipe *p = arg;
	struct pipe *other = p->other;

	(void)events;
	leave('r');
	loop_io_del(&p->io);
	pipe_close(other);
	if (p->free_other)
		free(other);
	else
		pipe_open(other);
}

static void
on_replace(void *arg, unsigned events)
{
	struct pipe *p = arg;

	on_remove(arg, events);
	/* the same memory and most likely the same number, nothing in it */
	loop_io_add(p->io.loop, &p->other->io, p->other->r, EPOLLIN, on_letter,
		    p->other);
}

static void
on_silence(void *arg, unsigned events)
{
	struct pipe *p = arg;

	on_letter(p, events);
	loop_io_set(&p->other->io, 0);
}

static void
test_silence(struct loop *l)
{
	struct pipe a, b;

	pipe_open(&a);
	pipe_open(&b);
	a.other = &b;
	loop_io_add(l, &a.io, a.r, EPOLLIN, on_silence, &a);
	loop_io_add(l, &b.io, b.r, EPOLLIN, on_letter, &b);
	say(&a, "a");
	say(&b, "b");
	turn(l);
	is_str(take_trail(), "a",
	       "one that another's callback wants no events of is not told");
	pipe_close(&a);
	pipe_close(&b);
}

static void
test_removal(struct loop *l)
{
	struct pipe *a = xcalloc(1, sizeof(*a));
	struct pipe *b = xcalloc(1, sizeof(*b));

	pipe_open(a);
	pipe_open(b);
	a->other = b;
	b->other = a;
	a->free_other = b->free_other = true;
	loop_io_add(l, &a->io, a->r, EPOLLIN, on_remove, a);
	loop_io_add(l, &b->io, b->r, EPOLLIN, on_remove, b);
	say(a, "x");
	say(b, "x");
	turn(l);
	is_str(take_trail(), "r",
	       "one that another's callback removed and freed is not told");
	is_int(turn(l), 0, "... nor later");
	/* what was ready first is called first: b is the one that has gone */
	pipe_close(a);
	free(a);

	a = xcalloc(1, sizeof(*a));
	b = xcalloc(1, sizeof(*b));
	pipe_open(a);
	pipe_open(b);
	a->other = b;
	loop_io_add(l, &a->io, a->r, EPOLLIN, on_replace, a);
	loop_io_add(l, &b->io, b->r, EPOLLIN, on_letter, b);
	say(a, "x");
	say(b, "x");
	turn(l);
	is_str(take_trail(), "r",
	       "one that was removed and added anew is not "
	       "told what was before");
	say(b, "n");
	turn(l);
	is_str(take_trail(), "n", "... but what comes then");
	pipe_close(a);
	pipe_close(b);
	free(a);
	free(b);
}

/* --- Timers --- */

struct tick {
	struct loop *loop;
	struct loop_timer timer;
	char letter;
	int64_t again_ms; /* set anew for this time, unless 0 */
	struct loop_timer *cancel;
};

static void
on_tick(void *arg)
{
	struct tick *t = arg;

	leave(t->letter);
	if (t->cancel)
		loop_timer_cancel(t->cancel);
	if (t->again_ms)
		loop_timer_set(t->loop, &t->timer, t->again_ms, on_tick, t);
}

static void
set(struct loop *l, struct tick *t, char letter, int64_t ms)
{
	t->loop = l;
	t->letter = letter;
	loop_timer_set(l, &t->timer, ms, on_tick, t);
}

static void
set_wall(struct loop *l, struct tick *t, char letter, int64_t ms)
{
	t->letter = letter;
	loop_wall_timer_set(l, &t->timer, ms, on_tick, t);
}

static void
test_timers(struct loop *l)
{
	struct tick a = { 0 }, b = { 0 }, c = { 0 };

	clock_freeze_for_tests(1000, 500000);
	set(l, &b, 'b', 1010);
	set(l, &a, 'a', 1005);
	set(l, &c, 'c', 1010);
	loop_turn(l, 1004);
	is_str(take_trail(), "", "no timer is early");
	is_int(clock_mono_ms(), 1004, "... and frozen time moved to the limit");
	loop_turn(l, -1);
	is_int(clock_mono_ms(), 1005,
	       "a turn moves frozen time to what is due");
	is_str(take_trail(), "a", "... and runs it");
	ok(!loop_timer_is_set(&a.timer), "... once");
	loop_turn(l, -1);
	is_str(take_trail(), "bc", "timers of one time run as they were set");
	set(l, &a, 'a', 1100);
	set(l, &b, 'b', 1200);
	set(l, &a, 'a', 1300);
	loop_turn(l, -1);
	is_str(take_trail(), "b", "setting one that is set moves it");
	loop_timer_cancel(&a.timer);
	loop_timer_cancel(&a.timer);
	loop_turn(l, 2000);
	is_str(take_trail(), "", "a cancelled one does not run");
	a.cancel = &b.timer;
	set(l, &a, 'a', 1);
	set(l, &b, 'b', 2);
	set(l, &c, 'c', 3);
	turn(l);
	is_str(take_trail(), "ac", "one cancelled in its own turn is not run");
	ok(!loop_timer_is_set(&b.timer), "... and not set");
	a.cancel = NULL;
	a.again_ms = 1;
	set(l, &a, 'a', 1);
	set(l, &b, 'b', 2);
	turn(l);
	is_str(take_trail(), "ab", "one that sets itself to the past");
	turn(l);
	is_str(take_trail(), "a", "... runs once a turn, harming no other");
	loop_timer_cancel(&a.timer);
	clock_release_for_tests();
}

static void
test_many_timers(struct loop *l)
{
	static struct tick many[1000];
	struct tick late = { 0 };
	struct pipe p;
	char want[300];

	clock_freeze_for_tests(1000, 500000);
	pipe_open(&p);
	loop_io_add(l, &p.io, p.r, EPOLLIN, on_letter, &p);
	for (size_t i = 0; i < TAP_COUNT(many); i++)
		set(l, &many[i], '.', 900);
	set(l, &late, 'z', 5000);
	say(&p, "pppp");
	memset(want, '.', sizeof(want));
	want[0] = 'p';
	want[LOOP_TIMERS_MAX + 1] = '\0';
	loop_turn(l, -1);
	is_str(take_trail(), want, "a turn runs no more than its share");
	loop_turn(l, -1);
	is_str(take_trail(), want, "... and serves descriptors between");
	loop_turn(l, -1);
	loop_turn(l, -1);
	is_int((intmax_t)strlen(take_trail()), 1000 - 2 * LOOP_TIMERS_MAX + 2,
	       "... until all have run");
	is_int(clock_mono_ms(), 1000, "... without sleeping meanwhile");
	loop_turn(l, -1);
	is_str(take_trail(), "z", "... and then what is due later");
	pipe_close(&p);
	clock_release_for_tests();
}

/* Cost: see t/unit/test_heap.c for the count of comparisons. */
static void
test_hundred_thousand(struct loop *l)
{
	size_t n = 100000;
	struct tick *many = xcalloc(n, sizeof(*many));
	int64_t start = clock_mono_us(), last = 0;
	struct loop_stats stats;
	size_t turns = 0;

	clock_freeze_for_tests(1000, 500000);
	for (size_t i = 0; i < n; i++)
		set(l, &many[i], '.',
		    2000 + (int64_t)(i * 7919 % n)); /* every ms once */
	loop_take_stats(l, &stats);
	is_int((intmax_t)stats.timers, (intmax_t)n, "100,000 timers are set");
	while (stats.timers > n / 2) {
		loop_turn(l, -1);
		turns++;
		last = clock_mono_ms();
		loop_take_stats(l, &stats);
	}
	is_int(last, 2000 + (int64_t)n / 2 - 1,
	       "half of them have run in order");
	is_int((intmax_t)turns, (intmax_t)n / 2, "... a turn for each");
	for (size_t i = 0; i < n; i++)
		loop_timer_cancel(&many[i].timer);
	loop_take_stats(l, &stats);
	is_int((intmax_t)stats.timers, 0, "the rest is cancelled");
	clock_release_for_tests();
	diag("100,000 timers: %.0f ms", (clock_mono_us() - start) / 1000.0);
	take_trail();
	free(many);
}

static void
test_real_time(struct loop *l)
{
	struct tick a = { 0 }, w = { 0 };
	struct loop_stats stats, after;
	int64_t start = clock_mono_ms();
	int64_t now;

	set(l, &a, 'a', start + 30);
	loop_take_stats(l, &stats);
	loop_turn(l, -1);
	loop_take_stats(l, &after);
	now = clock_mono_ms();
	is_str(take_trail(), "a", "a timer runs by the kernel's clock");
	ok(now >= start + 30, "... not before its time: %d ms",
	   (int)(now - start));
	is_int((intmax_t)(after.turns - stats.turns), 1,
	       "... at the first wake-up");
	start = clock_real_ms();
	set_wall(l, &w, 'w', start + 30);
	loop_turn(l, -1);
	now = clock_real_ms();
	is_str(take_trail(), "w", "a wall timer runs by the wall clock");
	ok(now >= start + 30, "... not before its time: %d ms",
	   (int)(now - start));
	start = clock_mono_ms();
	is_int(loop_turn(l, start + 20), 0, "with nothing due a turn sleeps");
	ok(clock_mono_ms() >= start + 20, "... as long as it may: %d ms",
	   (int)(clock_mono_ms() - start));
}

/* --- The wall clock, set --- */

static void
on_clock_set(void *arg)
{
	(void)arg;
	leave('s');
}

#define HOUR (INT64_C(3600) * 1000)

static void
test_clock_set(struct loop *l)
{
	struct tick a = { 0 }, b = { 0 };
	struct loop_stats stats;
	int64_t now;
	int before;

	loop_on_clock_set(l, on_clock_set, NULL);
	clock_freeze_for_tests(1000, 10 * HOUR);
	set_wall(l, &a, 'a', 11 * HOUR);
	set_wall(l, &b, 'b', 12 * HOUR);
	clock_shift_for_tests(500, 500);
	turn(l);
	is_str(take_trail(), "", "time that passes is no set clock");
	clock_shift_for_tests(0, 2 * HOUR - 1000);
	loop_take_stats(l, &stats);
	loop_turn(l, -1);
	is_str(take_trail(), "sa",
	       "set forward, the hook is told, then what is due runs");
	loop_take_stats(l, &stats);
	ok(stats.lag_us_max < 1000000, "... whose lag is not the jump: %d us",
	   (int)stats.lag_us_max);
	clock_shift_for_tests(0, -5 * HOUR);
	turn(l);
	is_str(take_trail(), "s", "set back, the hook is told");
	loop_turn(l, clock_mono_ms() + 4 * HOUR);
	is_str(take_trail(), "", "... and what has not run waits");
	loop_turn(l, -1);
	is_str(take_trail(), "b", "... until the clock shows its time");
	is_int(clock_real_ms(), 12 * HOUR, "... and no longer");
	clock_release_for_tests();

	/* the same by the kernel's clock, shifted */
	now = clock_real_ms();
	set_wall(l, &a, 'a', now + HOUR);
	turn(l);
	ok(armed_s > now / 1000, "the kernel's timer is armed for the first");
	before = arms;
	turn(l);
	is_int(arms, before, "... and not again while nothing changes");
	clock_shift_for_tests(0, HOUR);
	loop_turn(l, -1);
	is_str(take_trail(), "sa", "a running clock that is set forward");
	turn(l);
	ok(armed_s > now / 1000 + 86400 * 365,
	   "with no wall timer it is armed far off, to be told of a set");
	say_set = true;
	set_wall(l, &b, 'b', now + 3 * HOUR);
	turn(l);
	is_str(take_trail(), "s", "a set that is seen while arming is told");
	is_int(turn(l), 0, "... once");
	loop_timer_cancel(&b.timer);
	loop_on_clock_set(l, NULL, NULL);
	clock_release_for_tests();
	clock_shift_for_tests(0, 0);
}

/* --- Signals, hooks, runs --- */

static void
on_signal(void *arg, const struct signalfd_siginfo *info)
{
	(void)arg;
	leave(info->ssi_signo == SIGUSR1 ? '1' : '2');
}

static void
test_signals(void)
{
	static const int signals[] = { SIGUSR1, SIGUSR2 };
	static const int wrong[] = { 1000 };
	struct loop *l = loop_new();
	sigset_t mask;

	is_int(loop_signals(l, wrong, 1, on_signal, NULL), -1,
	       "a signal that is none is refused");
	is_int(loop_signals(l, signals, 2, on_signal, NULL), 0,
	       "signals are taken");
	raise(SIGUSR2);
	raise(SIGUSR1);
	turn(l);
	is_str(take_trail(), "12", "they come as events");
	is_int(turn(l), 0, "... once");
	loop_free(l);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	is_int(sigismember(&mask, SIGUSR1), 0,
	       "the mask is put back with the loop");
}

struct run {
	struct loop *loop;
	struct tick tick;
	int turns;
};

static void
on_turn(void *arg)
{
	struct run *r = arg;

	leave('t');
	if (++r->turns == 1)
		set(r->loop, &r->tick, 'a', 0);
	if (r->turns == 3)
		loop_stop(r->loop);
	if (r->turns == 2)
		set(r->loop, &r->tick, 'b', 0);
}

static void
test_run(void)
{
	struct run r = { .loop = loop_new() };

	loop_on_turn(r.loop, on_turn, &r);
	loop_run(r.loop);
	is_str(take_trail(), "tatbt",
	       "the hook runs before the first sleep and after each turn, and "
	       "what it sets is seen");
	loop_stop(r.loop);
	loop_run(r.loop);
	is_str(take_trail(), "", "stopped before it runs, it does not turn");
	loop_free(r.loop);
	loop_free(NULL);
}

/* More descriptors ready than a turn serves: each has its turn. */
static void
test_fairness(struct loop *l)
{
	static struct pipe many[LOOP_IO_MAX * 2];
	int calls[4] = { 0 };

	for (size_t i = 0; i < TAP_COUNT(many); i++) {
		pipe_open(&many[i]);
		loop_io_add(l, &many[i].io, many[i].r, EPOLLIN, on_letter,
			    &many[i]);
		say(&many[i], "ab");
	}
	for (size_t i = 0; i < TAP_COUNT(calls); i++)
		calls[i] = turn(l);
	is_int(calls[0], LOOP_IO_MAX, "a turn serves so many descriptors");
	trail[LOOP_IO_MAX * 2] = '\0';
	ok(!strchr(trail, 'b'), "... and each once before any twice");
	take_trail();
	is_int(turn(l), 0, "all were served in four turns");
	for (size_t i = 0; i < TAP_COUNT(many); i++)
		pipe_close(&many[i]);
}

static void
on_slow(void *arg)
{
	(void)arg;
	clock_shift_for_tests(40, 40);
}

static void
test_stats(void)
{
	struct loop *l = loop_new();
	struct loop_timer slow = { 0 };
	struct tick a = { 0 };
	struct loop_stats s;

	clock_freeze_for_tests(1000, 0);
	loop_timer_set(l, &slow, 1000, on_slow, NULL);
	set(l, &a, 'a', 1000);
	loop_turn(l, -1);
	loop_take_stats(l, &s);
	is_int(s.lag_us_max, 40000, "one behind a slow one is late");
	is_int(s.busy_us_max, 40000, "... and so long was the turn");
	is_int((intmax_t)s.lag[0], 1, "one was in time");
	is_int((intmax_t)s.lag[8], 1, "... one late by 25 to 50 ms");
	loop_take_stats(l, &s);
	is_int(s.lag_us_max, 0, "the maxima start anew when taken");
	is_int(s.lag_us_sum, 40000, "... the sums do not");
	loop_free(l);
	clock_release_for_tests();
}

int
main(void)
{
	struct loop *l = loop_new();

	test_io(l);
	test_silence(l);
	test_removal(l);
	test_timers(l);
	test_many_timers(l);
	test_hundred_thousand(l);
	test_fairness(l);
	test_real_time(l);
	test_clock_set(l);
	loop_free(l);
	test_signals();
	test_run();
	test_stats();
	return tap_done();
}
