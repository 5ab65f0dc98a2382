/* The map of jobs: reading, and what goes with what. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/parts.h"
#include "model/units.h"

struct load {
	struct config_job *job;
	struct setting_place place;
	const struct value *map; /* as in the file */
};

/* --- Life ------------------------------------------------------------------
 */

static void
release_job(struct config_job *j)
{
	for (size_t i = 0; i < job_settings.n; i++)
		setting_release(&job_settings.rows[i], j);
	value_free(j->written);
	free(j->name);
}

void
jobs_release(struct config_jobs *jobs)
{
	for (size_t i = 0; i < jobs->n; i++)
		release_job(&jobs->items[i]);
	free(jobs->items);
	memset(jobs, 0, sizeof(*jobs));
}

/* The defaults hold no memory of their own: a job starts as a copy. */
static void
init_job(struct config_job *j)
{
	memset(j, 0, sizeof(*j));
	for (size_t i = 0; i < job_settings.n; i++)
		setting_reset(&job_settings.rows[i], j);
}

bool
config_job_equal(const struct config_job *a, const struct config_job *b)
{
	if (strcmp(a->name, b->name) != 0)
		return false;
	for (size_t i = 0; i < job_settings.n; i++)
		if (!setting_equal(&job_settings.rows[i], a, b))
			return false;
	return true;
}

