#include "sandbox/watch.h"

#include <sys/resource.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

/* Read /proc/WHO/NAME into text; false where the process has gone. */
static int
read_entry(int proc, const char *who, const char *name, char *text, size_t size)
{
	char path[80];
	_close_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "%.63s/%.15s", who, name);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, size - 1);
	if (n < 0)
		return -1;
	text[n] = '\0';
	return 0;
}

/* The number of KiB behind "\nKEY:" of a status file, in bytes. */
static int64_t
status_bytes(const char *status, const char *key)
{
	const char *p = strstr(status, key);

	return p ? strtoll(p + strlen(key), NULL, 10) * 1024 : 0;
}

/*
 * The status of a process; one whose first thread has ended shows its memory
 * by another.
 */
static int
read_status(int proc, const char *pid, char *text, size_t size)
{
	struct dirent *entry;
	char who[64];
	DIR *d;
	int fd, rc;

	rc = read_entry(proc, pid, "status", text, size);
	if (rc < 0 || strstr(text, "\nRssAnon:"))
		return rc;
	snprintf(who, sizeof(who), "%.20s/task", pid);
	fd = openat(proc, who, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	while (d && (entry = readdir(d)) && !strstr(text, "\nRssAnon:")) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(who, sizeof(who), "%.20s/task/%.20s", pid,
			 entry->d_name);
		rc = read_entry(proc, who, "status", text, size);
	}
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	return rc;
}

static int64_t
process_memory(int proc, const char *pid)
{
	char text[4096];

	if (read_status(proc, pid, text, sizeof(text)) < 0)
		return 0;
	/* a process can send its pages to swap as it likes */
	return status_bytes(text, "\nRssAnon:") +
	       status_bytes(text, "\nVmSwap:") + status_bytes(text, "\nVmPTE:");
}

/* --- CPU time ------------------------------------------------------------- */

/* All threads of a process together: see clock_getcpuclockid(3). */
static clockid_t
cpu_clock(pid_t pid)
{
	return (clockid_t)(~(unsigned)pid << 3 | 2);
}

static int64_t
reaped_us(void)
{
	struct rusage r;

	getrusage(RUSAGE_CHILDREN, &r);
	return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * INT64_C(1000000) +
	       r.ru_utime.tv_usec + r.ru_stime.tv_usec;
}

static int64_t
tick_us(void)
{
	return 1000000 / sysconf(_SC_CLK_TCK);
}

static struct watch_seen *
find_seen(struct watch *w, pid_t pid)
{
	for (size_t i = 0; i < w->n; i++) {
		if (w->seen[i].pid != pid)
			continue;
		w->seen[i].fresh = false;
		return &w->seen[i];
	}
	if (w->n == w->size) {
		w->size = w->size ? w->size * 2 : 16;
		w->seen = xrealloc(w->seen, w->size, sizeof(*w->seen));
	}
	w->seen[w->n] = (struct watch_seen){ .pid = pid, .fresh = true };
	return &w->seen[w->n++];
}

/* Nanoseconds; zeros where the kernel does not tell. */
static void
read_schedule(int proc, const char *name, struct watch_seen *seen)
{
	unsigned long long ran = 0, delayed = 0;
	char text[128];

	if (read_entry(proc, name, "schedstat", text, sizeof(text)) == 0 &&
	    sscanf(text, "%llu %llu", &ran, &delayed) != 2)
		ran = delayed = 0;
	seen->ran_us = (int64_t)(ran / 1000);
	seen->delayed_us = (int64_t)(delayed / 1000);
}

/*
 * The state, and the time of the children that it has waited for: fields 3,
 * 16 and 17 of proc_pid_stat(5).  -1: it has gone.
 */
static int
read_stat(int proc, const char *name, char *state, int64_t *waited_us)
{
	long long user, system;
	const char *after;
	char text[1024];

	if (read_entry(proc, name, "stat", text, sizeof(text)) < 0)
		return -1;
	/* the name may hold anything, even ')': take the last one */
	after = strrchr(text, ')');
	if (!after || sscanf(after + 1,
			     " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
			     "%*u %*u %lld %lld",
			     state, &user, &system) != 3)
		return -1;
	*waited_us = (user + system) * tick_us();
	return 0;
}

/* Returns by how much the time of its children grew. */
static int64_t
look_at_process(struct watch *w, const char *name)
{
	struct watch_seen *seen;
	int64_t grown, used, waited;
	char state;

	if (read_stat(w->proc, name, &state, &waited) < 0)
		return 0;
	seen = find_seen(w, (pid_t)strtol(name, NULL, 10));
	grown = waited - seen->waited_us;
	seen->waited_us = waited;
	seen->runs = state == 'R';
	seen->here = true;
	read_schedule(w->proc, name, seen);
	used = clock_us(cpu_clock(seen->pid));
	if (used > seen->used_us) /* it may have gone just now */
		seen->used_us = used;
	return grown;
}

/* What it gets of a processor in that time, as long as it wants one. */
static int64_t
share_us(const struct watch_seen *s, int64_t time_us)
{
	int64_t wanted_us = s->ran_us + s->delayed_us;

	return wanted_us ? time_us * s->ran_us / wanted_us : time_us;
}

