#include "sandbox/meter.h"

#include <sys/timerfd.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox/cgroup.h"

void
meter_init(struct meter *m)
{
	*m = (struct meter){ -1, -1, -1, -1, false, 0 };
}

void
meter_open(struct meter *m, const struct cgroup *cg)
{
	int cpu = cgroup_cpu_fd(cg);

	if (cpu < 0 || cgroup_read_cpu_us(cpu) < 0)
		return;
	m->cpu = fcntl(cpu, F_DUPFD_CLOEXEC, 0);
	m->tasks = cgroup_open_tasks(cg);
	m->deadline =
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (m->cpu < 0 || m->tasks < 0 || m->deadline < 0)
		meter_release(m);
}

void
meter_release(struct meter *m)
{
	cleanup_fdp(&m->deadline);
	cleanup_fdp(&m->cpu);
	cleanup_fdp(&m->tasks);
	cleanup_fdp(&m->status);
	meter_init(m);
}

bool
meter_is_there(const struct meter *m)
{
	return m->deadline >= 0;
}

static void
set(const struct meter *m, int64_t ms)
{
	struct itimerspec t = { .it_value = { ms / 1000,
					      ms % 1000 * 1000000 } };

	(void)timerfd_settime(m->deadline, 0, &t, NULL);
}

void
meter_begin(struct meter *m, int64_t timeout_ms)
{
	m->base_us = cgroup_read_cpu_us(m->cpu);
	m->runs = true;
	set(m, timeout_ms);
}

void
meter_stop(struct meter *m)
{
	set(m, 0);
}

int64_t
meter_cpu_us(const struct meter *m, int64_t total_us)
{
	int64_t now = cgroup_read_cpu_us(m->cpu);
	int64_t us = (now < 0 ? total_us : now) - m->base_us;

	return us > 0 ? us : 0;
}

/* --- Memory --------------------------------------------------------------- */

static ssize_t
read_text(int fd, char *text, size_t size)
{
	ssize_t n = pread(fd, text, size - 1, 0);

	if (n >= 0)
		text[n] = '\0';
	return n;
}

/* The status of the only child of pid 1. */
static int
open_status(pid_t init)
{
	char path[64], text[32];
	_close_ int fd = -1;
	long pid;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)init,
		 (int)init);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read_text(fd, text, sizeof(text)) <= 0)
		return -1;
	pid = strtol(text, NULL, 10);
	if (pid <= 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/%ld/status", pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int64_t
meter_max_rss(struct meter *m, pid_t init)
{
	char text[4096], parent[32];
	const char *rss;

	/* pid 1 is one of them */
	if (read_text(m->tasks, text, sizeof(text)) <= 0 ||
	    strtol(text, NULL, 10) != 2)
		return -1;
	if (m->status < 0)
		m->status = open_status(init);
	if (m->status < 0 || read_text(m->status, text, sizeof(text)) <= 0)
		return -1;
	snprintf(parent, sizeof(parent), "\nPPid:\t%d\n", (int)init);
	rss = strstr(text, "\nVmHWM:");
	if (!rss || !strstr(text, parent))
		return -1;
	return strtoll(rss + strlen("\nVmHWM:"), NULL, 10) * 1024;
}
