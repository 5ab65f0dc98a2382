#include "base/log_parts.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/*
 * O_NONBLOCK belongs to the open file, which a terminal's shell and a pipe's
 * other writers share: it is never set on the one that was given.
 */
enum how {
	HOW_FILE,   /* a regular file: a write never waits for a reader */
	HOW_SOCKET, /* send() says each time that it does not wait */
	HOW_OWN,    /* opened anew, non-blocking */
	HOW_POLL,   /* where that is refused: a little, when there is room */
};

/* What fits for sure where poll() said that there is room: of a terminal. */
#define POLL_PART 256

static struct {
	enum how how;
	int fd;	 /* what is written to */
	int own; /* to be closed, or -1 */
	size_t max;
	struct buf buf;
	bool mid_line; /* a part of a line was written, the rest lost */
	uint64_t lost;
} sink = { .fd = -1, .own = -1 };

static int
open_again(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void
log_sink_open(int fd, size_t max)
{
	struct stat st;

	log_sink_close();
	sink.fd = fd;
	sink.max = max;
	buf_init(&sink.buf, max);
	if (fstat(fd, &st) < 0 || S_ISREG(st.st_mode)) {
		sink.how = HOW_FILE;
	} else if (S_ISSOCK(st.st_mode)) {
		sink.how = HOW_SOCKET;
	} else if ((sink.own = open_again(fd)) >= 0) {
		sink.how = HOW_OWN;
		sink.fd = sink.own;
	} else {
		sink.how = HOW_POLL;
	}
}

void
log_sink_close(void)
{
	if (sink.own >= 0)
		close(sink.own);
	buf_release(&sink.buf);
	sink.fd = sink.own = -1;
	sink.mid_line = false;
}

static ssize_t
write_when_room(const char *data, size_t len)
{
	struct pollfd p = { .fd = sink.fd, .events = POLLOUT };

	if (poll(&p, 1, 0) == 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(sink.fd, data, len < POLL_PART ? len : POLL_PART);
}

static ssize_t
write_some(const char *data, size_t len)
{
	switch (sink.how) {
	case HOW_SOCKET:
		return send(sink.fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	case HOW_POLL:
		return write_when_room(data, len);
	default:
		return write(sink.fd, data, len);
	}
}

/* Nobody takes it: the disk is full, the reader has gone. */
static void
lose_all(void)
{
	for (size_t i = 0; i < sink.buf.len; i++)
		sink.lost += sink.buf.data[i] == '\n';
	buf_release(&sink.buf);
	buf_init(&sink.buf, sink.max);
}

void
log_sink_write(void)
{
	while (sink.fd >= 0 && sink.buf.len) {
		ssize_t n = write_some(sink.buf.data, sink.buf.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			lose_all();
			return;
		}
		sink.mid_line = n > 0 && sink.buf.data[n - 1] != '\n';
		buf_consume(&sink.buf, (size_t)n);
	}
	/* a burst's memory is given back */
	if (sink.buf.cap > PIPE_BUF) {
		buf_release(&sink.buf);
		buf_init(&sink.buf, sink.max);
	}
}

bool
log_sink_add(const char *line, size_t len)
{
	bool resume = sink.mid_line && sink.buf.len == 0;

	if (sink.fd < 0 || len + resume > sink.max - sink.buf.len) {
		sink.lost++;
		return false;
	}
	if (resume)
		buf_addc(&sink.buf, '\n');
	buf_add(&sink.buf, line, len);
	return true;
}

bool
log_sink_pending(int *fd)
{
	*fd = sink.fd;
	return sink.buf.len > 0;
}

uint64_t
log_sink_lost(void)
{
	return sink.lost;
}
