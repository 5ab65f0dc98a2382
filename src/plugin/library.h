/*
 * library.h: where plugins are, and what a plugin is once it was read.
 *
 * Below the library's folder a plugin is
 *
 *	python/NAME.py, or a folder python/NAME/ with __init__.py
 *	shell/NAME.sh
 *	an executable file, in the folder itself or in any other folder in it
 *
 * where NAME need not be the name in the header, but is found sooner if it is
 * (with '_' for '-').  Elsewhere any file or folder is a plugin that somebody
 * names.  The kind follows from the file: *.py and folders are Python, *.sh
 * shell, anything else that has its execute bit an executable.
 *
 * Nothing is read that somebody other than root or the caller could change:
 * not the file, a file beside it with the header (FILE.plugin.yaml), any file
 * of a folder, nor a folder from there up to the library (trusted.h).
 */
#ifndef PLUGIN_LIBRARY_H
#define PLUGIN_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strv.h"
#include "model/manifest.h"
#include "plugin/digest.h"
#include "plugin/yaml.h"

#define LIBRARY_MAX_FILES 4096UL /* entries of one folder of it */
#define LIBRARY_SIDECAR ".plugin.yaml"

struct library {
	const char *path;   /* borrowed */
	bool python, shell; /* kinds that the configuration allows */
	plugin_yaml_fn *yaml;
};

/* All of it is owned by the struct; paths are absolute, without symlinks. */
struct plugin {
	char *name; /* that of its header */
	enum plugin_kind kind;
	char *path;	   /* the file, or the folder */
	char *entry;	   /* the file that is run */
	char *header_file; /* where its header stands */
	struct manifest manifest;
	struct strv files; /* every file that the digest covers */
	char sha256[DIGEST_HEX];
	struct strv advice; /* what could be better, for `plugin check` */
};

void plugin_release(struct plugin *p); /* also the cleanup function */

/*
 * Read the plugin that is this file or folder, in the library or not.
 * Everything about it is checked; `p` is filled only on success.  Errors:
 * ERR_USAGE "FILE:LINE:COL: text" for what is wrong in it, ERR_DENIED where
 * it is not trusted or of a kind that is disabled, ERR_NOT_FOUND.
 */
int plugin_load(const struct library *l, const char *path, struct plugin *p,
		struct err *e);

/*
 * The plugin of that name.  Looks at files that are likely to be it before it
 * reads every header.  ERR_NOT_FOUND names the nearest one; two plugins of
 * one name are an error that names both (ERR_USAGE).
 */
int library_find(const struct library *l, const char *name, struct plugin *p,
		 struct err *e);

/* A plugin of the library, or a file that should be one and what is wrong. */
struct plugin_entry {
	char *name; /* of a broken one: as its file suggests */
	char *path;
	bool broken;
	struct err err;	      /* where it is broken */
	struct plugin plugin; /* where it is not */
};

/*
 * Every plugin, by name.  Two of one name are both broken.  The array is
 * freed by library_free_list(); on failure there is none.
 */
int library_list(const struct library *l, struct plugin_entry **list, size_t *n,
		 struct err *e);
void library_free_list(struct plugin_entry *list, size_t n);

#endif
