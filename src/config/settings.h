/*
 * settings.h: what may be set, a row each.
 *
 * Everything about a setting is in its row: reading, defaults, checks,
 * `config show`, the reference page and the example file go by it.
 */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"

enum setting_type {
	SETTING_PATH,	  /* char *, absolute */
	SETTING_PROGRAM,  /* char *, absolute; a bare name is refused */
	SETTING_ADDRESS,  /* char *, HOST:PORT or "" */
	SETTING_BOOL,	  /* bool */
	SETTING_INTEGER,  /* int64_t, as the next two */
	SETTING_DURATION, /* milliseconds */
	SETTING_SIZE,	  /* bytes */
	SETTING_ENUM,	  /* an enum, counted along `names` */
	SETTING_LAYERS,	  /* unsigned, set of enum layer */
	SETTING_LABELS,	  /* struct value *, object of strings */
	SETTING_RESERVED, /* anything; not read yet */
	SETTING_TYPES,
};

struct setting {
	const char *path; /* "agent.log_level" */
	enum setting_type type;
	size_t offset;	      /* of the field in struct config */
	const char *fallback; /* the default as in a file; NULL: not set */
	const char *without;  /* what holds while not set */
	const char *sample;   /* for the example file, where not set */
	/* A number's bounds; where the fallback is 0, 0 is fine as well. */
	int64_t min, max;
	const char *const *names; /* of an enum; NULL at the end */
	const char *help;	  /* a sentence, or two */
};

extern const struct setting settings[];
extern const size_t settings_count;

/* The row of that path, NULL where there is none. */
const struct setting *setting_find(const char *path);

/* Whether settings are below `path`; "" is above all. */
bool setting_is_section(const char *path);

/*
 * What "agent.log_level" is called in its section, "log_level"; the section's
 * length is what stands before.
 */
const char *setting_name(const struct setting *s);

/*
 * Fill `e` for a key that is in no row: the nearest one there is, or the keys
 * that the section has. Returns -1.
 */
int setting_unknown(const char *section, const char *key, int line, int col,
		    struct err *e);

/* --- Reading ------------------------------------------------------------- */

/* Set the field to its default. */
void setting_reset(const struct setting *s, struct config *c);

/*
 * Set the field to `v`, whose ${...} is looked up. Errors are ERR_USAGE,
 * "3:5: agent.log_level: expected ..., found ...".
 */
int setting_store(const struct setting *s, const struct value *v,
		  struct config *c, struct err *e);

/* Free the field. */
void setting_release(const struct setting *s, struct config *c);

/* --- Writing --------------------------------------------------------------*/

/* What is expected: "a duration such as 10s", "one of debug, info". */
char *setting_expects(const struct setting *s);

/* "1s to 30d", in the setting's unit; NULL where there are no bounds. */
char *setting_range(const struct setting *s);

/*
 * What the field holds, as it would stand in a file: durations and sizes are
 * strings, but bytes a number. NULL where it is not set. The caller frees.
 */
struct value *setting_value(const struct setting *s, const struct config *c);

/* Add the same text as YAML on one line. */
void setting_add_yaml(const struct value *v, struct buf *out);

#endif
