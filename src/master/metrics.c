#include "master/metrics.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "master/master.h"
#include "store/cursor.h"

static const double seconds[] = { 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1,
				  5,	 10,	30,   60,   300, 3600 };

enum {
	JOBS_ENDED,
	JOBS,
	JOBS_SUBMITTED,
	JOBS_REFUSED,
	QUEUE_FULL,
	JOB_RETRIES,
	JOB_WAIT,
	JOB_RUN,
	JOB_DENIALS,
	WORKERS,
	WORKER_STARTS,
	WORKER_START_FAILURES,
	POOL_HITS,
	POOL_MISSES,
	SCHEDULES,
	SCHEDULE_RUNS,
	SCHEDULE_MISSED,
	SCHEDULE_SKIPPED,
	SCHEDULE_LAG,
	SERVICES,
	STORE_COMMITS,
	STORE_FAILURES,
	STORE_COMMIT_TIME,
	STORE_CHANGES,
	STORE_SIZE,
	STORE_WAL,
	STORE_WRITABLE,
	STORE_SET_ASIDE,
	LOOP_TURNS,
	LOOP_LAG,
	LOOP_BUSY,
	FORWARD_UP,
	FORWARD_LAG,
	FORWARD_LAG_TIME,
	FORWARD_OWED,
	FORWARD_ACCEPTED,
	FORWARD_ASIDE,
	FORWARD_DROPPED,
	FORWARD_ERRORS,
	FORWARD_LAST,
	CLIENTS,
	REQUESTS,
	REQUEST_ERRORS,
	TOKENS,
	TOKENS_WRONG,
	TOKENS_SLOWED,
	EVENT_STREAMS,
	PEER_READY_NOW,
	PEER_STARTS,
	PEER_FAILURES,
	PLUGIN_METRICS,
	PLUGIN_METRICS_LEFT_OUT,
	LOG_LINES,
	LOG_DROPPED,
	MEMORY,
	UPTIME,
};

/* clang-format off */
#define COUNTER(of, text, ...) \
	{ .name = "devops_agent_" of, .kind = METRIC_COUNTER, .help = (text), \
	  .labels = { __VA_ARGS__ } }
#define GAUGE(of, measure, text, ...) \
	{ .name = "devops_agent_" of, .kind = METRIC_GAUGE, \
	  .unit = (measure), .help = (text), .labels = { __VA_ARGS__ } }
#define HISTOGRAM(of, measure, text, buckets, ...) \
	{ .name = "devops_agent_" of, .kind = METRIC_HISTOGRAM, \
	  .unit = (measure), .help = (text), .labels = { __VA_ARGS__ }, \
	  .bounds = (buckets), .n_bounds = ARRAY_SIZE(buckets) }
/* clang-format on */

