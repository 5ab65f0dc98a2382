/*
 * trace.h: from what a traced run used to the permissions that it needs.
 */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include <stdbool.h>

#include "base/strv.h"
#include "model/manifest.h"
#include "sandbox/sandbox.h"
#include "worker/job.h"

/*
 * What a run needs, as it becomes known.  `base` is a sandbox without any
 * permission: what it shows needs none.
 */
struct trace {
	const struct sandbox_spec *base;
	struct permissions needs;
	struct strv used; /* "read /etc/hosts", in the run under way */
};

void trace_release(struct trace *t);

/* A path or an address that was used, or looked for. */
void trace_access(struct trace *t, const struct job_access *a);
/* Something that was refused. */
void trace_denial(struct trace *t, const struct denial *d);

/* Start of a run; how much is needed so far. */
size_t trace_begin(struct trace *t);

/* After the last run: drop what it did not use, and what a folder covers. */
void trace_finish(struct trace *t);

#endif
