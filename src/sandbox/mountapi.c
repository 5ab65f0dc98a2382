#include "sandbox/mountapi.h"

#include <sys/mount.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/mount.h>

int
mountapi_clone_tree(int fd)
{
	return (int)syscall(SYS_open_tree, fd, "",
			    AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE |
				    OPEN_TREE_CLOEXEC);
}

int
mountapi_set_attributes(int tree, uint64_t attributes)
{
	struct mount_attr attr = {
		.attr_set = attributes,
		.propagation = MS_PRIVATE,
	};

	return (int)syscall(SYS_mount_setattr, tree, "",
			    AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr));
}

int
mountapi_attach(int tree, int target)
{
	return (int)syscall(SYS_move_mount, tree, "", target, "",
			    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int
mountapi_open_beneath(int root, const char *relative)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, root, relative, &how, sizeof(how));
}

int
mountapi_open_real(const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

int
mountapi_pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

struct option_row {
	const char *option;
	unsigned long flag;
};

/* What a mount already has may be locked, so a remount keeps it. */
static const struct option_row options[] = {
	{ "ro", MS_RDONLY },	     { "nosuid", MS_NOSUID },
	{ "nodev", MS_NODEV },	     { "noexec", MS_NOEXEC },
	{ "noatime", MS_NOATIME },   { "nodiratime", MS_NODIRATIME },
	{ "relatime", MS_RELATIME },
};

static const struct {
	uint64_t attribute;
	unsigned long flag;
} attribute_flags[] = {
	{ MOUNTAPI_RDONLY, MS_RDONLY },
	{ MOUNTAPI_NOSUID, MS_NOSUID },
	{ MOUNTAPI_NODEV, MS_NODEV },
	{ MOUNTAPI_NOEXEC, MS_NOEXEC },
};

static int
remount(const struct mntent *m, uint64_t attributes)
{
	unsigned long flags = MS_BIND | MS_REMOUNT;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (hasmntopt(m, options[i].option))
			flags |= options[i].flag;
	for (size_t i = 0; i < 4; i++)
		if (attributes & attribute_flags[i].attribute)
			flags |= attribute_flags[i].flag;
	return mount(NULL, m->mnt_dir, NULL, flags, NULL);
}

int
mountapi_remount_below(const char *path, uint64_t attributes)
{
	size_t len = strlen(path);
	char text[8192];
	struct mntent m;
	int rc = 0;
	FILE *f = setmntent("/proc/self/mounts", "re");

	if (!f)
		return -1;
	while (rc == 0 && getmntent_r(f, &m, text, sizeof(text))) {
		const char *rest = m.mnt_dir + len;

		if (strncmp(m.mnt_dir, path, len) == 0 &&
		    (*rest == '/' || *rest == '\0'))
			rc = remount(&m, attributes);
	}
	endmntent(f);
	return rc;
}
