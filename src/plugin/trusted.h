/*
 * trusted.h: opens what only root or the caller can change.
 *
 * What is checked is the open descriptor, so that nothing can be put in its
 * place between the check and the reading.  Symlinks are not followed.  A
 * refusal is of kind ERR_DENIED and says what is wrong and how to mend it.
 */
#ifndef PLUGIN_TRUSTED_H
#define PLUGIN_TRUSTED_H

#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

/*
 * Open `name` in the open folder `at` (or AT_FDCWD), to read; `path` is what
 * messages call it.  `st` may be NULL.  The descriptor, or -1: with errno
 * ENOENT in e->errnum where there is no such file.
 *
 * trusted_open() takes a regular file or a folder, trusted_open_file() a
 * regular file only.
 */
int trusted_open(int at, const char *name, const char *path, struct stat *st,
		 struct err *e);
int trusted_open_file(int at, const char *name, const char *path,
		      struct stat *st, struct err *e);

/*
 * A folder on the way to something.  Others may write it only if it is
 * sticky, as /tmp is, where they can't replace what is ours.
 */
int trusted_open_folder(int at, const char *name, const char *path,
			struct err *e);

/*
 * Append what the folder `name` in `at` holds, but "." and "..", sorted; more
 * than `max` names are an error.
 */
int trusted_names(int at, const char *name, const char *path, size_t max,
		  struct strv *names, struct err *e);

/* The first `max` bytes of an open file, read from its start. */
int trusted_read(int fd, const char *path, size_t max, struct buf *out,
		 struct err *e);

#endif
