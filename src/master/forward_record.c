/*
 * Records as the forwarder gets them: written straight from the row, as there
 * may be a million of them to catch up with.
 */
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

/* A text of this file. */
#define ADD(out, text) buf_add((out), (text), sizeof(text) - 1)

static void
add_int(struct buf *out, int64_t n)
{
	char digits[24], *at = digits + sizeof(digits);
	uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;

	do
		*--at = (char)('0' + left % 10);
	while (left /= 10);
	if (n < 0)
		*--at = '-';
	buf_add(out, at, (size_t)(digits + sizeof(digits) - at));
}

static void
add_time(struct buf *out, int64_t ms)
{
	char text[UNITS_TEXT];

	if (!ms) {
		ADD(out, "null");
		return;
	}
	ADD(out, "\"");
	buf_adds(out, units_format_time(ms, text));
	ADD(out, "\"");
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
		{ ",\"params\":", j->params, "{}" },
		{ ",\"result\":", j->result, "null" },
		{ ",\"error\":", j->error, "null" },
		{ ",\"exit\":", j->exit, "null" },
		{ ",\"usage\":", j->usage, "null" },
		{ ",\"metrics\":", j->metrics, "[]" },
		{ ",\"denials\":", j->denials, "[]" },
		{ ",\"sandbox\":", j->sandbox, "{}" },
		{ ",\"agent\":", j->agent, "{}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		buf_adds(out, texts[i].key);
		add_raw(out, texts[i].json, texts[i].otherwise);
	}
}

/* Up to its `record`, which is not closed yet. `line` 0: of the job itself. */
static void
open_record(struct buf *out, const struct record_place *at, int64_t job,
	    int64_t line)
{
	ADD(out, "{\"id\":\"");
	buf_adds(out, at->agent);
	ADD(out, "-");
	add_int(out, job);
	if (line) {
		ADD(out, "-");
		add_int(out, line);
	}
	ADD(out, "\",\"at\":\"");
	add_int(out, (int64_t)at->batch);
	ADD(out, ".");
	add_int(out, (int64_t)at->n);
	if (line)
		ADD(out, "\",\"kind\":\"log\",\"record\":{\"job\":");
	else
		ADD(out, "\",\"kind\":\"job\",\"record\":{\"id\":");
	add_int(out, job);
}

void
forward_add_job(struct buf *out, const struct record_place *at,
		const struct store_job *j)
{
	open_record(out, at, j->id, 0);
	ADD(out, ",\"name\":");
	add_string(out, j->name);
	ADD(out, ",\"plugin\":");
	add_string(out, j->plugin);
	ADD(out, ",\"state\":\"");
	buf_adds(out, job_state_name(j->state));
	ADD(out, "\",\"trigger\":");
	add_string(out, j->trigger);
	ADD(out, ",\"attempt\":");
	add_int(out, j->attempt);
	ADD(out, ",\"scheduled_at\":");
	add_time(out, j->scheduled_ms);
	ADD(out, ",\"started_at\":");
	add_time(out, j->started_ms);
	ADD(out, ",\"finished_at\":");
	add_time(out, j->finished_ms);
	ADD(out, ",\"duration_ms\":");
	add_int(out, j->duration_ms);
	add_members(out, j);
	if (j->priority) {
		ADD(out, ",\"priority\":");
		add_int(out, j->priority);
	}
	if (j->schedule) {
		ADD(out, ",\"schedule\":");
		add_string(out, j->schedule);
	}
	if (j->retry_of) {
		ADD(out, ",\"retry_of\":");
		add_int(out, j->retry_of);
	}
	ADD(out, "}}");
}

void
forward_add_line(struct buf *out, const struct record_place *at,
		 const struct store_job *j, const struct store_log *line)
{
	open_record(out, at, j->id, line->seq);
	ADD(out, ",\"name\":");
	add_string(out, j->name);
	ADD(out, ",\"plugin\":");
	add_string(out, j->plugin);
	ADD(out, ",\"seq\":");
	add_int(out, line->seq);
	ADD(out, ",\"time\":");
	add_time(out, line->time_ms);
	ADD(out, ",\"level\":");
	add_string(out, line->level);
	ADD(out, ",\"stream\":");
	add_string(out, line->stream);
	ADD(out, ",\"message\":");
	json_encode_string(line->message, line->len, out);
	if (line->fields) {
		ADD(out, ",\"fields\":");
		add_raw(out, line->fields, "{}");
	}
	if (line->left_out) {
		ADD(out, ",\"left_out\":");
		add_int(out, (int64_t)line->left_out);
	}
	ADD(out, "}}");
}
