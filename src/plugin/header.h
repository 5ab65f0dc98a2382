/*
 * header.h: finds the header in the text of a plugin.
 *
 * A header is a block of comment lines that opens within the first 100 lines:
 *
 *	# /// devops_agent
 *	# name: greet
 *	# ///
 *
 * What stands before "///" in the opening line is the leader ("# ", "// ",
 * " * ", any ASCII characters but letters and digits, one of them no blank).
 * Every line of the block begins with it; a line that is only the leader,
 * its trailing blanks aside, is empty.  The text is never executed.
 */
#ifndef PLUGIN_HEADER_H
#define PLUGIN_HEADER_H

#include <stddef.h>

#include "base/err.h"

#define HEADER_LINES 100	 /* the block opens within these */
#define HEADER_READ (64UL << 10) /* bytes of a file that are looked at */
#define HEADER_LEADER_MAX 32UL	 /* bytes */

struct header {
	char *yaml; /* the block's lines without their leader */
	size_t len;
	int first_line; /* of the YAML, in the file, from 1 */
	int left_cols;	/* cut off before each of its lines */
};

/*
 * Find the header in the first `len` bytes of a file; more than HEADER_READ
 * are not looked at.  1: found, header_release() frees it; 0: there is none;
 * -1: there is something wrong, "LINE:COL: text".
 */
int header_find(const char *text, size_t len, struct header *h, struct err *e);
void header_release(struct header *h); /* also the cleanup function */

#endif
