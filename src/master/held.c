/* One of a serial at a time: the others are held until it ends. */
#include <string.h>

#include "master/jobs_parts.h"
#include "master/master.h"

static bool
serial_runs(const struct master *m, const char *serial)
{
	const struct pool *p;
	const struct member *w;

	TAILQ_FOREACH(p, &m->pools.list, link)
	TAILQ_FOREACH(w, &p->members, link)
	if (w->job && w->job->serial && strcmp(w->job->serial, serial) == 0)
		return true;
	return false;
}

bool
jobs_must_wait(struct master *m, struct live_job *j)
{
	if (!j->serial || !serial_runs(m, j->serial))
		return false;
	pools_dequeue(m, j);
	LIST_INSERT_HEAD(&m->jobs.held, j, by_serial);
	j->held = true;
	return true;
}

void
job_unhold(struct live_job *j)
{
	if (j->held)
		LIST_REMOVE(j, by_serial);
	j->held = false;
}

void
jobs_release_held(struct master *m, const char *serial)
{
	struct live_job *j, *next;

	for (j = LIST_FIRST(&m->jobs.held); j; j = next) {
		next = LIST_NEXT(j, by_serial);
		if (strcmp(j->serial, serial) != 0)
			continue;
		job_unhold(j);
		pools_enqueue(m, j);
	}
}
