/* store/: the queue's side: every state by every event, overlap, keys. */
#include "store_folder.h"

static struct store_job
queued(void)
{
	return (struct store_job){
		.name = "disks",
		.plugin = "collect-disk",
		.trigger = "api",
		.attempt = 1,
		.added_ms = 900,
		.scheduled_ms = 1000,
		.priority = -3,
		.max_attempts = 4,
		.retry_of = 12,
		.schedule = "hourly",
		.policy = "{\"p\":1}",
		.params = "{\"a\":1}",
		.agent = "{\"host\":\"h\"}",
		.not_before_ms = 1100,
		.expires_ms = 1200,
	};
}

static int64_t
add(struct store *s)
{
	struct store_job job = queued();
	struct err e = ERR_INIT;

	if (store_job_add(s, &job, &e) != 0)
		diag("add: %s", e.msg);
	return job.id;
}

/* All that only the queue has. */
static int
show_queue(void *arg, const struct store_job *j)
{
	buf_addf(arg,
		 "%" PRId64 " %s attempt %" PRId64 "/%" PRId64 " added %" PRId64
		 " priority %" PRId64 " between %" PRId64 " and %" PRId64
		 " of %" PRId64 " %s %s %s %s pid %d seq "
		 "%" PRId64 "\n",
		 j->id, job_state_name(j->state), j->attempt, j->max_attempts,
		 j->added_ms, j->priority, j->not_before_ms, j->expires_ms,
		 j->retry_of, j->schedule ? j->schedule : "-",
		 j->policy ? j->policy : "-", j->single ? j->single : "-",
		 j->serial ? j->serial : "-", (int)j->pid, j->seq);
	return 0;
}

static int
show_attempt(void *arg, const struct store_job *j)
{
	buf_addf(arg,
		 "%" PRId64 " %s %" PRId64 "-%" PRId64 " %" PRId64
		 " %s %s %s %s\n",
		 j->attempt, job_state_name(j->state), j->started_ms,
		 j->finished_ms, j->duration_ms, j->exit, j->usage, j->error,
		 j->denials);
	return 0;
}

/* --- A life ----------------------------------------------------------------
 */

static void
test_life(void)
{
	struct store *s = new_store();
	struct err e = ERR_INIT;
	struct store_job job = queued();
	_buf_ struct buf b = { 0 }, c = { 0 }, d = { 0 }, f = { 0 };
	struct store_job failed = {
		.id = 1,
		.state = JOB_TIMED_OUT,
		.finished_ms = 1700,
		.duration_ms = 5,
		.exit = "{2}",
		.usage = "{3}",
		.error = "{4}",
		.denials = "[5]",
	};

	is_int(store_job_add(s, &job, &e), 0, "a job is added");
	is_int(job.id, 1, "... as number 1");
	is_int(job.state, JOB_QUEUED, "... and queued");
	store_job_get(s, 1, show_queue, &b, &e);
	is_str(b.data,
	       "1 queued attempt 1/4 added 900 priority -3 between 1100 and "
	       "1200 of 12 hourly {\"p\":1} - - pid 0 seq 0\n",
	       "what was said of it is kept");
	is_int(store_job_begin(s, 1, 1, 1500, &e), 0, "it begins");
	is_str(state_of(s, 1), "running", "... and runs");
	is_int(store_job_requeue(s, &failed, 2000, NULL, NULL, &e), 0,
	       "it is put back");
	store_job_get(s, 1, show_queue, &c, &e);
	is_str(c.data,
	       "1 queued attempt 2/4 added 900 priority -3 between 2000 and 0 "
	       "of 12 hourly {\"p\":1} - - pid 0 seq 0\n",
	       "... for the next attempt, at its time");
	store_attempt_list(s, 1, show_attempt, &d, &e);
	is_str(d.data, "1 timed_out 1500-1700 5 {2} {3} {4} [5]\n",
	       "... and how the first one ended is kept");
	is_int(store_job_begin(s, 1, 2, 2500, &e), 0, "it begins again");
	is_int(finish(s, 1, JOB_SUCCEEDED, 2600, &e), 0, "... and ends");
	store_job_get(s, 1, show_queue, &f, &e);
	is_str(f.data,
	       "1 succeeded attempt 2/4 added 900 priority -3 between 0 and 0 "
	       "of 12 hourly {\"p\":1} - - pid 0 seq 1\n",
	       "... as the first to end");
	b.len = 0;
	store_job_get(s, 1, show, &b, &e);
	is_str(b.data,
	       "disks collect-disk succeeded api 2 1000/2500/2600 0 "
	       "params={\"a\":1} result=[1] agent={\"host\":\"h\"}",
	       "its record is whole");
	is_str(ask(s, "SELECT count(*) FROM active"), "0",
	       "nothing of it is left in the queue");
	is_str(ask(s, "PRAGMA foreign_key_check"), "?", "all is consistent");
	store_close(s);
}

