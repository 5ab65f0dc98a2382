/*
 * mention.h: the paths, programs and variables that a failure names.
 *
 * All of it is the plugin's choice of words: a guess at what it was refused,
 * for denial.c to compare with what the host and the sandbox have.
 */
#ifndef WORKER_MENTION_H
#define WORKER_MENTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strv.h"
#include "model/value.h"

#define MENTIONS_MAX 64

struct mention {
	char *path;
	bool write;   /* would have changed or made it */
	bool program; /* would have started it */
	bool refused; /* by its mode, not by its absence */
};

struct mentions {
	struct mention items[MENTIONS_MAX];
	size_t n;
	struct strv variables;
	bool netlink, raw; /* sockets of that kind */
};

/*
 * Add what lines of `text` name that sound like a refusal; `whole` is where
 * the way to it is told, a traceback perhaps; it may be NULL.
 */
void mention_text(struct mentions *all, const char *text, const char *whole);

/* Add what the data of a Python exception names. */
void mention_error(struct mentions *all, const struct value *data);

void mentions_release(struct mentions *all); /* cleanup function */

#endif
