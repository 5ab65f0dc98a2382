/* What the last agent left behind. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/jobs_parts.h"
#include "master/master.h"
#include "model/policy.h"
#include "proto/json.h"

/* A job that ran when the agent died. */
struct cut {
	int64_t id, attempt;
	bool rerun;
};

struct recovery {
	struct master *m;
	struct cut *cut;
	size_t n_cut, queued;
};

static bool
is_rerun(const struct store_job *row)
{
	_value_ struct value *v = NULL;
	_cleanup_(policy_release) struct policy p;
	struct err ignored = ERR_INIT;

	json_decode(row->policy, strlen(row->policy), &v, &ignored);
	policy_from_value(&p, v);
	/* one that runs as long as the agent is started anew */
	return p.rerun && strcmp(row->trigger, "always") != 0;
}

static int
take_row(void *arg, const struct store_job *row)
{
	struct recovery *r = arg;

	if (!row->policy)
		return 0; /* `devops_agent run`: store_recover() knows */
	if (row->state == JOB_RUNNING) {
		r->cut = xrealloc(r->cut, r->n_cut + 1, sizeof(*r->cut));
		r->cut[r->n_cut++] =
			(struct cut){ row->id, row->attempt, is_rerun(row) };
		return 0;
	}
	r->queued++;
	return 0;
}

static int
take_queued(void *arg, const struct store_job *row)
{
	struct master *m = arg;
	struct live_job *j;

	if (!row->policy || row->state != JOB_QUEUED)
		return 0;
	j = job_new();
	job_from_row(m, j, row);
	job_enter(m, j);
	return 0;
}

/* It is queued again, or lost. */
static int
mend(struct master *m, const struct cut *cut, struct err *e)
{
	struct store_job row = {
		.id = cut->id,
		.state = cut->rerun ? JOB_FAILED : JOB_LOST,
		.attempt = cut->attempt,
		.finished_ms = clock_real_ms(),
		.error = "{\"code\":\"lost\",\"message\":\"the agent died "
			 "while it ran\",\"hint\":null}",
	};

	CRASH_POINT(cut->rerun ? "recover-rerun" : "recover-lose");
	if (cut->rerun)
		return store_job_requeue(m->store, &row, row.finished_ms, NULL,
					 NULL, e);
	return store_job_finish(m->store, &row, NULL, NULL, e);
}

static int
mend_all(struct master *m, const struct recovery *r, struct err *e)
{
	if (store_begin(m->store, e) < 0)
		return -1;
	for (size_t i = 0; i < r->n_cut; i++) {
		if (mend(m, &r->cut[i], e) < 0) {
			store_rollback(m->store);
			return -1;
		}
	}
	CRASH_POINT("recover-written");
	if (store_commit(m->store, e) < 0)
		return -1;
	CRASH_POINT("recover-done");
	return 0;
}

static void
say(const struct recovery *r)
{
	size_t rerun = 0;

	for (size_t i = 0; i < r->n_cut; i++)
		rerun += r->cut[i].rerun;
	if (r->n_cut)
		log_event(LOG_LEVEL_WARN,
			  &(struct log_about){ .component = "jobs" },
			  "the agent before this one died while %zu jobs ran: "
			  "%zu run again, %zu are lost",
			  r->n_cut, rerun, r->n_cut - rerun);
}

int
jobs_recover(struct master *m, struct err *e)
{
	struct recovery r = { .m = m };
	size_t lost = 0;
	int rc;

	rc = store_job_active_each(m->store, take_row, &r, e);
	if (rc == 0 && r.n_cut)
		rc = mend_all(m, &r, e);
	if (rc == 0)
		say(&r);
	free(r.cut);
	if (rc < 0 || store_recover(m->store, clock_real_ms(), &lost, e) < 0)
		return -1;
	return store_job_active_each(m->store, take_queued, m, e);
}
