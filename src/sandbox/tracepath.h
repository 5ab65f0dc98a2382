/*
 * tracepath.h: which path a system call names, for `plugin trace`.
 *
 * Only explains; nothing is decided by it.
 */
#ifndef SANDBOX_TRACEPATH_H
#define SANDBOX_TRACEPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/types.h>

struct tracepath {
	int dirfd;	  /* AT_FDCWD where the call has none */
	uint64_t address; /* of the path in the caller's memory */
	bool write;	  /* the call would change something */
	int syscall;	  /* its number; a stat's where it only looks */
};

/* false where this call names no path. */
bool tracepath_find(int nr, const __u64 args[6], struct tracepath *t);

/*
 * Make `path` absolute by the working folder or the descriptor of process
 * `pid`, and normal ("." and ".." resolved by text).  false where it can't
 * be told or does not fit.
 */
bool tracepath_resolve(int proc, unsigned pid, int dirfd, const char *path,
		       char *out, size_t size);

#endif