/* --- Every state by every event --------------------------------------------
 */

/* Brings a new job into that state. */
static int64_t
job_in(struct store *s, enum job_state state)
{
	struct err e = ERR_INIT;
	int64_t id = add(s);

	if (state != JOB_QUEUED)
		store_job_begin(s, id, 1, 1, &e);
	if (job_state_final(state))
		finish(s, id, state, 2, &e);
	return id;
}

/* Events by the state that they lead to: JOB_QUEUED is store_job_requeue(). */
static int
event(struct store *s, int64_t id, enum job_state to, struct err *e)
{
	struct store_job job = { .id = id,
				 .state = JOB_FAILED,
				 .finished_ms = 3 };

	if (to == JOB_QUEUED)
		return store_job_requeue(s, &job, 0, NULL, NULL, e);
	if (to == JOB_RUNNING)
		return store_job_begin(s, id, 1, 3, e);
	return finish(s, id, to, 3, e);
}

static void
check_counts(struct store *s, const char *title)
{
	struct store_stats stats = { 0 };
	struct err e = ERR_INIT;

	store_stats(s, &stats, &e);
	for (enum job_state i = 0; i < JOB_STATES; i++) {
		char text[128];

		snprintf(text, sizeof(text),
			 "SELECT count(*) FROM %s WHERE state = %d",
			 job_state_final(i) ? "ended" : "active", i);
		if (stats.jobs[i] != strtoll(ask(s, text), NULL, 10))
			is_int(stats.jobs[i], strtoll(ask(s, text), NULL, 10),
			       "%s: the count of %s", title, job_state_name(i));
	}
}

static void
test_events(bool in_batch)
{
	struct store *s = new_store();

	for (enum job_state from = 0; from < JOB_STATES; from++) {
		for (enum job_state to = 0; to < JOB_STATES; to++) {
			int64_t id = job_in(s, from), other;
			bool may = job_transition_allowed(from, to);
			struct err e = ERR_INIT;
			int rc;

			if (in_batch)
				store_begin(s, &e);
			rc = event(s, id, to, &e);
			is_int(rc, may ? 0 : -1, "%s to %s: %s",
			       job_state_name(from), job_state_name(to),
			       may ? "done" : "refused");
			if (!may)
				is_int(e.kind, ERR_USAGE, "... as misuse: %s",
				       e.msg);
			other = add(s);
			if (in_batch)
				is_int(store_commit(s, &e), 0,
				       "... and the batch goes on");
			is_str(state_of(s, id), job_state_name(may ? to : from),
			       "... it is what it should be");
			is_str(state_of(s, other), "queued",
			       "... so is another");
		}
	}
	check_counts(s, "after all events");
	is_str(ask(s, "PRAGMA integrity_check"), "ok", "all is sound");
	store_close(s);
}

static void
test_unknown(void)
{
	struct store *s = new_store();

	for (enum job_state to = 0; to < JOB_STATES; to++) {
		struct err e = ERR_INIT;

		is_int(event(s, 99, to, &e), -1, "no job becomes %s",
		       job_state_name(to));
		is_int(e.kind, ERR_NOT_FOUND, "... it is not found");
	}
	store_close(s);
}

/* What breaks off half way takes its batch along: no half of it stays. */
static void
test_half(void)
{
	struct store *s = new_store();
	struct err e = ERR_INIT;

	job_in(s, JOB_FAILED);
	job_in(s, JOB_RUNNING);
	sql(s, "UPDATE tally SET last_seq = 0");
	store_begin(s, &e);
	add(s);
	is_int(finish(s, 2, JOB_SUCCEEDED, 5, &e), -1,
	       "an end whose place is taken breaks off");
	is_int(store_job_begin(s, 3, 1, 1, &e), -1, "... nothing follows");
	has_str(e.msg, "were undone", "... as the batch was undone");
	is_int(store_commit(s, &e), -1, "... nor can it be committed");
	is_str(state_of(s, 2), "running", "... nothing of it is there");
	is_str(state_of(s, 3), "", "... nor of what came before");
	sql(s, "UPDATE tally SET last_seq = 1");
	is_int(finish(s, 2, JOB_SUCCEEDED, 5, &e), 0, "it can be tried again");
	check_counts(s, "an end that broke off");
	store_close(s);
}

