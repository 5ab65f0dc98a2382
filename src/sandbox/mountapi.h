/*
 * mountapi.h: the mount system calls that glibc of this generation lacks.
 *
 * Thin wrappers with the kernel's own names and errors (-1 and errno); see
 * open_tree(2), move_mount(2), mount_setattr(2), openat2(2), pivot_root(2).
 */
#ifndef SANDBOX_MOUNTAPI_H
#define SANDBOX_MOUNTAPI_H

#include <stdint.h>

#define MOUNTAPI_RDONLY 0x1
#define MOUNTAPI_NOSUID 0x2
#define MOUNTAPI_NODEV 0x4
#define MOUNTAPI_NOEXEC 0x8

/* openat2 with RESOLVE_NO_SYMLINKS, O_PATH, of an absolute path. */
int mountapi_open_real(const char *path);
/* A detached copy of the mount tree below an O_PATH descriptor. */
int mountapi_clone_tree(int fd);
/* Add attributes (MOUNTAPI_*) to a detached tree and all mounts in it. */
int mountapi_set_attributes(int tree, uint64_t attributes);
/*
 * For kernels before 5.12 (no mount_setattr): give the mount at `path`, and
 * every mount below it, the attributes by remounting each.
 */
int mountapi_remount_below(const char *path, uint64_t attributes);
/* Attach a detached tree at the place that `target` (O_PATH) names. */
int mountapi_attach(int tree, int target);
/* openat2 with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS, O_PATH. */
int mountapi_open_beneath(int root, const char *relative);
int mountapi_pivot_root(const char *new_root, const char *put_old);

#endif
