/* Stopping: by and by, at once, and when there is no going on. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/systemd.h"
#include "master/master.h"
#include "model/grace.h"

static const struct log_about about = { .component = "agent" };

static const char *const names[] = {
	[PHASE_STARTING] = "starting", [PHASE_RUNNING] = "running",
	[PHASE_DRAINING] = "stopping", [PHASE_CANCELLING] = "cancelling",
	[PHASE_STOPPED] = "stopped",
};

const char *
phase_name(enum phase phase)
{
	return names[phase];
}

static void
stopped(struct master *m)
{
	m->phase = PHASE_STOPPED;
	loop_stop(m->loop);
}

/* What was killed did not go: its end can't be waited for. */
static void
give_up(void *arg)
{
	struct master *m = arg;

	log_event(LOG_LEVEL_ERROR, &about,
		  "%zu jobs did not end though they were killed",
		  m->jobs.running);
	m->status = 125;
	stopped(m);
}

static void
kill_all(void *arg)
{
	struct master *m = arg;

	log_event(LOG_LEVEL_WARN, &about, "killing what does not end");
	pools_kill(m);
	services_kill(m);
	loop_timer_set(m->loop, &m->stop_timer,
		       clock_mono_ms() + GRACE_WORKER_MS, give_up, m);
}

static void
cancel_all(void *arg)
{
	struct master *m = arg;

	m->phase = PHASE_CANCELLING;
	if (m->jobs.running)
		log_event(LOG_LEVEL_WARN, &about,
			  "cancelling %zu jobs that still run",
			  m->jobs.running);
	jobs_cancel_running(m);
	loop_timer_set(m->loop, &m->stop_timer,
		       clock_mono_ms() + GRACE_PLUGIN_MS + GRACE_WORKER_MS,
		       kill_all, m);
	master_check_stop(m);
}

void
master_stop(struct master *m, bool quick)
{
	int64_t limit = m->setup->config.agent.stop_timeout_ms;
	/* what is cancelled then has its own time within the limit */
	int64_t run_on = limit - GRACE_WORKER_MS;

	if (m->phase >= PHASE_CANCELLING)
		return;
	if (m->phase == PHASE_DRAINING || quick) {
		cancel_all(m);
		return;
	}
	m->phase = PHASE_DRAINING;
	events_add(m, "agent.stopping", value_object());
	log_event(LOG_LEVEL_INFO, &about,
		  "stopping: %zu jobs run and have %lld s to end, %zu wait "
		  "for the next start",
		  m->jobs.running, (long long)run_on / 1000, m->jobs.queued);
	systemd_notify("STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld\n"
		       "STATUS=waiting for %zu jobs",
		       ((long long)limit + GRACE_STOP_MS) * 1000,
		       m->jobs.running);
	pools_retire(m, NULL);
	services_stop_all(m);
	loop_timer_set(m->loop, &m->stop_timer, clock_mono_ms() + run_on,
		       cancel_all, m);
	master_check_stop(m);
}

void
master_check_stop(struct master *m)
{
	if ((m->phase != PHASE_DRAINING && m->phase != PHASE_CANCELLING) ||
	    m->jobs.running || pools_workers(m) || services_busy(m))
		return;
	stopped(m);
}

void
master_fail(struct master *m, const struct err *e)
{
	log_event(LOG_LEVEL_ERROR, &about, "%s%s%s", e->msg,
		  e->hint[0] ? "; " : "", e->hint);
	m->status = err_exit_status(e);
	stopped(m);
}