/* --- Overlap ---------------------------------------------------------------
 */

static int
add_with(struct store *s, const char *single, const char *serial, int64_t *id)
{
	struct store_job job = queued();
	struct err e = ERR_INIT;
	int rc;

	job.single = single;
	job.serial = serial;
	rc = store_job_add(s, &job, &e);
	*id = job.id;
	return rc;
}

static void
test_single(void)
{
	struct store *s = new_store();
	struct err e = ERR_INIT;
	int64_t id = 0, other = 0;

	is_int(add_with(s, "a", NULL, &id), 0, "a single job is added");
	is_int(add_with(s, "a", NULL, &other), STORE_OVERLAP,
	       "a second one is not, while that is queued");
	is_int(other, id, "... whose number is told");
	is_int(add_with(s, "b", NULL, &other), 0, "another's is");
	is_int(add_with(s, NULL, NULL, &other), 0, "one without is");
	is_int(add_with(s, NULL, NULL, &other), 0, "... and again");
	store_job_begin(s, id, 1, 1, &e);
	is_int(add_with(s, "a", NULL, &other), STORE_OVERLAP,
	       "nor while it runs");
	store_begin(s, &e);
	is_int(add_with(s, "a", NULL, &other), STORE_OVERLAP,
	       "the same within a batch");
	finish(s, id, JOB_FAILED, 1, &e);
	is_int(add_with(s, "a", NULL, &other), 0, "once it has ended it is");
	is_int(store_commit(s, &e), 0, "... all in that batch");
	is_int(other, id + 4, "no number was spent on those refused");
	check_counts(s, "single jobs");
	store_close(s);
}

static void
test_serial(void)
{
	struct store *s = new_store();
	struct err e = ERR_INIT;
	struct store_job ended = { .id = 1,
				   .state = JOB_FAILED,
				   .finished_ms = 3 };
	int64_t id = 0;

	for (int i = 0; i < 3; i++)
		is_int(add_with(s, NULL, "a", &id), 0, "serial jobs queue up");
	add_with(s, NULL, "b", &id);
	is_int(store_job_begin(s, 1, 1, 1, &e), 0, "one begins");
	is_int(store_job_begin(s, 2, 1, 1, &e), STORE_OVERLAP,
	       "a second one does not");
	is_str(state_of(s, 2), "queued", "... and stays in the queue");
	is_int(store_job_begin(s, 4, 1, 1, &e), 0, "another's does");
	store_begin(s, &e);
	is_int(store_job_requeue(s, &ended, 0, NULL, NULL, &e), 0,
	       "once it is put back");
	is_int(store_job_begin(s, 2, 1, 1, &e), 0, "... the next one begins");
	is_int(store_job_begin(s, 1, 2, 1, &e), STORE_OVERLAP,
	       "... and it has to wait");
	is_int(store_commit(s, &e), 0, "... all in one batch");
	finish(s, 2, JOB_SUCCEEDED, 4, &e);
	is_int(store_job_begin(s, 1, 2, 1, &e), 0, "... for its end");
	check_counts(s, "serial jobs");
	store_close(s);
}

/* --- Keys ------------------------------------------------------------------
 */

