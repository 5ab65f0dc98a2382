#include "sandbox/tracepath.h"

#include <sys/syscall.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { NO_DIRFD = -1, NO_FLAGS = -1 };

struct row {
	int nr;
	int dirfd; /* index of the argument; NO_DIRFD */
	int path;  /* index of the argument */
	int flags; /* index of open flags; NO_FLAGS */
	bool write;
};

static const struct row rows[] = {
#ifdef SYS_open
	{ SYS_open, NO_DIRFD, 0, 1, false },
	{ SYS_creat, NO_DIRFD, 0, NO_FLAGS, true },
	{ SYS_stat, NO_DIRFD, 0, NO_FLAGS, false },
	{ SYS_lstat, NO_DIRFD, 0, NO_FLAGS, false },
	{ SYS_access, NO_DIRFD, 0, NO_FLAGS, false },
	{ SYS_readlink, NO_DIRFD, 0, NO_FLAGS, false },
	{ SYS_mkdir, NO_DIRFD, 0, NO_FLAGS, true },
	{ SYS_rmdir, NO_DIRFD, 0, NO_FLAGS, true },
	{ SYS_unlink, NO_DIRFD, 0, NO_FLAGS, true },
	{ SYS_rename, NO_DIRFD, 1, NO_FLAGS, true },
	{ SYS_link, NO_DIRFD, 1, NO_FLAGS, true },
	{ SYS_symlink, NO_DIRFD, 1, NO_FLAGS, true },
	{ SYS_chmod, NO_DIRFD, 0, NO_FLAGS, true },
	{ SYS_chown, NO_DIRFD, 0, NO_FLAGS, true },
	{ SYS_lchown, NO_DIRFD, 0, NO_FLAGS, true },
	{ SYS_utime, NO_DIRFD, 0, NO_FLAGS, true },
	{ SYS_utimes, NO_DIRFD, 0, NO_FLAGS, true },
	{ SYS_futimesat, 0, 1, NO_FLAGS, true },
	{ SYS_mknod, NO_DIRFD, 0, NO_FLAGS, true },
#endif
	{ SYS_openat, 0, 1, 2, false },
	/* its flags are in memory: what it writes is not told */
	{ SYS_openat2, 0, 1, NO_FLAGS, false },
	{ SYS_newfstatat, 0, 1, NO_FLAGS, false },
	{ SYS_statx, 0, 1, NO_FLAGS, false },
	{ SYS_faccessat, 0, 1, NO_FLAGS, false },
#ifdef SYS_faccessat2
	{ SYS_faccessat2, 0, 1, NO_FLAGS, false },
#endif
	{ SYS_readlinkat, 0, 1, NO_FLAGS, false },
	{ SYS_execve, NO_DIRFD, 0, NO_FLAGS, false },
	{ SYS_execveat, 0, 1, NO_FLAGS, false },
	{ SYS_statfs, NO_DIRFD, 0, NO_FLAGS, false },
	{ SYS_chdir, NO_DIRFD, 0, NO_FLAGS, false },
	{ SYS_truncate, NO_DIRFD, 0, NO_FLAGS, true },
	{ SYS_mkdirat, 0, 1, NO_FLAGS, true },
	{ SYS_unlinkat, 0, 1, NO_FLAGS, true },
	{ SYS_renameat, 2, 3, NO_FLAGS, true },
	{ SYS_renameat2, 2, 3, NO_FLAGS, true },
	{ SYS_linkat, 2, 3, NO_FLAGS, true },
	{ SYS_symlinkat, 1, 2, NO_FLAGS, true },
	{ SYS_fchmodat, 0, 1, NO_FLAGS, true },
#ifdef SYS_fchmodat2
	{ SYS_fchmodat2, 0, 1, NO_FLAGS, true },
#endif
	{ SYS_fchownat, 0, 1, NO_FLAGS, true },
	{ SYS_mknodat, 0, 1, NO_FLAGS, true },
	{ SYS_inotify_add_watch, NO_DIRFD, 1, NO_FLAGS, false },
	{ SYS_getxattr, NO_DIRFD, 0, NO_FLAGS, false },
	{ SYS_lgetxattr, NO_DIRFD, 0, NO_FLAGS, false },
	{ SYS_listxattr, NO_DIRFD, 0, NO_FLAGS, false },
	{ SYS_llistxattr, NO_DIRFD, 0, NO_FLAGS, false },
	{ SYS_setxattr, NO_DIRFD, 0, NO_FLAGS, true },
	{ SYS_lsetxattr, NO_DIRFD, 0, NO_FLAGS, true },
	{ SYS_removexattr, NO_DIRFD, 0, NO_FLAGS, true },
	{ SYS_lremovexattr, NO_DIRFD, 0, NO_FLAGS, true },
	{ SYS_utimensat, 0, 1, NO_FLAGS, true },
};

bool
tracepath_find(int nr, const __u64 args[6], struct tracepath *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];

		if (r->nr != nr)
			continue;
		t->dirfd =
			r->dirfd == NO_DIRFD ? AT_FDCWD : (int)args[r->dirfd];
		t->address = args[r->path];
		t->write = r->write;
		t->syscall = nr;
		/* a handle: what is opened by it is told */
		if (r->flags != NO_FLAGS && (args[r->flags] & O_PATH)) {
			t->syscall = SYS_newfstatat;
			return t->address != 0;
		}
		if (r->flags != NO_FLAGS &&
		    ((args[r->flags] & O_ACCMODE) != O_RDONLY ||
		     (args[r->flags] & (O_CREAT | O_TRUNC))))
			t->write = true;
		return t->address != 0;
	}
	return false;
}

/* The folder that a relative path starts from, absolute. */
static bool
start_folder(int proc, unsigned pid, int dirfd, char *out, size_t size)
{
	char link[64];
	ssize_t n;

	if (dirfd == AT_FDCWD)
		snprintf(link, sizeof(link), "%u/cwd", pid);
	else
		snprintf(link, sizeof(link), "%u/fd/%d", pid, dirfd);
	n = readlinkat(proc, link, out, size - 1);
	if (n <= 0 || out[0] != '/')
		return false;
	out[n] = '\0';
	return true;
}

/* Append the components of `path`, resolving "." and "..". */
static bool
append(char *out, size_t size, const char *path)
{
	size_t len = strlen(out);

	while (*path) {
		size_t n;

		path += strspn(path, "/");
		n = strcspn(path, "/");
		if (n == 2 && memcmp(path, "..", 2) == 0) {
			while (len > 0 && out[--len] != '/')
				;
		} else if (n > 0 && !(n == 1 && *path == '.')) {
			if (len + n + 2 > size)
				return false;
			out[len++] = '/';
			memcpy(out + len, path, n);
			len += n;
		}
		out[len] = '\0';
		path += n;
	}
	return true;
}

bool
tracepath_resolve(int proc, unsigned pid, int dirfd, const char *path,
		  char *out, size_t size)
{
	char start[PATH_MAX] = "";

	/* fstat by another name: AT_EMPTY_PATH */
	if (path[0] == '\0')
		return false;
	if (path[0] != '/' &&
	    !start_folder(proc, pid, dirfd, start, sizeof(start)))
		return false;
	/* what find and others keep open to come back to; nobody lists it */
	if (strcmp(path, ".") == 0 && strcmp(start, "/") == 0)
		return false;
	out[0] = '\0';
	if (!append(out, size, start) || !append(out, size, path))
		return false;
	if (out[0] == '\0')
		memcpy(out, "/", 2);
	return true;
}
