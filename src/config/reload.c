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

/* One name: `from` or `to` may be NULL. */
static void
diff_job(const struct config_job *from, const struct config_job *to,
	 change_fn *fn, void *arg)
{
	const struct config_change change = {
		.kind = !from ? CONFIG_JOB_ADDED :
			!to   ? CONFIG_JOB_REMOVED :
				CONFIG_JOB_CHANGED,
		.name = from ? from->name : to->name,
		.from = from,
		.to = to,
	};

	if (!from || !to || !config_job_equal(from, to))
		fn(arg, &change);
}

/* Both are in order. */
static void
diff_jobs(const struct config_jobs *from, const struct config_jobs *to,
	  change_fn *fn, void *arg)
{
	size_t i = 0, k = 0;

	while (i < from->n || k < to->n) {
		const struct config_job *a =
			i < from->n ? &from->items[i] : NULL;
		const struct config_job *b = k < to->n ? &to->items[k] : NULL;
		int order = !a ? 1 : !b ? -1 : strcmp(a->name, b->name);

		diff_job(order <= 0 ? a : NULL, order >= 0 ? b : NULL, fn, arg);
		i += order <= 0;
		k += order >= 0;
	}
}

void
config_diff(const struct config *from, const struct config *to, change_fn *fn,
	    void *arg)
{
	diff_settings(from, to, fn, arg);
	diff_jobs(&from->jobs, &to->jobs, fn, arg);
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