static int
compare_jobs(const void *a, const void *b)
{
	const struct config_job *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
compare_name(const void *name, const void *job)
{
	return strcmp(name, ((const struct config_job *)job)->name);
}

const struct config_job *
config_find_job(const struct config *c, const char *name)
{
	if (!c->jobs.n)
		return NULL;
	return bsearch(name, c->jobs.items, c->jobs.n, sizeof(*c->jobs.items),
		       compare_name);
}

/* --- Settings --------------------------------------------------------------
 */

/* Where what others check stands. */
static void
note_place(struct config_job *j, const struct setting *s, const struct value *v)
{
	static const struct {
		const char *path;
		enum config_check what;
	} places[] = {
		{ "plugin", CONFIG_CHECK_PLUGIN },
		{ "command", CONFIG_CHECK_PLUGIN },
		{ "method", CONFIG_CHECK_METHOD },
		{ "cron", CONFIG_CHECK_CRON },
		{ "timezone", CONFIG_CHECK_TIMEZONE },
		{ "params", CONFIG_CHECK_PARAMS },
		{ "secrets", CONFIG_CHECK_SECRETS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (strcmp(places[i].path, s->path) != 0)
			continue;
		j->at[places[i].what].line = v->line;
		j->at[places[i].what].col = v->col;
	}
}

static int
load_row(void *arg, const struct setting *s, const struct value_member *m,
	 struct err *e)
{
	struct load *l = arg;
	struct config_job *j = l->job;

	if (setting_store(s, m->value, &l->place, e) < 0)
		return -1;
	j->given |= 1U << (s - job_settings.rows);
	note_place(j, s, m->value);
	if (setting_is_reference(m->value)) {
		if (!j->written)
			j->written = value_object();
		value_add(j->written, s->path, value_copy(m->value));
	}
	return 0;
}

/* --- What goes with what ---------------------------------------------------
 */

static bool
is_given(const struct load *l, const char *path)
{
	const struct setting *s = setting_find(&job_settings, path);

	return l->job->given & 1U << (s - job_settings.rows);
}

/* The key of a setting that is given: "retry.max" is below another. */
static const struct value_member *
key_of(const struct load *l, const char *path)
{
	const struct value *map = l->map;
	const char *dot = strchr(path, '.');
	_free_ char *section = NULL;

	if (dot) {
		section = xstrndup(path, (size_t)(dot - path));
		map = value_get(map, section);
		path = dot + 1;
	}
	return &map->u.object.members[value_index(map, path)];
}

__attribute__((format(printf, 4, 5))) static int
fail_at(const struct load *l, const char *path, struct err *e, const char *fmt,
	...)
{
	const struct value_member *key = key_of(l, path);
	char what[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(e, ERR_USAGE, "%d:%d: %s%s: %s", key->line, key->col,
		       l->place.name, path, what);
}

static const struct {
	const char *path;
	enum config_when when;
} whens[] = {
	{ "every", CONFIG_EVERY },
	{ "cron", CONFIG_CRON },
	{ "at", CONFIG_AT },
	{ "always", CONFIG_ALWAYS },
};

/* Which one of them it is; on demand where it is none. */
static int
find_when(const struct load *l, struct err *e)
{
	const char *first = NULL;

	l->job->when = CONFIG_ON_DEMAND;
	for (size_t i = 0; i < ARRAY_SIZE(whens); i++) {
		const char *path = whens[i].path;

		if (!is_given(l, path) ||
		    (whens[i].when == CONFIG_ALWAYS && !l->job->always))
			continue;
		if (first)
			return fail_at(l, path, e,
				       "a job has one of every, cron, at and "
				       "always, and this one has %s, on line "
				       "%d",
				       first, key_of(l, first)->line);
		first = path;
		l->job->when = whens[i].when;
	}
	return 0;
}

/* "every, cron or at" */
static void
add_whens(unsigned set, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(whens); i++) {
		if (!(set & whens[i].when))
			continue;
		set &= ~(unsigned)whens[i].when;
		buf_addf(out, "%s%s", whens[i].path,
			 !set			   ? "" :
			 !(set & (set - 1)) && set ? " or " :
						     ", ");
	}
}

static int
fail_when(const struct load *l, const struct setting *s, struct err *e)
{
	_buf_ struct buf b = { 0 };

	if (l->job->when == CONFIG_ALWAYS)
		return fail_at(l, s->path, e,
			       "has no meaning for a job that runs always "
			       "(line %d)",
			       key_of(l, "always")->line);
	add_whens(s->when, &b);
	return fail_at(l, s->path, e, "goes with %s, and this job has %s",
		       b.data,
		       l->job->when == CONFIG_ON_DEMAND ? "none" :
		       l->job->when == CONFIG_EVERY	? "every" :
		       l->job->when == CONFIG_CRON	? "cron" :
							  "at");
}

static int
check_when(const struct load *l, struct err *e)
{
	for (size_t i = 0; i < job_settings.n; i++) {
		const struct setting *s = &job_settings.rows[i];

		if (s->when && l->job->given & 1U << i &&
		    !(s->when & l->job->when))
			return fail_when(l, s, e);
	}
	return 0;
}

static int
check_plugin(const struct load *l, struct err *e)
{
	const struct config_job *j = l->job;

	if (j->plugin && j->command)
		return fail_at(l, "command", e,
			       "a job has plugin or command, and this one has "
			       "plugin, on line %d",
			       key_of(l, "plugin")->line);
	if (j->plugin || j->command)
		return 0;
	err_set(e, ERR_USAGE,
		"%d:%d: jobs.%s: it has neither plugin nor command", j->line,
		j->col, j->name);
	return err_hint(e, "plugin: NAME says what runs; `devops_agent plugin "
			   "list` has the names");
}

static int
check_bounds(const struct load *l, struct err *e)
{
	const struct config_job *j = l->job;
	char longer[UNITS_TEXT], bound[UNITS_TEXT];

	if (j->when == CONFIG_EVERY && j->jitter_ms > j->every_ms)
		return fail_at(l, "jitter", e, "%s is longer than every, %s",
			       units_format_duration(j->jitter_ms, longer),
			       units_format_duration(j->every_ms, bound));
	if (j->retry.backoff_ms > j->retry.max_backoff_ms)
		return fail_at(
			l,
			is_given(l, "retry.backoff") ? "retry.backoff" :
						       "retry.max_backoff",
			e, "backoff, %s, is longer than max_backoff, %s",
			units_format_duration(j->retry.backoff_ms, longer),
			units_format_duration(j->retry.max_backoff_ms, bound));
	if (is_given(l, "missed_max") && j->missed != CONFIG_MISSED_ALL)
		return fail_at(l, "missed_max", e, "goes with missed: all");
	return 0;
}

/* --- Jobs -------------------------------------------------------------------
 */

static int
check_name(const struct value_member *m, struct err *e)
{
	if (units_is_name(m->key))
		return 0;
	return err_set(e, ERR_USAGE,
		       "%d:%d: jobs: '%.80s' is no name of a job: up to 64 "
		       "lower case letters, digits and -, which is not the "
		       "first",
		       m->line, m->col, m->key);
}

static int
load_job(struct config *c, const struct value_member *m, struct config_job *j,
	 struct err *e)
{
	_free_ char *name = xasprintf("jobs.%.64s.", m->key);
	struct load l = {
		.job = j,
		.place = { j, name, c->folder, &c->secrets },
		.map = m->value,
	};

	if (check_name(m, e) < 0)
		return -1;
	j->name = xstrdup(m->key);
	j->line = m->line;
	j->col = m->col;
	if (setting_walk(&job_settings, name, m->value, load_row, &l, e) < 0 ||
	    check_plugin(&l, e) < 0 || find_when(&l, e) < 0 ||
	    check_when(&l, e) < 0)
		return -1;
	j->retry.given = is_given(&l, "retry.max");
	return check_bounds(&l, e);
}

int
jobs_load(struct config *c, const struct value *v, struct err *e)
{
	struct config_jobs *jobs = &c->jobs;
	struct config_job defaults;
	size_t n = v->type == VALUE_OBJECT ? v->u.object.n : 0;

	if (v->type != VALUE_OBJECT && v->type != VALUE_NULL)
		return err_set(e, ERR_USAGE,
			       "%d:%d: jobs: expected a map of names to jobs, "
			       "found a %s",
			       v->line, v->col,
			       v->type == VALUE_ARRAY ? "list" : "value");
	init_job(&defaults);
	jobs->items = xcalloc(n + 1, sizeof(*jobs->items));
	for (; jobs->n < n; jobs->n++)
		jobs->items[jobs->n] = defaults;
	for (size_t i = 0; i < n; i++)
		if (load_job(c, &v->u.object.members[i], &jobs->items[i], e) <
		    0)
			return -1;
	qsort(jobs->items, n, sizeof(*jobs->items), compare_jobs);
	return 0;
}
