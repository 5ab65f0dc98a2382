#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "sandbox/ids.h"
#include "sandbox/sandbox.h"
#include "sandbox/try_parts.h"

/* --- Who we are ----------------------------------------------------------- */

static bool
has_capability(cap_value_t c)
{
	cap_flag_value_t set = CAP_CLEAR;
	cap_t caps = cap_get_proc();

	if (caps) {
		cap_get_flag(caps, c, CAP_EFFECTIVE, &set);
		cap_free(caps);
	}
	return set == CAP_SET;
}

bool
try_privileged(void)
{
	return geteuid() == 0 && has_capability(CAP_SYS_ADMIN) &&
	       has_capability(CAP_SETUID);
}

static int
write_self(const char *file, const char *text)
{
	_free_ char *path = xasprintf("/proc/self/%s", file);
	_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || file_write_all(fd, text, strlen(text)) < 0 ? errno : 0;
}

/* Inside ids equal outside ids, as in enter.c: 0 or an errno. */
static int
own_user_namespace(uid_t uid, gid_t gid)
{
	_free_ char *uids = xasprintf("%u %u 1", uid, uid);
	_free_ char *gids = xasprintf("%u %u 1", gid, gid);
	int error;

	if (unshare(CLONE_NEWUSER) < 0)
		return errno;
	error = write_self("setgroups", "deny");
	if (!error)
		error = write_self("uid_map", uids);
	return error ? error : write_self("gid_map", gids);
}

/*
 * What takes a capability and changes nothing but this process: an errno
 * without.  Two calls, as the filters of containers refuse one or the other.
 */
static int
use_capability(void)
{
	return chroot("/") == 0 || unshare(CLONE_NEWUTS) == 0 ? 0 : errno;
}

static void
refer(struct try_result *r, const char *what)
{
	try_absent(r, 0, "%s", what);
	try_hint(r, "see %s", layer_name(LAYER_USER_NS));
}

static int
lacks_root(struct try_result *r)
{
	if (try_privileged() || geteuid() != 0)
		return 0;
	refer(r, "root starts no sandbox without CAP_SYS_ADMIN and CAP_SETUID");
	if (r->layer == LAYER_USER_NS)
		try_hint(r, "start it as an ordinary user, or give root those "
			    "capabilities (docker and podman: --cap-add)");
	return -1;
}

int
try_enter_user(struct try_result *r)
{
	bool mapped = try_id_is_mapped();
	int error;

	if (try_privileged())
		return 0;
	if (lacks_root(r) < 0)
		return -1;
	error = own_user_namespace(geteuid(), getegid());
	if (!error)
		error = use_capability();
	if (!error)
		return 0;
	if (r->layer == LAYER_USER_NS) {
		try_absent(r, error, "no user namespace can be made");
		try_hint_namespaces(r, error);
		if (!mapped)
			try_hint(r,
				 "user id %u is not mapped in the user "
				 "namespace that this runs in: map it, or "
				 "run as one that is",
				 (unsigned)geteuid());
		return -1;
	}
	refer(r, "takes a user namespace, or to be started by root");
	return -1;
}

static void
user_namespace_of_root(struct try_result *r)
{
	uid_t id = 0;
	int error = try_take_id(&id);

	/* without an id to take, which user-id says, is one to be had? */
	error = error ? own_user_namespace(geteuid(), getegid()) :
			own_user_namespace(id, id);
	if (error) {
		try_absent(r, error, "no user namespace can be made");
		try_hint_namespaces(r, error);
		return;
	}
	try_enforced(r, "a user namespace of its own, which has one user id");
}

void
try_user_namespace(struct try_result *r)
{
	if (try_privileged()) {
		user_namespace_of_root(r);
		return;
	}
	if (try_enter_user(r) == 0)
		try_enforced(r, "a user namespace of its own, which has one "
				"user id, the caller's");
}

/* --- A user id of its own ------------------------------------------------- */

