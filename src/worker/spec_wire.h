/*
 * spec_wire.h: a struct sandbox_spec as bytes, for another process.
 *
 * A fixed head of numbers, then the lists: a count each, and each string with
 * its length.  Only for the same program on the same machine: numbers are as
 * the processor has them.
 */
#ifndef WORKER_SPEC_WIRE_H
#define WORKER_SPEC_WIRE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "sandbox/sandbox.h"

#define SPEC_WIRE_MAX (4UL << 20)    /* bytes in all */
#define SPEC_WIRE_STRING (1UL << 17) /* of a string, as execve() takes it */
#define SPEC_WIRE_STRINGS 8192	     /* of a list */

/* Adds to `out`; where that is too small, out->overflow is set. */
void spec_encode(const struct sandbox_spec *s, struct buf *out);

/*
 * Fill `s` (initialised; the caller's to release, also on failure).  Believes
 * nothing: every length, count, number, flag and path is checked, and what is
 * left over is an error.
 */
int spec_decode(const char *bytes, size_t len, struct sandbox_spec *s,
		struct err *e);

#endif
