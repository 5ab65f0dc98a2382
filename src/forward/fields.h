/*
 * fields.h: what a record says, for the formats that do not send it as it is.
 *
 * Borrowed pieces of the record's text; one that is absent, or null, has s
 * NULL. docs/protocol.md says what they are.
 */
#ifndef FORWARD_FIELDS_H
#define FORWARD_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "forward/records.h"

enum field {
	FIELD_ID, /* of the job: `id`, in a log line `job` */
	FIELD_NAME,
	FIELD_PLUGIN,
	/* of a job's record */
	FIELD_STATE,
	FIELD_TRIGGER,
	FIELD_ATTEMPT,
	FIELD_SCHEDULED,
	FIELD_STARTED,
	FIELD_FINISHED,
	FIELD_DURATION,
	FIELD_ERROR,
	FIELD_EXIT,
	FIELD_USAGE,
	FIELD_METRICS,
	/* of a line of its log */
	FIELD_SEQ,
	FIELD_TIME,
	FIELD_LEVEL,
	FIELD_STREAM,
	FIELD_MESSAGE,
	FIELD_FIELDS,
	FIELDS
};

struct fields {
	struct json_text of[FIELDS];
};

struct fields fields_of(const struct forward_record *r);

/* A member of one of them that is an object; s NULL where there is none. */
struct json_text fields_member(struct json_text object, const char *name);

/*
 * When it was: the line's time, or the job's end; nanoseconds, 0: unknown, or
 * later than they can tell (2262).
 */
int64_t fields_when_ns(const struct fields *f, const struct forward_record *r);
int64_t fields_time_ns(struct json_text time);

int64_t fields_int(struct json_text t, int64_t fallback);

/* The names and values of an object, one after the other; bounded. */
typedef void fields_each_fn(void *arg, struct json_text key,
			    struct json_text value);
void fields_each(struct json_text object_or_array, fields_each_fn *fn,
		 void *arg);

#endif
