#include "sandbox/view.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox/mountapi.h"
#include "sandbox/view_parts.h"

/* The new root is mounted over this folder of the old one. */
#define BASE "/tmp"
/* How plugins tell the sandbox's own mounts from the host's. */
#define SOURCE "devops_agent"

const char *const view_devices[] = { "/dev/null",   "/dev/zero",    "/dev/full",
				     "/dev/random", "/dev/urandom", NULL };

/* What was found is opened again, and this time without any symlink. */
static int
clone_entry(struct view *v, struct entry *entry, struct err *e)
{
	const char *source = entry->source ? entry->source : entry->path;
	_close_ int fd = mountapi_open_real(source);

	if (fd < 0)
		return err_errno(e, "open %s", source);
	entry->tree = mountapi_clone_tree(fd);
	if (entry->tree < 0)
		return err_errno(e, "bind %s", entry->path);
	if (mountapi_set_attributes(entry->tree, entry->attributes) == 0)
		return 0;
	if (errno != ENOSYS)
		return err_errno(e, "restrict %s", entry->path);
	v->old_kernel = true;
	return 0;
}

static int
clone_all(struct view *v, struct err *e)
{
	for (size_t i = 0; i < v->n; i++)
		if (!v->entries[i].cover &&
		    clone_entry(v, &v->entries[i], e) < 0)
			return -1;
	return 0;
}

/* Make a folder, which may be there, or an empty file, which may not. */
static int
make_place(int dir, const char *name, bool folder)
{
	_close_ int made = -1;

	if (folder)
		return mkdirat(dir, name, 0755) < 0 && errno != EEXIST ? -1 : 0;
	made = openat(dir, name,
		      O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC,
		      0644);
	return made < 0 ? -1 : 0;
}

/* In no granted folder, so that nobody else can reach what is above it? */
static bool
is_own(const struct view *v, const char *path)
{
	for (size_t i = 0; i < v->n; i++) {
		const char *folder = v->entries[i].path + 1;
		size_t len = strlen(folder);

		if (strncmp(path, folder, len) == 0 &&
		    (len == 0 || path[len] == '/'))
			return false;
	}
	return true;
}

static int
open_own(struct view *v, const char *path, bool folder, struct err *e)
{
	int fd = -1;

	if (place_make(&v->places, path, folder, e) == 0) {
		fd = mountapi_open_beneath(v->base, path);
		if (fd < 0)
			err_errno(e, "open place %s", path);
	}
	return fd;
}

/*
 * Make every folder on the way to `path` (relative to the new root), and the
 * last component as a folder or an empty file, where they are missing; then
 * open it.  No symlink is followed and nothing outside the root is reached,
 * whoever changes a granted folder meanwhile.
 */
static int
open_granted(struct view *v, const char *path, bool folder, struct err *e)
{
	_close_ int dir = -1;
	_free_ char *copy = xstrdup(path);
	char *rest = copy, *name;
	int fd;

	fd = mountapi_open_beneath(v->base, path);
	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? err_errno(e, "open %s inside", path) : fd;
	dir = fcntl(v->base, F_DUPFD_CLOEXEC, 0);
	while (dir >= 0 && (name = strsep(&rest, "/"))) {
		if (make_place(dir, name, rest || folder) < 0)
			return err_errno(e, "make place %s", path);
		fd = mountapi_open_beneath(dir, name);
		close(dir);
		dir = fd;
	}
	return dir < 0 ? err_errno(e, "open place %s", path) : steal_fd(&dir);
}

static int
open_place(struct view *v, const char *path, bool folder, struct err *e)
{
	return is_own(v, path) ? open_own(v, path, folder, e) :
				 open_granted(v, path, folder, e);
}

static int
restrict_old(const struct entry *entry, struct err *e)
{
	_free_ char *path = xasprintf(BASE "%s", entry->path);

	return mountapi_remount_below(path, entry->attributes) < 0 ?
		       err_errno(e, "restrict %s", entry->path) :
		       0;
}

static int
place(struct view *v, const struct entry *entry, struct err *e)
{
	_close_ int target = -1;

	target = open_place(v, entry->path + 1, entry->folder, e);
	if (target < 0)
		return -1;
	if (mountapi_attach(entry->tree, target) < 0)
		return err_errno(e, "mount %s", entry->path);
	return v->old_kernel ? restrict_old(entry, e) : 0;
}

