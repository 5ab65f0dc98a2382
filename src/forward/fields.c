#include "forward/fields.h"

#include <string.h>

#include "base/mem.h"
#include "model/units.h"
#include "proto/json.h"

#define NS_PER_MS 1000000

/* Their names, in a job's record and in a line of its log. */
static const struct {
	const char *job, *log;
} names[FIELDS] = {
	[FIELD_ID] = { "id", "job" },
	[FIELD_NAME] = { "name", "name" },
	[FIELD_PLUGIN] = { "plugin", "plugin" },
	[FIELD_STATE] = { "state", NULL },
	[FIELD_TRIGGER] = { "trigger", NULL },
	[FIELD_ATTEMPT] = { "attempt", NULL },
	[FIELD_SCHEDULED] = { "scheduled_at", NULL },
	[FIELD_STARTED] = { "started_at", NULL },
	[FIELD_FINISHED] = { "finished_at", NULL },
	[FIELD_DURATION] = { "duration_ms", NULL },
	[FIELD_ERROR] = { "error", NULL },
	[FIELD_EXIT] = { "exit", NULL },
	[FIELD_USAGE] = { "usage", NULL },
	[FIELD_METRICS] = { "metrics", NULL },
	[FIELD_SEQ] = { NULL, "seq" },
	[FIELD_TIME] = { NULL, "time" },
	[FIELD_LEVEL] = { NULL, "level" },
	[FIELD_STREAM] = { NULL, "stream" },
	[FIELD_MESSAGE] = { NULL, "message" },
	[FIELD_FIELDS] = { NULL, "fields" },
};

struct picking {
	struct fields *f;
	bool log;
};

static int
pick(void *arg, struct json_text key, struct json_text value, struct err *e)
{
	struct picking *p = arg;

	(void)e;
	for (size_t i = 0; i < FIELDS; i++) {
		const char *name = p->log ? names[i].log : names[i].job;

		if (name && key.len == strlen(name) + 2 &&
		    memcmp(key.s + 1, name, key.len - 2) == 0 &&
		    json_kind(value) != JSON_IS_NULL)
			p->f->of[i] = value;
	}
	return 0;
}

struct fields
fields_of(const struct forward_record *r)
{
	struct fields f = { 0 };
	struct picking p = { &f, r->kind == RECORD_LOG };
	struct err ignored = ERR_INIT;

	json_each(r->text.s, r->text.len, 0, pick, &p, &ignored);
	return f;
}

struct json_text
fields_member(struct json_text object, const char *name)
{
	struct json_field f = { name, JSON_IS_ANY, { NULL, 0 } };
	struct err ignored = ERR_INIT;

	if (!object.s || json_kind(object) != JSON_IS_OBJECT ||
	    json_pick(object.s, object.len, 0, &f, 1, &ignored) < 0 ||
	    (f.value.s && json_kind(f.value) == JSON_IS_NULL))
		return (struct json_text){ 0 };
	return f.value;
}

int64_t
fields_time_ns(struct json_text time)
{
	_buf_ struct buf text = { 0 };
	int64_t ms;

	if (!time.s || json_kind(time) != JSON_IS_STRING)
		return 0;
	json_add_string(&text, time, 64);
	/* there is room for what a format counts below a millisecond */
	if (!text.data || !units_parse_time(text.data, &ms) ||
	    ms >= INT64_MAX / NS_PER_MS)
		return 0;
	return ms * NS_PER_MS;
}

int64_t
fields_when_ns(const struct fields *f, const struct forward_record *r)
{
	return fields_time_ns(
		f->of[r->kind == RECORD_LOG ? FIELD_TIME : FIELD_FINISHED]);
}

int64_t
fields_int(struct json_text t, int64_t fallback)
{
	int64_t i;

	return t.s && json_to_int(t, &i) ? i : fallback;
}

struct each {
	fields_each_fn *fn;
	void *arg;
};

static int
call(void *arg, struct json_text key, struct json_text value, struct err *e)
{
	struct each *each = arg;

	(void)e;
	each->fn(each->arg, key, value);
	return 0;
}

void
fields_each(struct json_text t, fields_each_fn *fn, void *arg)
{
	struct each each = { fn, arg };
	struct err ignored = ERR_INIT;

	if (t.s)
		json_each(t.s, t.len, 0, call, &each, &ignored);
}