static const struct metric_row rows[] = {
	[JOBS_ENDED] =
		COUNTER("jobs_total", "Jobs that ended, by plugin and how.",
			"plugin", "state"),
	[JOBS] = GAUGE("jobs", NULL, "Jobs that wait or run.", "state"),
	[JOBS_SUBMITTED] =
		COUNTER("jobs_submitted_total", "Jobs that were taken.", NULL),
	[JOBS_REFUSED] =
		COUNTER("jobs_refused_total",
			"Jobs that were refused for want of a grant.", NULL),
	[QUEUE_FULL] = COUNTER(
		"queue_full_total",
		"Jobs that were refused because the queue was full.", NULL),
	[JOB_RETRIES] = COUNTER(
		"job_retries_total",
		"Attempts that failed and were followed by another.", NULL),
	[JOB_WAIT] = HISTOGRAM("job_wait_seconds", "seconds",
			       "Time from being due to beginning.", seconds,
			       "plugin"),
	[JOB_RUN] = HISTOGRAM("job_run_seconds", "seconds",
			      "Time from beginning to end.", seconds, "plugin"),
	[JOB_DENIALS] = COUNTER("job_denials_total",
				"Acts that the sandbox refused.", "plugin"),
	[WORKERS] =
		GAUGE("workers", NULL, "Workers by plugin and what they do.",
		      "plugin", "state"),
	[WORKER_STARTS] = COUNTER("worker_starts_total",
				  "Workers that were started.", "plugin"),
	[WORKER_START_FAILURES] =
		COUNTER("worker_start_failures_total",
			"Workers that did not come to take a job.", "plugin"),
	[POOL_HITS] = COUNTER("pool_hits_total",
			      "Jobs that found a worker waiting.", "plugin"),
	[POOL_MISSES] = COUNTER(
		"pool_misses_total",
		"Workers that were started because a job waited.", "plugin"),
	[SCHEDULES] = GAUGE(
		"schedules", NULL,
		"Jobs of the configuration and recurring jobs of clients.",
		NULL),
	[SCHEDULE_RUNS] = COUNTER("schedule_runs_total",
				  "Runs that schedules began.", NULL),
	[SCHEDULE_MISSED] =
		COUNTER("schedule_missed_total",
			"Due times that passed while nothing could run.", NULL),
	[SCHEDULE_SKIPPED] =
		COUNTER("schedule_skipped_total",
			"Due times that found the run before not over.", NULL),
	[SCHEDULE_LAG] =
		GAUGE("schedule_lag_seconds", "seconds",
		      "How late the last scheduled run was noticed.", NULL),
	[SERVICES] =
		GAUGE("services", NULL,
		      "Jobs that run as long as the agent, running now.", NULL),
	[STORE_COMMITS] = COUNTER("store_commits_total",
				  "Commits to the database.", NULL),
	[STORE_FAILURES] =
		COUNTER("store_failures_total", "Commits that failed.", NULL),
	[STORE_COMMIT_TIME] = GAUGE("store_commit_seconds", "seconds",
				    "How long the last commit took.", NULL),
	[STORE_CHANGES] = COUNTER("store_changes_total",
				  "Changes that commits held.", NULL),
	[STORE_SIZE] =
		GAUGE("store_bytes", "bytes", "Size of the database.", NULL),
	[STORE_WAL] = GAUGE("store_wal_bytes", "bytes",
			    "Size of its write-ahead log.", NULL),
	[STORE_WRITABLE] =
		GAUGE("store_writable", NULL,
		      "1, or 0 while the database takes no changes.", NULL),
	[STORE_SET_ASIDE] =
		GAUGE("store_set_aside", NULL,
		      "1 where the database was damaged since the start, and "
		      "a new one took its place.",
		      NULL),
	[LOOP_TURNS] = COUNTER("loop_turns_total",
			       "Times that the agent woke up.", NULL),
	[LOOP_LAG] =
		GAUGE("loop_lag_max_seconds", "seconds",
		      "The most that an event waited, since last asked.", NULL),
	[LOOP_BUSY] = GAUGE("loop_busy_max_seconds", "seconds",
			    "The longest turn, since last asked.", NULL),
	[FORWARD_UP] = GAUGE("forward_up", NULL,
			     "1, or 0 while a destination takes no records.",
			     "destination"),
	[FORWARD_LAG] = GAUGE("forward_lag_records", NULL,
			      "Jobs whose records a destination is owed.",
			      "destination"),
	[FORWARD_LAG_TIME] =
		GAUGE("forward_lag_seconds", "seconds",
		      "How long the first of them has waited.", "destination"),
	[FORWARD_OWED] =
		GAUGE("forward_lag_bytes", "bytes",
		      "What they take in the database.", "destination"),
	[FORWARD_ACCEPTED] =
		COUNTER("forward_accepted_total",
			"Records that a destination took.", "destination"),
	[FORWARD_ASIDE] =
		COUNTER("forward_put_aside_total",
			"Records that it refused, put aside.", "destination"),
	[FORWARD_DROPPED] = COUNTER("forward_dropped_total",
				    "Records that were not sent, and why.",
				    "destination", "reason"),
	[FORWARD_ERRORS] =
		COUNTER("forward_errors_total",
			"Times that a destination had trouble.", "destination"),
	[FORWARD_LAST] =
		GAUGE("forward_last_success_timestamp_seconds", "seconds",
		      "When it took records last.", "destination"),
	[CLIENTS] =
		GAUGE("clients", NULL, "Clients on the agent's socket.", NULL),
	[REQUESTS] =
		COUNTER("requests_total", "Requests that clients made.", NULL),
	[REQUEST_ERRORS] =
		COUNTER("request_errors_total", "Requests that failed.", NULL),
	[TOKENS] = GAUGE("tokens", NULL, "Tokens of the HTTP API.", NULL),
	[TOKENS_WRONG] =
		COUNTER("wrong_tokens_total",
			"Requests with a token that is not known.", NULL),
	[TOKENS_SLOWED] =
		COUNTER("slowed_tokens_total",
			"Those of them that were told to wait.", NULL),
	[EVENT_STREAMS] = GAUGE("event_streams", NULL,
				"Clients that watch what happens.", NULL),
	[PEER_READY_NOW] =
		GAUGE("program_ready", NULL,
		      "1 where a program of the agent's serves, by its name.",
		      "program"),
	[PEER_STARTS] = COUNTER("program_starts_total",
				"Times that it was started.", "program"),
	[PEER_FAILURES] =
		COUNTER("program_failures_total",
			"Times that it ended by itself, hung or was not to be "
			"started.",
			"program"),
	[PLUGIN_METRICS] = GAUGE("plugin_series", NULL,
				 "Series that plugins measured.", NULL),
	[PLUGIN_METRICS_LEFT_OUT] =
		COUNTER("plugin_series_left_out_total",
			"Values of plugins for which there was no room.", NULL),
	[LOG_LINES] = COUNTER("log_lines_total",
			      "Lines of the agent's own log.", NULL),
	[LOG_DROPPED] = COUNTER("log_dropped_total",
				"Lines of it that nobody read in time.", NULL),
	[MEMORY] = GAUGE("resident_memory_bytes", "bytes",
			 "Memory of the master process.", NULL),
	[UPTIME] = GAUGE("uptime_seconds", "seconds",
			 "Time since the agent started.", NULL),
};