/* A host root that was granted becomes the new root; else an empty tmpfs. */
static int
mount_base(struct view *v, struct err *e)
{
	if (mount(SOURCE, BASE, "tmpfs", MS_NOSUID | MS_NODEV,
		  "size=1m,nr_inodes=4096,mode=0755") < 0)
		return err_errno(e, "mount the new root");
	if (v->n > 0 && strcmp(v->entries[0].path, "/") == 0) {
		_close_ int target = open(BASE, O_PATH | O_CLOEXEC);

		if (target < 0 ||
		    mountapi_attach(v->entries[0].tree, target) < 0)
			return err_errno(e, "mount / as the new root");
		if (v->old_kernel &&
		    mountapi_remount_below(BASE, v->entries[0].attributes) < 0)
			return err_errno(e, "restrict /");
	}
	v->base = open(BASE, O_PATH | O_DIRECTORY | O_CLOEXEC);
	v->places.root = v->base;
	/* paths without a slash in front are the new root's from here on */
	return v->base < 0 || fchdir(v->base) < 0 ?
		       err_errno(e, "open the new root") :
		       0;
}

static int
make_links(struct view *v, struct err *e)
{
	for (size_t i = 0; i < v->n_links; i++) {
		const char *path = v->links[i][0] + 1;
		const char *folder = v->folders[i];
		_close_ int fd = -1;

		if (folder) {
			fd = open_place(v, folder, true, e);
			if (fd < 0)
				return -1;
		}
		if (symlinkat(v->links[i][1], fd < 0 ? v->base : fd,
			      folder ? path + strlen(folder) + 1 : path) < 0 &&
		    errno != EEXIST && errno != EROFS)
			return err_errno(e, "make link %s", path);
	}
	return 0;
}

/* Mount a file system of the sandbox's own at `path` ("tmp"). */
static int
mount_own(struct view *v, const char *path, const char *type,
	  unsigned long flags, const char *options, struct err *e)
{
	_close_ int fd = open_place(v, path, true, e);

	if (fd < 0)
		return -1;
	if (mount(SOURCE, path, type, MS_NOSUID | flags, options) < 0)
		return err_errno(e, "mount a private /%s", path);
	return 0;
}

/* Is this path, or a folder that it is in, granted? */
static bool
is_granted(const struct sandbox_spec *s, const char *path)
{
	const struct strv *lists[] = { &s->read, &s->write };

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		for (size_t i = 0; i < lists[l]->n; i++) {
			const char *granted = lists[l]->items[i];
			size_t len = strlen(path);

			/* "/proc" grants "/proc/x"; so does "/proc/x/y" */
			if (strcmp(granted, "/proc") == 0 ||
			    (strncmp(granted, path, len) == 0 &&
			     (granted[len] == '\0' || granted[len] == '/')))
				return true;
		}
	}
	return false;
}

static bool
wants_proc_files(const struct sandbox_spec *s)
{
	const struct strv *lists[] = { &s->read, &s->write };

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
		for (size_t i = 0; i < lists[l]->n; i++)
			if (strncmp(lists[l]->items[i], "/proc", 5) == 0)
				return true;
	return false;
}

/* Hide one file or folder of the private /proc behind an empty one. */
static int
mask(struct view *v, const char *path, bool folder, struct err *e)
{
	_close_ int source = -1, tree = -1, target = -1;

	if (folder)
		return mount(SOURCE, path, "tmpfs",
			     MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
			     "nr_inodes=1,mode=0555") < 0 ?
			       err_errno(e, "mask /%s", path) :
			       0;
	source = mountapi_open_beneath(v->base, "dev/null");
	if (source >= 0)
		tree = mountapi_clone_tree(source);
	target = mountapi_open_beneath(v->base, path);
	if (tree < 0 || target < 0 || mountapi_attach(tree, target) < 0)
		return err_errno(e, "mask /%s", path);
	return 0;
}

