/*
 * params.h: parameters and secrets as a command line gives them.
 */
#ifndef CLI_PARAMS_H
#define CLI_PARAMS_H

#include "base/err.h"
#include "model/manifest.h"
#include "model/value.h"

#define PARAMS_MAX (1UL << 20) /* bytes of a file or of standard input */

/*
 * What --params says ("{...}", "@FILE", "-"; may be NULL), then KEY=VALUE
 * words over it.  On success *out is an object of the caller's.
 */
int params_read(const char *all, char **words, int n, struct value **out,
		struct err *e);

/* One JSON object from an option's value, in the same words; NULL: empty. */
int params_read_object(const char *option, const char *source,
		       struct value **out, struct err *e);

/*
 * The secrets that the header asks for, from --secrets (may be NULL): each
 * must be there and be a string, and no other.
 */
int params_read_secrets(const char *all, const struct manifest *m,
			struct value **out, struct err *e);

#endif
