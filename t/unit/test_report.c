/* sandbox/: the last reports of a pid 1 that has ended. */
#include <sys/socket.h>

#include <errno.h>
#include <unistd.h>

#include "sandbox/sandbox.h"
#include "tap.h"

static void
test_order_that_was_too_late(void)
{
	struct report r = { .type = REPORT_EXITED, .status = 143 << 8 };
	struct report got = { .type = REPORT_USAGE };
	struct sandbox box;
	int pair[2];

	sandbox_init(&box);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) < 0)
		return;
	box.report_fd = pair[0];
	send(pair[1], &r, sizeof(r), 0);
	is_int(sandbox_usage(&box, &got), 0, "pid 1 is asked what it used");
	/* which it does not read any more */
	close(pair[1]);
	is_int(sandbox_read_report(&box, &got), 1,
	       "a report is read though an order came too late");
	is_int(got.type, REPORT_EXITED, "... the one that was sent");
	is_int(got.status, 143 << 8, "... as it was sent");
	is_int(sandbox_read_report(&box, &got), -1, "... and then no more");
	close(pair[0]);
}

int
main(void)
{
	test_order_that_was_too_late();
	return tap_done();
}
