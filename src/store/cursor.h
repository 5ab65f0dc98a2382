/*
 * cursor.h: how far each destination has come through what is stored.
 *
 *	store_cursor_get(s, "central", &c, &e)	as it was left, or
 *	store_cursor_start(s, "central", since_ms, &c, &e)
 *	how = what it wants
 *	at = c.owed.items[0];
 *	store_owed_read(s, &at, &how, &read, &e)	a batch
 *	...						it was sent
 *	ranges_take(&c.owed, from, at.from)
 *	store_cursor_put(s, &c, &e)			it is done
 *	store_aside_add(s, "central", &aside, &e)	in the same
 *store_begin()
 *
 * Records are not copied: what is owed is a place in the order of ends
 * (store_job.seq), or several (model/ranges.h). A job's log lines come before
 * its own record. Those of a job that has not ended yet may go ahead of it;
 * then struct store_line says how far.
 *
 * Reading costs what it reads, however much is stored. All functions with a
 * store fail as those of store.h do.
 */
#ifndef STORE_CURSOR_H
#define STORE_CURSOR_H

#include "model/ranges.h"
#include "store/store.h"

/* Why a record was not sent. */
enum store_drop {
	STORE_DROP_AGE,	      /* older than its buffer keeps */
	STORE_DROP_SIZE,      /* more than its buffer holds */
	STORE_DROP_RETENTION, /* gone before it was asked for */
	STORE_DROP_LOG_LIMIT, /* a running job's log left it out */
	STORE_DROPS,
};

extern const char *const store_drop_names[STORE_DROPS]; /* "age" */

/* Of a job that has not ended. */
struct store_line {
	int64_t job;
	int64_t line; /* of its log, up to this one are done */
	int64_t most; /* up to here what is missing was counted */
};

#define STORE_LINES_MAX 1024 /* the rest waits for the job's end */

struct store_cursor {
	char *name;
	int64_t created_ms; /* unix; when it was heard of first */
	struct ranges owed;
	struct store_line *lines; /* by job */
	size_t n_lines;
	bool lines_changed; /* since they were put last */
	int64_t accepted, aside, dropped[STORE_DROPS]; /* records, ever */
	int64_t last_ms; /* unix; when a batch was done last; 0: never */
};

/* ERR_NOT_FOUND where it was never put; *c is to be released otherwise. */
int store_cursor_get(struct store *s, const char *name, struct store_cursor *c,
		     struct err *e);
/*
 * A new one, which is not put yet: it is owed what ended at `since_ms` or
 * later and is still there.
 */
int store_cursor_start(struct store *s, const char *name, int64_t now_ms,
		       int64_t since_ms, struct store_cursor *c, struct err *e);
/* Instead of what there is of that name. */
int store_cursor_put(struct store *s, const struct store_cursor *c,
		     struct err *e);
/* With all that was put aside; fine where there is none. */
int store_cursor_remove(struct store *s, const char *name, struct err *e);
typedef int store_name_fn(void *arg, const char *name);
int store_cursor_each(struct store *s, store_name_fn *fn, void *arg,
		      struct err *e);

void store_cursor_release(struct store_cursor *c); /* cleanup function */
void store_cursor_copy(const struct store_cursor *from,
		       struct store_cursor *to);
/* Its line, 0 where there is none; and to set it. */
int64_t store_cursor_line(const struct store_cursor *c, int64_t job);
void store_cursor_set_line(struct store_cursor *c, int64_t job, int64_t line);
/* The job has ended, and its end is done. */
void store_cursor_forget(struct store_cursor *c, int64_t job);

/* --- What a destination did not take -------------------------------------- */

struct store_aside {
	int64_t time_ms;
	const char *record; /* its id, as the destination knows it */
	const char *code;
	const char *reason;  /* NULL: none */
	const char *excerpt; /* of the answer; NULL: none */
};

typedef int store_aside_fn(void *arg, const struct store_aside *a);

/* The newest STORE_ASIDE_MAX of each destination are kept. */
#define STORE_ASIDE_MAX 1000
int store_aside_add(struct store *s, const char *name,
		    const struct store_aside *a, struct err *e);
/* The newest first. */
int store_aside_list(struct store *s, const char *name, size_t limit,
		     store_aside_fn *fn, void *arg, struct err *e);

/* --- Reading -------------------------------------------------------------- */

/* What is wanted of the order of ends; `arg` goes to all three. */
struct store_wanted {
	bool jobs, logs;
	/* NULL: all */
	bool (*job)(void *arg, const char *name);
	/* the line that is done before the job has ended; NULL: none */
	int64_t (*line)(void *arg, int64_t job);
	/*
	 * A job's line, or, where `line` is NULL, the job, of which everything
	 * there is is filled in in both cases. 0: taken; 1: there is no room
	 * for it, and the reading ends before it; negative: a failure.
	 */
	int (*take)(void *arg, const struct store_job *job,
		    const struct store_log *line);
	void *arg;
	int64_t deadline_us; /* of clock_mono_us(); 0: none */
};

struct store_read {
	int64_t jobs;	 /* wanted ones that were read to their end */
	int64_t bytes;	 /* that those take in the store */
	int64_t missing; /* places that hold nothing any more */
	bool full;	 /* take() had no room */
};

/*
 * Read on from r->from to before r->until, and move r->from to where it ended:
 * behind what was taken. 1 where it ended early, 0 at the end of the range; an
 * open one ends behind the last job that is stored.
 */
int store_owed_read(struct store *s, struct range *r,
		    const struct store_wanted *w, struct store_read *out,
		    struct err *e);

/* Where to stop measuring; what is 0 does not matter. */
struct store_measure {
	int64_t bytes;	   /* before there are more than that */
	int64_t reach;	   /* behind what makes them so many */
	int64_t before_ms; /* before what ended then or later */
	bool lines;	   /* count them */
	int64_t deadline_us;
};

struct store_owed {
	int64_t jobs, bytes, missing;
	int64_t lines;
};

/* The same without reading records: adds to *out what was passed. */
int store_owed_measure(struct store *s, struct range *r,
		       const struct store_wanted *w,
		       const struct store_measure *until,
		       struct store_owed *out, struct err *e);

/* The first place from which on nothing ended before `since_ms`. */
int store_owed_since(struct store *s, int64_t since_ms, int64_t *at,
		     struct err *e);
/* How many have ended, as this handle saw it last: without a read. */
int64_t store_last_seq(const struct store *s);
/* When the first job at `at` or after ended; 0 where there is none. */
int store_owed_time(struct store *s, int64_t at, int64_t *ended_ms,
		    struct err *e);

/*
 * The agent's jobs after `job` that have not ended and have log lines
 * already, by id; `last` is the number of the last one.
 */
typedef int store_logged_fn(void *arg, const struct store_job *job,
			    int64_t last);
int store_logged_each(struct store *s, int64_t job, store_logged_fn *fn,
		      void *arg, struct err *e);
/* The last line of a job, up to `line`, that is older than that; 0: none. */
int store_line_before(struct store *s, int64_t job, int64_t line,
		      int64_t time_ms, int64_t *found, struct err *e);

#endif
