/*
 * json_scan.h: the scanner behind json.h; for the json_*.c files only.
 */
#ifndef PROTO_JSON_SCAN_H
#define PROTO_JSON_SCAN_H

#include "proto/json.h"

/* What may come next. */
enum scan_next {
	SCAN_VALUE,
	SCAN_VALUE_OR_END, /* after '[' */
	SCAN_KEY,
	SCAN_KEY_OR_END, /* after '{' */
	SCAN_COLON,
	SCAN_COMMA_OR_END,
	SCAN_END,
};

/* Set text, len and e, and what is wanted of the rest; all else is zero. */
struct scan {
	const char *text;
	size_t len;
	uint64_t base;
	struct err *e;
	json_each_fn *fn; /* for each outermost member; NULL: none */
	void *arg;
	/* for each scalar, from `start` to s->at; -1 stops; NULL: none */
	int (*scalar)(struct scan *s, size_t start, bool key);

	size_t at;
	enum scan_next next;
	unsigned depth;
	uint64_t objects; /* bit n: level n is an object, not an array */
	size_t key, key_len, value; /* of the outermost member under way */
	bool too_deep;		    /* why it failed */
};

int scan_run(struct scan *s);

#endif
