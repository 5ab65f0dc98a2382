/*
 * layer.h: the layers of the sandbox, by name.
 *
 * A set of them is what a sandbox enforces (in records and `doctor`), and what
 * a configuration requires.
 */
#ifndef MODEL_LAYER_H
#define MODEL_LAYER_H

enum layer {
	LAYER_USER_NS = 1 << 0,
	LAYER_NAMESPACES = 1 << 1, /* mount, pid, ipc, uts, cgroup, net */
	LAYER_ROOT = 1 << 2,	   /* a private root, read-only binds */
	LAYER_CAPABILITIES = 1 << 3,
	LAYER_NO_NEW_PRIVS = 1 << 4,
	LAYER_LANDLOCK = 1 << 5,       /* files and programs */
	LAYER_LANDLOCK_NET = 1 << 6,   /* TCP ports (ABI 4) */
	LAYER_LANDLOCK_SCOPE = 1 << 7, /* abstract sockets, signals (ABI 6) */
	LAYER_SECCOMP = 1 << 8,
	LAYER_SECCOMP_NOTIFY = 1 << 9, /* refusals are explained */
	LAYER_CGROUP = 1 << 10,	       /* memory and process limits by cgroup */
	LAYER_LIMITS = 1 << 11,	       /* rlimits and the memory watch */
	LAYER_USER_ID = 1 << 12,       /* a user id that no other sandbox has */
	LAYER_END = 1 << 13,
};

/* "landlock" and so on; NULL where `bit` is no one layer. */
const char *layer_name(unsigned bit);

/* The bit of that name, 0 where there is none. */
unsigned layer_bit(const char *name);

/* All names, in the order of their bits; NULL at the end. */
extern const char *const layer_names[];

#endif
