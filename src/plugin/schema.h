/*
 * schema.h: a subset of JSON Schema, for the parameters of plugins.
 *
 * Key words: type (one or a list), enum, const, properties, required,
 * additionalProperties (boolean or schema), items, minItems, maxItems,
 * uniqueItems, minLength, maxLength, pattern, minimum, maximum,
 * exclusiveMinimum, exclusiveMaximum, default, title, description, examples.
 * Each means what JSON Schema says; any other is refused, so that no rule is
 * silently without effect.
 *
 * A pattern is a PCRE2 expression on UTF-8, "$" being the very end.  Steps,
 * depth and memory of a match are bounded: a pattern that needs more is an
 * error, never a hang.  1.0 is an integer, as JSON Schema has it.
 */
#ifndef PLUGIN_SCHEMA_H
#define PLUGIN_SCHEMA_H

#include "base/err.h"
#include "base/strv.h"
#include "model/value.h"

#define SCHEMA_MAX_PROPERTIES 256UL /* of one object */
#define SCHEMA_MAX_PATTERN 1024UL   /* bytes */

/*
 * Check a schema itself: known key words of the right types, bounds that
 * leave something, patterns that compile, defaults that satisfy what they are
 * the default of, `required` naming properties; "object" as the outermost
 * type, whose properties are named like [A-Za-z_][A-Za-z0-9_-]* and differ in
 * more than case and "-" for "_" (as variables, PARAM_NAME, they would be the
 * same).  Errors are "LINE:COL: text".
 */
int schema_check(const struct value *schema, struct err *e);

/*
 * Fill in the defaults of what is absent, at every depth, then check.
 * `schema` has passed schema_check(); NULL takes no parameter at all.
 * Errors are of kind ERR_USAGE and name the parameter: "parameter port: 70000
 * is more than 65535".
 */
int schema_apply(const struct value *schema, struct value *params,
		 struct err *e);

/* Append a line for each parameter: "port (integer, default 443): The port." */
void schema_usage(const struct value *schema, struct strv *lines);

#endif
