#include "master/rows.h"

#include <string.h>

#include "base/mem.h"
#include "master/master.h"
#include "model/units.h"

static struct value *
text_or_null(const char *s)
{
	return s ? value_string(s) : value_null();
}

static struct value *
time_or_null(int64_t ms)
{
	char text[UNITS_TEXT];

	return ms ? value_string(units_format_time(ms, text)) : value_null();
}

/* JSON text that was checked when it was kept. */
static struct value *
raw_or(const char *json, struct value *(*otherwise)(void))
{
	return json ? value_raw(json, strlen(json)) : otherwise();
}

/* What only the queue knows; nothing of it where it is as usual. */
static void
add_queue(struct value *v, const struct store_job *row)
{
	if (row->priority)
		value_set(v, "priority", value_int(row->priority));
	if (row->not_before_ms && row->state == JOB_QUEUED)
		value_set(v, "not_before", time_or_null(row->not_before_ms));
	if (row->schedule)
		value_set(v, "schedule", value_string(row->schedule));
	if (row->retry_of)
		value_set(v, "retry_of", value_int(row->retry_of));
}

struct value *
rows_value(const struct store_job *row, bool brief)
{
	struct value *v = value_object();

	value_set(v, "id", value_int(row->id));
	value_set(v, "name", text_or_null(row->name));
	value_set(v, "plugin", text_or_null(row->plugin));
	value_set(v, "state", value_string(job_state_name(row->state)));
	value_set(v, "trigger", text_or_null(row->trigger));
	value_set(v, "attempt", value_int(row->attempt));
	value_set(v, "scheduled_at", time_or_null(row->scheduled_ms));
	value_set(v, "started_at", time_or_null(row->started_ms));
	value_set(v, "finished_at", time_or_null(row->finished_ms));
	value_set(v, "duration_ms", value_int(row->duration_ms));
	if (!brief) {
		value_set(v, "params", raw_or(row->params, value_object));
		value_set(v, "result", raw_or(row->result, value_null));
	}
	value_set(v, "error", raw_or(row->error, value_null));
	value_set(v, "exit", raw_or(row->exit, value_null));
	value_set(v, "usage", raw_or(row->usage, value_null));
	if (!brief) {
		value_set(v, "metrics", raw_or(row->metrics, value_array));
		value_set(v, "denials", raw_or(row->denials, value_array));
		value_set(v, "sandbox", raw_or(row->sandbox, value_object));
		value_set(v, "agent", raw_or(row->agent, value_object));
	}
	add_queue(v, row);
	return v;
}

static int
take_row(void *arg, const struct store_job *row)
{
	*(struct value **)arg = rows_value(row, false);
	return 0;
}

struct value *
rows_get(struct master *m, int64_t id, struct err *e)
{
	struct value *v = NULL;

	return store_job_get(m->store, id, take_row, &v, e) < 0 ? NULL : v;
}
