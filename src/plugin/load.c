/* Reads one plugin: its files, its header, its digest. */
#include "plugin/library.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "plugin/at.h"
#include "plugin/header.h"
#include "plugin/library_parts.h"
#include "plugin/manifest.h"
#include "plugin/trusted.h"

/* A plugin while it is read. */
struct load {
	const struct library *library;
	const char *root;
	struct plugin *plugin;
	char *base;	/* the name of its file or folder */
	int folder;	/* that it is in */
	int own;	/* the file or folder itself */
	int entry;	/* the file that is run */
	int sidecar;	/* -1: none */
	struct stat st; /* of own */
	bool no_header;
};

static void
load_release(struct load *l)
{
	free(l->base);
	cleanup_fdp(&l->folder);
	cleanup_fdp(&l->own);
	cleanup_fdp(&l->entry);
	cleanup_fdp(&l->sidecar);
}

void
plugin_release(struct plugin *p)
{
	free(p->name);
	free(p->path);
	free(p->entry);
	free(p->header_file);
	manifest_release(&p->manifest);
	strv_release(&p->files);
	strv_release(&p->advice);
	memset(p, 0, sizeof(*p));
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && strcmp(s + n - m, end) == 0;
}

/* --- Its files ----------------------------------------------------------- */

/* Open each folder from the root on; the last part of `rel` is the plugin. */
static int
open_folders(struct load *l, const char *rel, struct err *e)
{
	_free_ char *path = xstrdup(l->root);

	l->folder = trusted_open_folder(AT_FDCWD, l->root, l->root, e);
	for (const char *p = rel, *slash; l->folder >= 0 && *p;) {
		_free_ char *part = NULL;
		char *longer;
		int next;

		slash = strchr(p, '/');
		if (!slash) {
			l->base = xstrdup(p);
			return 0;
		}
		part = xstrndup(p, (size_t)(slash - p));
		longer =
			xasprintf("%s/%s", strcmp(path, "/") ? path : "", part);
		free(path);
		path = longer;
		next = trusted_open_folder(l->folder, part, path, e);
		cleanup_fdp(&l->folder);
		l->folder = next;
		p = slash + 1;
	}
	return l->folder < 0 ? -1 : err_set(e, ERR_USAGE, "no file is named");
}

static int
decide_kind(struct load *l, struct err *e)
{
	struct plugin *p = l->plugin;

	if (S_ISDIR(l->st.st_mode) || ends_with(l->base, ".py"))
		p->kind = PLUGIN_PYTHON;
	else if (ends_with(l->base, ".sh"))
		p->kind = PLUGIN_SHELL;
	else if (l->st.st_mode & 0111)
		p->kind = PLUGIN_EXECUTABLE;
	else
		return err_set(e, ERR_USAGE,
			       "%s is neither *.py nor *.sh, nor may it be "
			       "executed",
			       p->path);
	if ((p->kind == PLUGIN_PYTHON && !l->library->python) ||
	    (p->kind == PLUGIN_SHELL && !l->library->shell)) {
		err_set(e, ERR_DENIED,
			"%s plugins are disabled by the configuration",
			plugin_kind_name(p->kind));
		return err_hint(e, "plugins: %s: {enabled: true}",
				plugin_kind_name(p->kind));
	}
	return 0;
}

static int
open_entry(struct load *l, struct err *e)
{
	struct plugin *p = l->plugin;

	if (!S_ISDIR(l->st.st_mode)) {
		p->entry = xstrdup(p->path);
		l->entry = steal_fd(&l->own);
		return 0;
	}
	p->entry = xasprintf("%s/__init__.py", p->path);
	l->entry = trusted_open_file(l->own, "__init__.py", p->entry, NULL, e);
	if (l->entry < 0 && e->errnum == ENOENT)
		return err_set(e, ERR_USAGE, "%s has no __init__.py", p->path);
	return l->entry < 0 ? -1 : 0;
}

static int
open_sidecar(struct load *l, struct err *e)
{
	_free_ char *name = xasprintf("%s" LIBRARY_SIDECAR, l->base);
	_free_ char *path = xasprintf("%s" LIBRARY_SIDECAR, l->plugin->path);

	struct err err = ERR_INIT;

	l->sidecar = trusted_open_file(l->folder, name, path, NULL, &err);
	if (l->sidecar < 0 && err.errnum != ENOENT) {
		*e = err;
		return -1;
	}
	l->plugin->header_file =
		l->sidecar < 0 ? xstrdup(l->plugin->entry) : steal_ptr(&path);
	return 0;
}

static int
open_all(struct load *l, const char *rel, struct err *e)
{
	if (open_folders(l, rel, e) < 0)
		return -1;
	l->plugin->path =
		xasprintf("%s/%s", strcmp(l->root, "/") ? l->root : "", rel);
	l->own = trusted_open(l->folder, l->base, l->plugin->path, &l->st, e);
	if (l->own < 0 && e->errnum == ENOENT)
		e->kind = ERR_NOT_FOUND;
	if (l->own < 0 || decide_kind(l, e) < 0 || open_entry(l, e) < 0)
		return -1;
	return open_sidecar(l, e);
}

/* --- Its header ---------------------------------------------------------- */

static int
no_header(struct load *l, struct err *e)
{
	const char *leader = l->plugin->kind == PLUGIN_EXECUTABLE ?
				     "the sign of a comment" :
				     "'# '";

	l->no_header = true;
	err_set(e, ERR_USAGE, "%s has no header in its first %d lines",
		l->plugin->entry, HEADER_LINES);
	return err_hint(e,
			"begin it with the lines '/// devops_agent', "
			"'name: NAME' and '///', %s before each; or write "
			"the header into %s" LIBRARY_SIDECAR,
			leader, l->plugin->path);
}

