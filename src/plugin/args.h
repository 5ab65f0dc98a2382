/*
 * args.h: `args:` of a header, extra arguments for programs that read no JSON.
 *
 *	args: [--warning, "{warn}%", "--name={name}", "{{literal}}"]
 *
 * "{param}" stands for that parameter, "{{" and "}}" for one brace.  One item
 * is always one argument, whatever the parameter holds.
 */
#ifndef PLUGIN_ARGS_H
#define PLUGIN_ARGS_H

#include "base/err.h"
#include "base/strv.h"
#include "model/value.h"

/*
 * Check one item against the schema of the parameters (NULL: none): each
 * placeholder names a property that is always there, being required or
 * having a default.  The message has no place.
 */
int args_check(const char *item, const struct value *schema, struct err *e);

/*
 * Append the arguments for these parameters, to which the schema was applied.
 * Strings are put in as they are, numbers and booleans as JSON writes them;
 * anything else is an error, and so is a text that would begin an argument
 * with '-', which a program would take for an option of its own.
 */
int args_expand(const struct strv *args, const struct value *params,
		struct strv *out, struct err *e);

#endif
