#include "master/jobs.h"

#include <sys/random.h>

#include <stdlib.h>
#include <string.h>

#include "agent/keep.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/jobs_parts.h"
#include "master/master.h"
#include "master/upkeep.h"
#include "master/wait.h"
#include "model/transition.h"

/* --- Memory ------------------------------------------------------------- */

static bool
sooner(const struct heap_node *a, const struct heap_node *b)
{
	return container_of(a, struct live_job, by_time)->not_before_ms <
	       container_of(b, struct live_job, by_time)->not_before_ms;
}

static bool
expires_sooner(const struct heap_node *a, const struct heap_node *b)
{
	return container_of(a, struct live_job, by_expiry)->expires_ms <
	       container_of(b, struct live_job, by_expiry)->expires_ms;
}

void
jobs_init(struct master *m)
{
	struct jobs *js = &m->jobs;

	memset(js, 0, sizeof(*js));
	heap_init(&js->delayed, sooner);
	heap_init(&js->expiring, expires_sooner);
	LIST_INIT(&js->held);
	if (getrandom(&js->random, sizeof(js->random), 0) < 0)
		js->random = (uint64_t)clock_mono_us();
}

struct live_job *
job_new(void)
{
	struct live_job *j = xcalloc(1, sizeof(*j));

	j->state = JOB_QUEUED;
	j->attempt = 1;
	LIST_INIT(&j->waiters);
	LIST_INIT(&j->followers);
	return j;
}

void
detail_free(struct detail *d)
{
	if (!d)
		return;
	job_release(&d->job);
	policy_release(&d->policy);
	value_free(d->secrets);
	version_unref(d->version);
	free(d);
}

void
job_free(struct master *m, struct live_job *j)
{
	change_drop(m, &j->change);
	detail_free(j->detail);
	free(j->serial);
	free(j->schedule);
	free(j);
}

void
jobs_close(struct master *m)
{
	loop_timer_cancel(&m->jobs.timer);
	for (size_t i = 0; i < JOBS_BUCKETS; i++) {
		struct live_job *j;

		while ((j = LIST_FIRST(&m->jobs.by_id[i]))) {
			LIST_REMOVE(j, by_id);
			wait_drop(j);
			job_leave_queue(m, j);
			job_free(m, j);
		}
	}
	heap_release(&m->jobs.delayed);
	heap_release(&m->jobs.expiring);
}

static struct live_jobs *
bucket(struct master *m, int64_t id)
{
	return &m->jobs.by_id[(uint64_t)id % JOBS_BUCKETS];
}

struct live_job *
jobs_find(struct master *m, int64_t id)
{
	struct live_job *j;

	LIST_FOREACH(j, bucket(m, id), by_id)
	if (j->id == id)
		return j;
	return NULL;
}

/* --- Waiting ------------------------------------------------------------ */

static void on_time(void *arg);

static void
set_timer(struct master *m)
{
	struct jobs *js = &m->jobs;
	struct heap_node *delayed = heap_first(&js->delayed);
	struct heap_node *expiring = heap_first(&js->expiring);
	int64_t at = INT64_MAX;

	if (delayed)
		at = HEAP_ENTRY(delayed, struct live_job, by_time)
			     ->not_before_ms;
	if (expiring) {
		const struct live_job *j =
			HEAP_ENTRY(expiring, struct live_job, by_expiry);

		at = j->expires_ms < at ? j->expires_ms : at;
	}
	if (at == INT64_MAX)
		loop_timer_cancel(&js->timer);
	else
		loop_wall_timer_set(m->loop, &js->timer, at, on_time, m);
}

void
job_wait_turn(struct master *m, struct live_job *j)
{
	if (j->service) {
		services_begin(m, j);
		return;
	}
	if (j->not_before_ms > clock_real_ms()) {
		heap_add(&m->jobs.delayed, &j->by_time);
	} else {
		j->queued_ms = clock_mono_ms();
		pools_enqueue(m, j);
	}
	if (j->expires_ms)
		heap_add(&m->jobs.expiring, &j->by_expiry);
	set_timer(m);
}

