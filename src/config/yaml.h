/*
 * yaml.h: YAML text as a tree of values.
 *
 * The one place that knows libyaml. What is read is the part of YAML 1.2 that
 * JSON has too: no anchors and aliases, no tags but !!str, no merge keys, one
 * document. Keys are strings, each once in its mapping. The text may be
 * hostile: depth (VALUE_MAX_DEPTH), nodes and length are bounded, and time
 * grows with the length, whatever the text.
 *
 * Plain scalars are read by the core schema of YAML 1.2, so `yes`, `on`,
 * `1_000` and `12:30` are strings; what is a number but can't be kept as one
 * (beyond 64 bits, not finite) is an error, and so is a whole number with a
 * leading zero, which versions of YAML read differently. Quoted and block
 * scalars are strings always.
 */
#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H

#include <stddef.h>

#include "base/err.h"
#include "model/value.h"

#define YAML_MAX_NODES 1000000	   /* scalars, keys, lists, mappings */
#define YAML_MAX_TEXT (16UL << 20) /* bytes */

/*
 * Read `text`. On success *out is the caller's to free; an empty document is
 * VALUE_NULL. Every value and key has its line and column (in characters) as
 * in the file that the text is a part of: its first line is number
 * `first_line`, and `left_cols` columns stand before each line (1 and 0 for
 * a whole file). Errors are ERR_USAGE and read "3:5: not YAML: ..."; the
 * caller puts "FILE:" before.
 */
int yaml_decode(const char *text, size_t len, int first_line, int left_cols,
		struct value **out, struct err *e);

/*
 * What a plain scalar stands for. NULL on success, when *out is the caller's;
 * otherwise why it can't be taken, static text such as "a number of more than
 * 64 bits".
 */
const char *yaml_plain(const char *s, struct value **out);

#endif
