#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "sandbox/cgroup.h"
#include "sandbox/try_parts.h"
#include "sandbox/watch.h"

#define GROUP_MEMORY (16 << 20)
#define GROUP_PROCESSES 3
#define MUCH (64UL << 20) /* more than GROUP_MEMORY */

#define PAGE 4096

/* Touch that much memory; 0 or an errno. */
static int
touch_memory(size_t size)
{
	volatile char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return errno;
	for (size_t i = 0; i < size; i += PAGE)
		p[i] = 1;
	return 0;
}

static int
wait_forever(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

/* --- Control groups ------------------------------------------------------- */

static int
exceed_memory(void *arg)
{
	if (cgroup_enter(arg) < 0)
		return errno;
	return touch_memory(MUCH) ? ENOMEM : TRY_OTHERWISE;
}

/* As many processes as it gets, twice the limit at most. */
static int
exceed_processes(void *arg)
{
	pid_t pids[2 * (GROUP_PROCESSES + 1)];
	int error = TRY_OTHERWISE;
	size_t n = 0;

	if (cgroup_enter(arg) < 0)
		return errno;
	while (n < ARRAY_SIZE(pids)) {
		pids[n] = try_part_start(wait_forever, NULL);
		if (pids[n] < 0) {
			error = errno == EAGAIN ? 0 : errno;
			break;
		}
		n++;
	}
	/* the group is removed only when the last of them has gone */
	while (n-- > 0) {
		kill(pids[n], SIGKILL);
		try_part_end(pids[n]);
	}
	return error;
}

static bool
has_memory_and_pids(const char *folder)
{
	_free_ char *path = xasprintf("%s/cgroup.controllers", folder);
	_buf_ struct buf text = { .max = 4096 };
	struct err ignored = ERR_INIT;

	return file_read(path, &text, &ignored) == 0 && text.len &&
	       strstr(text.data, "memory") && strstr(text.data, "pids");
}

#define DELEGATE                                                               \
	"systemd-run --user --scope -p Delegate=yes COMMAND, or Delegate=yes " \
	"in the unit that starts it"

static void
explain_no_group(struct try_result *r, const char *why)
{
	_free_ char *own = cgroup_delegated();

	if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) < 0) {
		try_absent(r, 0,
			   "%s: version 2 is not mounted at "
			   "/sys/fs/cgroup, nor may groups of version 1 "
			   "be made",
			   why);
		try_hint(
			r, "%s",
			geteuid() == 0 ?
				"mount it, writable (in a container: "
				"--cgroupns=private and a writable "
				"/sys/fs/cgroup)" :
				"boot with systemd.unified_cgroup_hierarchy=1, "
				"then start it by " DELEGATE);
	} else if (!own) {
		try_absent(r, 0,
			   "%s: the group of this process was not "
			   "delegated to user id %u",
			   why, (unsigned)geteuid());
		try_hint(r, "start it by " DELEGATE);
	} else if (!has_memory_and_pids(own)) {
		try_absent(r, 0,
			   "%s: the group of this process has no memory "
			   "and pids controllers",
			   why);
		try_hint(r, "start it by " DELEGATE ", which hands them down");
	} else {
		try_absent(r, 0,
			   "%s: the group of this process is delegated, "
			   "but holds processes that can't be moved",
			   why);
		try_hint(r, "version 2 gives limits only to the children of a "
			    "group without processes: start it by " DELEGATE
			    ", which has a group of its own");
	}
}

static void
exceed_both(struct cgroup *cg, struct try_result *r)
{
	const char *kind = cgroup_kind(cg);
	int rc;

	/* the kernel would stop the whole host for it */
	if (try_sysctl("vm.panic_on_oom") == 2) {
		try_weaker(r, true, "%s; not tried, as vm.panic_on_oom is 2",
			   kind);
		try_hint(r, "sysctl -w vm.panic_on_oom=0: with 2, any plugin "
			    "that takes too much memory stops this host");
		return;
	}
	rc = try_part(exceed_processes, cg);
	if (rc) {
		try_absent(r, rc,
			   "%s, but its limit of processes does not "
			   "hold",
			   kind);
		try_hint(r, "is this process itself in a group that this user "
			    "may leave?");
		return;
	}
	rc = try_part(exceed_memory, cg);
	if (rc == 128 + SIGKILL && cgroup_out_of_memory(cg)) {
		try_enforced(r,
			     "%s: the kernel bounds memory and processes of "
			     "a job together",
			     kind);
	} else if (rc == TRY_OTHERWISE) {
		try_weaker(r, true,
			   "%s: bounds processes; memory goes to "
			   "swap past its limit",
			   kind);
		try_hint(r, "boot with swapaccount=1, or without swap");
	} else {
		try_absent(r, rc, "%s, but its limit of memory does not hold",
			   kind);
	}
}