void
metrics_open(struct master *m)
{
	m->metrics = metrics_new(rows, ARRAY_SIZE(rows));
}

void
metrics_close(struct master *m)
{
	metrics_free(m->metrics);
	m->metrics = NULL;
}

void
metrics_job_began(struct master *m, const struct live_job *j)
{
	if (j->queued_ms)
		metrics_observe(m->metrics, JOB_WAIT,
				(double)(clock_mono_ms() - j->queued_ms) / 1000,
				j->detail->job.record.plugin, NULL, NULL);
}

void
metrics_job_ended(struct master *m, const struct live_job *j)
{
	const struct record *r = &j->detail->job.record;

	metrics_add(m->metrics, JOBS_ENDED, 1, r->plugin,
		    job_state_name(r->state), NULL);
	metrics_observe(m->metrics, JOB_RUN, (double)r->duration_ms / 1000,
			r->plugin, NULL, NULL);
	if (r->denials && r->denials->u.array.n)
		metrics_add(m->metrics, JOB_DENIALS,
			    (double)r->denials->u.array.n, r->plugin, NULL,
			    NULL);
}

/* --- What is looked at -------------------------------------------------------
 */

static void
set(struct master *m, size_t row, double value)
{
	metrics_set(m->metrics, row, value, NULL, NULL, NULL);
}

/* A counter that is counted elsewhere. */
static void
set_total(struct master *m, size_t row, uint64_t value)
{
	metrics_forget(m->metrics, row);
	metrics_add(m->metrics, row, (double)value, NULL, NULL, NULL);
}

static void
take_pools(struct master *m)
{
	static const size_t forgotten[] = { WORKERS, WORKER_STARTS,
					    WORKER_START_FAILURES, POOL_HITS,
					    POOL_MISSES };
	const struct pool *p;

	for (size_t i = 0; i < ARRAY_SIZE(forgotten); i++)
		metrics_forget(m->metrics, forgotten[i]);
	TAILQ_FOREACH(p, &m->pools.list, link)
	{
		const char *name =
			p->version ? p->version->plugin.name : p->source;

		metrics_set(m->metrics, WORKERS, (double)p->idle, name, "idle",
			    NULL);
		metrics_set(m->metrics, WORKERS, (double)p->busy, name, "busy",
			    NULL);
		metrics_set(m->metrics, WORKERS, (double)p->starting, name,
			    "starting", NULL);
		metrics_add(m->metrics, WORKER_STARTS, (double)p->starts, name,
			    NULL, NULL);
		metrics_add(m->metrics, WORKER_START_FAILURES,
			    (double)p->start_failures, name, NULL, NULL);
		metrics_add(m->metrics, POOL_HITS, (double)p->hits, name, NULL,
			    NULL);
		metrics_add(m->metrics, POOL_MISSES, (double)p->misses, name,
			    NULL, NULL);
	}
}

static void
take_store(struct master *m)
{
	struct store_stats stats = { 0 };
	struct err ignored = ERR_INIT;

	if (store_stats(m->store, &stats, &ignored) == 0) {
		set(m, STORE_SIZE, (double)stats.file_bytes);
		set(m, STORE_WAL, (double)stats.wal_bytes);
	}
	set_total(m, STORE_COMMITS, m->changes.commits);
	set_total(m, STORE_FAILURES, m->changes.failures);
	set_total(m, STORE_CHANGES, m->changes.written);
	set(m, STORE_COMMIT_TIME, (double)m->changes.last_commit_us / 1e6);
	set(m, STORE_WRITABLE, m->changes.trouble.kind == ERR_NONE);
	set(m, STORE_SET_ASIDE, m->set_aside);
}

static void
take_loop(struct master *m)
{
	struct loop_stats stats;

	loop_take_stats(m->loop, &stats);
	set_total(m, LOOP_TURNS, stats.turns);
	set(m, LOOP_LAG, (double)stats.lag_us_max / 1e6);
	set(m, LOOP_BUSY, (double)stats.busy_us_max / 1e6);
}

