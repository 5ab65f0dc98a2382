/*
 * Records as the forwarder gets them: written straight from the row, as there
 * may be a million of them to catch up with.
 */
#include <inttypes.h>
#include <string.h>

#include "master/forward_parts.h"
#include "model/units.h"
#include "proto/json.h"

static void
add_string(struct buf *out, const char *s)
{
	if (s)
		json_encode_string(s, strlen(s), out);
	else
		buf_adds(out, "null");
}

static void
add_time(struct buf *out, int64_t ms)
{
	char text[UNITS_TEXT];

	if (ms)
		buf_addf(out, "\"%s\"", units_format_time(ms, text));
	else
		buf_adds(out, "null");
}

/* JSON that was checked when it was kept; a line feed in it would end ours. */
static void
add_raw(struct buf *out, const char *json, const char *otherwise)
{
	_value_ struct value *raw = NULL;

	if (!json) {
		buf_adds(out, otherwise);
		return;
	}
	if (!strchr(json, '\n')) {
		buf_adds(out, json);
		return;
	}
	raw = value_raw(json, strlen(json));
	json_encode(raw, out);
}

static void
add_members(struct buf *out, const struct store_job *j)
{
	const struct {
		const char *key, *json, *otherwise;
	} texts[] = {
		{ "params", j->params, "{}" },
		{ "result", j->result, "null" },
		{ "error", j->error, "null" },
		{ "exit", j->exit, "null" },
		{ "usage", j->usage, "null" },
		{ "metrics", j->metrics, "[]" },
		{ "denials", j->denials, "[]" },
		{ "sandbox", j->sandbox, "{}" },
		{ "agent", j->agent, "{}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		buf_addf(out, ",\"%s\":", texts[i].key);
		add_raw(out, texts[i].json, texts[i].otherwise);
	}
}

/* ... up to its `record`, which is not closed yet. */
static void
open_record(struct buf *out, const struct record_place *at, const char *kind)
{
	buf_addf(out,
		 ",\"at\":\"%" PRIu64 ".%zu\",\"kind\":\"%s\","
		 "\"record\":{",
		 at->batch, at->n, kind);
}

void
forward_add_job(struct buf *out, const struct record_place *at,
		const struct store_job *j)
{
	const struct {
		const char *key;
		int64_t ms;
	} times[] = {
		{ "scheduled_at", j->scheduled_ms },
		{ "started_at", j->started_ms },
		{ "finished_at", j->finished_ms },
	};

	buf_addf(out, "{\"id\":\"%s-%" PRId64 "\"", at->agent, j->id);
	open_record(out, at, "job");
	buf_addf(out, "\"id\":%" PRId64 ",\"name\":", j->id);
	add_string(out, j->name);
	buf_adds(out, ",\"plugin\":");
	add_string(out, j->plugin);
	buf_addf(out,
		 ",\"state\":\"%s\",\"trigger\":", job_state_name(j->state));
	add_string(out, j->trigger);
	buf_addf(out, ",\"attempt\":%" PRId64, j->attempt);
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		buf_addf(out, ",\"%s\":", times[i].key);
		add_time(out, times[i].ms);
	}
	buf_addf(out, ",\"duration_ms\":%" PRId64, j->duration_ms);
	add_members(out, j);
	if (j->schedule) {
		buf_adds(out, ",\"schedule\":");
		add_string(out, j->schedule);
	}
	if (j->retry_of)
		buf_addf(out, ",\"retry_of\":%" PRId64, j->retry_of);
	buf_adds(out, "}}");
}

void
forward_add_line(struct buf *out, const struct record_place *at,
		 const struct store_job *j, const struct store_log *line)
{
	buf_addf(out, "{\"id\":\"%s-%" PRId64 "-%" PRId64 "\"", at->agent,
		 j->id, line->seq);
	open_record(out, at, "log");
	buf_addf(out, "\"job\":%" PRId64 ",\"name\":", j->id);
	add_string(out, j->name);
	buf_adds(out, ",\"plugin\":");
	add_string(out, j->plugin);
	buf_addf(out, ",\"seq\":%" PRId64 ",\"time\":", line->seq);
	add_time(out, line->time_ms);
	buf_adds(out, ",\"level\":");
	add_string(out, line->level);
	buf_adds(out, ",\"stream\":");
	add_string(out, line->stream);
	buf_adds(out, ",\"message\":");
	json_encode_string(line->message, line->len, out);
	if (line->fields) {
		buf_adds(out, ",\"fields\":");
		add_raw(out, line->fields, "{}");
	}
	if (line->left_out)
		buf_addf(out, ",\"left_out\":%" PRIu64, line->left_out);
	buf_adds(out, "}}");
}
