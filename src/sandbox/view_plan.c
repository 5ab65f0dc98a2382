#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "sandbox/mountapi.h"
#include "sandbox/view_parts.h"
#include "sandbox/walk.h"

static int
add_links(struct view *v, struct walk *w, struct err *e)
{
	for (int i = 0; i < w->n_links; i++) {
		const char *path = w->links[i].path;
		const char *slash = strrchr(path, '/');

		if (v->n_links == MAX_ENTRIES)
			return err_set(e, ERR_USAGE,
				       "more than %d symbolic links",
				       MAX_ENTRIES);
		if (slash > path)
			v->folders[v->n_links] =
				xstrndup(path + 1, (size_t)(slash - path) - 1);
		v->links[v->n_links][0] = steal_ptr(&w->links[i].path);
		v->links[v->n_links++][1] = steal_ptr(&w->links[i].target);
	}
	return 0;
}

static int
add_entry(struct view *v, struct walk *w, uint64_t attributes, struct err *e)
{
	struct entry *entry = &v->entries[v->n];

	if (v->n == MAX_ENTRIES)
		return err_set(e, ERR_USAGE, "more than %d paths", MAX_ENTRIES);
	entry->path = steal_ptr(&w->path);
	entry->source = NULL;
	entry->tree = -1;
	entry->attributes = attributes;
	entry->folder = w->folder;
	entry->cover = false;
	v->n++;
	return 0;
}

/* Is it there already, at least as writable? */
static bool
have_entry(const struct view *v, const char *path, uint64_t attributes)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->entries[i].path, path) == 0 &&
		    (v->entries[i].attributes & ~attributes) == 0)
			return true;
	return false;
}

/*
 * An ordinary user's plugins make links as that user, wherever any of them was
 * ever allowed to write: none of that user's is followed for what is asked for.
 */
static int
check_links(const struct walk *w, struct err *e)
{
	for (int i = 0; i < w->n_links; i++) {
		if (!w->links[i].callers)
			continue;
		err_set(e, ERR_DENIED,
			"%s is a symbolic link of your own, as a plugin that "
			"may write there could have made it",
			w->links[i].path);
		return err_hint(e, "grant the path that it leads to instead");
	}
	return 0;
}

static int
add_path(struct view *v, const char *path, uint64_t attributes, bool required,
	 struct err *e)
{
	struct walk w;
	int rc;

	if (walk_open(path, &w, e) < 0)
		return !required && e->errnum == ENOENT ? 0 : -1;
	rc = strv_has(&v->spec->own, path) ? 0 : check_links(&w, e);
	if (rc == 0 && !have_entry(v, w.path, attributes))
		rc = add_entry(v, &w, attributes, e);
	if (rc == 0)
		rc = add_links(v, &w, e);
	walk_release(&w);
	return rc;
}

static int
add_paths(struct view *v, const struct strv *paths, uint64_t attributes,
	  struct err *e)
{
	for (size_t i = 0; i < paths->n; i++) {
		const char *path = paths->items[i];

		/* the private /proc serves its own files: see view_proc */
		if (strncmp(path, "/proc/", 6) == 0 ||
		    strcmp(path, "/proc") == 0)
			continue;
		if (add_path(v, path, attributes, false, e) < 0)
			return -1;
	}
	return 0;
}

static int
by_path(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	/* of two with one path, the one with fewer attributes is on top */
	if (order == 0)
		return x->attributes < y->attributes ? 1 : -1;
	return order;
}

static void
drop_entry(struct view *v, size_t i)
{
	free(v->entries[i].path);
	v->n--;
	memmove(&v->entries[i], &v->entries[i + 1],
		(v->n - i) * sizeof(v->entries[0]));
}

/*
 * What the nearest entry above shows in the same way needs no mount of its
 * own; entries are sorted, so that one comes before it.
 */
static void
drop_covered(struct view *v)
{
	for (size_t i = 1; i < v->n;) {
		size_t above = i;

		while (above-- > 0)
			if (path_is_below(v->entries[i].path,
					  v->entries[above].path))
				break;
		/* the host's /proc is to cover the sandbox's own */
		if (above < i && strcmp(v->entries[i].path, "/proc") != 0 &&
		    v->entries[above].attributes == v->entries[i].attributes)
			drop_entry(v, i);
		else
			i++;
	}
}

/*
 * A mapping of /dev/zero is shared memory without a file, which only a control
 * group counts.  /dev/full reads the same and can't be mapped.
 */
static int
add_devices(struct view *v, bool counted, struct err *e)
{
	for (const char *const *d = view_devices; *d; d++) {
		if (add_path(v, *d, MOUNTAPI_NOSUID | MOUNTAPI_NOEXEC, true,
			     e) < 0)
			return -1;
		if (!counted && strcmp(*d, "/dev/zero") == 0)
			v->entries[v->n - 1].source = "/dev/full";
	}
	return 0;
}

