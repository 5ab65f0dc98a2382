/*
 * trace.h: from what a traced run used to the permissions that it needs.
 *
 * The caller's steps, for each run:
 *
 *	trace_permissions(&t, &p)	what the run is given
 *	trace_begin(&t, &shown)		what it is shown with that
 *	trace_access(), trace_denial()	while it runs
 *	trace_judge(&t, &wanted)	what of it the next one needs besides
 *
 * and trace_finish() after the last: what it did not use goes, and what
 * another item covers.
 */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strv.h"
#include "model/manifest.h"
#include "model/value.h"
#include "sandbox/sandbox.h"
#include "worker/job.h"
#include "worker/look.h"

/* How a path was used; bits. */
enum {
	USE_LOOKED = 1 << 0, /* stat, access, readlink */
	USE_OPENED = 1 << 1, /* to read */
	USE_ENTERED = 1 << 2,
	USE_MEASURED = 1 << 3, /* statfs */
	USE_STARTED = 1 << 4,
	USE_WRITTEN = 1 << 5,
	USE_MADE = 1 << 6,
	USE_MADE_FOLDER = 1 << 7,
	USE_REMOVED = 1 << 8,
	USE_CONNECTED = 1 << 9, /* a local socket */
	USE_WRITES = USE_WRITTEN | USE_MADE | USE_MADE_FOLDER | USE_REMOVED,
};

struct trace_use {
	char *path;
	unsigned how;
};

enum trace_key {
	TRACE_READ,
	TRACE_WRITE,
	TRACE_EXEC,
	TRACE_NETWORK,
	TRACE_CAPABILITIES,
	TRACE_KEYS,
};

/* An item of the block. */
struct trace_item {
	enum trace_key key;
	char *text;
	char *real;   /* without symlinks; NULL: no path */
	bool used;    /* by the run under way */
	bool forever; /* that it was not used again says nothing */
	bool trial;   /* see trace_widen() */
	bool place;   /* a folder that only has to be there */
};

struct trace {
	const struct permissions *asked; /* by the header; borrowed */
	struct trace_item *items;
	size_t n_items;
	bool processes_host;
	/* makes such; which address it wants is not known yet */
	bool local_sockets, tcp_sockets;
	struct strv made;      /* what was not there before the first run */
	struct strv temporary; /* its own files in /tmp */
	struct strv looked;    /* folders that were only looked for */
	struct strv closed;    /* files that others may not read */
	struct strv hinted;    /* capabilities that a denial named */
	struct strv remarks;   /* what no permission helps */

	/* the run under way */
	const struct sandbox_spec *shown; /* with its programs alone */
	struct strv real_libraries;
	struct trace_use *uses;
	size_t n_uses;
	bool mounts, measured; /* read the list of mounts, asked for space */
};

void trace_release(struct trace *t);

void trace_permissions(const struct trace *t, struct permissions *p);

/* What the plugin sees by the programs that it may start alone; borrowed. */
void trace_begin(struct trace *t, const struct sandbox_spec *shown);

/* A path or an address that was used, or looked for. */
void trace_access(struct trace *t, const struct job_access *a);
/* Something that was refused. */
void trace_denial(struct trace *t, const char *allow);

/*
 * Append what is needed and was not known before, "read /etc/hosts", to
 * `wanted`.
 */
void trace_judge(struct trace *t, struct strv *wanted);

/*
 * After the last run of a plugin that fails: what might help, though it
 * seldom does.  false where there is no such thing.
 */
enum trace_trial {
	TRIAL_FOLDERS,	    /* that were only looked for */
	TRIAL_CAPABILITIES, /* of the header; to read what is closed */
	TRIALS,
};
bool trace_widen(struct trace *t, enum trace_trial trial);
void trace_settle(struct trace *t, bool helped); /* keep it or drop it */

/* Where a folder has that many files that are read, take the folder. */
void trace_fold(struct trace *t, size_t least);

/* Drop what is not needed, and put what is in order. */
void trace_finish(struct trace *t);

/* The permissions as a header has them. */
struct value *trace_value(const struct permissions *p);

/* --- trace_items.c: the items of the block -------------------------------- */

struct trace_item *trace_find(const struct trace *t, enum trace_key key,
			      const char *text);
/* Needed by this run; `real` NULL: no path.  true where it is new. */
bool trace_need(struct trace *t, enum trace_key key, const char *text,
		const char *real, bool forever);
void trace_forget(struct trace *t, enum trace_key key, const char *text);
const char *trace_key_name(enum trace_key key);

#endif