static void
test_keys(void)
{
	static const struct {
		const char *title, *key, *digest;
		int64_t at;
		int want;
		int64_t want_id;
	} cases[] = {
		{ "a key", "k", "d", 1000, 0, 1 },
		{ "the same again", "k", "d", 1001, STORE_EXISTS, 1 },
		{ "the same for another request", "k", "x", 1002, -1, 0 },
		{ "the same for one of no digest", "k", NULL, 1003, -1, 0 },
		{ "another key", "l", "d", 1004, 0, 2 },
		{ "a key without a digest", "m", NULL, 1005, 0, 3 },
		{ "the same again", "m", NULL, 1006, STORE_EXISTS, 3 },
		{ "just before it is too old", "k", "d", 999 + STORE_KEY_MS,
		  STORE_EXISTS, 1 },
		{ "once it is too old", "k", "x", 1000 + STORE_KEY_MS, 0, 4 },
		{ "then it is the new one", "k", "x", 1001 + STORE_KEY_MS,
		  STORE_EXISTS, 4 },
		{ "the clock set back", "k", "x", 5, STORE_EXISTS, 4 },
	};
	struct store *s = new_store();
	struct store_retention r = { .limit = 1, .now_ms = 2000 };
	struct err e = ERR_INIT;
	size_t pruned = 0;

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		struct store_job job = queued();
		struct err why = ERR_INIT;

		job.key = cases[i].key;
		job.digest = cases[i].digest;
		job.added_ms = cases[i].at;
		job.id = 0;
		is_int(store_job_add(s, &job, &why), cases[i].want, "%s",
		       cases[i].title);
		is_int(job.id, cases[i].want_id, "%s: its number",
		       cases[i].title);
		if (cases[i].want < 0)
			is_int(why.kind, ERR_CONFLICT, "%s: %s", cases[i].title,
			       why.msg);
	}
	is_int(store_prune(s, &r, &pruned, &e), 0, "young keys stay");
	is_str(ask(s, "SELECT count(*) FROM key"), "3", "... all of them");
	r.now_ms = 1005 + STORE_KEY_MS;
	is_int(store_prune(s, &r, &pruned, &e), 1, "old ones go, step by step");
	while (store_prune(s, &r, &pruned, &e) > 0)
		;
	is_str(ask(s, "SELECT group_concat(key) FROM key"), "k",
	       "... and none that is young");
	is_int((intmax_t)pruned, 0, "... with no job");
	r.before_ms = INT64_MAX;
	store_job_begin(s, 4, 1, 1, &e);
	finish(s, 4, JOB_FAILED, 1, &e);
	store_prune(s, &r, &pruned, &e);
	is_str(state_of(s, 4), "", "a job that is pruned");
	is_str(ask(s, "SELECT job FROM key"), "4", "... leaves its key");
	store_close(s);
}

/* --- What the agent finds at its start --------------------------------------
 */

static void
test_active(void)
{
	struct store *s = new_store();
	struct err e = ERR_INIT;
	_buf_ struct buf b = { 0 };
	size_t lost = 9;
	int64_t id;

	add_with(s, "one", "two", &id);
	add(s);
	start(s);
	add(s);
	store_job_begin(s, 2, 3, 5, &e);
	store_job_begin(s, 4, 1, 5, &e);
	finish(s, 4, JOB_SUCCEEDED, 6, &e);
	store_close(s);
	s = open_store();
	is_int(store_job_active_each(s, show_queue, &b, &e), 0,
	       "an agent that starts finds its jobs");
	is_str(b.data,
	       "1 queued attempt 1/4 added 900 priority -3 between 1100 and "
	       "1200 of 12 hourly {\"p\":1} one two pid 0 seq 0\n"
	       "2 running attempt 3/4 added 900 priority -3 between 1100 and "
	       "1200 of 12 hourly {\"p\":1} - - pid 0 seq 0\n",
	       "... those that have not ended, none of a run by itself");
	is_int(store_recover(s, 7, &lost, &e), 0, "no run by itself is lost");
	is_int((intmax_t)lost, 0, "... nor a job of the agent's");
	sql(s, "UPDATE active SET owner_pid = 0 WHERE job = 3");
	is_int(store_recover(s, 7, &lost, &e), 0,
	       "where the process of such a run is gone");
	is_str(state_of(s, 3), "lost", "... it is lost");
	is_str(state_of(s, 2), "running", "... and the agent's is left to it");
	check_counts(s, "a start");
	store_close(s);
}

/* --- Schedules -------------------------------------------------------------
 */

static int
show_schedule(void *arg, const struct store_schedule *sc)
{
	buf_addf(arg,
		 "%s %s %d %" PRId64 " %" PRId64 " %" PRId64 "/%" PRId64
		 "/%" PRId64 " %s\n",
		 sc->name, sc->spec ? sc->spec : "-", sc->paused,
		 sc->last_due_ms, sc->last_job, sc->runs, sc->missed,
		 sc->skipped, sc->definition ? sc->definition : "-");
	return 0;
}

