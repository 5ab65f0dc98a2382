/*
 * A database that is damaged, while the agent runs.  It makes room for a new
 * one; what memory holds goes on in that: history, logs and idempotency keys
 * are in the file that was set aside.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/jobs_parts.h"
#include "master/master.h"
#include "master/schedules_parts.h"

static const struct log_about about = { .component = "store" };

void
master_say_set_aside(struct master *m, const char *aside)
{
	m->set_aside = true;
	log_event(LOG_LEVEL_ERROR, &about,
		  "the database was damaged: it is now %s, and a new one was "
		  "started, without its history",
		  aside);
}

int
master_know_self(struct master *m, struct err *e)
{
	char id[STORE_AGENT_ID];

	if (store_agent_id(m->store, id, e) < 0)
		return -1;
	free(m->agent.id);
	m->agent.id = xstrdup(id);
	return 0;
}

/* Of many that wait, a part is in the store alone: perhaps it can be read. */
static void
read_details(struct master *m)
{
	struct live_job *j, *next;

	for (size_t i = 0; i < JOBS_BUCKETS; i++)
		for (j = LIST_FIRST(&m->jobs.by_id[i]); j; j = next) {
			next = LIST_NEXT(j, by_id);
			if (!j->detail)
				(void)detail_load(m, j); /* or it is gone */
		}
}

static int
restore_job(struct master *m, struct live_job *j, struct err *e)
{
	_cleanup_(row_texts_release) struct row_texts t = { .params = { 0 } };
	struct store_job row;

	job_fill_row(j, &row, &t);
	row.id = j->id;
	row.state = j->state;
	row.added_ms = clock_real_ms();
	row.started_ms = j->detail->job.record.started_ms;
	/* as schedules_submission() and services.c have it */
	row.single = j->schedule && !j->serial ? j->schedule : NULL;
	return store_job_restore(m->store, &row, e);
}

static int
restore_all(struct master *m, size_t *n, struct err *e)
{
	struct live_job *j;

	for (size_t i = 0; i < JOBS_BUCKETS; i++)
		LIST_FOREACH(j, &m->jobs.by_id[i], by_id)
		{
			if (restore_job(m, j, e) < 0)
				return -1;
			++*n;
		}
	return 0;
}

static void
forget_details(struct master *m)
{
	struct live_job *j;

	for (size_t i = 0; i < JOBS_BUCKETS; i++)
		LIST_FOREACH(j, &m->jobs.by_id[i], by_id)
	job_forget_detail(m, j);
}

static int
restore(struct master *m, struct err *e)
{
	size_t n = 0;

	if (master_know_self(m, e) < 0 || store_begin(m->store, e) < 0)
		return -1;
	if (restore_all(m, &n, e) < 0 || tokens_restore(m, e) < 0) {
		store_rollback(m->store);
		return -1;
	}
	if (store_commit(m->store, e) < 0)
		return -1;
	m->restoring = false;
	forget_details(m);
	schedules_keep_all(m);
	forward_restart(m);
	log_event(LOG_LEVEL_WARN, &about,
		  "%zu jobs that wait or run are in the new database", n);
	return 0;
}

int
master_replace_store(struct master *m, struct err *e)
{
	_free_ char *aside = NULL;

	if (!m->replacing && store_damaged(m->store)) {
		read_details(m);
		m->replacing = true;
	}
	if (m->replacing) {
		if (store_replace(m->store, &aside, e) < 0)
			return -1;
		master_say_set_aside(m, aside ? aside : "gone");
		m->replacing = false;
		m->restoring = true;
	}
	return m->restoring ? restore(m, e) : 0;
}