void
job_leave_queue(struct master *m, struct live_job *j)
{
	pools_dequeue(m, j);
	job_unhold(j);
	heap_remove(&m->jobs.delayed, &j->by_time);
	heap_remove(&m->jobs.expiring, &j->by_expiry);
}

void
job_enter(struct master *m, struct live_job *j)
{
	LIST_INSERT_HEAD(bucket(m, j->id), j, by_id);
	m->jobs.queued++;
	job_wait_turn(m, j);
}

void
job_leave(struct master *m, struct live_job *j)
{
	if (j->state == JOB_QUEUED) {
		job_leave_queue(m, j);
		m->jobs.queued--;
	} else {
		m->jobs.running--;
	}
	LIST_REMOVE(j, by_id);
}

static void
expire(struct master *m, struct live_job *j)
{
	struct err e = ERR_INIT;

	err_set(&e, ERR_AGENT,
		"it waited for its turn until its time-out in the queue");
	err_hint(&e, "raise queue_timeout, or workers.max; devops_agent "
		     "status shows what runs");
	job_end_queued(m, j, JOB_FAILED, "queue_timeout", &e);
}

static void
on_time(void *arg)
{
	struct master *m = arg;
	struct jobs *js = &m->jobs;
	int64_t now = clock_real_ms();
	struct heap_node *n;

	while ((n = heap_first(&js->delayed))) {
		struct live_job *j = HEAP_ENTRY(n, struct live_job, by_time);

		if (j->not_before_ms > now)
			break;
		heap_remove(&js->delayed, n);
		j->queued_ms = clock_mono_ms();
		pools_enqueue(m, j);
	}
	while ((n = heap_first(&js->expiring))) {
		struct live_job *j = HEAP_ENTRY(n, struct live_job, by_expiry);

		if (j->expires_ms > now)
			break;
		expire(m, j);
	}
	set_timer(m);
}

/* --- Beginning ---------------------------------------------------------- */

static int
write_begin(struct master *m, struct change *c, struct err *e)
{
	struct live_job *j = container_of(c, struct live_job, change);
	int rc = store_job_begin(m->store, j->id, j->attempt, clock_real_ms(),
				 e);

	if (rc == STORE_OVERLAP)
		return err_set(e, ERR_AGENT, "another run of it is not over");
	CRASH_TRANSITION("written", "queued", "running");
	return rc;
}

static void
begin_done(struct master *m, struct change *c, const struct err *failed)
{
	struct live_job *j = container_of(c, struct live_job, change);
	struct member *member = j->member;

	if (!failed) {
		CRASH_TRANSITION("committed", "queued", "running");
		events_job(m, "job.started", j);
		if (j->service)
			services_hand_over(m, j);
		else
			pools_hand_over(m, member);
		return;
	}
	j->state = JOB_QUEUED;
	j->member = NULL;
	j->worker = NULL;
	m->jobs.running--;
	m->jobs.queued++;
	if (j->service)
		return; /* its submission was in the same commit, and fails */
	pools_take_back(m, member);
	if (failed->kind == ERR_NOT_FOUND || failed->kind == ERR_USAGE) {
		/* somebody else changed its row */
		log_event(LOG_LEVEL_ERROR,
			  &(struct log_about){ .component = "queue",
					       .job = j->id },
			  "forgotten: %s", failed->msg);
		job_leave(m, j);
		wait_end(m, j, NULL);
		job_free(m, j);
		return;
	}
	job_wait_turn(m, j);
}

void
jobs_begin(struct master *m, struct live_job *j, struct member *member)
{
	job_leave_queue(m, j);
	j->state = JOB_RUNNING;
	j->member = member;
	if (member)
		j->worker = member->worker;
	m->jobs.queued--;
	m->jobs.running++;
	change_add(m, &j->change, false, write_begin, begin_done);
}

/* --- Ending ------------------------------------------------------------- */

