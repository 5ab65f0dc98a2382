#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sandbox/mountapi.h"
#include "sandbox/try_parts.h"

/* --- Namespaces ----------------------------------------------------------- */

struct namespace
{
	const char *name;
	int flag;
	const char *link;    /* of /proc/self/ns */
	bool (*holds)(void); /* NULL: another link says it */
};

static int
is_first(void *arg)
{
	(void)arg;
	return getpid() != 1;
}

static bool
pid_holds(void)
{
	return try_part(is_first, NULL) == 0;
}

/* Nothing is sent by it: an address of no network at all. */
static bool
net_holds(void)
{
	_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };

	to.sin_addr.s_addr = inet_addr("192.0.2.1");
	return fd >= 0 && connect(fd, (void *)&to, sizeof(to)) < 0 &&
	       errno == ENETUNREACH;
}

static const struct namespace namespaces[] = {
	{ "mount", CLONE_NEWNS, "mnt", NULL },
	{ "pid", CLONE_NEWPID, NULL, pid_holds },
	{ "ipc", CLONE_NEWIPC, "ipc", NULL },
	{ "uts", CLONE_NEWUTS, "uts", NULL },
	{ "cgroup", CLONE_NEWCGROUP, "cgroup", NULL },
	{ "net", CLONE_NEWNET, NULL, net_holds },
};

static void
read_link(const struct namespace *ns, char text[64])
{
	_free_ char *path = xasprintf("/proc/self/ns/%s", ns->link);
	ssize_t n = readlink(path, text, 63);

	text[n < 0 ? 0 : n] = '\0';
}

static int
make_namespace(void *arg)
{
	const struct namespace *ns = arg;
	char before[64] = "", after[64] = "";

	if (ns->link)
		read_link(ns, before);
	if (unshare(ns->flag) < 0)
		return errno;
	if (ns->holds)
		return ns->holds() ? 0 : TRY_OTHERWISE;
	/* without /proc nothing more can be told */
	if (!*before)
		return 0;
	read_link(ns, after);
	return *after && strcmp(before, after) != 0 ? 0 : TRY_OTHERWISE;
}

static int
change_name(void *arg)
{
	(void)arg;
	return unshare(CLONE_NEWUTS) < 0 || sethostname("sandbox", 7) < 0 ?
		       errno :
		       0;
}

/* All are there; the name in one of them bounds nothing, but tells. */
static void
all_namespaces(struct try_result *r)
{
	if (try_part(change_name, NULL) != 0) {
		try_weaker(r, true,
			   "mount, pid, ipc, uts, cgroup and net of its own; "
			   "but the host's name shows, which can't be changed");
		try_hint(r, "the system call filter over this process (of a "
			    "container?) refuses sethostname: docker and "
			    "podman: --security-opt seccomp=PROFILE with it "
			    "allowed");
		return;
	}
	try_enforced(r, "mount, pid, ipc, uts, cgroup and net of its own: no "
			"process, no network of the host's");
}

void
try_namespaces(struct try_result *r)
{
	_buf_ struct buf missing = { 0 };
	int error = 0;

	if (try_enter_user(r) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
		struct namespace ns = namespaces[i];
		int rc = try_part(make_namespace, &ns);

		if (!rc)
			continue;
		buf_addf(&missing, "%s%s (%s)", missing.len ? ", " : "",
			 ns.name,
			 rc == TRY_OTHERWISE ? "it is the host's" :
					       strerror(rc));
		error = rc;
	}
	if (!error) {
		all_namespaces(r);
		return;
	}
	try_absent(r, 0, "none of its own can be had of: %s", missing.data);
	try_hint_namespaces(r, error);
}

/* --- A private root ------------------------------------------------------- */

#define BASE "/tmp"

/* Shared by the steps, which are in one process. */
static bool old_kernel; /* no mount_setattr */

static int
part_from_host(void)
{
	return mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL);
}

static int
mount_base(void)
{
	return mount("devops_agent", BASE, "tmpfs", MS_NOSUID | MS_NODEV,
		     "size=1m,mode=0755");
}

