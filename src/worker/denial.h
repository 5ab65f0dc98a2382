/*
 * denial.h: what a plugin was refused, and the line that would allow it.
 *
 * System calls and addresses are reported by pid 1 of the sandbox.  A file or
 * a program that was not granted is simply not there, so that it is told from
 * what the plugin says when it fails: the file name of a Python exception,
 * the paths in its last lines.  Such a name is a denial where the host has
 * it and the sandbox has not.
 */
#ifndef WORKER_DENIAL_H
#define WORKER_DENIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strv.h"
#include "model/record.h"
#include "model/value.h"
#include "sandbox/explain.h"

#define DENIALS_MAX 50

/* Add to r->denials, up to DENIALS_MAX; what is there already is not added. */
void denial_add(struct record *r, const struct denial *d);

/*
 * Add what the error of a failed job tells: its data's "filename" and
 * "errno", and words of `text` (a message, or the last lines of a log; may be
 * NULL) that look like variables, sockets; and paths or programs, which have
 * to be looked for on the host.  The first returns whether there are such;
 * the second may take two seconds (hunt.h does not wait for it).
 */
bool denial_from_text(struct record *r, const struct sandbox_spec *spec,
		      const char *text);
void denial_from_paths(struct record *r, const struct sandbox_spec *spec,
		       const char *text);

#endif