#define PASS_END(when, j)                                          \
	CRASH_TRANSITION(when, job_state_name((j)->state),         \
			 job_state_name((j)->detail->retry_at_ms ? \
						JOB_QUEUED :       \
						(j)->detail->end))

static int
write_end(struct master *m, struct change *c, struct err *e)
{
	struct live_job *j = container_of(c, struct live_job, change);
	struct detail *d = j->detail;
	_cleanup_(kept_release) struct kept k = { .n = 0 };
	int rc;

	kept_init(&k, &d->job.record);
	k.job.id = j->id;
	k.job.state = d->end;
	if (!k.job.finished_ms)
		k.job.finished_ms = clock_real_ms();
	/* an attempt that did not come to its beginning was one all the same */
	if (j->state == JOB_QUEUED && d->retry_at_ms &&
	    store_job_begin(m->store, j->id, j->attempt, k.job.finished_ms,
			    e) != 0)
		return -1;
	rc = d->retry_at_ms ?
		     store_job_requeue(m->store, &k.job, d->retry_at_ms,
				       keep_logs, &d->job.logbook, e) :
		     store_job_finish(m->store, &k.job, keep_logs,
				      &d->job.logbook, e);
	PASS_END("written", j);
	return rc;
}

static void
log_end(const struct live_job *j)
{
	const struct record *r = &j->detail->job.record;
	const struct log_about about = { .component = "jobs",
					 .job = j->id,
					 .plugin = r->plugin };
	bool again = j->detail->retry_at_ms != 0;

	if (r->state == JOB_SUCCEEDED)
		log_event(LOG_LEVEL_DEBUG, &about, "%s succeeded in %lld ms",
			  r->name, (long long)r->duration_ms);
	else
		log_event(r->state == JOB_CANCELLED ? LOG_LEVEL_INFO :
						      LOG_LEVEL_WARN,
			  &about, "%s: %s: %s%s", r->name,
			  job_state_name(r->state),
			  r->error_message ? r->error_message : "no reason",
			  again ? "; it will be tried again" : "");
}

/* It waits for its next attempt. */
static void
wait_again(struct master *m, struct live_job *j)
{
	j->not_before_ms = j->detail->retry_at_ms;
	if (j->state == JOB_RUNNING) {
		m->jobs.running--;
		m->jobs.queued++;
	}
	j->state = JOB_QUEUED;
	j->attempt++;
	j->expires_ms = 0;
	m->jobs.retried++;
	events_job(m, "job.retry", j);
	wait_attempt(m, j);
	if (j->serial)
		jobs_release_held(m, j->serial);
	detail_free(steal_ptr(&j->detail));
	job_wait_turn(m, j);
}

static void
end_done(struct master *m, struct change *c, const struct err *failed)
{
	struct live_job *j = container_of(c, struct live_job, change);
	struct detail *d = j->detail;

	if (failed)
		log_event(LOG_LEVEL_ERROR,
			  &(struct log_about){ .component = "store",
					       .job = j->id },
			  "its end could not be kept: %s", failed->msg);
	PASS_END("committed", j);
	log_end(j);
	if (d->retry_at_ms && !failed && !j->cancelled) {
		wait_again(m, j);
		return;
	}
	m->jobs.ended[d->end]++;
	upkeep_job_ended(m);
	job_leave(m, j);
	if (j->serial)
		jobs_release_held(m, j->serial);
	events_job(m, "job.ended", j);
	plugin_metrics_take(m, &d->job.record);
	wait_end(m, j, &d->job.record);
	schedules_ended(m, j, d->end);
	if (j->service)
		services_over(m, j);
	job_free(m, j);
	master_check_stop(m);
}

static void
end_with(struct master *m, struct live_job *j)
{
	struct record *r = &j->detail->job.record;

	j->detail->end = r->state;
	r->scheduled_ms = r->scheduled_ms ? r->scheduled_ms : r->started_ms;
	change_add(m, &j->change, true, write_end, end_done);
}