/* Bind what is at `from` read-only at `to`, as view.c does. */
static int
bind_one(const char *from, const char *to)
{
	const uint64_t attributes =
		MOUNTAPI_RDONLY | MOUNTAPI_NOSUID | MOUNTAPI_NODEV;
	_close_ int source = open(from, O_PATH | O_CLOEXEC);
	_close_ int tree = source < 0 ? -1 : mountapi_clone_tree(source);
	_close_ int target = -1;

	if (tree < 0 || mkdir(to, 0755) < 0)
		return -1;
	if (mountapi_set_attributes(tree, attributes) < 0) {
		if (errno != ENOSYS)
			return -1;
		old_kernel = true;
	}
	target = open(to, O_PATH | O_CLOEXEC);
	if (target < 0 || mountapi_attach(tree, target) < 0)
		return -1;
	return old_kernel ? mountapi_remount_below(to, attributes) : 0;
}

static int
bind_read_only(void)
{
	if (mkdir(BASE "/from", 0755) < 0 ||
	    bind_one(BASE "/from", BASE "/to") < 0)
		return -1;
	return access("/usr", F_OK) < 0 ? 0 : bind_one("/usr", BASE "/usr");
}

static int
mount_proc(void)
{
	if (mkdir(BASE "/proc", 0755) < 0)
		return -1;
	return mount("devops_agent", BASE "/proc", "proc",
		     MS_NOSUID | MS_NODEV | MS_NOEXEC, "subset=pid");
}

static int
change_root(void)
{
	if (chdir(BASE) < 0 || mountapi_pivot_root(".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0)
		return -1;
	return chdir("/");
}

static int
make_file(const char *path)
{
	_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 ? -1 : 0;
}

static int
write_is_refused(void)
{
	struct statvfs host;

	if (make_file("/from/allowed") < 0)
		return -1;
	errno = TRY_OTHERWISE;
	if (make_file("/to/forbidden") == 0 || errno != EROFS)
		return -1;
	errno = TRY_OTHERWISE;
	return statvfs("/usr", &host) == 0 && !(host.f_flag & ST_RDONLY) ? -1 :
									   0;
}

static int
host_is_gone(void)
{
	if (access("/from", F_OK) == 0 && access("/proc/self", F_OK) == 0 &&
	    access("/proc/2", F_OK) < 0 && access("/etc", F_OK) < 0)
		return 0;
	errno = TRY_OTHERWISE;
	return -1;
}

#define MOUNTS_HINT                                                          \
	"a security module (AppArmor, SELinux) or the container that this "  \
	"is forbids it; docker: --security-opt apparmor=unconfined and "     \
	"--security-opt seccomp=PROFILE with mount and pivot_root allowed, " \
	"podman: --security-opt unmask=ALL"

static const struct root_step {
	const char *what;
	int (*run)(void);
	const char *hint;
} root_steps[] = {
	{ "part from the host's mounts", part_from_host, MOUNTS_HINT },
	{ "mount an empty root", mount_base, MOUNTS_HINT },
	{ "bind a folder read-only", bind_read_only,
	  "Linux 5.2 or newer has open_tree and move_mount; " MOUNTS_HINT },
	/* while the host's is still in sight, which the kernel asks for */
	{ "mount a /proc of its own", mount_proc,
	  "Linux 5.8 or newer has subset=pid; and a container that masks "
	  "parts of /proc forbids it: podman --security-opt unmask=ALL, docker "
	  "--security-opt systempaths=unconfined, Kubernetes procMount: "
	  "Unmasked" },
	{ "change the root", change_root, MOUNTS_HINT },
	{ "refuse a write where only reading was granted", write_is_refused,
	  MOUNTS_HINT },
	{ "let the host's root go", host_is_gone, MOUNTS_HINT },
};

/* Pid 1 of the namespaces: which step failed is in the result. */
static int
build_root(void *arg)
{
	struct try_result *r = arg;

	for (size_t i = 0; i < ARRAY_SIZE(root_steps); i++) {
		if (root_steps[i].run() == 0)
			continue;
		try_absent(r, errno, "can't %s", root_steps[i].what);
		try_hint(r, "%s", root_steps[i].hint);
		return 1;
	}
	try_enforced(r,
		     "a root of its own with what was granted, read-only "
		     "unless for writing, and a private /proc%s",
		     old_kernel ? " (by remounting: Linux before 5.12)" : "");
	return 0;
}

void
try_root(struct try_result *r)
{
	int rc;

	if (try_enter_user(r) < 0)
		return;
	if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0) {
		int error = errno;

		try_absent(r, error, "takes mount and pid namespaces");
		try_hint_namespaces(r, error);
		return;
	}
	rc = try_part(build_root, r);
	if (!*r->detail)
		try_absent(r, rc, "building a root failed");
}
