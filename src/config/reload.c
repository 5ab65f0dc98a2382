/* Two configurations: what differs, and what has to stay. */
#include <string.h>

#include "base/mem.h"
#include "config/parts.h"

typedef void change_fn(void *arg, const struct config_change *change);

static void
diff_settings(const struct config *from, const struct config *to, change_fn *fn,
	      void *arg)
{
	for (size_t i = 0; i < agent_settings.n; i++) {
		const struct setting *s = &agent_settings.rows[i];
		const struct config_change change = {
			.kind = CONFIG_SETTING_CHANGED,
			.name = s->path,
			.needs_restart = s->needs_restart,
		};

		if (!setting_equal(s, from, to))
			fn(arg, &change);
	}
}

/* `from` or `to` may be NULL. */
static void
diff_job(const char *name, const struct config_job *from,
	 const struct config_job *to, change_fn *fn, void *arg)
{
	const struct config_change change = {
		.kind = !from ? CONFIG_JOB_ADDED :
			!to   ? CONFIG_JOB_REMOVED :
				CONFIG_JOB_CHANGED,
		.name = name,
		.from = from,
		.to = to,
	};

	if (!from || !to || !config_job_equal(from, to))
		fn(arg, &change);
}

/* The job at *at, if it is called so; then *at is the next one. */
static const struct config_job *
take_job(const struct config_jobs *jobs, size_t *at, const char *name)
{
	if (*at == jobs->n || strcmp(jobs->items[*at].name, name) != 0)
		return NULL;
	return &jobs->items[(*at)++];
}

static const char *
name_at(const struct config_jobs *jobs, size_t at)
{
	return at < jobs->n ? jobs->items[at].name : NULL;
}

/* The lesser of the two names; NULL at the end of both. */
static const char *
lesser(const char *a, const char *b)
{
	return !a || (b && strcmp(b, a) < 0) ? b : a;
}

/* Both are in order. */
static void
diff_jobs(const struct config_jobs *from, const struct config_jobs *to,
	  change_fn *fn, void *arg)
{
	size_t i = 0, k = 0;
	const char *name;

	while ((name = lesser(name_at(from, i), name_at(to, k)))) {
		const struct config_job *old = take_job(from, &i, name);

		diff_job(name, old, take_job(to, &k, name), fn, arg);
	}
}

static void
diff_destination(enum config_change_kind kind,
		 const struct config_destination *d, change_fn *fn, void *arg)
{
	const struct config_change change = { .kind = kind, .name = d->name };

	fn(arg, &change);
}

static void
diff_destinations(const struct config *from, const struct config *to,
		  change_fn *fn, void *arg)
{
	for (size_t i = 0; i < from->forward.n; i++) {
		const struct config_destination *d = &from->forward.items[i];

		if (!config_find_destination(to, d->name))
			diff_destination(CONFIG_DESTINATION_REMOVED, d, fn,
					 arg);
	}
	for (size_t i = 0; i < to->forward.n; i++) {
		const struct config_destination *d = &to->forward.items[i];
		const struct config_destination *old =
			config_find_destination(from, d->name);

		if (!old || !config_destination_equal(old, d))
			diff_destination(old ? CONFIG_DESTINATION_CHANGED :
					       CONFIG_DESTINATION_ADDED,
					 d, fn, arg);
	}
}

void
config_diff(const struct config *from, const struct config *to, change_fn *fn,
	    void *arg)
{
	diff_settings(from, to, fn, arg);
	diff_jobs(&from->jobs, &to->jobs, fn, arg);
	diff_destinations(from, to, fn, arg);
}

void
config_keep_fixed(const struct config *from, struct config *to)
{
	for (size_t i = 0; i < agent_settings.n; i++) {
		const struct setting *s = &agent_settings.rows[i];

		if (s->needs_restart && !setting_equal(s, from, to))
			setting_copy(s, from, to);
	}
}
