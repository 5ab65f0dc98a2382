/*
 * job.h: a job of the configuration: what runs, when, and what becomes of a
 * run that fails, overlaps or was missed.
 *
 * What each setting means is a row of the table in job_settings.c. Texts that
 * another part understands (cron, timezone; whether there is such a plugin and
 * takes such params) are checked by config_check(), not when the file is read.
 */
#ifndef CONFIG_JOB_H
#define CONFIG_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/value.h"

/* In the order of enum schedule_overlap and enum schedule_missed. */
enum config_overlap {
	CONFIG_OVERLAP_SKIP,
	CONFIG_OVERLAP_QUEUE,
	CONFIG_OVERLAP_REPLACE,
};
enum config_missed {
	CONFIG_MISSED_ONCE,
	CONFIG_MISSED_ALL,
	CONFIG_MISSED_NONE,
};
enum config_on_crash { CONFIG_CRASH_RETRY, CONFIG_CRASH_FAIL };

/* When a job runs; the settings of the table say which ones they go with. */
enum config_when {
	CONFIG_EVERY = 1 << 0,
	CONFIG_CRON = 1 << 1,
	CONFIG_AT = 1 << 2,
	CONFIG_ALWAYS = 1 << 3,
	CONFIG_ON_DEMAND = 1 << 4,
};

/* What config_check() has others look at. */
enum config_check {
	CONFIG_CHECK_CRON,     /* j->cron; only where it is set */
	CONFIG_CHECK_TIMEZONE, /* j->timezone; only where it is set */
	CONFIG_CHECK_PLUGIN,   /* j->plugin or j->command */
	CONFIG_CHECK_METHOD,   /* j->method; only where it is set */
	CONFIG_CHECK_PARAMS,   /* j->params, which may be NULL */
	CONFIG_CHECK_SECRETS,  /* j->secrets, which may be NULL */
	CONFIG_CHECKS,
};

/* All of it belongs to the configuration that it is in. */
struct config_job {
	char *name;
	bool enabled; /* or there, but not scheduled */

	char *plugin;  /* its name, or NULL ... */
	char *command; /* and a plugin's file, absolute */
	char *method;  /* NULL: the plugin's default */

	enum config_when when;
	int64_t every_ms; /* these four as `when` says: 0, NULL, false */
	char *cron;
	int64_t at_ms; /* unix time */
	bool always;
	char *timezone; /* of cron; NULL: the host's */
	int64_t jitter_ms;

	enum config_overlap overlap;
	enum config_missed missed;
	int64_t missed_max;
	struct {
		int64_t max; /* attempts after the first */
		bool given;  /* 0 else means: as the plugin asks */
		int64_t backoff_ms;
		int64_t max_backoff_ms;
	} retry;
	enum config_on_crash on_crash;

	struct value *params;	  /* object, ${...} looked up; NULL: none */
	struct value *secrets;	  /* object of strings; NULL: none */
	int64_t priority;	  /* -100 to 100, higher first */
	int64_t timeout_ms;	  /* 0: the plugin's own limit alone */
	int64_t queue_timeout_ms; /* 0: none */

	/* config/ alone: */
	unsigned given;	       /* set of the rows that are in the file */
	struct value *written; /* row -> value, of those with a ${...} in it */
	int line, col;	       /* of its name, and of what is checked */
	struct {
		int line, col;
	} at[CONFIG_CHECKS];
};

/* Whether both say the same: all settings, wherever they stand in a file. */
bool config_job_equal(const struct config_job *a, const struct config_job *b);

#endif