/* What one that has gone had at its end, and those that it stands for. */
static int64_t
probable_us(const struct watch_seen *s, int64_t gap_us)
{
	int64_t all = s->used_us + s->waited_us;
	int64_t like = share_us(s, gap_us);

	if (!s->runs)
		return all;
	if (!s->fresh)
		return all + like / 2;
	return all > like ? all : like;
}

static int64_t
square_root(int64_t n)
{
	int64_t r = 0;

	while ((r + 1) * (r + 1) <= n)
		r++;
	return r;
}

/*
 * Those that were not here have gone; the sums have grown meanwhile, `gap_us`
 * since the look before.
 */
static void
balance(struct watch *w, int64_t grown, int64_t gap_us)
{
	int64_t error = tick_us() + w->summed_us + grown, excess;
	size_t kept = 0;

	for (size_t i = 0; i < w->n; i++) {
		struct watch_seen *s = &w->seen[i];

		if (s->here) {
			/* both its sums are cut to ticks */
			error += s->waited_us ? 2 * tick_us() : 0;
			s->here = false;
			w->seen[kept++] = *s;
			continue;
		}
		w->gone_us += probable_us(s, gap_us);
		w->guesses += s->runs && s->fresh;
	}
	w->n = kept;
	w->gone_us -= grown;
	w->summed_us += grown;
	/*
	 * As of anything that is counted by chance.  Beside it, one that waits
	 * for a processor just now looks as one that has it: on a busy host
	 * the guesses are too high by as much again.
	 */
	error += WATCH_INTERVAL_MS * 1000 * square_root(w->guesses);
	excess = w->gone_us > error ? w->gone_us - error : 0;
	/* in one look, its parent may have been seen just before it waited */
	w->lost_us = !kept || excess < w->excess_us ? excess : w->excess_us;
	w->excess_us = excess;
}

static void
sum_cpu(struct watch *w, int64_t grown)
{
	int64_t now = clock_us(CLOCK_MONOTONIC);
	int64_t reaped = reaped_us();

	balance(w, grown + reaped - w->reaped_us,
		w->look_us ? now - w->look_us : 0);
	w->look_us = now;
	w->reaped_us = reaped;
	w->cpu_us = reaped + w->lost_us;
	for (size_t i = 0; i < w->n; i++)
		w->cpu_us += w->seen[i].used_us + w->seen[i].waited_us;
}

/* --- All of it ------------------------------------------------------------ */

/*
 * Every process but pid 1.  Not by opendir(3), which asks the kernel for much
 * that is known, and this runs twice a job.
 */
static void
each_process(int proc, void (*fn)(void *arg, int proc, const char *pid),
	     void *arg)
{
	_close_ int fd = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char room[4096] __attribute__((aligned(8)));
	const struct dirent64 *entry;
	ssize_t n;

	while (fd >= 0 && (n = getdents64(fd, room, sizeof(room))) > 0)
		for (ssize_t at = 0; at < n; at += entry->d_reclen) {
			entry = (const void *)(room + at);
			if (strchr("123456789", entry->d_name[0]) &&
			    strcmp(entry->d_name, "1") != 0)
				fn(arg, proc, entry->d_name);
		}
}

struct looking {
	struct watch *w;
	int64_t grown;
};

static void
look_at(void *arg, int proc, const char *pid)
{
	struct looking *l = arg;

	if (l->w->memory)
		l->w->memory_bytes += process_memory(proc, pid);
	if (l->w->cpu)
		l->grown += look_at_process(l->w, pid);
}

void
watch_look(struct watch *w)
{
	struct looking l = { w, 0 };

	w->memory_bytes = 0;
	each_process(w->proc, look_at, &l);
	if (w->cpu)
		sum_cpu(w, l.grown);
}

static void
add_cpu(void *arg, int proc, const char *pid)
{
	int64_t *us = arg, waited;
	char state;

	*us += clock_us(cpu_clock((pid_t)strtol(pid, NULL, 10)));
	if (read_stat(proc, pid, &state, &waited) == 0)
		*us += waited;
}

int64_t
watch_cpu_us(int proc)
{
	int64_t us = reaped_us();

	if (proc >= 0)
		each_process(proc, add_cpu, &us);
	return us;
}

static void
find_largest(void *arg, int proc, const char *pid)
{
	int64_t *largest = arg, rss;
	char text[4096];

	if (read_status(proc, pid, text, sizeof(text)) < 0)
		return;
	rss = status_bytes(text, "\nVmHWM:");
	if (rss > *largest)
		*largest = rss;
}

int64_t
watch_max_rss(int proc)
{
	struct rusage reaped;
	int64_t largest;

	getrusage(RUSAGE_CHILDREN, &reaped);
	largest = reaped.ru_maxrss * INT64_C(1024);
	if (proc >= 0)
		each_process(proc, find_largest, &largest);
	return largest;
}

void
watch_end(struct watch *w)
{
	int64_t before = w->cpu_us;

	sum_cpu(w, 0);
	/* those that were killed are in a sum now, and hide as much again */
	if (w->cpu_us < before)
		w->cpu_us = before;
}

void
watch_release(struct watch *w)
{
	free(w->seen);
	w->seen = NULL;
	w->n = w->size = 0;
}
