/* A sandbox that stands: what is ordered and heard, and its end. */
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sandbox/cgroup.h"
#include "sandbox/sandbox.h"

int
sandbox_read_report(struct sandbox *box, struct report *r)
{
	ssize_t n = recv(box->report_fd, r, sizeof(*r), 0);

	/*
	 * Said once, and first, where pid 1 ended with an order unread: what
	 * it had sent before is there all the same.
	 */
	if (n < 0 && errno == ECONNRESET)
		n = recv(box->report_fd, r, sizeof(*r), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n != sizeof(*r))
		return -1;
	/* pid 1 was not told when the job began */
	if ((r->type == REPORT_USAGE || r->type == REPORT_EXITED) &&
	    box->meter.runs)
		r->cpu_us = (uint64_t)meter_cpu_us(&box->meter,
						   (int64_t)r->total_us);
	r->text[sizeof(r->text) - 1] = '\0';
	return 1;
}

static void
send_order(struct sandbox *box, enum order_type type, int64_t ms)
{
	struct order o = { .type = type, .ms = ms };

	/* pid 1 may have gone: then there is nothing left to order */
	(void)send(box->report_fd, &o, sizeof(o), MSG_NOSIGNAL);
}

void
sandbox_arm(struct sandbox *box, int64_t timeout_ms)
{
	send_order(box, ORDER_ARM, timeout_ms);
}

void
sandbox_begin(struct sandbox *box, int64_t timeout_ms)
{
	if (box->counted)
		meter_begin(&box->meter, timeout_ms);
	else
		send_order(box, ORDER_BEGIN, timeout_ms);
}

int
sandbox_usage(struct sandbox *box, struct report *r)
{
	int64_t rss = -1;

	if (box->counted) {
		meter_stop(&box->meter);
		rss = meter_max_rss(&box->meter, box->pid);
	}
	/* the first is asked for: then pid 1 has no deadline of its own left */
	box->counted = meter_is_there(&box->meter);
	if (rss < 0) {
		send_order(box, ORDER_USAGE, 0);
		return 0;
	}
	*r = (struct report){
		.type = REPORT_USAGE,
		.cpu_us = (uint64_t)meter_cpu_us(&box->meter, 0),
		.max_rss_bytes = (uint64_t)rss,
	};
	return 1;
}

void
sandbox_stop(struct sandbox *box)
{
	send_order(box, ORDER_STOP, 0);
}

void
sandbox_abort(struct sandbox *box)
{
	send_order(box, ORDER_KILL, 0);
}

void
sandbox_kill(struct sandbox *box)
{
	if (box->pidfd >= 0 && !box->waited)
		(void)syscall(SYS_pidfd_send_signal, box->pidfd, SIGKILL, NULL,
			      0);
	if (box->cgroup)
		cgroup_kill(box->cgroup);
}

bool
sandbox_out_of_memory(const struct sandbox *box)
{
	return box->cgroup && cgroup_out_of_memory(box->cgroup);
}

int64_t
sandbox_cpu_us(const struct sandbox *box)
{
	int fd = box->cgroup ? cgroup_cpu_fd(box->cgroup) : -1;
	int64_t us = fd < 0 ? -1 : cgroup_read_cpu_us(fd);

	return us < 0 ? 0 : us;
}

int
sandbox_wait(struct sandbox *box, int64_t timeout_ms, struct err *e)
{
	int64_t end = clock_mono_ms() + timeout_ms;
	struct pollfd p = { .fd = box->pidfd, .events = POLLIN };

	while (!box->waited) {
		int64_t left = end - clock_mono_ms();
		int n = poll(&p, 1, left < 0 ? 0 : (int)left);

		if (n > 0) {
			/* the kernel reaped every process of the namespace */
			waitpid(box->pid, NULL, 0);
			box->waited = true;
		} else if (n == 0) {
			return err_set(e, ERR_AGENT,
				       "a process of the sandbox can't be "
				       "killed: pid %d of the host is in "
				       "uninterruptible sleep or below it",
				       (int)box->pid);
		}
	}
	return 0;
}

#define KILL_TIMEOUT_MS 5000

void
sandbox_release(struct sandbox *box)
{
	struct err ignored = ERR_INIT;

	if (box->pidfd >= 0 && !box->waited) {
		sandbox_kill(box);
		sandbox_wait(box, KILL_TIMEOUT_MS, &ignored);
	}
	meter_release(&box->meter);
	cgroup_free(steal_ptr(&box->cgroup));
	cleanup_fdp(&box->pidfd);
	cleanup_fdp(&box->stdin_fd);
	cleanup_fdp(&box->stdout_fd);
	cleanup_fdp(&box->stderr_fd);
	cleanup_fdp(&box->report_fd);
	cleanup_fdp(&box->id_lock);
	/* the cgroup closed memory_fd */
	sandbox_init(box);
}
