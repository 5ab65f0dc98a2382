#include "sandbox/watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* Read /proc/PID/NAME into text; false where the process has gone. */
static int
read_entry(int proc, const char *pid, const char *name, char *text, size_t size)
{
	char path[64];
	_close_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "%.20s/%s", pid, name);
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

static int64_t
process_memory(int proc, const char *pid)
{
	char text[4096];

	if (read_entry(proc, pid, "status", text, sizeof(text)) < 0)
		return 0;
	return status_bytes(text, "\nRssAnon:") +
	       status_bytes(text, "\nRssShmem:");
}

/* utime and stime, fields 14 and 15 of proc_pid_stat(5). */
static int64_t
process_cpu_us(int proc, const char *pid)
{
	unsigned long long user, system;
	const char *after;
	char text[1024];

	if (read_entry(proc, pid, "stat", text, sizeof(text)) < 0)
		return 0;
	/* the name may hold anything, even ')': take the last one */
	after = strrchr(text, ')');
	if (!after || sscanf(after + 1,
			     " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
			     "%llu %llu",
			     &user, &system) != 2)
		return 0;
	return (int64_t)(user + system) * 1000000 / sysconf(_SC_CLK_TCK);
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
