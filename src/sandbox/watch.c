#include "sandbox/watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/*
 * utime, stime, and those of the children that it has waited for: fields 14
 * to 17 of proc_pid_stat(5).
 */
static int64_t
process_cpu_us(int proc, const char *pid)
{
	unsigned long long user, system;
	long long child_user, child_system;
	const char *after;
	char text[1024];

	if (read_entry(proc, pid, "stat", text, sizeof(text)) < 0)
		return 0;
	/* the name may hold anything, even ')': take the last one */
	after = strrchr(text, ')');
	if (!after || sscanf(after + 1,
			     " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
			     "%llu %llu %lld %lld",
			     &user, &system, &child_user, &child_system) != 4)
		return 0;
	return ((int64_t)(user + system) + child_user + child_system) *
	       1000000 / sysconf(_SC_CLK_TCK);
}

void
watch_read(int proc, struct watch_sum *sum)
{
	int fd = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	*sum = (struct watch_sum){ 0, 0 };
	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(d))) {
		if (!strchr("123456789", entry->d_name[0]) ||
		    strcmp(entry->d_name, "1") == 0)
			continue;
		sum->memory_bytes += process_memory(proc, entry->d_name);
		sum->cpu_us += process_cpu_us(proc, entry->d_name);
	}
	closedir(d);
}
