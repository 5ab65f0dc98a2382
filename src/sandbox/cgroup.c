#include "sandbox/cgroup.h"

#include <sys/eventfd.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "sandbox/enter.h"

#define PREFIX "devops_agent-"

/* A group is one folder in version 2, one in each hierarchy in version 1. */
#define MAX_FOLDERS 2

struct cgroup {
	const char *kind;
	char *folders[MAX_FOLDERS];
	int procs[MAX_FOLDERS]; /* cgroup.procs, opened before the
				   sandbox's root is changed */
	int n;
	int memory_event; /* eventfd; -1: none */
};

static int
write_file(const char *folder, const char *name, const char *text)
{
	_free_ char *path = xasprintf("%s/%s", folder, name);
	_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	return file_write_all(fd, text, strlen(text));
}

static int
write_number(const char *folder, const char *name, int64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)n);
	return write_file(folder, name, text);
}

/* Files of the kernel's are small; "" where there is none. */
static char *
read_file(const char *folder, const char *name)
{
	_free_ char *path = xasprintf("%s/%s", folder, name);
	_buf_ struct buf text;
	struct err ignored = ERR_INIT;

	buf_init(&text, 65536);
	if (file_read(path, &text, &ignored) < 0)
		return xstrdup("");
	return buf_steal(&text);
}

/*
 * The group that this process is in, by /proc/self/cgroup: lines of
 * "number:controllers:path"; controllers are empty for version 2.
 */
static char *
own_path(const char *controller)
{
	_free_ char *text = read_file("/proc/self", "cgroup");
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

/* See "Memory control" of the kernel's cgroup-v1 documents. */
static int
watch_memory(const char *folder)
{
	_free_ char *path = xasprintf("%s/memory.oom_control", folder);
	_close_ int control = open(path, O_RDONLY | O_CLOEXEC);
	_close_ int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	char text[64];

	if (control < 0 || event < 0)
		return -1;
	snprintf(text, sizeof(text), "%d %d", event, control);
	if (write_file(folder, "cgroup.event_control", text) < 0)
		return -1;
	return steal_fd(&event);
}

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

/* Out of the way of the numbers that the child gives its descriptors. */
static int
open_high(const char *path)
{
	_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || fd >= FD_END)
		return steal_fd(&fd);
	return fcntl(fd, F_DUPFD_CLOEXEC, FD_END);
}

static int
add_folder(struct cgroup *cg, const char *parent)
{
	static unsigned serial;
	char *path = xasprintf("%s/" PREFIX "%d-%u", parent, (int)getpid(),
			       ++serial);
	_free_ char *procs = xasprintf("%s/cgroup.procs", path);

	remove_stale(parent);
	if (mkdir(path, 0755) < 0) {
		free(path);
		return -1;
	}
	cg->folders[cg->n] = path;
	cg->procs[cg->n] = open_high(procs);
	return cg->procs[cg->n++];
}

void
cgroup_free(struct cgroup *cg)
{
	if (!cg)
		return;
	if (cg->memory_event >= 0)
		close(cg->memory_event);
	for (int i = 0; i < cg->n; i++) {
		if (cg->procs[i] >= 0)
			close(cg->procs[i]);
		rmdir(cg->folders[i]);
		free(cg->folders[i]);
	}
	free(cg);
}

static bool
has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = text; (p = strstr(p, word)); p += len)
		if ((p == text || p[-1] == ' ') &&
		    (p[len] == ' ' || p[len] == '\n' || p[len] == '\0'))
			return true;
	return false;
}

/* May children of this folder be given memory and pids limits? */
static bool
v2_controllers(const char *parent)
{
	_free_ char *have = read_file(parent, "cgroup.subtree_control");

	if (!has_word(have, "cpu"))
		write_file(parent, "cgroup.subtree_control", "+cpu");
	if (has_word(have, "memory") && has_word(have, "pids"))
		return true;
	return write_file(parent, "cgroup.subtree_control", "+memory +pids") ==
	       0;
}

