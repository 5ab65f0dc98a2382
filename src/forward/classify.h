/*
 * classify.h: what becomes of what was sent, by how it was answered: data.
 *
 * The rows of a format come first, then those for all. An answer is an HTTP
 * status, or the error of libcurl where there was none.
 */
#ifndef FORWARD_CLASSIFY_H
#define FORWARD_CLASSIFY_H

#include <stdbool.h>

enum fate {
	FATE_ACCEPTED, /* as far as the status says; the body may say more */
	FATE_RETRY,    /* the same bytes again, later */
	FATE_SUSPECT,  /* likewise; a record that does it alone, while others
			* are accepted, is wrong */
	FATE_HALVE,    /* too large: less at a time, a single record aside */
	FATE_BISECT,   /* a record is wrong: find it, put it aside */
	FATE_HOLD,     /* nothing is wrong with the records: keep them, alarm,
			* try again now and then */
};

const char *fate_name(enum fate fate);

struct rule {
	int from, to; /* HTTP statuses, or errors of libcurl; inclusive */
	enum fate fate;
	const char *why; /* what it means and what to do, for a person */
};

/* What there was of an answer. */
struct reply {
	int curl;   /* CURLE_*: 0 where a whole answer came */
	int status; /* 0: none */
};

/*
 * The rule for a reply. `own`, the format's rules, ends with a row of zeroes
 * and may be NULL. Never NULL: what no row names is held.
 */
const struct rule *classify(const struct rule *own, struct reply reply);

#endif
