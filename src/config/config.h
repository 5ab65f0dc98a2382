/*
 * config.h: the agent's settings, from config.yaml or built in.
 *
 * The caller's steps: config_init(), which sets the defaults; config_load()
 * with the file of --config, or with the one that config_find() names, if
 * any; config_release() at the end (or _config_).
 *
 *	_config_ struct config c;
 *
 *	config_init(&c);
 *	path = given ? xstrdup(given) : config_find(&warnings);
 *	if (path && config_load(path, &c, &warnings, e) < 0)
 *		return -1;
 *
 * Everything is owned by the struct. What a setting means and how it is
 * written is a row of the table in settings.c, which docs/configuration.md is
 * made from.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/strv.h"
#include "model/manifest.h"
#include "model/value.h"

#define CONFIG_SYSTEM_FILE "/etc/devops_agent/config.yaml"
#define CONFIG_MAX_FILE (1UL << 20) /* bytes */

enum storage_type { STORAGE_SQLITE };

struct config {
	char *file;   /* absolute; NULL: the built-in defaults */
	char *folder; /* its folder; NULL with it */
	struct {
		char *listen_addr; /* HOST:PORT; "": no HTTP API */
		char *data_dir;	   /* absolute, as every path here */
		enum log_level log_level;
		struct value *labels; /* object of strings, maybe empty */
	} agent;
	struct {
		char *path;   /* NULL: the program's own plugins */
		char *grants; /* NULL: see config_grants() */
		struct {
			bool enabled;
			char *interpreter;
		} python, shell;
		struct limits ceiling; /* 0: none; see config_ceiling() */
		unsigned require;      /* set of enum layer */
	} plugins;
	struct {
		enum storage_type type;
		char *path; /* NULL: see config_storage_path() */
		struct {
			int64_t age_ms;
			int64_t size_bytes;
		} retention;
	} storage;
	/* path of a setting in the file -> its value as written there */
	struct value *given;
};

void config_init(struct config *c);
void config_release(struct config *c); /* also the cleanup function */

#define _config_ _cleanup_(config_release)

/*
 * The file to read where the user named none: ./config.yaml, if only root or
 * the caller may change it and put it there; then CONFIG_SYSTEM_FILE; NULL
 * where there is neither. A ./config.yaml that can't be trusted is passed
 * over, with a warning that says why. The caller frees.
 */
char *config_find(struct strv *warnings);

/*
 * Read `path` into `c`, which was initialised; on failure `c` is as it was.
 * /dev/null stands for the built-in defaults.
 *
 * Warnings are added for what is in the file and is not obeyed here. Errors
 * are ERR_USAGE, "FILE:LINE:COL: plugins.path: ...", FILE being `path`; a file
 * that can't be read is one too.
 */
int config_load(const char *path, struct config *c, struct strv *warnings,
		struct err *e);

/*
 * The same for a text that is in memory. `path` is the file that relative
 * paths are relative to; it need not exist.
 */
int config_parse(const char *text, size_t len, const char *path,
		 struct config *c, struct strv *warnings, struct err *e);

/* --- What follows from the settings --------------------------------------- */

/* The most that a plugin may ask for: the ceiling, or what is built in. */
void config_ceiling(const struct config *c, struct limits *l);

/* The folder of grants; NULL: the program's own. The caller frees both. */
char *config_grants(const struct config *c);
char *config_storage_path(const struct config *c);

/*
 * The effective settings, as a configuration file that loads to the same;
 * what is not in the file is marked as a default. A value that came by
 * ${...}, from the environment or from a file, is shown as it was written.
 */
void config_show(const struct config *c, struct buf *out);

/*
 * The same as one object, for JSON: durations are whole numbers of
 * milliseconds under a key that ends in _ms, sizes in bytes under _bytes.
 * What is not set is null. The caller frees.
 */
struct value *config_to_value(const struct config *c);

/* The table of docs/configuration.md, and config.example.yaml. */
void config_write_reference(struct buf *out);
void config_write_example(struct buf *out);

#endif