static int
collect(struct view *v, bool counted, struct err *e)
{
	const struct sandbox_spec *s = v->spec;
	uint64_t common = MOUNTAPI_NOSUID | MOUNTAPI_NODEV;
	/* or the dynamic loader, called by name, would start what it names */
	uint64_t noexec = s->exec_any ? 0 : MOUNTAPI_NOEXEC;

	if (add_paths(v, &s->exec, common | MOUNTAPI_RDONLY, e) < 0 ||
	    add_paths(v, &s->libraries, common | MOUNTAPI_RDONLY, e) < 0 ||
	    add_paths(v, &s->read, common | MOUNTAPI_RDONLY | noexec, e) < 0 ||
	    add_paths(v, &s->write, common | noexec, e) < 0)
		return -1;
	if (s->host_processes &&
	    add_path(v, "/proc", common | MOUNTAPI_RDONLY | MOUNTAPI_NOEXEC,
		     true, e) < 0)
		return -1;
	if (add_devices(v, counted, e) < 0)
		return -1;
	qsort(v->entries, v->n, sizeof(v->entries[0]), by_path);
	drop_covered(v);
	return 0;
}

void
view_free(struct view *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->n; i++) {
		free(v->entries[i].path);
		if (v->entries[i].tree >= 0)
			close(v->entries[i].tree);
	}
	for (size_t i = 0; i < v->n_links; i++) {
		free(v->links[i][0]);
		free(v->links[i][1]);
		free(v->folders[i]);
	}
	if (v->base >= 0)
		close(v->base);
	if (v->proc >= 0)
		close(v->proc);
	free(v);
}

static void
view_freep(struct view **v)
{
	view_free(*v);
}

/* --- Folders that the plugin's user id can't pass --------------------------
 */

static bool
may_pass(const char *folder, const struct view_user *user)
{
	struct stat st;

	if (stat(folder, &st) < 0 || (st.st_mode & S_IXOTH))
		return true;
	if (st.st_uid == user->uid)
		return st.st_mode & S_IXUSR;
	return st.st_gid == user->gid && (st.st_mode & S_IXGRP);
}

static int
add_cover(struct view *v, const char *folder, struct err *e)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->entries[i].cover &&
		    strcmp(v->entries[i].path, folder) == 0)
			return 0;
	if (v->n == MAX_ENTRIES)
		return err_set(e, ERR_USAGE, "more than %d paths", MAX_ENTRIES);
	v->entries[v->n++] = (struct entry){ .path = xstrdup(folder),
					     .tree = -1,
					     .folder = true,
					     .cover = true };
	return 0;
}

/* The first folder on the way from what is shown above to `path`. */
static int
cover_way(struct view *v, const char *above, const char *path,
	  const struct view_user *user, struct err *e)
{
	_free_ char *folder = xstrdup(path);
	size_t start = strcmp(above, "/") == 0 ? 1 : strlen(above);

	for (size_t i = start; path[i]; i++) {
		if (path[i] != '/')
			continue;
		folder[i] = '\0';
		if (!may_pass(folder, user))
			return add_cover(v, folder, e);
		folder[i] = '/';
	}
	return 0;
}

/*
 * What lies in a private folder (a source tree in /root, mode 0700) is to be
 * reached even where a folder above, such as "/", is shown too: there the
 * private one is covered by an empty one, in which only what was granted is
 * put.  Nothing is lost: the plugin could not have passed it.
 */
static int
cover_private(struct view *v, const struct view_user *user, struct err *e)
{
	size_t n = v->n;

	for (size_t i = 1; i < n; i++) {
		size_t above = i;

		while (above-- > 0)
			if (path_is_below(v->entries[i].path,
					  v->entries[above].path))
				break;
		if (above < i && cover_way(v, v->entries[above].path,
					   v->entries[i].path, user, e) < 0)
			return -1;
	}
	qsort(v->entries, v->n, sizeof(v->entries[0]), by_path);
	return 0;
}

/* "size=0" would mean without a bound. */
static void
set_tmp_options(struct view *v, int64_t size)
{
	snprintf(v->tmp_options, sizeof(v->tmp_options),
		 "size=%lld,nr_inodes=%lld,mode=1777",
		 (long long)(size > 4096 ? size : 4096),
		 (long long)size / 4096 + 16);
}

int
view_prepare(const struct sandbox_spec *spec, const struct view_user *user,
	     bool counted, struct view **out, struct err *e)
{
	_cleanup_(view_freep) struct view *v = xcalloc(1, sizeof(*v));

	v->spec = spec;
	v->base = v->proc = -1;
	v->places.made = "";
	set_tmp_options(v, spec->tmp_bytes);
	v->writable_proc = user && user->maps;
	if (collect(v, counted, e) < 0 ||
	    (user && cover_private(v, user, e) < 0))
		return -1;
	*out = steal_ptr(&v);
	return 0;
}
