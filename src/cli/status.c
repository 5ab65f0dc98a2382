/* status: how the agent is. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/asked.h"
#include "cli/outcome.h"
#include "cli/table.h"
#include "cli/when.h"
#include "model/record.h"
#include "model/transition.h"
#include "model/units.h"

static long long
number(const struct value *v, const char *key)
{
	return (long long)value_get_int(v, key, 0);
}

static void
show_agent(const struct value *v)
{
	const struct value *agent = value_get(v, "agent");
	const char *phase = value_get_string(v, "phase", "?");
	char time[WHEN_TEXT], span[WHEN_TEXT];

	table_field("agent",
		    strcmp(phase, "running") == 0 ? STYLE_GREEN : STYLE_YELLOW,
		    phase);
	table_fieldf("since", STYLE_PLAIN, "%s, for %s; process %lld",
		     when_member(v, "started_at", time),
		     when_span(value_get_int(v, "uptime_ms", 0), span),
		     number(v, "pid"));
	table_fieldf("version", STYLE_PLAIN, "%s on %s",
		     value_get_string(agent, "version", "?"),
		     value_get_string(agent, "host", "?"));
	table_field("id", STYLE_PLAIN, value_get_string(agent, "id", "?"));
	table_field("config", STYLE_PLAIN,
		    value_get_string(v, "config", "built-in defaults"));
}

/* "queued 3, succeeded 120": what there is of each state. */
static void
show_history(const struct value *states)
{
	_buf_ struct buf text = { 0 };

	for (int i = 0; i < JOB_STATES; i++) {
		const char *name = job_state_name((enum job_state)i);

		if (number(states, name))
			buf_addf(&text, "%s%s %lld", text.len ? ", " : "", name,
				 number(states, name));
	}
	table_field("history", STYLE_PLAIN, text.len ? text.data : "empty");
}

static void
show_jobs(const struct value *v)
{
	const struct value *jobs = value_get(v, "jobs");

	table_fieldf("jobs", STYLE_PLAIN,
		     "%lld running, %lld waiting (of %lld at most)",
		     number(jobs, "running"), number(jobs, "queued"),
		     number(jobs, "queue_max"));
	show_history(value_get(jobs, "by_state"));
	table_fieldf("schedules", STYLE_PLAIN,
		     "%lld, and %lld services running", number(v, "schedules"),
		     number(v, "services"));
}

static void
show_store(const struct value *store)
{
	const char *trouble = value_get_string(store, "trouble", NULL);
	char size[UNITS_TEXT];

	table_fieldf("database", STYLE_PLAIN, "%s, %s",
		     value_get_string(store, "path", "?"),
		     units_format_size(value_get_int(store, "size_bytes", 0),
				       size));
	if (trouble)
		table_field("", STYLE_RED, trouble);
}

/* "api: ready", and why it is not. */
static void
show_peers(const struct value *peers)
{
	size_t n = peers && peers->type == VALUE_ARRAY ? peers->u.array.n : 0;

	for (size_t i = 0; i < n; i++) {
		const struct value *p = peers->u.array.items[i];
		const char *state = value_get_string(p, "state", "?");
		const char *trouble = value_get_string(p, "trouble", NULL);
		bool ready = strcmp(state, "ready") == 0;

		if (strcmp(state, "off") == 0 && !trouble)
			continue;
		table_fieldf(value_get_string(p, "name", "?"),
			     ready ? STYLE_GREEN : STYLE_YELLOW, "%s%s%s",
			     state, trouble && !ready ? ": " : "",
			     trouble && !ready ? trouble : "");
	}
}

static void
show_workers(const struct value *v)
{
	static const struct column columns[] = {
		{ "PLUGIN", false }, { "WAITING", true },  { "BUSY", true },
		{ "IDLE", true },    { "STARTING", true }, { "FAILURES", true },
		{ NULL, false },
	};
	_cleanup_(table_release) struct table t = { .columns = columns };
	const struct value *pools = value_get(v, "pools");
	size_t n = pools && pools->type == VALUE_ARRAY ? pools->u.array.n : 0;

	table_fieldf("workers", STYLE_PLAIN, "%lld at most",
		     number(v, "workers_max"));
	for (size_t i = 0; i < n; i++) {
		const struct value *p = pools->u.array.items[i];
		long long failures = number(p, "failures");

		table_add(&t, STYLE_PLAIN, value_get_string(p, "plugin", "-"));
		table_addf(&t, STYLE_PLAIN, "%lld", number(p, "queued"));
		table_addf(&t, STYLE_PLAIN, "%lld", number(p, "busy"));
		table_addf(&t, STYLE_PLAIN, "%lld", number(p, "idle"));
		table_addf(&t, STYLE_PLAIN, "%lld", number(p, "starting"));
		table_addf(&t, failures ? STYLE_RED : STYLE_PLAIN, "%lld",
			   failures);
	}
	if (!n)
		return;
	printf("\n");
	table_print(&t);
}

int
cmd_status(const struct cli *c)
{
	_cleanup_(asked_release) struct asked a;
	_value_ struct value *v = NULL;
	struct err e = ERR_INIT;

	if (asked_open(&a, c, &e) < 0 ||
	    client_call(&a.client, "status", NULL, &v, &e) < 0)
		return cli_fail(&e);
	if (c->json) {
		outcome_print_value(v);
		return 0;
	}
	show_agent(v);
	show_jobs(v);
	show_store(value_get(v, "store"));
	show_peers(value_get(v, "peers"));
	show_workers(v);
	return 0;
}
