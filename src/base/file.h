/*
 * file.h: files and descriptors, bounded and whole.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Read all of `path` into `out` (out->max bounds it; more is an error).
 * Only a regular file is read, never a FIFO or a device.
 */
int file_read(const char *path, struct buf *out, struct err *e);

/* The same from an open descriptor, which is not closed. */
int file_read_fd(int fd, const char *name, struct buf *out, struct err *e);

/* Write all of `data`, whatever short writes come; 0 or -1 with errno. */
int file_write_all(int fd, const void *data, size_t len);

/*
 * Replace `path` by `data`, whole or not at all, even over a power cut:
 * a temporary file beside it, fsync, rename, fsync of the folder.
 */
int file_replace(const char *path, const void *data, size_t len, mode_t mode,
		 struct err *e);

/* mkdir -p; existing folders are left as they are. */
int file_mkdir_p(const char *path, mode_t mode, struct err *e);

/*
 * May somebody other than root and the caller change what `path` names?
 * Checks the file itself (following no symlink) and, with `parent`, the
 * folder it is in.  Returns 0 when only root or the caller may, -1 with a
 * reason (kind ERR_DENIED: owner, mode) otherwise.
 */
int file_check_trusted(const char *path, bool parent, struct err *e);

#endif
