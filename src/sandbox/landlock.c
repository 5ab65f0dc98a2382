#include "sandbox/landlock.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox/view.h"

/*
 * The kernel's interface (include/uapi/linux/landlock.h), spelled out here
 * because the headers of this generation of distributions stop at ABI 2.
 */
struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net; /* ABI 4 */
	uint64_t scoped;	     /* ABI 6 */
};

struct path_beneath_attr {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

struct net_port_attr {
	uint64_t allowed_access;
	uint64_t port;
};

enum { RULE_PATH_BENEATH = 1, RULE_NET_PORT = 2 };

#define CREATE_RULESET_VERSION 1

#define FS_EXECUTE (1ULL << 0)
#define FS_WRITE_FILE (1ULL << 1)
#define FS_READ_FILE (1ULL << 2)
#define FS_READ_DIR (1ULL << 3)
#define FS_ABI1 ((1ULL << 13) - 1)
#define FS_REFER (1ULL << 13)	  /* ABI 2 */
#define FS_TRUNCATE (1ULL << 14)  /* ABI 3 */
#define FS_IOCTL_DEV (1ULL << 15) /* ABI 5 */
#define NET_BIND_TCP (1ULL << 0)  /* ABI 4 */
#define NET_CONNECT_TCP (1ULL << 1)
#define SCOPE_ALL 3ULL /* ABI 6: abstract sockets, signals */

#define FS_FILE_RIGHTS \
	(FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)
#define FS_READ (FS_READ_FILE | FS_READ_DIR)

struct ruleset {
	int fd;
	uint64_t handled; /* file rights of this ABI */
};

int
landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   CREATE_RULESET_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

static uint64_t
handled_rights(int abi)
{
	uint64_t rights = FS_ABI1;

	if (abi >= 2)
		rights |= FS_REFER;
	if (abi >= 3)
		rights |= FS_TRUNCATE;
	if (abi >= 5)
		rights |= FS_IOCTL_DEV;
	return rights;
}

static int
allow_fd(const struct ruleset *r, int fd, const char *path, uint64_t rights,
	 struct err *e)
{
	struct path_beneath_attr attr = { .parent_fd = fd };
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(e, "stat %s", path);
	attr.allowed_access = rights & r->handled;
	if (!S_ISDIR(st.st_mode))
		attr.allowed_access &= FS_FILE_RIGHTS;
	if (syscall(SYS_landlock_add_rule, r->fd, RULE_PATH_BENEATH, &attr, 0) <
	    0)
		return err_errno(e, "Landlock rule for %s", path);
	return 0;
}

static int
allow_path(const struct ruleset *r, const char *path, uint64_t rights,
	   struct err *e)
{
	_close_ int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == EACCES))
		return 0; /* not in the view: nothing to allow */
	if (fd < 0)
		return err_errno(e, "open %s for Landlock", path);
	return allow_fd(r, fd, path, rights, e);
}

static int
allow_paths(const struct ruleset *r, const struct strv *paths, uint64_t rights,
	    struct err *e)
{
	for (size_t i = 0; i < paths->n; i++)
		if (allow_path(r, paths->items[i], rights, e) < 0)
			return -1;
	return 0;
}

static int
allow_files(const struct ruleset *r, const struct sandbox_spec *s, int proc,
	    struct err *e)
{
	uint64_t run = s->exec_any ? FS_EXECUTE : 0;
	uint64_t change = r->handled & ~(FS_EXECUTE | FS_IOCTL_DEV);

	if (allow_paths(r, &s->read, FS_READ | run, e) < 0 ||
	    allow_paths(r, &s->libraries, FS_READ | run, e) < 0 ||
	    allow_paths(r, &s->exec, FS_READ | FS_EXECUTE, e) < 0 ||
	    allow_paths(r, &s->write, change | run, e) < 0)
		return -1;
	for (const char *const *d = view_devices; *d; d++)
		if (allow_path(r, *d, FS_READ_FILE | FS_WRITE_FILE, e) < 0)
			return -1;
	if (allow_fd(r, proc, "/proc", FS_READ, e) < 0 ||
	    allow_path(r, "/proc", FS_READ, e) < 0 ||
	    allow_path(r, "/dev", FS_READ_DIR, e) < 0)
		return -1;
	return strv_has(&s->read, "/tmp") ?
		       0 :
		       allow_path(r, "/tmp", change | run, e);
}

static int
allow_ports(const struct ruleset *r, const struct sandbox_ports *ports,
	    uint64_t right, struct err *e)
{
	for (size_t i = 0; i < ports->n; i++) {
		struct net_port_attr attr = { right, ports->port[i] };

		if (syscall(SYS_landlock_add_rule, r->fd, RULE_NET_PORT, &attr,
			    0) < 0)
			return err_errno(e, "Landlock rule for port %u",
					 ports->port[i]);
	}
	return 0;
}

static size_t
attr_size(int abi)
{
	if (abi >= 6)
		return sizeof(struct ruleset_attr);
	if (abi >= 4)
		return offsetof(struct ruleset_attr, scoped);
	return offsetof(struct ruleset_attr, handled_access_net);
}

static int
make_ruleset(int abi, bool ports, struct ruleset *r, struct err *e)
{
	struct ruleset_attr attr = {
		.handled_access_fs = handled_rights(abi),
		.handled_access_net =
			ports ? NET_BIND_TCP | NET_CONNECT_TCP : 0,
		.scoped = SCOPE_ALL,
	};

	r->handled = attr.handled_access_fs;
	r->fd = (int)syscall(SYS_landlock_create_ruleset, &attr, attr_size(abi),
			     0);
	return r->fd < 0 ? err_errno(e, "make a Landlock ruleset") : 0;
}

static int
enter_ruleset(const struct ruleset *r, int abi, bool ports, unsigned *layers,
	      struct err *e)
{
	if (syscall(SYS_landlock_restrict_self, r->fd, 0) < 0)
		return err_errno(e, "enter Landlock");
	*layers |= LAYER_LANDLOCK | (ports ? LAYER_LANDLOCK_NET : 0) |
		   (abi >= 6 ? LAYER_LANDLOCK_SCOPE : 0);
	return 0;
}

static void
ruleset_release(struct ruleset *r)
{
	if (r->fd >= 0)
		close(r->fd);
}

int
landlock_enter(const struct sandbox_spec *spec, int abi, int proc,
	       unsigned *layers, struct err *e)
{
	bool ports = abi >= 4 && !spec->host_network;
	_cleanup_(ruleset_release) struct ruleset r = { .fd = -1 };

	if (abi == 0)
		return 0;
	if (make_ruleset(abi, ports, &r, e) < 0 ||
	    allow_files(&r, spec, proc, e) < 0)
		return -1;
	if (ports && (allow_ports(&r, &spec->connect, NET_CONNECT_TCP, e) < 0 ||
		      allow_ports(&r, &spec->listen, NET_BIND_TCP, e) < 0))
		return -1;
	return enter_ruleset(&r, abi, ports, layers, e);
}

int
landlock_confine(const char *const *readable, bool network, int abi,
		 unsigned *layers, struct err *e)
{
	bool ports = abi >= 4 && !network;
	_cleanup_(ruleset_release) struct ruleset r = { .fd = -1 };

	if (abi == 0)
		return 0;
	if (make_ruleset(abi, ports, &r, e) < 0)
		return -1;
	for (; readable && *readable; readable++)
		if (allow_path(&r, *readable, FS_READ, e) < 0)
			return -1;
	return enter_ruleset(&r, abi, ports, layers, e);
}
