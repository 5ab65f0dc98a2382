#include "sandbox/enter.h"

#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/securebits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "sandbox/handover.h"
#include "sandbox/landlock.h"
#include "sandbox/view.h"

static int
write_map(int proc, const char *file, const char *text, struct err *e)
{
	_close_ int fd = openat(proc, file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || file_write_all(fd, text, strlen(text)) < 0)
		return err_errno(e, "write /proc/%s", file);
	return 0;
}

static int
write_maps(const struct enter *x, int proc, struct err *e)
{
	if (write_map(proc, "self/setgroups", "deny", e) < 0 ||
	    write_map(proc, "self/uid_map", x->uid_map, e) < 0)
		return -1;
	return write_map(proc, "self/gid_map", x->gid_map, e);
}

/* An ordinary user's namespaces were made with the fork: map its ids. */
static int
map_caller(const struct enter *x, struct err *e)
{
	_close_ int proc = -1;

	if (x->privileged)
		return 0;
	proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return err_errno(e, "open /proc");
	return write_maps(x, proc, e);
}

static int
enter_cgroup(struct enter *x, const struct handover *given, struct err *e)
{
	x->cpu_before_us = clock_us(CLOCK_PROCESS_CPUTIME_ID);
	if (cgroup_enter_by(given->groups, given->n_groups) < 0)
		return err_errno(e, "enter the control group");
	x->layers |= LAYER_CGROUP;
	return 0;
}

static int
close_others(const struct enter *x, struct err *e)
{
	unsigned first = x->id_locked ? FD_ID_LOCK + 1 : FD_ID_LOCK;

	return syscall(SYS_close_range, first, ~0u, 0) < 0 ?
		       err_errno(e, "close_range") :
		       0;
}

/* Give a descriptor its fixed number, and that one alone. */
static int
move_to(int fd, int number, struct err *e)
{
	if (fd == number)
		return 0;
	if (dup3(fd, number, O_CLOEXEC) < 0)
		return err_errno(e, "dup3");
	close(fd);
	return 0;
}

/*
 * What was decided with a control group in mind (that memory files may be had)
 * never comes true without one.
 */
static int
take_handover(struct enter *x, struct err *e)
{
	_cleanup_(handover_release) struct handover given;

	handover_init(&given);
	if (handover_receive(&given, FD_REPORT, e) < 0)
		return -1;
	if (x->counted != (given.n_groups > 0) || x->net != (given.net >= 0))
		return err_set(e, ERR_AGENT,
			       "the agent handed over something else than it "
			       "had said");
	if (x->net && setns(given.net, CLONE_NEWNET) < 0)
		return err_errno(e, "enter the network namespace");
	if (x->counted && enter_cgroup(x, &given, e) < 0)
		return -1;
	if (unshare(CLONE_NEWCGROUP) < 0)
		return err_errno(e, "make a cgroup namespace");
	x->cpu = steal_fd(&given.cpu);
	x->deadline = steal_fd(&given.deadline);
	return 0;
}

/*
 * Before Linux 5.14 the processes of a user are counted over all user
 * namespaces, so that an ordinary user's own would count against the plugin.
 */
static rlim_t
process_limit(const struct enter *x)
{
	struct utsname host;
	int major = 0, minor = 0;

	if (!x->privileged && uname(&host) == 0 &&
	    sscanf(host.release, "%d.%d", &major, &minor) == 2 &&
	    (major < 5 || (major == 5 && minor < 14)))
		return RLIM_INFINITY;
	return (rlim_t)x->spec->processes + 1;
}

/* A hard limit that is lower already stays. */
static int
set_limit(__rlimit_resource_t what, rlim_t max)
{
	struct rlimit old, new = { max, max };

	/* lowered in one call, but for what it was lower before */
	if (max != RLIM_INFINITY && prlimit(0, what, &new, &old) == 0 &&
	    old.rlim_max >= max)
		return 0;
	if (max != RLIM_INFINITY && errno != EPERM)
		return -1;
	if (getrlimit(what, &old) < 0)
		return -1;
	new.rlim_cur = new.rlim_max = old.rlim_max;
	return setrlimit(what, &new);
}

