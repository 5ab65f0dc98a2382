/* Which files of a library may be plugins. */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "plugin/library_parts.h"
#include "plugin/trusted.h"

struct scan {
	const char *root;
	int fd; /* of the root */
	struct strv *found;
	struct strv folders; /* besides python and shell */
};

static void
close_scan(struct scan *s)
{
	cleanup_fdp(&s->fd);
	strv_release(&s->folders);
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && strcmp(s + n - m, end) == 0;
}

bool
library_is_test(const char *rel)
{
	const char *slash = strrchr(rel, '/');
	const char *base = slash ? slash + 1 : rel;

	return fnmatch("test_*.py", base, 0) == 0 ||
	       fnmatch("*_test.sh", base, 0) == 0 ||
	       strcmp(base, "conftest.py") == 0;
}

/* --- Which entries of a folder ------------------------------------------- */

/* Each is told an entry, by its path below the root. */
typedef void entry_fn(struct scan *s, const char *rel, const struct stat *st);

static void
python_entry(struct scan *s, const char *rel, const struct stat *st)
{
	_free_ char *init = xasprintf("%s/__init__.py", rel);

	if (S_ISDIR(st->st_mode) ? faccessat(s->fd, init, F_OK, 0) == 0 :
				   ends_with(rel, ".py"))
		strv_add(s->found, rel);
}

static void
shell_entry(struct scan *s, const char *rel, const struct stat *st)
{
	if (!S_ISDIR(st->st_mode) && ends_with(rel, ".sh"))
		strv_add(s->found, rel);
}

/* A symlink is taken up where what it names could be run: to be refused. */
static void
executable_entry(struct scan *s, const char *rel, const struct stat *st)
{
	struct stat target = *st;

	if (S_ISLNK(st->st_mode) && fstatat(s->fd, rel, &target, 0) < 0)
		return;
	if (S_ISREG(target.st_mode) && (target.st_mode & 0111) &&
	    !ends_with(rel, LIBRARY_SIDECAR))
		strv_add(s->found, rel);
}

static void
top_entry(struct scan *s, const char *rel, const struct stat *st)
{
	if (!S_ISDIR(st->st_mode))
		executable_entry(s, rel, st);
	else if (strcmp(rel, "python") != 0 && strcmp(rel, "shell") != 0)
		strv_add(&s->folders, rel);
}

/* --- Folders ------------------------------------------------------------- */

/* A folder that is not there holds nothing. */
static int
scan_folder(struct scan *s, const char *folder, entry_fn *fn, struct err *e)
{
	_free_ char *path = xasprintf("%s/%s", s->root, folder);
	_strv_ struct strv names = { 0 };
	struct err err = ERR_INIT;

	if (trusted_names(s->fd, *folder ? folder : ".", path,
			  LIBRARY_MAX_FILES, &names, &err) < 0) {
		if (err.errnum == ENOENT || err.errnum == ENOTDIR)
			return 0;
		*e = err;
		return -1;
	}
	for (size_t i = 0; i < names.n; i++) {
		_free_ char *rel = xasprintf(
			"%s%s%s", folder, *folder ? "/" : "", names.items[i]);
		struct stat st;

		if (names.items[i][0] != '.' &&
		    fstatat(s->fd, rel, &st, AT_SYMLINK_NOFOLLOW) == 0)
			fn(s, rel, &st);
	}
	return 0;
}

char *
library_root(const struct library *l, struct err *e)
{
	char *root = realpath(l->path, NULL);

	if (root)
		return root;
	err_errno(e, "open the folder of plugins %s", l->path);
	e->kind = ERR_USAGE;
	err_hint(e, "`plugins: {path: ...}` in the configuration says where "
		    "it is");
	return NULL;
}

static int
open_root(struct scan *s, struct err *e)
{
	s->fd = trusted_open_folder(AT_FDCWD, s->root, s->root, e);
	return s->fd < 0 ? -1 : scan_folder(s, "", top_entry, e);
}

int
library_scan(const char *root, struct strv *found, struct err *e)
{
	_cleanup_(close_scan) struct scan s = { .root = root,
						.fd = -1,
						.found = found };

	if (open_root(&s, e) < 0 ||
	    scan_folder(&s, "python", python_entry, e) < 0 ||
	    scan_folder(&s, "shell", shell_entry, e) < 0)
		return -1;
	for (size_t i = 0; i < s.folders.n; i++)
		if (scan_folder(&s, s.folders.items[i], executable_entry, e) <
		    0)
			return -1;
	return 0;
}

/* --- Likely files -------------------------------------------------------- */

static void
try_file(struct scan *s, const char *folder, const char *name, const char *end,
	 entry_fn *fn)
{
	_free_ char *rel =
		xasprintf("%s%s%s%s", folder, *folder ? "/" : "", name, end);
	struct stat st;

	if (fstatat(s->fd, rel, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !strv_has(s->found, rel))
		fn(s, rel, &st);
}

static void
try_name(struct scan *s, const char *name)
{
	try_file(s, "python", name, ".py", python_entry);
	try_file(s, "python", name, "", python_entry);
	try_file(s, "shell", name, ".sh", shell_entry);
	try_file(s, "", name, "", executable_entry);
	for (size_t i = 0; i < s->folders.n; i++)
		try_file(s, s->folders.items[i], name, "", executable_entry);
}

int
library_likely(const char *root, const char *name, struct strv *found,
	       struct err *e)
{
	_cleanup_(close_scan) struct scan s = { .root = root,
						.fd = -1,
						.found = found };
	_strv_ struct strv top = { 0 };
	_free_ char *underscored = xstrdup(name);

	s.found = &top; /* executables of the top folder are not all likely */
	if (open_root(&s, e) < 0)
		return -1;
	s.found = found;
	for (char *p = underscored; *p; p++)
		if (*p == '-')
			*p = '_';
	try_name(&s, name);
	if (strcmp(name, underscored) != 0)
		try_name(&s, underscored);
	return 0;
}
