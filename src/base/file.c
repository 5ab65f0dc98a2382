#include "base/file.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

int
file_read_fd(int fd, const char *name, struct buf *out, struct err *e)
{
	for (;;) {
		char chunk[4096];
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "read %s", name);
		if (n == 0)
			break;
		buf_add(out, chunk, (size_t)n);
		if (out->overflow)
			return err_set(e, ERR_USAGE,
				       "%s is larger than %zu bytes", name,
				       out->max);
	}
	buf_add(out, "", 0);
	return 0;
}

int
file_read(const char *path, struct buf *out, struct err *e)
{
	_close_ int fd = -1;
	struct stat st;

	/* O_NONBLOCK: opening a FIFO must not hang */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_errno(e, "open %s", path);
	if (fstat(fd, &st) < 0)
		return err_errno(e, "stat %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "%s is not a regular file", path);
	return file_read_fd(fd, path, out, e);
}

int
file_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
sync_folder(const char *path)
{
	_free_ char *copy = xstrdup(path);
	_close_ int fd = -1;

	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -1 : fsync(fd);
}

int
file_replace(const char *path, const void *data, size_t len, mode_t mode,
	     struct err *e)
{
	_free_ char *tmp = xasprintf("%s.XXXXXX", path);
	_close_ int fd = -1;

	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "create a file beside %s", path);
	if (fchmod(fd, mode) < 0 || file_write_all(fd, data, len) < 0 ||
	    fsync(fd) < 0 || rename(tmp, path) < 0) {
		err_errno(e, "write %s", path);
		unlink(tmp);
		return -1;
	}
	if (sync_folder(path) < 0)
		return err_errno(e, "sync the folder of %s", path);
	return 0;
}

int
file_mkdir_p(const char *path, mode_t mode, struct err *e)
{
	_free_ char *copy = xstrdup(path);

	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return err_errno(e, "create folder %s", copy);
		*p = '/';
	}
	if (mkdir(copy, mode) < 0 && errno != EEXIST)
		return err_errno(e, "create folder %s", copy);
	return 0;
}

static int
check_trusted_one(const char *path, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return err_errno(e, "stat %s", path);
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		err_set(e, ERR_DENIED, "%s belongs to user id %u", path,
			(unsigned)st.st_uid);
		return err_hint(e, "chown it to root or to the agent's own "
				   "account");
	}
	/* the mode of a symlink means nothing; its owner was checked */
	if (!S_ISLNK(st.st_mode) && (st.st_mode & (S_IWGRP | S_IWOTH)) &&
	    !(S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX))) {
		err_set(e, ERR_DENIED, "%s may be written by %s (mode %04o)",
			path, st.st_mode & S_IWOTH ? "others" : "its group",
			(unsigned)st.st_mode & 07777);
		return err_hint(e, "chmod go-w %s", path);
	}
	return 0;
}

int
file_check_trusted(const char *path, bool parent, struct err *e)
{
	_free_ char *copy = xstrdup(path);

	if (check_trusted_one(path, e) < 0)
		return -1;
	return parent ? check_trusted_one(dirname(copy), e) : 0;
}