/* When a failed attempt is to be followed by another; 0: not at all. */
static int64_t
retry_at(struct master *m, const struct live_job *j)
{
	const struct detail *d = j->detail;
	const struct record *r = &d->job.record;
	bool asked = r->retry_after_ms >= 0;

	if (j->cancelled || j->service ||
	    (r->state != JOB_FAILED && r->state != JOB_TIMED_OUT) ||
	    !policy_retries(&d->policy, j->attempt, asked))
		return 0;
	/* a step of Knuth's MMIX generator */
	m->jobs.random = m->jobs.random * UINT64_C(6364136223846793005) +
			 UINT64_C(1442695040888963407);
	return clock_real_ms() + (asked ? r->retry_after_ms :
					  policy_delay(&d->policy, j->attempt,
						       m->jobs.random >> 32));
}

void
jobs_ended(struct master *m, struct live_job *j)
{
	j->member = NULL;
	j->worker = NULL;
	j->detail->retry_at_ms = retry_at(m, j);
	end_with(m, j);
}

void
jobs_fail(struct master *m, struct live_job *j, const struct err *why,
	  const char *code)
{
	struct record *r;

	if (!j->detail && detail_load(m, j) < 0)
		return;
	r = &j->detail->job.record;
	r->state = JOB_FAILED;
	record_set_error(r, code, why->msg, why->hint[0] ? why->hint : NULL);
	r->finished_ms = clock_real_ms();
	if (j->state == JOB_QUEUED)
		job_leave_queue(m, j);
	jobs_ended(m, j);
}

/* It ends without having begun. */
void
job_end_queued(struct master *m, struct live_job *j, enum job_state state,
	       const char *code, const struct err *why)
{
	struct record *r;

	job_leave_queue(m, j);
	if (!j->detail && detail_load(m, j) < 0)
		return;
	r = &j->detail->job.record;
	r->state = state;
	r->finished_ms = clock_real_ms();
	record_set_error(r, code, why->msg, why->hint[0] ? why->hint : NULL);
	j->cancelled = true; /* no further attempt */
	end_with(m, j);
}

/* --- Cancelling --------------------------------------------------------- */

static void
cancel(struct master *m, struct live_job *j)
{
	struct err why = ERR_INIT;

	j->cancelled = true;
	if (j->state == JOB_RUNNING) {
		if (j->worker)
			worker_cancel(j->worker);
		CRASH_POINT("cancel-sent");
		return;
	}
	err_set(&why, ERR_AGENT, "cancelled before it began");
	job_end_queued(m, j, JOB_CANCELLED, "cancelled", &why);
}

static int
ended_already(struct master *m, int64_t id, struct err *e)
{
	enum job_state state;

	if (job_stored_state(m, id, &state, e) < 0)
		return -1;
	return err_set(e, ERR_CONFLICT, "job %lld has ended: %s", (long long)id,
		       job_state_name(state));
}

int
jobs_cancel(struct master *m, int64_t id, struct err *e)
{
	struct live_job *j = jobs_find(m, id);

	if (!j || j->change.pending)
		return ended_already(m, id, e);
	cancel(m, j);
	return 0;
}

static void
cancel_each(struct master *m,
	    bool (*which)(const struct live_job *j, const void *arg),
	    const void *arg)
{
	for (size_t i = 0; i < JOBS_BUCKETS; i++) {
		struct live_job *j, *next;

		for (j = LIST_FIRST(&m->jobs.by_id[i]); j; j = next) {
			next = LIST_NEXT(j, by_id);
			if (!j->change.pending && !j->cancelled &&
			    which(j, arg))
				cancel(m, j);
		}
	}
}

static bool
is_of_schedule(const struct live_job *j, const void *arg)
{
	return j->schedule && strcmp(j->schedule, arg) == 0;
}

static bool
is_running(const struct live_job *j, const void *arg)
{
	(void)arg;
	return j->state == JOB_RUNNING;
}

void
jobs_cancel_schedule(struct master *m, const char *schedule)
{
	cancel_each(m, is_of_schedule, schedule);
}

void
jobs_cancel_running(struct master *m)
{
	cancel_each(m, is_running, NULL);
}
