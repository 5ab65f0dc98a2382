/*
 * format.h: how records are written for a kind of collector, and how its
 * answers are read: one row and one file each.
 */
#ifndef FORWARD_FORMAT_H
#define FORWARD_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "forward/classify.h"
#include "forward/records.h"
#include "forward/settings.h"

/* One request's body as it is written. */
struct encoder {
	struct buf out; /* emptied into the compressor now and then */
	const struct settings *to;
	const struct forward_agent *agent;
	unsigned part;
	size_t n;	 /* records written before this one */
	char group[256]; /* the format's own, "" at the start: what the records
			  * under way have in common */
};

/* What a collector answered; the body may be cut short. */
struct answer {
	int status;
	const char *body; /* NUL-terminated, len bytes */
	size_t len;
	bool cut;	/* there was more than was kept */
	size_t records; /* that were sent */
};

/* Of a record that was not accepted. */
enum verdict { VERDICT_ASIDE, VERDICT_AGAIN };

/*
 * Tell of record `i` (from 0, of those sent) that it was not accepted. Numbers
 * that can't be are ignored.
 */
typedef void verdict_fn(void *arg, size_t i, enum verdict v, const char *code,
			const char *reason);

struct format {
	const char *name;
	const char *content_type;
	const char *path;   /* where the url has none; NULL: as it is */
	const char *scheme; /* "Authorization: <scheme> <auth.bearer>" */

	bool no_zstd; /* such collectors do not take it: gzip instead */

	/* A batch is sent in so many requests, each to a path of its own that
	 * is added to the url; 0: one. */
	unsigned parts;
	const char *const *part_paths;
	/* Whether a record goes into a part; NULL: each. */
	bool (*wants)(unsigned part, const struct forward_record *r);

	/* Any may be NULL but `add`. */
	void (*begin)(struct encoder *c);
	void (*add)(struct encoder *c, const struct forward_record *r);
	void (*end)(struct encoder *c);

	const struct rule *rules; /* before those for all; ends with zeroes */
	/*
	 * Read the body of an answer whose status is FATE_ACCEPTED; NULL: the
	 * status says it all. Returns FATE_ACCEPTED, having told `fn` of the
	 * records that were not; else *why says why nothing was.
	 */
	enum fate (*judge)(const struct answer *a, verdict_fn *fn, void *arg,
			   const char **why);
};

const struct format *format_find(const char *name); /* NULL: none */

extern const struct format format_elasticsearch, format_influx, format_jsonl,
	format_loki, format_otlp, format_splunk;

#endif
