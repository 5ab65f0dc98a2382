#include "model/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "model/units.h"

#ifndef DEVOPS_AGENT_VERSION
#define DEVOPS_AGENT_VERSION "unknown"
#endif

struct state_row {
	const char *name;
	int exit_status;
};

static const struct state_row states[] = {
	[JOB_QUEUED] = { "queued", 125 },
	[JOB_RUNNING] = { "running", 125 },
	[JOB_SUCCEEDED] = { "succeeded", 0 },
	[JOB_FAILED] = { "failed", 1 },
	[JOB_TIMED_OUT] = { "timed_out", 124 },
	[JOB_CANCELLED] = { "cancelled", 130 },
	[JOB_DENIED] = { "denied", 3 },
	[JOB_LOST] = { "lost", 125 },
};

const char *
job_state_name(enum job_state state)
{
	return states[state].name;
}

bool
job_state_parse(const char *name, enum job_state *state)
{
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		if (strcmp(states[i].name, name) == 0) {
			*state = (enum job_state)i;
			return true;
		}
	}
	return false;
}

int
record_exit_status(const struct record *r)
{
	return states[r->state].exit_status;
}

void
record_init(struct record *r)
{
	memset(r, 0, sizeof(*r));
	r->state = JOB_QUEUED;
	r->attempt = 1;
	r->exit_code = -1;
	r->retry_after_ms = -1;
}

void
record_release(struct record *r)
{
	free(r->name);
	free(r->plugin);
	value_free(r->params);
	value_free(r->result);
	free(r->error_code);
	free(r->error_message);
	free(r->error_hint);
	value_free(r->error_data);
	value_free(r->metrics);
	value_free(r->denials);
	value_free(r->sandbox);
	record_init(r);
}

void
record_set_error(struct record *r, const char *code, const char *message,
		 const char *hint)
{
	free(r->error_code);
	free(r->error_message);
	free(r->error_hint);
	r->error_code = xstrdup(code);
	r->error_message = xstrdup(message);
	r->error_hint = hint && *hint ? xstrdup(hint) : NULL;
}

/*
 * Words by which the agent says what it did or saw itself; those of states are
 * too.  A plugin's must not be taken for one of them.
 */
static const char *const agents_codes[] = {
	"agent",      "exit",	  "load_failed", "no_method",
	"out_of_cpu", "protocol", "signal",	 "out_of_memory",
};

static bool
is_agents(const char *code)
{
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (strcasecmp(states[i].name, code) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(agents_codes); i++)
		if (strcasecmp(agents_codes[i], code) == 0)
			return true;
	return false;
}

static bool
is_word(const char *code)
{
	size_t len = strspn(code, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_-.:/");

	return len > 0 && len <= RECORD_CODE_MAX && code[len] == '\0';
}

void
record_set_plugin_error(struct record *r, const char *own, const char *code,
			const char *message)
{
	char text[sizeof("plugin_") + RECORD_CODE_MAX];

	if (!own || !is_word(own)) {
		record_set_error(r, code, message, NULL);
		return;
	}
	snprintf(text, sizeof(text), "%s%s", is_agents(own) ? "plugin_" : "",
		 own);
	record_set_error(r, text, message, NULL);
}

static struct value *
string_or_null(const char *s)
{
	return s ? value_string(s) : value_null();
}

static struct value *
time_or_null(int64_t ms)
{
	char text[UNITS_TEXT];

	return ms ? value_string(units_format_time(ms, text)) : value_null();
}

static struct value *
copy_or(const struct value *v, struct value *(*otherwise)(void))
{
	return v ? value_copy(v) : otherwise();
}

struct value *
record_error_value(const struct record *r)
{
	struct value *v;

	if (!r->error_code)
		return value_null();
	v = value_object();
	value_set(v, "code", value_string(r->error_code));
	value_set(v, "message", value_string(r->error_message));
	value_set(v, "hint", string_or_null(r->error_hint));
	if (r->error_data)
		value_set(v, "data", value_copy(r->error_data));
	if (r->retry_after_ms >= 0)
		value_set(v, "retry_after_ms", value_int(r->retry_after_ms));
	return v;
}

static struct value *
exit_to_value(const struct record *r)
{
	struct value *v = value_object();

	value_set(v, "code",
		  r->exit_code >= 0 ? value_int(r->exit_code) : value_null());
	value_set(v, "signal",
		  r->exit_signal ? value_int(r->exit_signal) : value_null());
	return v;
}

static struct value *
usage_to_value(const struct record *r)
{
	struct value *v = value_object();

	value_set(v, "cpu_ms", value_int(r->cpu_ms));
	value_set(v, "max_rss_bytes", value_int(r->max_rss_bytes));
	return v;
}

struct value *
agent_id_to_value(const struct agent_id *a)
{
	struct value *v = value_object();

	value_set(v, "id", string_or_null(a ? a->id : NULL));
	value_set(v, "host", string_or_null(a ? a->host : NULL));
	value_set(v, "version", value_string(DEVOPS_AGENT_VERSION));
	value_set(v, "labels", copy_or(a ? a->labels : NULL, value_object));
	return v;
}

struct value *
record_to_value(const struct record *r)
{
	struct value *v = value_object();

	value_set(v, "id", value_int(r->id));
	value_set(v, "name", string_or_null(r->name));
	value_set(v, "plugin", string_or_null(r->plugin));
	value_set(v, "state", value_string(job_state_name(r->state)));
	value_set(v, "trigger", string_or_null(r->trigger));
	value_set(v, "attempt", value_int(r->attempt));
	value_set(v, "scheduled_at", time_or_null(r->scheduled_ms));
	value_set(v, "started_at", time_or_null(r->started_ms));
	value_set(v, "finished_at", time_or_null(r->finished_ms));
	value_set(v, "duration_ms", value_int(r->duration_ms));
	value_set(v, "params", copy_or(r->params, value_object));
	value_set(v, "result", copy_or(r->result, value_null));
	value_set(v, "error", record_error_value(r));
	value_set(v, "exit", exit_to_value(r));
	value_set(v, "usage", usage_to_value(r));
	value_set(v, "metrics", copy_or(r->metrics, value_array));
	value_set(v, "denials", copy_or(r->denials, value_array));
	value_set(v, "sandbox", copy_or(r->sandbox, value_object));
	value_set(v, "agent", agent_id_to_value(r->agent));
	return v;
}