static bool
v2_fill(struct cgroup *cg, const char *parent,
	const struct cgroup_limits *limits)
{
	const char *folder;

	if (!v2_controllers(parent) || add_folder(cg, parent) < 0)
		return false;
	folder = cg->folders[0];
	/* oom.group: a job dies as one; swap would only hide the limit */
	write_file(folder, "memory.oom.group", "1");
	write_file(folder, "memory.swap.max", "0");
	/* however many its processes are, a job takes one core at most */
	write_file(folder, "cpu.max", "100000 100000");
	return write_number(folder, "memory.max", limits->memory_bytes) == 0 &&
	       write_number(folder, "pids.max", limits->processes + 1) == 0;
}

/* Where version 2 is mounted, "" where it isn't or has no controllers. */
static const char *
v2_mount(void)
{
	static const char *const places[] = { "/sys/fs/cgroup",
					      "/sys/fs/cgroup/unified" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_free_ char *have = read_file(places[i], "cgroup.controllers");

		if (has_word(have, "memory") && has_word(have, "pids"))
			return places[i];
	}
	return "";
}

static bool
v2_new(struct cgroup *cg, const struct cgroup_limits *limits)
{
	const char *mount = v2_mount();
	_free_ char *own = *mount ? own_path("") : NULL;
	_free_ char *parent = NULL;

	if (!own)
		return false;
	cg->kind = "v2";
	/* the group we are in, if it was delegated to us with controllers */
	parent = xasprintf("%s%s", mount, strcmp(own, "/") == 0 ? "" : own);
	if (v2_fill(cg, parent, limits))
		return true;
	/* root may make a group of its own beside the host's */
	if (cg->n > 0 || geteuid() != 0)
		return false;
	free(steal_ptr(&parent));
	v2_controllers(mount);
	parent = xasprintf("%s/devops_agent", mount);
	if (mkdir(parent, 0755) < 0 && errno != EEXIST)
		return false;
	return v2_fill(cg, parent, limits);
}

static bool
v1_add(struct cgroup *cg, const char *controller, const char *file,
       int64_t limit)
{
	_free_ char *own = own_path(controller);
	_free_ char *parent = NULL;

	if (!own)
		return false;
	parent = xasprintf("/sys/fs/cgroup/%s%s", controller,
			   strcmp(own, "/") == 0 ? "" : own);
	return add_folder(cg, parent) >= 0 &&
	       write_number(cg->folders[cg->n - 1], file, limit) == 0;
}

static bool
v1_new(struct cgroup *cg, const struct cgroup_limits *limits)
{
	cg->kind = "v1";
	if (!v1_add(cg, "memory", "memory.limit_in_bytes",
		    limits->memory_bytes))
		return false;
	/* memory and swap together, where swap is accounted at all */
	write_number(cg->folders[0], "memory.memsw.limit_in_bytes",
		     limits->memory_bytes);
	cg->memory_event = watch_memory(cg->folders[0]);
	return v1_add(cg, "pids", "pids.max", limits->processes + 1);
}

struct cgroup *
cgroup_new(const struct cgroup_limits *limits, const char **why)
{
	static bool (*const makers[])(struct cgroup *,
				      const struct cgroup_limits *) = {
		v2_new,
		v1_new,
	};

	for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
		struct cgroup *cg = xcalloc(1, sizeof(*cg));

		cg->memory_event = -1;
		if (makers[i](cg, limits))
			return cg;
		cgroup_free(cg);
	}
	*why = "no control group with memory and pids may be made here";
	return NULL;
}

int
cgroup_enter(const struct cgroup *cg)
{
	for (int i = 0; i < cg->n; i++)
		if (file_write_all(cg->procs[i], "0", 1) < 0)
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

/* The number behind "key " in one of the kernel's flat keyed files. */
static long
keyed_number(const char *folder, const char *name, const char *key)
{
	_free_ char *text = read_file(folder, name);
	char *save = NULL;
	size_t len = strlen(key);

	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			return strtol(line + len, NULL, 10);
	return 0;
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
	write_file(cg->folders[0], "cgroup.kill", "1");
}
