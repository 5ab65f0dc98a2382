#include "sandbox/cgroup.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "sandbox/cgroup_parts.h"

#define PREFIX "devops_agent-"
/* Others may have our number: in another pid namespace. */
#define NAMES 16

/* --- The kernel's files --------------------------------------------------- */

int
cgroup_write(const char *folder, const char *name, const char *text)
{
	_free_ char *path = xasprintf("%s/%s", folder, name);
	_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	return file_write_all(fd, text, strlen(text));
}

int
cgroup_write_number(const char *folder, const char *name, int64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)n);
	return cgroup_write(folder, name, text);
}

/* Files of the kernel's are small. */
char *
cgroup_read(const char *folder, const char *name)
{
	_free_ char *path = xasprintf("%s/%s", folder, name);
	_buf_ struct buf text;
	struct err ignored = ERR_INIT;

	buf_init(&text, 65536);
	if (file_read(path, &text, &ignored) < 0)
		return xstrdup("");
	return buf_steal(&text);
}

bool
cgroup_has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = text; (p = strstr(p, word)); p += len)
		if ((p == text || p[-1] == ' ') &&
		    (p[len] == ' ' || p[len] == '\n' || p[len] == '\0'))
			return true;
	return false;
}

/* Lines of "number:controllers:path"; no controllers for version 2. */
char *
cgroup_own_path(const char *controller)
{
	_free_ char *text = cgroup_read("/proc/self", "cgroup");
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *names = strchr(line, ':');
		char *path = names ? strchr(names + 1, ':') : NULL;
		char *name_save = NULL;

		if (!path)
			continue;
		*path++ = '\0';
		names++;
		if (*controller == '\0' && *names == '\0')
			return xstrdup(path);
		for (char *name = strtok_r(names, ",", &name_save); name;
		     name = strtok_r(NULL, ",", &name_save))
			if (*controller && strcmp(name, controller) == 0)
				return xstrdup(path);
	}
	return NULL;
}

/* --- Making and removing ----------------------------------------------------
 */

/* Groups whose agent was killed before it could remove them. */
static void
remove_stale(const char *parent)
{
	struct dirent *entry;
	struct stat st;
	DIR *d;

	/* the links of a folder count the folders in it: often none */
	if (stat(parent, &st) == 0 && st.st_nlink == 2)
		return;
	d = opendir(parent);
	while (d && (entry = readdir(d))) {
		long pid;

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0)
			continue;
		pid = strtol(entry->d_name + strlen(PREFIX), NULL, 10);
		if (pid < 1 || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
			continue;
		/* fails, as it must, while a process is left in it */
		(void)unlinkat(dirfd(d), entry->d_name, AT_REMOVEDIR);
	}
	if (d)
		closedir(d);
}

int
cgroup_add_folder(struct cgroup *cg, const char *parent, const char *entry)
{
	static unsigned serial;
	_free_ char *path = NULL;
	_free_ char *tasks = NULL;
	int rc = -1;
	int fd;

	remove_stale(parent);
	for (int i = 0; i < NAMES && rc < 0; i++) {
		free(path);
		path = xasprintf("%s/" PREFIX "%d-%u", parent, (int)getpid(),
				 ++serial);
		rc = mkdir(path, 0755);
		if (rc < 0 && errno != EEXIST)
			return -1;
	}
	if (rc < 0)
		return -1;
	tasks = xasprintf("%s/%s", path, entry);
	fd = open(tasks, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		rmdir(path);
		return -1;
	}
	cg->folders[cg->n] = steal_ptr(&path);
	cg->tasks[cg->n++] = fd;
	return 0;
}

void
cgroup_open_cpu(struct cgroup *cg, const char *name)
{
	_free_ char *path = xasprintf("%s/%s", cg->folders[cg->n - 1], name);

	cg->cpu = open(path, O_RDONLY | O_CLOEXEC);
}

void
cgroup_free(struct cgroup *cg)
{
	if (!cg)
		return;
	if (cg->memory_event >= 0)
		close(cg->memory_event);
	if (cg->cpu >= 0)
		close(cg->cpu);
	for (int i = 0; i < cg->n; i++) {
		close(cg->tasks[i]);
		rmdir(cg->folders[i]);
		free(cg->folders[i]);
	}
	free(cg);
}

struct cgroup *
cgroup_new(const struct cgroup_limits *limits, const char **why)
{
	static bool (*const makers[])(struct cgroup *,
				      const struct cgroup_limits *) = {
		cgroup_v2_new,
		cgroup_v1_new,
	};

	for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
		struct cgroup *cg = xcalloc(1, sizeof(*cg));

		cg->memory_event = cg->cpu = -1;
		if (makers[i](cg, limits))
			return cg;
		cgroup_free(cg);
	}
	*why = "no control group with memory and pids may be made here";
	return NULL;
}

bool
cgroup_possible(void)
{
	return cgroup_v2_possible() || cgroup_v1_possible();
}

int
cgroup_enter(const struct cgroup *cg)
{
	return cgroup_enter_by(cg->tasks, (size_t)cg->n);
}

size_t
cgroup_doors(const struct cgroup *cg, int fds[CGROUP_FOLDERS])
{
	for (int i = 0; i < cg->n; i++)
		fds[i] = cg->tasks[i];
	return (size_t)cg->n;
}

int
cgroup_enter_by(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (file_write_all(fds[i], "0", 1) < 0)
			return -1;
	return 0;
}

const char *
cgroup_kind(const struct cgroup *cg)
{
	return cg->kind;
}

int
cgroup_memory_event(const struct cgroup *cg)
{
	return cg->memory_event;
}

int
cgroup_cpu_fd(const struct cgroup *cg)
{
	return cg->cpu;
}

/* The number behind "key " in one of the kernel's flat keyed files. */
static long
keyed_number(const char *folder, const char *name, const char *key)
{
	_free_ char *text = cgroup_read(folder, name);
	char *save = NULL;
	size_t len = strlen(key);

	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			return strtol(line + len, NULL, 10);
	return 0;
}

int64_t
cgroup_read_cpu_us(int fd)
{
	static const char key[] = "usage_usec ";
	char text[64];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return -1;
	text[n] = '\0';
	/* cpu.stat of version 2 begins so; cpuacct.usage is nanoseconds */
	if (strncmp(text, key, sizeof(key) - 1) == 0)
		return strtoll(text + sizeof(key) - 1, NULL, 10);
	return strtoll(text, NULL, 10) / 1000;
}

int
cgroup_open_tasks(const struct cgroup *cg)
{
	for (int i = 0; i < cg->n; i++) {
		_free_ char *path =
			xasprintf("%s/pids.current", cg->folders[i]);
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd >= 0)
			return fd;
	}
	return -1;
}

bool
cgroup_out_of_memory(const struct cgroup *cg)
{
	const char *file = strcmp(cg->kind, "v2") == 0 ? "memory.events" :
							 "memory.oom_control";

	return keyed_number(cg->folders[0], file, "oom_kill") > 0;
}

void
cgroup_kill(const struct cgroup *cg)
{
	cgroup_write(cg->folders[0], "cgroup.kill", "1");
}
