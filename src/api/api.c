#include "api/api.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "api/upstream.h"
#include "api/http.h"
#include "api/settings.h"
#include "api/stats.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/text.h"
#include "sandbox/confine.h"

#define DRAIN_MS 5000

/* Of address space; a sanitizer's shadow takes terabytes of it. */
#if defined(__SANITIZE_ADDRESS__)
#define MEMORY_MAX 0
#else
#define MEMORY_MAX (2UL << 30)
#endif

static struct api {
	struct loop *loop;
	struct upstream master;
	struct http *http;
	int fds[API_LISTEN_MAX];
	size_t n_fds;
	struct loop_timer drain;
	bool ready, stopping;
} api;

/* --- What is said to the master ------------------------------------------- */

static void
say_log(const char *level, const char *text)
{
	_buf_ struct buf params = { 0 };

	buf_addf(&params, "{\"level\":\"%s\",\"message\":", level);
	json_encode_string(text, strlen(text), &params);
	buf_addc(&params, '}');
	upstream_say(&api.master, "log", &params);
}

/*
 * From here on nothing of this host can be had, whatever a request did to us:
 * the sockets, the channel, and memory.
 */
static int
confine(struct err *e)
{
	unsigned layers;
	char text[128];
	_buf_ struct buf words = { 0 };
	struct rlimit files = { .rlim_cur = 0 };

	getrlimit(RLIMIT_NOFILE, &files);
	if (confine_self(&(struct confine){ .list = CONFINE_API,
					    .files = files.rlim_max,
					    .memory_bytes = MEMORY_MAX },
			 &layers, e) < 0)
		return -1;
	buf_addf(&words, "confined by %s",
		 confine_layers(layers, text, sizeof(text)));
	say_log("debug", words.data);
	return 0;
}

static void
say_ready(void)
{
	_buf_ struct buf params = { 0 };

	buf_adds(&params, "{\"ping\":true}");
	upstream_say(&api.master, "ready", &params);
	api.ready = true;
}

/* The master asks whether this program hangs. */
static void
say_pong(struct json_text ping)
{
	_buf_ struct buf params = { 0 };

	buf_add(&params, ping.s, ping.len);
	upstream_say(&api.master, "pong", &params);
}

/* --- What the master says --------------------------------------------------
 */

static void
on_configure(struct json_text params)
{
	struct http_settings s = { .metrics = false };
	struct err e = ERR_INIT;

	if (http_settings_read(params, &s, &e) < 0 ||
	    http_configure(api.http, &s, api.fds, api.n_fds, &e) < 0) {
		err_wrap(&e, "the settings stay as they were");
		say_log("error", e.msg);
		http_settings_release(&s);
		return;
	}
	if (api.ready)
		return;
	if (confine(&e) < 0)
		fatal("api: %s", e.msg);
	say_ready();
}

static void
on_notified(void *arg, const char *method, struct json_text params)
{
	(void)arg;
	if (strcmp(method, "configure") == 0)
		on_configure(params);
	else if (strcmp(method, "ping") == 0)
		say_pong(params);
}

/* Without the master nothing can be answered. */
static void
on_gone(void *arg, const char *why)
{
	(void)arg;
	if (*why)
		log_error("api: the master: %s", why);
	loop_stop(api.loop);
}

/* --- The end ----------------------------------------------------------------
 */

static void
drained(void *arg)
{
	(void)arg;
	loop_stop(api.loop);
}

static void
on_signal(void *arg, const struct signalfd_siginfo *info)
{
	(void)arg;
	(void)info;
	if (api.stopping)
		return;
	api.stopping = true;
	http_quiesce(api.http);
	loop_timer_set(api.loop, &api.drain, clock_mono_ms() + DRAIN_MS,
		       drained, NULL);
}

static void
on_turn(void *arg)
{
	(void)arg;
	http_turn(api.http);
	upstream_flush(&api.master);
	if (api.stopping && !http_connections(api.http))
		loop_stop(api.loop);
}

/* --- The page ----------------------------------------------------------------
 */

static void
find_sockets(void)
{
	for (int fd = API_LISTEN_FD; fd < API_LISTEN_FD + API_LISTEN_MAX;
	     fd++) {
		int listens = 0;
		socklen_t len = sizeof(listens);

		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) <
			    0 ||
		    !listens)
			break;
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		api.fds[api.n_fds++] = fd;
	}
	if (!api.n_fds)
		fatal("api: descriptor %d does not listen; devops_agent starts "
		      "this program, people don't",
		      API_LISTEN_FD);
}

/* As many connections as the host lets us have. */
static void
raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

int
api_main(void)
{
	static const int signals[] = { SIGTERM, SIGINT };
	static const struct upstream_hooks hooks = { .notified = on_notified,
						     .gone = on_gone };

	find_sockets();
	raise_files();
	stats_open();
	api.loop = loop_new();
	loop_signals(api.loop, signals, ARRAY_SIZE(signals), on_signal, NULL);
	loop_on_turn(api.loop, on_turn, NULL);
	upstream_open(&api.master, api.loop, API_CHANNEL_FD, &hooks);
	api.http = http_new(api.loop, &api.master);
	loop_run(api.loop);
	return 0;
}
