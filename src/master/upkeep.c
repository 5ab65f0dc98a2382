#include "master/upkeep.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/systemd.h"
#include "master/master.h"

/* Between rounds of retention; within one, a step a turn. */
#define PRUNE_MS (10 * 60 * INT64_C(1000))
#define PRUNE_FIRST_MS 5000
#define PRUNE_STEP 500
/* ... or after as many ends: the size is bounded however busy the agent is. */
#define PRUNE_ENDS 200
/* Room for others between two steps. */
#define PRUNE_PAUSE_MS 20

static const struct log_about about = { .component = "store" };

static void set_prune(struct master *m, int64_t after_ms);

/* One step; the next one soon, or the next round. */
static void
prune(void *arg)
{
	struct master *m = arg;
	const struct config *c = &m->setup->config;
	int64_t now = clock_real_ms();
	const struct store_retention r = {
		.now_ms = now,
		.before_ms = now - c->storage.retention.age_ms,
		.size_bytes = c->storage.retention.size_bytes,
		.keep_seq = forward_keep_seq(m),
		.limit = PRUNE_STEP,
	};
	struct err e = ERR_INIT;
	size_t pruned = 0;
	int rc;

	m->ends_since_prune = 0;
	if (m->changes.trouble.kind != ERR_NONE) {
		set_prune(m, PRUNE_MS);
		return;
	}
	forward_limit(m);
	rc = store_prune(m->store, &r, &pruned, &e);
	if (rc < 0)
		log_event(LOG_LEVEL_WARN, &about, "retention: %s", e.msg);
	if (pruned)
		log_event(LOG_LEVEL_DEBUG, &about, "retention removed %zu jobs",
			  pruned);
	set_prune(m, rc > 0 ? PRUNE_PAUSE_MS : PRUNE_MS);
}

static void
set_prune(struct master *m, int64_t after_ms)
{
	loop_timer_set(m->loop, &m->prune_timer, clock_mono_ms() + after_ms,
		       prune, m);
}

void
upkeep_job_ended(struct master *m)
{
	if (++m->ends_since_prune == PRUNE_ENDS &&
	    m->prune_timer.at_ms > clock_mono_ms() + PRUNE_PAUSE_MS)
		set_prune(m, PRUNE_PAUSE_MS);
}

static void
pat_watchdog(void *arg)
{
	struct master *m = arg;

	systemd_notify("WATCHDOG=1");
	loop_timer_set(m->loop, &m->watchdog_timer,
		       clock_mono_ms() + m->watchdog_ms, pat_watchdog, m);
}

void
upkeep_start(struct master *m)
{
	set_prune(m, PRUNE_FIRST_MS);
	m->watchdog_ms = systemd_watchdog_ms() / 2;
	if (m->watchdog_ms > 0)
		pat_watchdog(m);
}

void
upkeep_stop(struct master *m)
{
	loop_timer_cancel(&m->prune_timer);
	loop_timer_cancel(&m->watchdog_timer);
}
