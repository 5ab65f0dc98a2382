#include <sys/eventfd.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox/cgroup_parts.h"

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
	if (cgroup_write(folder, "cgroup.event_control", text) < 0)
		return -1;
	return steal_fd(&event);
}

/* The folder of our own group in the controller's hierarchy; NULL: none. */
static char *
own_folder(const char *controller)
{
	_free_ char *own = cgroup_own_path(controller);

	return own ? xasprintf("/sys/fs/cgroup/%s%s", controller,
			       strcmp(own, "/") == 0 ? "" : own) :
		     NULL;
}

static bool
join(struct cgroup *cg, const char *controller)
{
	_free_ char *parent = own_folder(controller);

	if (!parent)
		return false;
	/*
	 * A thread that moves itself waits for nobody; by cgroup.procs the
	 * kernel first sees to it that no process anywhere makes a thread.
	 */
	return cgroup_add_folder(cg, parent, "tasks") == 0;
}

static bool
limit(struct cgroup *cg, const char *controller, const char *file, int64_t n)
{
	return join(cg, controller) &&
	       cgroup_write_number(cg->folders[cg->n - 1], file, n) == 0;
}

static bool
may_join(const char *controller)
{
	_free_ char *parent = own_folder(controller);

	return parent && access(parent, W_OK) == 0;
}

bool
cgroup_v1_possible(void)
{
	return may_join("memory") && may_join("pids");
}

bool
cgroup_v1_new(struct cgroup *cg, const struct cgroup_limits *limits)
{
	cg->kind = "v1";
	if (!limit(cg, "memory", "memory.limit_in_bytes", limits->memory_bytes))
		return false;
	/* memory and swap together, where swap is accounted at all */
	cgroup_write_number(cg->folders[0], "memory.memsw.limit_in_bytes",
			    limits->memory_bytes);
	cg->memory_event = watch_memory(cg->folders[0]);
	if (!limit(cg, "pids", "pids.max", limits->processes + 1))
		return false;
	/* joining one more hierarchy takes 0.2 ms: where it is needed only */
	if (limits->count_cpu && join(cg, "cpuacct"))
		cgroup_open_cpu(cg, "cpuacct.usage");
	return true;
}