/* Everything of /proc that is no process and was not granted is masked. */
static int
mask_proc(struct view *v, struct err *e)
{
	DIR *d = opendir(BASE "/proc");
	struct dirent *entry;
	int rc = 0;

	if (!d)
		return err_errno(e, "list the private /proc");
	while (rc == 0 && (entry = readdir(d))) {
		char path[sizeof(entry->d_name) + 8];

		if (strchr("0123456789.", entry->d_name[0]) ||
		    entry->d_type == DT_LNK)
			continue;
		snprintf(path, sizeof(path), "/proc/%s", entry->d_name);
		if (!is_granted(v->spec, path))
			rc = mask(v, path + 1, entry->d_type == DT_DIR, e);
	}
	closedir(d);
	return rc;
}

static int
mount_proc(struct view *v, struct err *e)
{
	bool files = wants_proc_files(v->spec) && !v->spec->host_processes;

	unsigned long read_only = v->writable_proc ? 0 : MS_RDONLY;

	if (mount_own(v, "proc", "proc", MS_NODEV | MS_NOEXEC | read_only,
		      files ? NULL : "subset=pid", e) < 0)
		return -1;
	v->proc = open(BASE "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->proc < 0)
		return err_errno(e, "open the private /proc");
	return 0;
}

static int
mount_private(struct view *v, struct err *e)
{
	unsigned long noexec = v->spec->exec_any ? 0 : MS_NOEXEC;

	return mount_own(v, "tmp", "tmpfs", MS_NODEV | noexec, v->tmp_options,
			 e);
}

/* Folders and links that only an empty root lacks. */
static int
make_skeleton(struct view *v, struct err *e)
{
	static const char *const links[][2] = {
		{ "dev/fd", "/proc/self/fd" },
		{ "dev/stdin", "/proc/self/fd/0" },
		{ "dev/stdout", "/proc/self/fd/1" },
		{ "dev/stderr", "/proc/self/fd/2" },
	};

	if (v->n > 0 && strcmp(v->entries[0].path, "/") == 0)
		return 0;
	if (mkdirat(v->base, "dev", 0755) < 0)
		return err_errno(e, "make /dev");
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlinkat(links[i][1], v->base, links[i][0]) < 0)
			return err_errno(e, "make /%s", links[i][0]);
	return 0;
}

static int
place_all(struct view *v, struct err *e)
{
	for (size_t i = 0; i < v->n; i++) {
		if (strcmp(v->entries[i].path, "/") == 0 ||
		    strcmp(v->entries[i].path, "/proc") == 0)
			continue;
		if (v->entries[i].cover ?
			    mount_own(v, v->entries[i].path + 1, "tmpfs",
				      MS_NODEV | MS_NOEXEC,
				      "nr_inodes=1024,mode=0755", e) < 0 :
			    place(v, &v->entries[i], e) < 0)
			return -1;
	}
	return 0;
}

/* What lies over the sandbox's own /proc: masks, or the host's. */
static int
cover_proc(struct view *v, struct err *e)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->entries[i].path, "/proc") == 0)
			return place(v, &v->entries[i], e);
	return wants_proc_files(v->spec) ? mask_proc(v, e) : 0;
}

/* Change the root, let the old one go, and close the new one. */
static int
switch_root(struct view *v, struct err *e)
{
	bool own = v->n == 0 || strcmp(v->entries[0].path, "/") != 0;

	if (fchdir(v->base) < 0 || mountapi_pivot_root(".", ".") < 0)
		return err_errno(e, "pivot_root");
	if (umount2(".", MNT_DETACH) < 0)
		return err_errno(e, "let go of the old root");
	if (chdir("/") < 0)
		return err_errno(e, "chdir /");
	if (own &&
	    mount(NULL, "/", NULL,
		  MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV,
		  NULL) < 0)
		return err_errno(e, "make the new root read-only");
	return 0;
}

int
view_enter(struct view *v, int *proc, struct err *e)
{
	/* what the host unmounts later goes here too; nothing goes back */
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return err_errno(e, "part from the host's mounts");
	if (clone_all(v, e) < 0 || mount_base(v, e) < 0 ||
	    make_skeleton(v, e) < 0)
		return -1;
	/* /tmp first: a grant below it is mounted into it */
	if (mount_private(v, e) < 0 || place_all(v, e) < 0 ||
	    make_links(v, e) < 0 || mount_proc(v, e) < 0 ||
	    cover_proc(v, e) < 0 || switch_root(v, e) < 0)
		return -1;
	*proc = steal_fd(&v->proc);
	return 0;
}
