/* Checks of jobs that take more than the file; the caller has what it takes. */
#include <string.h>

#include "base/mem.h"
#include "config/parts.h"

/* What is looked at, by its setting: NULL where it always is. */
static bool
is_due(const struct config_job *j, enum config_check what)
{
	switch (what) {
	case CONFIG_CHECK_CRON:
		return j->cron;
	case CONFIG_CHECK_TIMEZONE:
		return j->timezone;
	case CONFIG_CHECK_METHOD:
		return j->method;
	case CONFIG_CHECK_PLUGIN:
	case CONFIG_CHECK_PARAMS:
	case CONFIG_CHECK_SECRETS:
	case CONFIG_CHECKS:
		break;
	}
	return true;
}

static const char *
setting_of(const struct config_job *j, enum config_check what)
{
	static const char *const paths[] = {
		[CONFIG_CHECK_CRON] = ".cron",
		[CONFIG_CHECK_TIMEZONE] = ".timezone",
		[CONFIG_CHECK_PLUGIN] = ".plugin",
		[CONFIG_CHECK_METHOD] = ".method",
		[CONFIG_CHECK_PARAMS] = ".params",
		[CONFIG_CHECK_SECRETS] = ".secrets",
	};

	if (what == CONFIG_CHECK_PLUGIN && j->command)
		return ".command";
	return j->at[what].line ? paths[what] : "";
}

/* An error may quote what a parameter is, and that may be a secret. */
static void
mask_secrets(const struct config *c, char *text)
{
	for (size_t i = 0; i < c->secrets.n; i++)
		for (char *at = text; (at = strstr(at, c->secrets.items[i]));)
			for (size_t n = strlen(c->secrets.items[i]); n; n--)
				*at++ = '*';
}

/* Params that are missing are missed at the job itself. */
static void
add_place(const struct config *c, const struct config_job *j,
	  enum config_check what, struct err *e)
{
	bool is_there = j->at[what].line > 0;
	struct err inner = *e;

	mask_secrets(c, inner.msg);
	mask_secrets(c, inner.hint);
	err_set(e, ERR_USAGE, "%s:%d:%d: jobs.%s%s: %s", c->name,
		is_there ? j->at[what].line : j->line,
		is_there ? j->at[what].col : j->col, j->name,
		setting_of(j, what), inner.msg);
	memcpy(e->hint, inner.hint, sizeof(e->hint));
}

static int
check_job(const struct config *c, const struct config_job *j,
	  config_check_fn *fn, void *arg, struct strv *warnings, struct err *e)
{
	for (enum config_check what = 0; what < CONFIG_CHECKS; what++) {
		struct err why = ERR_INIT;
		int rc = is_due(j, what) ? fn(arg, j, what, &why) : 0;

		if (rc == 0)
			continue;
		add_place(c, j, what, &why);
		if (rc < 0) {
			*e = why;
			return -1;
		}
		strv_addf(warnings, "%s%s%s%s", why.msg, *why.hint ? " (" : "",
			  why.hint, *why.hint ? ")" : "");
		if (what == CONFIG_CHECK_PLUGIN)
			break; /* nothing is known of it */
	}
	return 0;
}

int
config_check(const struct config *c, config_check_fn *fn, void *arg,
	     struct strv *warnings, struct err *e)
{
	if (config_check_api(c, e) < 0)
		return -1;
	for (size_t i = 0; i < c->jobs.n; i++)
		if (check_job(c, &c->jobs.items[i], fn, arg, warnings, e) < 0)
			return -1;
	return 0;
}
