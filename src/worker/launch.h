/*
 * launch.h: what a plugin runs as: from its header and its grant to a
 * sandbox.
 *
 * Nothing is started here.  A plugin sees its interpreter with the libraries
 * that this needs, its own files and what was granted; everything else of the
 * host is absent.
 */
#ifndef WORKER_LAUNCH_H
#define WORKER_LAUNCH_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"
#include "model/manifest.h"
#include "model/value.h"
#include "sandbox/sandbox.h"

/* Where the host keeps what plugins run with; all borrowed. */
struct runtime {
	const char *sdk;    /* folder that holds devops_agent/ */
	const char *python; /* interpreters, absolute */
	const char *shell;
	const struct limits *ceiling; /* 0: no bound but the header's */
	unsigned require;	      /* LAYER_* (model/layer.h) */
};

/* What is to be started; all borrowed. */
struct program {
	enum plugin_kind kind;
	const char *path;  /* the plugin's file or folder */
	const char *entry; /* the file that is started */
	const struct manifest *manifest;
	const struct permissions *granted;
	bool local_sockets; /* tracing: before it is known which */
};

/*
 * Fill `spec` (initialised) for one run with these parameters.  Fails with
 * ERR_USAGE or ERR_DENIED where the header asks for what this host can't
 * give: an unknown account, an interpreter that is missing.
 */
int launch_prepare(const struct program *p, const struct runtime *rt,
		   const struct value *params, struct sandbox_spec *spec,
		   struct err *e);

/*
 * What all workers of one plugin are started with, made once: nothing of the
 * program is borrowed any more.  Counted references; launch_unref(NULL) is
 * fine.
 */
struct launch {
	struct sandbox_spec spec;
	struct limits limits;
	enum output_mode output;
	/* private */
	unsigned refs;
	/* to a spawner, by this number; `forget` is NULL where it is not */
	uint64_t known;
	void (*forget)(struct launch *l);
	void *keeper;
	struct launch *next_kept;
};

/*
 * launch_prepare() and a reference.  `params` only matter where the command
 * line or the environment hold them: see launch_ahead().
 */
struct launch *launch_new(const struct program *p, const struct runtime *rt,
			  const struct value *params, struct err *e);
struct launch *launch_ref(struct launch *l);
void launch_unref(struct launch *l);

/*
 * Whether workers of this plugin can be started before it is known what for:
 * output rpc, and no parameter in its `args:`.
 */
bool launch_ahead(const struct manifest *m);

/* The smaller of what the header asks for and the configuration allows. */
void launch_limits(const struct manifest *m, const struct runtime *rt,
		   struct limits *out);

/* The folders of programs, for names without a slash and for PATH. */
#define LAUNCH_PATH \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The absolute path of a program by its name; NULL where there is none. */
char *launch_which(const char *name);

#endif
