/*
 * load: many requests on the agent's socket, and how long each took.
 *
 *	load SOCKET COUNT WINDOW METHOD PARAMS
 *
 * Sends the request COUNT times, with up to WINDOW of them unanswered, and
 * prints an object: how many failed, the time of all, requests a second, and
 * quantiles of the times from request to answer.  Exits with 1 where one
 * failed.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

struct load {
	int fd;
	const char *method, *params;
	size_t count, window;
	size_t sent, answered, failed;
	int64_t *us; /* by request: when it was sent, then how long it took */
	struct buf out, in;
};

static _Noreturn void
die(const char *what)
{
	perror(what);
	exit(1);
}

static int
connect_to(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(a.sun_path)) {
		fprintf(stderr, "load: the path is too long\n");
		exit(1);
	}
	strcpy(a.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		die(path);
	return fd;
}

static void
ask(struct load *l)
{
	while (l->sent < l->count && l->sent - l->answered < l->window) {
		buf_addf(&l->out,
			 "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"%s\","
			 "\"params\":%s}\n",
			 l->sent, l->method, l->params);
		l->us[l->sent++] = clock_mono_us();
	}
}

static void
take_answer(struct load *l, const char *line)
{
	const char *id = strstr(line, "\"id\":");
	size_t n = id ? strtoul(id + 5, NULL, 10) : SIZE_MAX;

	if (n >= l->sent)
		return; /* a notification */
	l->us[n] = clock_mono_us() - l->us[n];
	l->answered++;
	if (strstr(line, "\"error\":{\"code\"") && ++l->failed == 1)
		fprintf(stderr, "load: %.300s\n", line);
}

static void
take(struct load *l)
{
	static char chunk[1 << 16];
	ssize_t n = read(l->fd, chunk, sizeof(chunk));
	char *line, *end;

	if (n <= 0)
		die("read");
	buf_add(&l->in, chunk, (size_t)n);
	line = l->in.data;
	while ((end = memchr(line, '\n',
			     l->in.len - (size_t)(line - l->in.data)))) {
		*end = 0;
		take_answer(l, line);
		line = end + 1;
	}
	buf_consume(&l->in, (size_t)(line - l->in.data));
}

static void
give(struct load *l)
{
	ssize_t n = send(l->fd, l->out.data, l->out.len,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		buf_consume(&l->out, (size_t)n);
}

static void
run(struct load *l)
{
	while (l->answered < l->count) {
		struct pollfd p = { .fd = l->fd, .events = POLLIN };

		ask(l);
		if (l->out.len)
			give(l);
		if (l->out.len)
			p.events |= POLLOUT;
		if (poll(&p, 1, 60000) <= 0)
			die("no answer in a minute");
		if (p.revents & (POLLIN | POLLHUP))
			take(l);
	}
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double
quantile_ms(const struct load *l, double q)
{
	return (double)l->us[(size_t)(q * (double)(l->count - 1))] / 1000;
}

int
main(int argc, char **argv)
{
	struct load l = { 0 };
	double seconds;
	int64_t began;

	if (argc != 6) {
		fprintf(stderr,
			"usage: load SOCKET COUNT WINDOW METHOD PARAMS\n");
		return 2;
	}
	l.fd = connect_to(argv[1]);
	l.count = strtoul(argv[2], NULL, 10);
	l.window = strtoul(argv[3], NULL, 10);
	l.method = argv[4];
	l.params = argv[5];
	l.us = xcalloc(l.count, sizeof(*l.us));
	began = clock_mono_us();
	run(&l);
	seconds = (double)(clock_mono_us() - began) / 1e6;
	qsort(l.us, l.count, sizeof(*l.us), compare);
	printf("{\"failed\": %zu, \"seconds\": %.6f, \"rate\": %.1f, "
	       "\"p50_ms\": %.4f, \"p90_ms\": %.4f, \"p99_ms\": %.4f, "
	       "\"max_ms\": %.4f}\n",
	       l.failed, seconds, (double)l.count / seconds,
	       quantile_ms(&l, 0.5), quantile_ms(&l, 0.9),
	       quantile_ms(&l, 0.99), quantile_ms(&l, 1));
	return l.failed != 0;
}
