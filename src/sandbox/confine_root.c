/* Namespaces of its own, and a root that holds what it may read. */
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "model/layer.h"
#include "sandbox/confine_parts.h"
#include "sandbox/mountapi.h"

/* Any folder that is there everywhere: the root is put together on it. */
#define BASE "/tmp"
#define ROOT_OPTIONS "mode=0755,size=64k,nr_inodes=256"

static int
write_file(const char *path, const char *text, struct err *e)
{
	_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || file_write_all(fd, text, strlen(text)) < 0)
		return err_errno(e, "%s", path);
	return 0;
}

/* As itself, and nobody else. */
static int
map_ids(uid_t uid, gid_t gid, struct err *e)
{
	char map[64];

	/* absent before Linux 3.19 */
	(void)write_file("/proc/self/setgroups", "deny", &(struct err)ERR_INIT);
	snprintf(map, sizeof(map), "%u %u 1", (unsigned)uid, (unsigned)uid);
	if (write_file("/proc/self/uid_map", map, e) < 0)
		return -1;
	snprintf(map, sizeof(map), "%u %u 1", (unsigned)gid, (unsigned)gid);
	return write_file("/proc/self/gid_map", map, e);
}

/* Its folder; and where it is a file, an empty one to mount it on. */
static int
make_place(const char *place, bool folder, struct err *e)
{
	_free_ char *parent =
		xstrndup(place, (size_t)(strrchr(place, '/') - place));
	_close_ int fd = -1;

	if (folder)
		return file_mkdir_p(place, 0755, e);
	if (file_mkdir_p(parent, 0755, e) < 0)
		return -1;
	fd = open(place, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	return fd < 0 ? err_errno(e, "%s", place) : 0;
}

/* What the mount has already, and can't lose. */
static unsigned long
flags_of(const char *place)
{
	static const struct {
		unsigned long of, flag;
	} kept[] = { { ST_NOATIME, MS_NOATIME },
		     { ST_NODIRATIME, MS_NODIRATIME },
		     { ST_RELATIME, MS_RELATIME } };
	unsigned long flags = 0;
	struct statvfs st;

	if (statvfs(place, &st) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (st.f_flag & kept[i].of)
			flags |= kept[i].flag;
	return flags;
}

/* `source` is the path's, from before BASE was covered. */
static int
show(const char *path, int source, struct err *e)
{
	_free_ char *place = xasprintf(BASE "%s", path);
	char from[64];
	struct stat st;

	if (fstat(source, &st) < 0)
		return err_errno(e, "%s", path);
	if (make_place(place, S_ISDIR(st.st_mode), e) < 0)
		return -1;
	snprintf(from, sizeof(from), "/proc/self/fd/%d", source);
	if (mount(from, place, NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_errno(e, "show %s", path);
	if (mount(NULL, place, NULL,
		  MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV |
			  MS_NOEXEC | flags_of(place),
		  NULL) < 0)
		return err_errno(e, "show %s for reading only", path);
	return 0;
}

/* Open first and cover BASE then: one of them may be below it. */
static int
fill_root(const char *const *readable, int *sources, struct err *e)
{
	for (size_t i = 0; i < CONFINE_READABLE_MAX && readable[i]; i++)
		sources[i] = open(readable[i], O_PATH | O_CLOEXEC);
	if (mount("tmpfs", BASE, "tmpfs", MS_NOSUID | MS_NODEV, ROOT_OPTIONS) <
	    0)
		return err_errno(e, "make an empty root");
	for (size_t i = 0; i < CONFINE_READABLE_MAX && readable[i]; i++)
		/* -1: it is not there, or not for us */
		if (sources[i] >= 0 && show(readable[i], sources[i], e) < 0)
			return -1;
	return 0;
}

static int
switch_root(struct err *e)
{
	if (chdir(BASE) < 0 || mountapi_pivot_root(".", ".") < 0)
		return err_errno(e, "pivot_root");
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_errno(e, "let go of the old root");
	if (mount(NULL, "/", NULL,
		  MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV |
			  MS_NOEXEC,
		  NULL) < 0)
		return err_errno(e, "make the root read-only");
	return 0;
}

static int
make_root(const char *const *readable, struct err *e)
{
	static const char *const none[] = { NULL };
	int sources[CONFINE_READABLE_MAX], rc;

	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return err_errno(e, "part from the host's mounts");
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		sources[i] = -1;
	rc = fill_root(readable ? readable : none, sources, e);
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		if (sources[i] >= 0)
			close(sources[i]);
	return rc < 0 ? -1 : switch_root(e);
}

int
confine_namespaces(const struct confine *c, unsigned *layers, struct err *e)
{
	int rest = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP |
		   (c->network ? 0 : CLONE_NEWNET);
	uid_t uid = geteuid();
	gid_t gid = getegid();
	bool mapped;

	/* sysctl, a security module or an outer container may forbid it */
	if (unshare(CLONE_NEWUSER) < 0)
		return errno == EPERM || errno == ENOSPC || errno == EINVAL ||
				       errno == EACCES || errno == EUSERS ?
			       0 :
			       err_errno(e, "make a user namespace");
	*layers |= LAYER_USER_NS;
	/*
	 * User id 0 without capabilities may not map itself.  Then no file can
	 * be made in the new root, so that there is one for who reads none.
	 */
	mapped = map_ids(uid, gid, &(struct err)ERR_INIT) == 0;
	/* some give a namespace in which nothing may be done (AppArmor) */
	if (unshare(rest) < 0)
		return errno == EPERM || errno == EACCES || errno == ENOSPC ?
			       0 :
			       err_errno(e, "make namespaces");
	*layers |= LAYER_NAMESPACES;
	if (!mapped && c->readable)
		return 0;
	if (make_root(c->readable, e) < 0)
		return -1;
	*layers |= LAYER_ROOT;
	return 0;
}
