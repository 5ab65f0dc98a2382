/* job show: all that is known of one job. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/asked.h"
#include "cli/outcome.h"
#include "cli/table.h"
#include "cli/when.h"
#include "model/units.h"
#include "proto/json.h"

static void
line_text(const struct value *v, const char *name, const char *key)
{
	const char *text = value_get_string(v, key, NULL);

	if (text)
		table_field(name, STYLE_PLAIN, text);
}

static void
line_int(const struct value *v, const char *name, const char *key)
{
	const struct value *n = value_get(v, key);
	_free_ char *text = NULL;

	if (!n || n->type != VALUE_INT)
		return;
	text = xasprintf("%lld", (long long)n->u.integer);
	table_field(name, STYLE_PLAIN, text);
}

static void
line_time(const struct value *v, const char *name, const char *key)
{
	char text[WHEN_TEXT];

	if (value_get_string(v, key, NULL))
		table_field(name, STYLE_PLAIN, when_member(v, key, text));
}

/* JSON, over as many lines as it takes; nothing where it is empty. */
static void
line_json(const struct value *v, const char *name, const char *key)
{
	const struct value *m = value_get(v, key);
	_buf_ struct buf text = { 0 };

	if (!m || m->type == VALUE_NULL ||
	    (m->type == VALUE_OBJECT && !m->u.object.n) ||
	    (m->type == VALUE_ARRAY && !m->u.array.n))
		return;
	json_encode_pretty(m, &text);
	table_field(name, STYLE_PLAIN, text.data);
}

/* "exit 0", "signal 9", with what it used. */
static void
show_exit(const struct value *v)
{
	const struct value *exit = value_get(v, "exit");
	const struct value *usage = value_get(v, "usage");
	char size[UNITS_TEXT], span[WHEN_TEXT];
	_free_ char *used = NULL;

	line_int(exit, "exit", "code");
	line_int(exit, "signal", "signal");
	if (!usage || usage->type != VALUE_OBJECT)
		return;
	used = xasprintf(
		"%s of CPU time, %s of memory",
		when_span(value_get_int(usage, "cpu_ms", 0), span),
		units_format_size(value_get_int(usage, "max_rss_bytes", 0) &
					  ~INT64_C(1023),
				  size));
	table_field("used", STYLE_PLAIN, used);
}

static void
show_attempts(const struct value *v)
{
	static const struct column columns[] = {
		{ "ATTEMPT", true },  { "STATE", false },
		{ "STARTED", false }, { "DURATION", true },
		{ "MESSAGE", false }, { NULL, false },
	};
	_cleanup_(table_release) struct table t = { .columns = columns };
	const struct value *list = value_get(v, "attempts");

	if (!list || list->type != VALUE_ARRAY || !list->u.array.n)
		return;
	for (size_t i = 0; i < list->u.array.n; i++) {
		const struct value *a = list->u.array.items[i];
		const char *state = value_get_string(a, "state", "-");
		char text[WHEN_TEXT];

		table_addf(&t, STYLE_PLAIN, "%lld",
			   (long long)value_get_int(a, "attempt", 0));
		table_add(&t, outcome_style(state), state);
		table_add(&t, STYLE_PLAIN, when_member(a, "started_at", text));
		table_add(&t, STYLE_PLAIN,
			  when_span(value_get_int(a, "duration_ms", 0), text));
		table_add(&t, STYLE_PLAIN,
			  value_get_string(value_get(a, "error"), "message",
					   ""));
	}
	printf("\n");
	table_print(&t);
}

static void
show(const struct value *v)
{
	const char *state = outcome_state_name(v);
	char span[WHEN_TEXT];

	line_int(v, "id", "id");
	line_text(v, "name", "name");
	line_text(v, "plugin", "plugin");
	table_field("state", outcome_style(state), state);
	line_text(v, "trigger", "trigger");
	line_text(v, "schedule", "schedule");
	line_int(v, "retry of", "retry_of");
	line_int(v, "attempt", "attempt");
	line_int(v, "priority", "priority");
	line_time(v, "scheduled", "scheduled_at");
	line_time(v, "not before", "not_before");
	line_time(v, "started", "started_at");
	line_time(v, "finished", "finished_at");
	if (outcome_is_final(v))
		table_field("duration", STYLE_PLAIN,
			    when_span(value_get_int(v, "duration_ms", 0),
				      span));
	show_exit(v);
	line_json(v, "params", "params");
	line_json(v, "metrics", "metrics");
	line_json(v, "result", "result");
	show_attempts(v);
}

int
cmd_job_show(const struct cli *c)
{
	_cleanup_(asked_release) struct asked a;
	_value_ struct value *record = NULL;
	struct err e = ERR_INIT;
	int64_t id;

	if (asked_open(&a, c, &e) < 0 || asked_id(c, &id, &e) < 0 ||
	    client_call(&a.client, "job.get", asked_id_params(id), &record,
			&e) < 0)
		return cli_fail(&e);
	if (c->json) {
		outcome_print_value(record);
		return 0;
	}
	show(record);
	fflush(stdout);
	outcome_print_trouble(record);
	return 0;
}
