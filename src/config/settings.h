/*
 * settings.h: what may be set, a row each.
 *
 * Everything about a setting is in its row: reading, defaults, checks,
 * `config show`, what a reload may change, the reference page and the example
 * file go by it. There is a table for the agent, one for each of its jobs and
 * one for each destination.
 */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"

enum setting_type {
	SETTING_PATH,	      /* char *, absolute */
	SETTING_PROGRAM,      /* char *, absolute; a bare name is refused */
	SETTING_ADDRESS,      /* char *, HOST:PORT or "" */
	SETTING_NAME,	      /* char *, of a plugin */
	SETTING_ACCOUNT,      /* char *, of a user or a group */
	SETTING_TEXT,	      /* char *, not empty */
	SETTING_SECRET,	      /* the same, never shown */
	SETTING_URL,	      /* char *; one with a user in it is not shown */
	SETTING_BOOL,	      /* bool */
	SETTING_INTEGER,      /* int64_t, as the next three */
	SETTING_DURATION,     /* milliseconds */
	SETTING_SIZE,	      /* bytes */
	SETTING_TIME,	      /* unix milliseconds */
	SETTING_ENUM,	      /* an enum, counted along `names` */
	SETTING_LAYERS,	      /* unsigned, set of enum layer */
	SETTING_FLAGS,	      /* unsigned, set of bits counted along `names` */
	SETTING_PATTERNS,     /* struct value *, array of strings, not empty */
	SETTING_LABELS,	      /* struct value *, object of strings */
	SETTING_HOSTS,	      /* struct value *, array of strings: host names */
	SETTING_ROLES,	      /* struct value *, object: anything to a role */
	SETTING_PARAMS,	      /* struct value *, object; NULL: not set */
	SETTING_SECRETS,      /* the same, of strings that are never shown */
	SETTING_JOBS,	      /* struct config_jobs, by its table */
	SETTING_DESTINATIONS, /* struct config_destinations, by its table */
	SETTING_TYPES,
};

struct setting {
	const char *path; /* "agent.log_level" */
	enum setting_type type;
	bool or_none;	      /* 0 is fine though it is no fallback */
	bool needs_restart;   /* a reload reports it and leaves it */
	size_t offset;	      /* of the field in its struct */
	const char *fallback; /* the default as in a file; NULL: not set */
	const char *without;  /* what holds while not set */
	/* for the example file: instead of the default, or where not set */
	const char *sample;
	/*
	 * A number's bounds; where the fallback is 0, 0 is fine as well.
	 * Of a path, how many bytes it may have.
	 */
	int64_t min, max;
	const char *why;	  /* of the bounds, for the error */
	const char *const *names; /* of an enum or flags; NULL at the end */
	const char *expects;	  /* of a text: "five fields of cron" */
	/* of a job: what it goes with, set of enum config_when; 0: anything */
	unsigned when;
	const char *help; /* a sentence, or two */
};

struct setting_table {
	const struct setting *rows;
	size_t n;
};

extern const struct setting_table agent_settings; /* of struct config */
extern const struct setting_table job_settings;	  /* of struct config_job */
/* of struct config_destination */
extern const struct setting_table destination_settings;

/* Where a row's field is, and what its text is read by. */
struct setting_place {
	void *base;	      /* the struct of its table */
	const char *name;     /* "" or "jobs.NAME.": before a path in errors */
	const char *folder;   /* of the file; NULL: the root */
	struct strv *secrets; /* gets what is put into params and secrets */
};

/* The row of that path, NULL where there is none. */
const struct setting *setting_find(const struct setting_table *t,
				   const char *path);

/* Whether settings are below `path`; "" is above all. */
bool setting_is_section(const struct setting_table *t, const char *path);

/*
 * What "agent.log_level" is called in its section, "log_level"; the section's
 * length is what stands before.
 */
const char *setting_name(const struct setting *s);

/*
 * Fill `e` for a key that is in no row: the nearest one there is, or the keys
 * that the section has; `name` is that of the place. Returns -1.
 */
int setting_unknown(const struct setting_table *t, const char *name,
		    const char *section, const struct value_member *key,
		    struct err *e);

/*
 * Go through a map of settings and the sections in it: `fn` is called for
 * each that there is a row for, anything else is an error.
 */
typedef int setting_fn(void *arg, const struct setting *s,
		       const struct value_member *m, struct err *e);
int setting_walk(const struct setting_table *t, const char *name,
		 const struct value *map, setting_fn *fn, void *arg,
		 struct err *e);

/* --- Reading ------------------------------------------------------------- */

/* Set the field to its default; what it held is not freed. */
void setting_reset(const struct setting *s, void *base);

/*
 * Set the field to `v`, whose ${...} is looked up. Errors are ERR_USAGE,
 * "3:5: agent.log_level: expected ..., found ...". Not for SETTING_JOBS and
 * SETTING_DESTINATIONS.
 */
int setting_store(const struct setting *s, const struct value *v,
		  const struct setting_place *p, struct err *e);

/* Free the field. */
void setting_release(const struct setting *s, void *base);

bool setting_equal(const struct setting *s, const void *a, const void *b);

/* Set the field of `to` to what that of `from` is. Not for SETTING_JOBS. */
void setting_copy(const struct setting *s, const void *from, void *to);

/* Whether 0 stands for no bound. */
bool setting_may_be_none(const struct setting *s);

/* The user's name and password in a URL, up to its @; NULL: none. */
const char *setting_url_user(const char *url);

/* Whether there is a ${...} anywhere in it. */
bool setting_is_reference(const struct value *v);

/* --- Writing --------------------------------------------------------------*/

/* What is expected: "a duration such as 10s", "one of debug, info". */
char *setting_expects(const struct setting *s);

/* "1s to 30d", in the setting's unit; NULL where there are no bounds. */
char *setting_range(const struct setting *s);

/*
 * What the field holds, as it would stand in a file: durations and sizes are
 * strings, but bytes a number. NULL where it is not set. The caller frees.
 */
struct value *setting_value(const struct setting *s, const void *base);

/*
 * The same as it may be shown: what has a ${...} in it as `written` (NULL:
 * nothing has), a secret that stands in the file by stars.
 */
struct value *setting_shown(const struct setting *s, const void *base,
			    const struct value *written);

/* Add the same text as YAML on one line. */
void setting_add_yaml(const struct value *v, struct buf *out);
void setting_add_text(const char *s, struct buf *out);

#endif
