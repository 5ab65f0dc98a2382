#include "master/wait.h"

#include <string.h>

#include "agent/keep.h"
#include "base/clock.h"
#include "base/mem.h"
#include "master/master.h"
#include "master/rows.h"
#include "model/units.h"

struct value *
wait_line(int64_t job, const struct store_log *line)
{
	struct value *v = value_object();
	char time[UNITS_TEXT];

	value_set(v, "job", value_int(job));
	if (line->seq)
		value_set(v, "seq", value_int(line->seq));
	value_set(v, "time",
		  value_string(units_format_time(line->time_ms, time)));
	value_set(v, "level", value_string(line->level));
	value_set(v, "stream", value_string(line->stream));
	value_set(v, "message", value_string_n(line->message, line->len));
	if (line->fields)
		value_set(v, "fields",
			  value_raw(line->fields, strlen(line->fields)));
	if (line->left_out)
		value_set(v, "left_out", value_int((int64_t)line->left_out));
	return v;
}

/* --- As it comes -------------------------------------------------------- */

/* Many may follow much by one channel, and what it holds is bounded. */
static bool
has_room(struct request *q)
{
	if (channel_backlog(q->channel) < CHANNEL_FOLLOW_MAX)
		return true;
	q->behind = true;
	return false;
}

static void
send_entry(struct request *q, int64_t job, const struct logbook_entry *entry)
{
	/* of an entry that has just come they end with no NUL */
	_free_ char *fields =
		entry->fields ? xstrndup(entry->fields, entry->fields_len) :
				NULL;
	struct store_log line = keep_line(entry);

	line.fields = fields;
	request_notify(q, "log", wait_line(job, &line));
	q->lines++;
}

/* What a follower has not seen yet of what was kept. */
struct catch_up {
	struct request *q;
	int64_t job;
	uint64_t at;
};

static int
catch_up_line(void *arg, const struct logbook_entry *entry)
{
	struct catch_up *c = arg;

	if (c->at++ >= c->q->lines && has_room(c->q))
		send_entry(c->q, c->job, entry);
	return 0;
}

static void
catch_up(struct request *q, const struct live_job *j)
{
	struct catch_up c = { q, j->id, 0 };

	q->behind = false;
	if (j->detail)
		logbook_each(&j->detail->job.logbook, catch_up_line, &c);
}

static void
on_log(void *arg, const struct logbook_entry *entry)
{
	struct live_job *j = arg;
	struct request *q;

	LIST_FOREACH(q, &j->followers, by_job)
	{
		if (!has_room(q))
			continue;
		if (q->behind)
			catch_up(q, j);
		else
			send_entry(q, j->id, entry);
	}
}

static void
on_progress(void *arg, double fraction, const char *message)
{
	struct live_job *j = arg;
	struct request *q;

	LIST_FOREACH(q, &j->followers, by_job)
	{
		struct value *v = value_object();

		value_set(v, "job", value_int(j->id));
		value_set(v, "fraction", value_real(fraction));
		value_set(v, "message", value_string(message));
		request_notify(q, "progress", v);
	}
}

struct job_watch
wait_watch(struct live_job *j)
{
	return (struct job_watch){ .log = on_log,
				   .progress = on_progress,
				   .arg = j };
}

/* --- Waiting ------------------------------------------------------------ */

void
wait_add(struct request *q, struct live_job *j)
{
	q->job_id = j->id;
	q->waits_job = true;
	if (q->follow) {
		request_stream(q);
		catch_up(q, j);
		LIST_INSERT_HEAD(&j->followers, q, by_job);
	} else {
		LIST_INSERT_HEAD(&j->waiters, q, by_job);
	}
}

void
wait_remove(struct request *q)
{
	if (!q->waits_job)
		return;
	LIST_REMOVE(q, by_job);
	q->waits_job = false;
}

void
wait_attempt(struct master *m, struct live_job *j)
{
	const struct detail *d = j->detail;
	struct request *q;
	char time[UNITS_TEXT];

	(void)m;
	LIST_FOREACH(q, &j->followers, by_job)
	{
		struct value *v = value_object();

		catch_up(q, j);
		q->lines = 0;
		value_set(v, "job", value_int(j->id));
		value_set(v, "attempt", value_int(d->job.record.attempt));
		value_set(v, "state",
			  value_string(job_state_name(d->job.record.state)));
		value_set(v, "error", record_error_value(&d->job.record));
		value_set(
			v, "at",
			value_string(units_format_time(d->retry_at_ms, time)));
		request_notify(q, "retry", v);
	}
}

static void
answer(struct master *m, struct request *q, const struct live_job *j,
       const struct record *r)
{
	struct err e = ERR_INIT;
	struct value *v = r ? record_to_value(r) : rows_get(m, j->id, &e);

	wait_remove(q);
	if (v)
		request_answer(q, v);
	else
		request_fail(q, &e, NULL);
}

/* The job has ended, and what it was not sent it has to ask for. */
static void
say_left_out(struct request *q, const struct live_job *j)
{
	static const char text[] = "lines are left out here, which were not "
				   "read in time; the log has them";
	const struct store_log line = { .time_ms = clock_real_ms(),
					.level = "warn",
					.stream = "agent",
					.message = text,
					.len = sizeof(text) - 1 };

	request_notify(q, "log", wait_line(j->id, &line));
}

void
wait_end(struct master *m, struct live_job *j, const struct record *r)
{
	struct request *q;

	while ((q = LIST_FIRST(&j->waiters)))
		answer(m, q, j, r);
	while ((q = LIST_FIRST(&j->followers))) {
		catch_up(q, j);
		if (q->behind)
			say_left_out(q, j);
		answer(m, q, j, r);
	}
}

void
wait_drop(struct live_job *j)
{
	struct err e = ERR_INIT;
	struct request *q;

	err_set(&e, ERR_AGENT, "the agent has stopped");
	while ((q = LIST_FIRST(&j->waiters)) || (q = LIST_FIRST(&j->followers)))
		request_fail(q, &e, NULL);
}