static int
set_limits(struct enter *x, struct err *e)
{
	const struct sandbox_spec *s = x->spec;
	/* the kernel counts from the start: of one job, not of many */
	rlim_t cpu = s->cpu_ms && !s->many_jobs ?
			     (rlim_t)(s->cpu_ms + 999) / 1000 + 1 :
			     RLIM_INFINITY;
	const struct {
		__rlimit_resource_t what;
		rlim_t max;
	} rows[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_CPU, cpu },
		{ RLIMIT_MEMLOCK, 0 },
		{ RLIMIT_MSGQUEUE, 0 },
		{ RLIMIT_NICE, 0 },
		{ RLIMIT_NOFILE, (rlim_t)s->files },
		{ RLIMIT_NPROC, x->max_processes },
		{ RLIMIT_RTPRIO, 0 },
		{ RLIMIT_SIGPENDING, 256 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (set_limit(rows[i].what, rows[i].max) < 0)
			return err_errno(e, "setrlimit %d", rows[i].what);
	x->layers |= LAYER_LIMITS;
	return 0;
}

int
enter_limit_data(const struct enter *x)
{
	rlim_t max = (rlim_t)x->spec->memory_bytes * 2 + (64 << 20);

	return x->counted ? 0 : set_limit(RLIMIT_DATA, max);
}

/* A change of user ids leaves capabilities permitted, but without effect. */
static int
raise_effective(const struct enter *x, struct err *e)
{
	cap_t caps;
	int rc;

	/* a user namespace of its own was entered with all of them */
	if (x->user_namespace)
		return 0;
	caps = cap_get_proc();
	for (cap_value_t c = 0; caps && c < cap_max_bits(); c++) {
		cap_flag_value_t has = CAP_CLEAR;

		cap_get_flag(caps, c, CAP_PERMITTED, &has);
		cap_set_flag(caps, CAP_EFFECTIVE, 1, &c, has);
	}
	rc = caps ? cap_set_proc(caps) : -1;
	cap_free(caps);
	return rc < 0 ? err_errno(e, "use the capabilities") : 0;
}

/* What nobody has any more can't be granted: a unit may bound the agent. */
static int
check_bound(uint64_t keep, struct err *e)
{
	for (cap_value_t c = 0; keep && c < cap_max_bits(); c++) {
		char *name;

		if (!(keep >> c & 1) || cap_get_bound(c) != 0)
			continue;
		name = cap_to_name(c);
		err_set(e, ERR_AGENT,
			"the capability %s was granted, and the agent itself "
			"may not have it",
			name ? name : "?");
		cap_free(name);
		return err_hint(e, "add it to CapabilityBoundingSet= of the "
				   "agent's unit, or start the agent with it");
	}
	return 0;
}

/*
 * Only what was granted stays in any set, and nothing can come back.  To keep
 * capabilities over a change from user id 0 is left to programs such as ping
 * that ask for it at their start: none has that id or can get it.
 */
static int
set_capabilities(struct enter *x, struct err *e)
{
	uint64_t keep = x->spec->capabilities;
	int rc = check_bound(keep, e) < 0 ? -1 : raise_effective(x, e);

	for (cap_value_t c = 0; rc == 0 && c < cap_max_bits(); c++)
		if (!(keep >> c & 1) && cap_drop_bound(c) < 0 &&
		    errno != EINVAL)
			rc = err_errno(e, "drop capability %d", c);
	if (rc == 0 &&
	    prctl(PR_SET_SECUREBITS,
		  SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
			  SECBIT_NO_SETUID_FIXUP |
			  SECBIT_NO_SETUID_FIXUP_LOCKED |
			  (keep ? 0 :
				  SECBIT_KEEP_CAPS_LOCKED |
					   SECBIT_NO_CAP_AMBIENT_RAISE |
					   SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)) <
		    0)
		rc = err_errno(e, "set the secure bits");
	if (rc == 0 && cap_set_proc(x->caps) < 0)
		rc = err_errno(e, "set the capabilities");
	for (cap_value_t c = 0; rc == 0 && keep && c < cap_max_bits(); c++)
		if ((keep >> c & 1) && cap_set_ambient(c, CAP_SET) < 0)
			rc = err_errno(e, "keep capability %d", c);
	x->layers |= LAYER_CAPABILITIES;
	return rc;
}

/* The unprivileged account, then a user namespace that knows no other. */
static int
set_ids(struct enter *x, struct err *e)
{
	const struct sandbox_spec *s = x->spec;

	if (x->privileged) {
		if (prctl(PR_SET_KEEPCAPS, 1) < 0 ||
		    setgroups(s->n_groups, s->groups) < 0 ||
		    setresgid(x->gid, x->gid, x->gid) < 0 ||
		    setresuid(x->uid, x->uid, x->uid) < 0)
			return err_errno(e, "become user id %u", x->uid);
		/* reset by the change of ids; the maps are ours to write */
		if (prctl(PR_SET_DUMPABLE, 1) < 0)
			return err_errno(e, "prctl PR_SET_DUMPABLE");
		if (!s->user_set)
			x->layers |= LAYER_USER_ID;
	}
	if (!x->user_namespace)
		return 0;
	if (x->privileged && unshare(CLONE_NEWUSER) < 0) {
		/* root can do without it: what is required decides */
		x->user_namespace = false;
		return 0;
	}
	if (x->privileged && write_maps(x, FD_PROC, e) < 0)
		return -1;
	x->layers |= LAYER_USER_NS;
	return 0;
}

/* The kernel kills us when the agent dies; was it dead before we asked? */
static int
tie_to_agent(struct err *e)
{
	struct pollfd p = { .fd = FD_REPORT, .events = 0 };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_errno(e, "prctl PR_SET_PDEATHSIG");
	if (poll(&p, 1, 0) > 0 && (p.revents & POLLHUP))
		return err_set(e, ERR_AGENT, "the agent has gone");
	return 0;
}

int
enter_prepare(struct enter *x, struct err *e)
{
	static const cap_flag_t sets[] = { CAP_PERMITTED, CAP_EFFECTIVE,
					   CAP_INHERITABLE };
	cap_t caps = cap_init();

	if (!caps)
		return err_errno(e, "prepare the capabilities");
	x->caps = caps;
	for (cap_value_t c = 0; c < cap_max_bits(); c++)
		for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
			if (x->spec->capabilities >> c & 1)
				cap_set_flag(caps, sets[i], 1, &c, CAP_SET);
	x->max_processes = process_limit(x);
	/* inside ids equal outside ids, and there is just the one */
	snprintf(x->uid_map, sizeof(x->uid_map), "%u %u 1", x->uid, x->uid);
	snprintf(x->gid_map, sizeof(x->gid_map), "%u %u 1", x->gid, x->gid);
	return 0;
}

void
enter_release(struct enter *x)
{
	if (x->caps)
		cap_free(x->caps);
}

/*
 * The order matters; each step says what it relies on.  Signals are blocked
 * since before the fork, and the namespaces of the fork stand.  The system
 * call filters come last of all, in init.c: everything here needs calls that
 * they refuse.
 */
int
enter_sandbox(struct enter *x, struct err *e)
{
	int proc = -1;

	if (setsid() < 0)
		return err_errno(e, "setsid");
	/* others pass the folders of the view, whatever a service hides */
	(void)umask(022);
	/* as the owner of the namespaces, before anything needs an id */
	if (map_caller(x, e) < 0)
		return -1;
	/* nothing of the agent's is open from here on */
	(void)close(FD_PROC);
	if (close_others(x, e) < 0)
		return -1;
	/* needs the privileges that fall below */
	if (view_enter(x->view, &proc, e) < 0)
		return -1;
	/* what the view was made with is closed at once */
	if (move_to(proc, FD_PROC, e) < 0 || close_others(x, e) < 0)
		return -1;
	/* by descriptors that were made outside, while the view was made */
	if (take_handover(x, e) < 0)
		return -1;
	/* a name bounds nothing; the filters of containers refuse it */
	if (sethostname("sandbox", 7) < 0 && errno != EPERM)
		return err_errno(e, "sethostname");
	x->layers |= LAYER_NAMESPACES | LAYER_ROOT;
	if (set_ids(x, e) < 0)
		return -1;
	/*
	 * The number of processes is that of the user namespace just made; set
	 * before, it would count what its account runs on the host.
	 */
	if (set_limits(x, e) < 0)
		return -1;
	/* after the ids: changing them needs some */
	if (set_capabilities(x, e) < 0)
		return -1;
	/* after the ids: changing them clears it */
	if (tie_to_agent(e) < 0)
		return -1;
	/* nobody inside may look into or trace pid 1 */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_errno(e, "prctl PR_SET_DUMPABLE");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(e, "prctl PR_SET_NO_NEW_PRIVS");
	x->layers |= LAYER_NO_NEW_PRIVS;
	return landlock_enter(x->spec, x->landlock_abi, FD_PROC, &x->layers, e);
}
