#include "master/health.h"

#include "base/mem.h"
#include "master/master.h"

/* A reason why it is not ready; NULL: none. */
typedef const char *health_fn(struct master *m);

static const char *
check_phase(struct master *m)
{
	switch (m->phase) {
	case PHASE_STARTING:
		return "the agent starts";
	case PHASE_RUNNING:
		return NULL;
	case PHASE_DRAINING:
	case PHASE_CANCELLING:
	case PHASE_STOPPED:
		break;
	}
	return "the agent stops";
}

static const char *
check_store(struct master *m)
{
	return m->changes.trouble.kind == ERR_NONE ?
		       NULL :
		       "the database takes no changes";
}

/* All that there are fail to start: it is not a plugin's fault. */
static const char *
check_workers(struct master *m)
{
	const struct pool *p;
	bool failing = false;

	TAILQ_FOREACH(p, &m->pools.list, link)
	{
		if (p->busy || p->idle || !p->failures)
			return NULL;
		failing = true;
	}
	return failing ? "no worker comes to take a job" : NULL;
}

static const char *
check_queue(struct master *m)
{
	return (int64_t)m->jobs.queued >= m->setup->config.queue.max ?
		       "the queue is full" :
		       NULL;
}

static const char *
check_forward(struct master *m)
{
	return forward_trouble(m);
}

static health_fn *const checks[] = {
	check_phase, check_store, check_workers, check_queue, check_forward,
};

struct value *
health_value(struct master *m)
{
	struct value *v = value_object(), *reasons;

	value_set(v, "alive", value_bool(true));
	value_set(v, "ready", value_bool(true));
	reasons = value_set(v, "reasons", value_array());
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		const char *reason = checks[i](m);

		if (!reason)
			continue;
		value_append(reasons, value_string(reason));
		value_set(v, "ready", value_bool(false));
	}
	return v;
}