void
try_cgroup(struct try_result *r)
{
	const struct cgroup_limits limits = { GROUP_MEMORY, GROUP_PROCESSES,
					      false };
	const char *why = "";
	struct cgroup *cg = cgroup_new(&limits, &why);

	if (!cg) {
		explain_no_group(r, why);
		return;
	}
	exceed_both(cg, r);
	cgroup_free(cg);
}

/* --- Limits --------------------------------------------------------------- */

static int
set_limit(__rlimit_resource_t what, rlim_t max)
{
	struct rlimit limit = { max, max };

	return setrlimit(what, &limit) < 0 ? errno : 0;
}

static int
exceed_files(void *arg)
{
	int error = set_limit(RLIMIT_NOFILE, 16);

	(void)arg;
	for (int i = 0; !error && i <= 16; i++)
		if (open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) < 0)
			return errno == EMFILE ? 0 : errno;
	return error ? error : TRY_OTHERWISE;
}

static int
exceed_data(void *arg)
{
	int error = set_limit(RLIMIT_DATA, MUCH / 2);

	(void)arg;
	if (error)
		return error;
	return touch_memory(MUCH) == ENOMEM ? 0 : TRY_OTHERWISE;
}

static int
do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

/* As who the plugin is: root has no such limit. */
static int
exceed_user_processes(void *arg)
{
	uid_t id = 0;
	int error;

	(void)arg;
	/* where there is no id to take, user-id says so */
	if (try_privileged())
		(void)try_take_id(&id);
	error = try_drop_capabilities();
	if (!error)
		error = set_limit(RLIMIT_NPROC, 1);
	if (error)
		return error;
	error = try_part(do_nothing, NULL);
	return error == EAGAIN ? 0 : TRY_OTHERWISE;
}

static const struct {
	const char *name;
	int (*exceed)(void *arg);
} limits[] = {
	{ "open files", exceed_files },
	{ "memory of one process", exceed_data },
};

static int
hold_memory(void *arg)
{
	int ready = *(int *)arg;

	if (touch_memory(GROUP_MEMORY) || write(ready, "", 1) != 1)
		return errno;
	return wait_forever(NULL);
}

/* Pid 1 of a namespace, with a /proc of its own: does the watch see it? */
static int
watch_memory(void *arg)
{
	_close_ int proc = -1;
	struct watch w = { .memory = true };
	int ends[2];
	char byte;

	(void)arg;
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0 ||
	    mount("devops_agent", "/proc", "proc",
		  MS_NOSUID | MS_NODEV | MS_NOEXEC, "subset=pid") < 0 ||
	    pipe2(ends, O_CLOEXEC) < 0)
		return errno;
	proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0 || try_part_start(hold_memory, &ends[1]) < 0 ||
	    read(ends[0], &byte, 1) != 1)
		return errno;
	w.proc = proc;
	watch_look(&w);
	/* its process ends with this one, as all of the namespace */
	return w.memory_bytes >= GROUP_MEMORY ? 0 : TRY_OTHERWISE;
}

/* In namespaces of its own, as in a sandbox. */
static int
try_watch(void *arg)
{
	struct try_result ignored = { 0 };

	if (try_enter_user(&ignored) < 0)
		return TRY_OTHERWISE;
	if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0)
		return errno;
	return try_part(watch_memory, arg);
}

void
try_limits(struct try_result *r)
{
	int rc;

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		rc = try_part(limits[i].exceed, NULL);
		if (!rc)
			continue;
		try_absent(r, rc, "the limit of %s does not hold",
			   limits[i].name);
		try_hint(r, "see setrlimit(2): something over this process "
			    "forbids or lifts it");
		return;
	}
	rc = try_part(exceed_user_processes, NULL);
	if (rc) {
		try_weaker(r, true,
			   "open files, and memory of each process; "
			   "the count of processes is not bounded for "
			   "this user");
		try_hint(r, "the kernel lifts it for the host's root, under "
			    "whatever name; a control group bounds it too");
		return;
	}
	rc = try_part(try_watch, NULL);
	if (rc) {
		try_weaker(r, true,
			   "open files, processes, and memory of each "
			   "process; that of all is not watched");
		try_hint(r, "the watch takes namespaces and a private /proc");
		return;
	}
	try_enforced(r,
		     "open files, processes and memory of each process; "
		     "memory of all is looked at every %d ms",
		     WATCH_INTERVAL_MS);
}
