/*
 * manifest.h: what a plugin's header says, and what a grant allows.
 *
 * Plain data with no behaviour but lifecycle; plugin/ reads it from text,
 * sandbox/ is given what follows from it.  Everything is owned by the
 * struct; *_init sets the defaults of docs/plugins.md, *_release frees.
 */
#ifndef MODEL_MANIFEST_H
#define MODEL_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strv.h"
#include "model/value.h"

/* One member a key of `permissions:`; empty means not asked for. */
struct permissions {
	struct strv read; /* absolute host paths, normalised */
	struct strv write;
	struct strv exec;	  /* program names, paths, or "*" */
	struct strv network;	  /* "tcp:443", "udp", "listen:80", "host" */
	struct strv capabilities; /* lower case, without "cap_" */
	struct strv env;
	struct strv secrets;
	bool processes_host;
	char *user; /* NULL: an id of the agent's choice */
};

void permissions_release(struct permissions *p);
bool permissions_empty(const struct permissions *p);

struct limits {
	int64_t timeout_ms;
	int64_t memory_bytes;
	int64_t cpu_ms; /* 0: bounded by timeout only */
	int64_t processes;
	int64_t files;
	int64_t output_bytes; /* of the result; and of the logs */
	int64_t tmp_bytes;
};

void limits_init(struct limits *l); /* the defaults */

enum output_mode {
	OUTPUT_RPC,
	OUTPUT_JSON,
	OUTPUT_TEXT,
};

enum plugin_kind {
	PLUGIN_PYTHON,	   /* a .py file or a folder with __init__.py */
	PLUGIN_SHELL,	   /* a .sh file */
	PLUGIN_EXECUTABLE, /* anything with its execute bit set */
};

struct workers {
	int64_t min_idle;
	int64_t max;
	int64_t max_jobs;
};

struct manifest {
	char *name;
	char *version;
	char *description;
	struct value *params; /* the JSON Schema; NULL: none given */
	struct permissions permissions;
	struct limits limits;
	enum output_mode output;
	struct strv args; /* extra arguments, "{param}" replaced */
	char *venv;	  /* absolute path, NULL: none */
	struct workers workers;
};

void manifest_init(struct manifest *m);
void manifest_release(struct manifest *m); /* cleanup function */

/* "python", "shell", "executable"; "rpc", "json", "text". */
const char *plugin_kind_name(enum plugin_kind kind);
const char *output_mode_name(enum output_mode mode);

#endif