static int
read_manifest(struct load *l, const char *text, size_t len, int line, int cols,
	      struct err *e)
{
	struct plugin *p = l->plugin;
	_value_ struct value *tree = NULL;

	if (l->library->yaml(text, len, line, cols, &tree, e) < 0)
		return at_file(e, p->header_file);
	if (!tree || tree->type == VALUE_NULL) {
		at_line(e, line, cols + 1, "the header is empty");
		return at_file(e, p->header_file);
	}
	if (manifest_read(tree, p->kind, &p->manifest, &p->advice, e) < 0)
		return at_file(e, p->header_file);
	p->name = xstrdup(p->manifest.name);
	return 0;
}

static int
read_sidecar(struct load *l, int found, struct err *e)
{
	_buf_ struct buf text = { .max = HEADER_READ + 1 };

	if (found > 0)
		return err_set(e, ERR_USAGE,
			       "%s has a header, and %s is there too; which "
			       "one holds?",
			       l->plugin->entry, l->plugin->header_file);
	if (trusted_read(l->sidecar, l->plugin->header_file, HEADER_READ + 1,
			 &text, e) < 0)
		return -1;
	if (text.len > HEADER_READ)
		return err_set(e, ERR_USAGE, "%s is larger than %lu KiB",
			       l->plugin->header_file, HEADER_READ >> 10);
	return read_manifest(l, text.data, text.len, 1, 0, e);
}

static int
read_header(struct load *l, struct err *e)
{
	_cleanup_(header_release) struct header h = { 0 };
	_buf_ struct buf text = { .max = HEADER_READ };
	struct err err = ERR_INIT;
	int found;

	if (trusted_read(l->entry, l->plugin->entry, HEADER_READ, &text, e) < 0)
		return -1;
	found = header_find(text.data, text.len, &h, &err);
	if (l->sidecar >= 0) /* then the file may be anything */
		return read_sidecar(l, found, e);
	if (found < 0) {
		*e = err;
		return at_file(e, l->plugin->entry);
	}
	if (!found)
		return no_header(l, e);
	return read_manifest(l, h.yaml, h.len, h.first_line, h.left_cols, e);
}

/* --- Its digest ---------------------------------------------------------- */

static int
digest_own(struct load *l, struct digest *d, struct err *e)
{
	struct plugin *p = l->plugin;

	if (S_ISDIR(l->st.st_mode))
		return digest_folder(d, l->own, p->path, &p->files, e);
	strv_add(&p->files, p->path);
	return digest_file(d, l->entry, l->base, p->path, e);
}

static int
digest_all(struct load *l, struct err *e)
{
	bool many = S_ISDIR(l->st.st_mode) || l->sidecar >= 0;
	struct digest d;

	digest_init(&d, many ? DIGEST_MANY : DIGEST_ONE);
	if (digest_own(l, &d, e) < 0)
		return -1;
	if (l->sidecar >= 0) {
		/* "../" keeps it apart from any file of a folder */
		strv_add(&l->plugin->files, l->plugin->header_file);
		if (digest_file(&d, l->sidecar, "../" LIBRARY_SIDECAR,
				l->plugin->header_file, e) < 0)
			return -1;
	}
	digest_end(&d, l->plugin->sha256);
	return 0;
}

/* --- All of it ----------------------------------------------------------- */

int
library_load(const struct library *library, const char *root, const char *rel,
	     struct plugin *p, bool *no_header, struct err *e)
{
	_cleanup_(plugin_release) struct plugin read = { 0 };
	_cleanup_(load_release) struct load l = {
		.library = library,
		.root = root,
		.plugin = &read,
		.folder = -1,
		.own = -1,
		.entry = -1,
		.sidecar = -1,
	};

	*no_header = false;
	if (open_all(&l, rel, e) < 0 || read_header(&l, e) < 0 ||
	    digest_all(&l, e) < 0) {
		*no_header = l.no_header;
		return -1;
	}
	*p = read;
	memset(&read, 0, sizeof(read));
	return 0;
}

/* The path below the library, where it is there; NULL otherwise. */
static const char *
below(const char *root, const char *path)
{
	size_t n = strlen(root);

	return strncmp(path, root, n) == 0 && path[n] == '/' ? path + n + 1 :
							       NULL;
}

int
plugin_load(const struct library *l, const char *path, struct plugin *p,
	    struct err *e)
{
	_free_ char *copy = xstrdup(path), *copy2 = xstrdup(path);
	_free_ char *folder = realpath(dirname(copy), NULL);
	int why = errno; /* of folder, where it is NULL */
	_free_ char *root = l->path ? realpath(l->path, NULL) : NULL;
	_free_ char *full = NULL;
	const char *base = basename(copy2), *rel;
	bool no_header;

	if (!folder) {
		errno = why;
		err_errno(e, "open %s", path);
		if (why == ENOENT || why == ENOTDIR)
			e->kind = ERR_NOT_FOUND;
		if (why == EACCES)
			e->kind = ERR_DENIED;
		return -1;
	}
	if (strcmp(base, ".") == 0 || strcmp(base, "..") == 0 || *base == '/')
		return err_set(e, ERR_USAGE, "name the folder itself, not %s",
			       path);
	full = xasprintf("%s/%s", strcmp(folder, "/") ? folder : "", base);
	rel = root ? below(root, full) : NULL;
	if (rel)
		return library_load(l, root, rel, p, &no_header, e);
	return library_load(l, folder, base, p, &no_header, e);
}
