#include "plugin/trusted.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

static int
check_owner(const struct stat *st, const char *path, struct err *e)
{
	if (st->st_uid == 0 || st->st_uid == geteuid())
		return 0;
	err_set(e, ERR_DENIED, "%s belongs to user id %u", path,
		(unsigned)st->st_uid);
	return err_hint(e, "chown it to root or to the agent's own account");
}

static int
check_mode(const struct stat *st, const char *path, bool sticky, struct err *e)
{
	mode_t mode = st->st_mode;

	if (!(mode & (S_IWGRP | S_IWOTH)) ||
	    (sticky && S_ISDIR(mode) && (mode & S_ISVTX)))
		return 0;
	err_set(e, ERR_DENIED, "%s may be written by %s (mode %04o)", path,
		mode & S_IWOTH ? "others" : "its group", mode & 07777U);
	return err_hint(e, "chmod go-w %s", path);
}

/* ELOOP is what open() says of a symlink, ENOTDIR where a folder was asked. */
static int
cannot_open(int at, const char *name, const char *path, struct err *e)
{
	int saved = errno;
	struct stat st;

	if ((saved == ELOOP || saved == ENOTDIR) &&
	    fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(st.st_mode)) {
		err_set(e, ERR_DENIED,
			"%s is a symlink, whose target may lie "
			"where others can change it",
			path);
		return err_hint(e, "put the file itself there");
	}
	errno = saved;
	err_errno(e, "open %s", path);
	if (saved == EACCES)
		e->kind = ERR_DENIED;
	return -1;
}

static int
open_any(int at, const char *name, const char *path, int flags, struct stat *st,
	 struct err *e)
{
	_close_ int fd = -1;

	/* O_NONBLOCK: opening a FIFO must not hang */
	fd = openat(at, name,
		    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
			    flags);
	if (fd < 0)
		return cannot_open(at, name, path, e);
	if (fstat(fd, st) < 0)
		return err_errno(e, "stat %s", path);
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return err_set(e, ERR_USAGE,
			       "%s is neither a file nor a folder", path);
	if (check_owner(st, path, e) < 0)
		return -1;
	return steal_fd(&fd);
}

int
trusted_open(int at, const char *name, const char *path, struct stat *st,
	     struct err *e)
{
	_close_ int fd = -1;
	struct stat own = { 0 };

	fd = open_any(at, name, path, 0, st ? st : &own, e);
	if (fd < 0 || check_mode(st ? st : &own, path, false, e) < 0)
		return -1;
	return steal_fd(&fd);
}

int
trusted_open_file(int at, const char *name, const char *path, struct stat *st,
		  struct err *e)
{
	_close_ int fd = -1;
	struct stat own = { 0 };

	fd = trusted_open(at, name, path, &own, e);
	if (fd < 0)
		return -1;
	if (!S_ISREG(own.st_mode))
		return err_set(e, ERR_USAGE, "%s is not a regular file", path);
	if (st)
		*st = own;
	return steal_fd(&fd);
}

int
trusted_open_folder(int at, const char *name, const char *path, struct err *e)
{
	_close_ int fd = -1;
	struct stat st = { 0 };

	fd = open_any(at, name, path, O_DIRECTORY, &st, e);
	if (fd < 0 || check_mode(&st, path, true, e) < 0)
		return -1;
	return steal_fd(&fd);
}

static DIR *
open_dir(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !dir)
		close(fd);
	return dir;
}

static void
close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int
trusted_names(int at, const char *name, const char *path, size_t max,
	      struct strv *names, struct err *e)
{
	_cleanup_(close_dir) DIR *dir = open_dir(at, name);
	const struct dirent *entry;

	if (!dir)
		return err_errno(e, "read folder %s", path);
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (names->n >= max)
			return err_set(e, ERR_USAGE, "%s: more than %zu files",
				       path, max);
		strv_add(names, entry->d_name);
	}
	strv_sort(names);
	return 0;
}

int
trusted_read(int fd, const char *path, size_t max, struct buf *out,
	     struct err *e)
{
	if (!buf_reserve(out, max))
		return err_set(e, ERR_AGENT, "no room for %zu bytes", max);
	while (out->len < max) {
		ssize_t n = pread(fd, out->data + out->len, max - out->len,
				  (off_t)out->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "read %s", path);
		if (n == 0)
			break;
		out->len += (size_t)n;
	}
	out->data[out->len] = '\0';
	return 0;
}