int
try_take_id(uid_t *id)
{
	struct err e = ERR_INIT;

	/* held as long as this process, which does not close it */
	if (ids_take(id, &e) < 0)
		return e.errnum ? e.errnum : EPERM;
	if (prctl(PR_SET_KEEPCAPS, 1) < 0 || setgroups(0, NULL) < 0 ||
	    setresgid(*id, *id, *id) < 0 || setresuid(*id, *id, *id) < 0 ||
	    prctl(PR_SET_DUMPABLE, 1) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return errno;
	return 0;
}

static int
become_other(void *arg)
{
	int error = try_take_id(arg);

	if (error || (error = try_drop_capabilities()))
		return error;
	if (setresuid(0, 0, 0) == 0 || errno != EPERM)
		return TRY_OTHERWISE;
	return kill(getppid(), 0) == 0 || errno != EPERM ? TRY_OTHERWISE : 0;
}

/* " and the groups adm, 4711": what files give those counts for a plugin. */
static void
name_groups(char *text, size_t size)
{
	gid_t groups[SANDBOX_MAX_GROUPS];
	int n = getgroups(SANDBOX_MAX_GROUPS, groups);
	size_t len = 0;

	text[0] = '\0';
	for (int i = 0; i < n && len < size; i++) {
		const struct group *g = getgrgid(groups[i]);
		const char *before = len ? ", " : " and the groups ";

		if (groups[i] == getegid())
			continue;
		len += (size_t)(g ? snprintf(text + len, size - len, "%s%.32s",
					     before, g->gr_name) :
				    snprintf(text + len, size - len, "%s%u",
					     before, (unsigned)groups[i]));
	}
	if (n < 0)
		snprintf(text, size, " and more than %d groups",
			 SANDBOX_MAX_GROUPS);
}

void
try_user_id(struct try_result *r)
{
	char groups[256];
	struct err e = ERR_INIT;
	struct ids ids;
	uid_t id = 0;
	int error;

	if (geteuid() != 0) {
		name_groups(groups, sizeof(groups));
		try_weaker(r, false,
			   "user id %u, the caller's own, inside namespaces of "
			   "its own%s%s",
			   (unsigned)geteuid(),
			   *groups ? "; it keeps that id" : "", groups);
		try_hint(r, "started by root, each sandbox has a user id of "
			    "its own");
		return;
	}
	if (lacks_root(r) < 0)
		return;
	if (ids_range(&ids, &e) < 0) {
		try_absent(r, 0, "%s", e.msg);
		try_hint(r, "%s", e.hint);
		return;
	}
	error = try_part(become_other, &id);
	if (error == 0) {
		try_enforced(r,
			     "a user id of its own, one of %u from %u on, that "
			     "no other sandbox has",
			     ids.count, ids.first);
		return;
	}
	try_absent(r, error, "a sandbox can't have a user id of its own");
	try_hint(r, "root needs CAP_SETUID, CAP_SETGID and to make "
		    "/run/devops_agent; or start it as an ordinary user");
}

/* --- Capabilities --------------------------------------------------------- */

int
try_drop_capabilities(void)
{
	cap_t caps = cap_init();
	int error = !caps || cap_set_proc(caps) < 0 ? errno : 0;

	cap_free(caps);
	return error;
}

static int
empty_bounding_set(void)
{
	for (cap_value_t c = 0; c < cap_max_bits(); c++)
		if (cap_drop_bound(c) < 0 && errno != EINVAL)
			return errno;
	for (cap_value_t c = 0; c < cap_max_bits(); c++)
		if (cap_get_bound(c) == 1)
			return TRY_OTHERWISE;
	return prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
						SECBIT_NO_SETUID_FIXUP |
						SECBIT_NO_SETUID_FIXUP_LOCKED) <
			       0 ?
		       errno :
		       0;
}

void
try_capabilities(struct try_result *r)
{
	int error;

	if (try_enter_user(r) < 0)
		return;
	error = use_capability();
	if (error) {
		try_absent(r, error, "capabilities do nothing here");
		try_hint(r, "a security module or a system call filter over "
			    "this process takes them away");
		return;
	}
	error = empty_bounding_set();
	if (!error)
		error = try_drop_capabilities();
	if (error) {
		try_absent(r, error,
			   "the capabilities can't be given up for good");
		try_hint(r, "root needs CAP_SETPCAP for it");
	} else if (use_capability() == 0) {
		try_absent(r, 0, "what takes a capability works without one");
	} else {
		try_enforced(r, "none that was not granted, and none can be "
				"gained");
	}
}

/* --- No new privileges ---------------------------------------------------- */

/* Without capabilities, a filter is taken with no_new_privs only. */
static int
install_nothing(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { 1, &allow };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0 ?
		       errno :
		       0;
}

void
try_no_new_privs(struct try_result *r)
{
	bool before = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
	int error = try_drop_capabilities();

	if (!error && !before && install_nothing() == 0)
		error = TRY_OTHERWISE;
	if (!error && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		error = errno;
	if (!error && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		error = TRY_OTHERWISE;
	/* a kernel without filters: the flag has to do */
	if (!error && install_nothing() == EACCES)
		error = TRY_OTHERWISE;
	if (error) {
		try_absent(r, error, "no_new_privs does not hold");
		try_hint(r, "Linux 3.5 or newer has it");
		return;
	}
	try_enforced(r, "a set-user-id program gives it no rights");
}
