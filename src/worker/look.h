/*
 * look.h: what the host has at paths that a plugin chose.
 *
 * Another process looks, with a time limit: a path on a network mount whose
 * server is gone would hold up whoever touches it, for ever.
 */
#ifndef WORKER_LOOK_H
#define WORKER_LOOK_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

enum look_kind {
	LOOK_NONE, /* nothing there */
	LOOK_HUNG, /* no answer in time */
	LOOK_FILE,
	LOOK_PROGRAM, /* for the kernel to load: ELF */
	LOOK_SCRIPT,  /* "#!" and an execute bit */
	LOOK_FOLDER,
	LOOK_SOCKET,
	LOOK_OTHER,
};

struct look {
	enum look_kind kind;
	mode_t mode;
	uid_t uid;
	char *real; /* without symlinks; NULL where there is nothing */
};

/*
 * Fill all[i] for each of n absolute paths, symlinks followed.  Takes two
 * seconds at most, whatever hangs.
 */
void look_at(char *const *paths, size_t n, struct look *all);
void look_free(struct look *all, size_t n);

#endif