static void
take_peers(struct master *m)
{
	metrics_forget(m->metrics, PEER_STARTS);
	metrics_forget(m->metrics, PEER_FAILURES);
	for (size_t i = 0; i < m->peers.n; i++) {
		const struct peer *p = &m->peers.items[i];

		metrics_set(m->metrics, PEER_READY_NOW, p->state == PEER_READY,
			    p->kind->name, NULL, NULL);
		metrics_add(m->metrics, PEER_STARTS, (double)p->starts,
			    p->kind->name, NULL, NULL);
		metrics_add(m->metrics, PEER_FAILURES, (double)p->failures,
			    p->kind->name, NULL, NULL);
	}
}

static void
take_api(struct master *m)
{
	set(m, TOKENS, (double)m->tokens.n);
	set_total(m, TOKENS_WRONG, m->tokens.wrong);
	set_total(m, TOKENS_SLOWED, m->tokens.slowed);
	set(m, EVENT_STREAMS, (double)m->events.n_streams);
	set(m, PLUGIN_METRICS, (double)m->plugin_metrics.n_series);
	set_total(m, PLUGIN_METRICS_LEFT_OUT, m->plugin_metrics.left_out);
	take_peers(m);
}

static double
resident_bytes(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%*s %ld", &pages) != 1)
		pages = 0;
	fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void
add_destination(void *arg, const struct forward_figures *f)
{
	struct master *m = arg;
	const struct {
		size_t row;
		double value;
	} gauges[] = {
		{ FORWARD_UP, (double)f->ok },
		{ FORWARD_LAG, (double)f->jobs },
		{ FORWARD_LAG_TIME, (double)f->lag_ms / 1000 },
		{ FORWARD_OWED, (double)f->bytes },
		{ FORWARD_LAST, (double)f->last_ms / 1000 },
	}, counters[] = {
		{ FORWARD_ACCEPTED, (double)f->accepted },
		{ FORWARD_ASIDE, (double)f->aside },
		{ FORWARD_ERRORS, (double)f->errors },
	};

	for (size_t i = 0; i < ARRAY_SIZE(gauges); i++)
		metrics_set(m->metrics, gauges[i].row, gauges[i].value, f->name,
			    NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(counters); i++)
		metrics_add(m->metrics, counters[i].row, counters[i].value,
			    f->name, NULL, NULL);
	for (int i = 0; i < STORE_DROPS; i++)
		metrics_add(m->metrics, FORWARD_DROPPED, (double)f->dropped[i],
			    f->name, store_drop_names[i], NULL);
}

static void
take_forward(struct master *m)
{
	for (size_t row = FORWARD_UP; row <= FORWARD_LAST; row++)
		metrics_forget(m->metrics, row);
	forward_each(m, add_destination, m);
}

void
metrics_take(struct master *m)
{
	struct log_stats log;

	metrics_set(m->metrics, JOBS, (double)m->jobs.queued, "queued", NULL,
		    NULL);
	metrics_set(m->metrics, JOBS, (double)m->jobs.running, "running", NULL,
		    NULL);
	set_total(m, JOBS_SUBMITTED, m->jobs.submitted);
	set_total(m, JOBS_REFUSED, m->jobs.refused);
	set_total(m, QUEUE_FULL, m->jobs.full);
	set_total(m, JOB_RETRIES, m->jobs.retried);
	take_pools(m);
	set(m, SCHEDULES, (double)m->schedules.n);
	set_total(m, SCHEDULE_RUNS, m->schedules.fired);
	set_total(m, SCHEDULE_MISSED, m->schedules.missed);
	set_total(m, SCHEDULE_SKIPPED, m->schedules.skipped);
	set(m, SCHEDULE_LAG, (double)m->schedules.last_lag_ms / 1000);
	set(m, SERVICES, (double)m->services.running);
	take_store(m);
	take_loop(m);
	take_forward(m);
	set(m, CLIENTS, (double)m->control.n);
	set_total(m, REQUESTS, m->control.requests);
	set_total(m, REQUEST_ERRORS, m->control.errors);
	take_api(m);
	log_get_stats(&log);
	set_total(m, LOG_LINES, log.lines);
	set_total(m, LOG_DROPPED, log.dropped);
	set(m, MEMORY, resident_bytes());
	set(m, UPTIME, (double)(clock_real_ms() - m->started_ms) / 1000);
}

void
metrics_write_reference(struct buf *out)
{
	buf_adds(out, "| metric | kind | labels | |\n|---|---|---|---|\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct metric_row *r = &rows[i];

		buf_addf(out, "| `%s` | %s |", r->name,
			 metric_kind_name(r->kind));
		for (size_t l = 0; l < METRIC_LABELS && r->labels[l]; l++)
			buf_addf(out, " `%s`", r->labels[l]);
		buf_addf(out, " | %s |\n", r->help);
	}
}