static void
test_schedules(void)
{
	struct store *s = new_store();
	struct store_schedule sc = { .name = "b",
				     .spec = "{}",
				     .paused = true,
				     .last_due_ms = 1,
				     .last_job = 2,
				     .runs = 3,
				     .missed = 4,
				     .skipped = 5,
				     .definition = "hourly" };
	struct err e = ERR_INIT;
	_buf_ struct buf b = { 0 };

	is_int(store_schedule_put(s, &sc, &e), 0, "a schedule is kept");
	sc = (struct store_schedule){ .name = "a" };
	is_int(store_schedule_put(s, &sc, &e), 0, "... and another");
	sc.runs = 7;
	is_int(store_schedule_put(s, &sc, &e), 0, "... and changed");
	is_int(store_schedule_each(s, show_schedule, &b, &e), 0,
	       "they can be read");
	is_str(b.data, "a - 0 0 0 7/0/0 -\nb {} 1 1 2 3/4/5 hourly\n",
	       "... by name");
	store_begin(s, &e);
	is_int(store_schedule_remove(s, "c", &e), -1,
	       "what is not there can't be removed");
	is_int(e.kind, ERR_NOT_FOUND, "... it is not found");
	is_int(store_schedule_remove(s, "a", &e), 0, "what is there can");
	is_int(store_commit(s, &e), 0, "... in one batch");
	b.len = 0;
	store_schedule_each(s, show_schedule, &b, &e);
	is_str(b.data, "b {} 1 1 2 3/4/5 hourly\n", "... and is gone");
	store_close(s);
}

/* --- Going on with a new database ------------------------------------------
 */

static void
test_replace(void)
{
	struct store *s = new_store();
	struct store_job job = queued();
	struct err e = ERR_INIT;
	char before[STORE_AGENT_ID] = "", after[STORE_AGENT_ID] = "";
	_free_ char *aside = NULL;
	_buf_ struct buf b = { 0 };

	store_agent_id(s, before, &e);
	store_set_durability(s, STORE_NORMAL, &e);
	for (int i = 0; i < 7; i++)
		add(s);
	is_int(store_replace(s, &aside, &e), 0,
	       "a store is replaced under its handle");
	ok(aside && access(aside, F_OK) == 0, "... the old one is set aside");
	store_agent_id(s, after, &e);
	ok(strcmp(before, after) != 0, "... with another agent id");
	is_str(ask(s, "PRAGMA synchronous"), "1", "... as durable as before");
	is_int(add(s), 8, "... and numbers go on");
	job.id = 3;
	job.state = JOB_RUNNING;
	job.attempt = 2;
	job.started_ms = 77;
	job.single = "x";
	is_int(store_job_restore(s, &job, &e), 0, "a job is put back");
	store_job_get(s, 3, show_queue, &b, &e);
	is_str(b.data,
	       "3 running attempt 2/4 added 900 priority -3 between 1100 and "
	       "1200 of 12 hourly {\"p\":1} x - pid 0 seq 0\n",
	       "... as it was");
	is_int(finish(s, 3, JOB_SUCCEEDED, 99, &e), 0, "... and can end");
	is_int(add(s), 9, "... without numbers going back");
	job.state = JOB_FAILED;
	is_int(store_job_restore(s, &job, &e), -1, "no end can be put back");
	job.state = JOB_QUEUED;
	job.id = 0;
	is_int(store_job_restore(s, &job, &e), -1, "nor one of no number");
	check_counts(s, "a replaced store");
	store_close(s);
}

static void
test_replace_fails(void)
{
	struct store *s = new_store();
	struct err e = ERR_INIT;
	_free_ char *aside = NULL, *in_the_way = NULL;
	_buf_ struct buf b = { 0 };

	add(s);
	add(s);
	in_the_way = xasprintf("%s.new", path);
	mkdir(in_the_way, 0700);
	is_int(store_replace(s, &aside, &e), -1,
	       "where no new one can be made, it is an error");
	has_str(e.msg, "replace the damaged store", "... that says so");
	is_str(aside, NULL, "... and nothing was set aside");
	is_int(store_job_get(s, 1, show, &b, &e), -1, "then every call fails");
	has_str(e.msg, "there is no database", "... and says why");
	is_int(store_begin(s, &e), -1, "... a batch");
	is_int(store_set_durability(s, STORE_NORMAL, &e), 0,
	       "... but settings are remembered");
	rmdir(in_the_way);
	is_int(store_replace(s, &aside, &e), 0, "it can be tried again");
	is_int(add(s), 3, "... and numbers go on");
	store_close(s);
}

int
main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/agent.db", folder);
	test_life();
	test_events(false);
	test_events(true);
	test_unknown();
	test_half();
	test_single();
	test_serial();
	test_keys();
	test_active();
	test_schedules();
	test_replace();
	test_replace_fails();
	empty_folder();
	rmdir(folder);
	return tap_done();
}
