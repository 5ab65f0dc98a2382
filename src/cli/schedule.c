/* schedule ...: jobs that come again. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/asked.h"
#include "cli/outcome.h"
#include "cli/submit.h"
#include "cli/table.h"
#include "cli/when.h"
#include "model/units.h"

static bool
flag(const struct value *v, const char *key)
{
	const struct value *m = value_get(v, key);

	return m && m->type == VALUE_BOOL && m->u.boolean;
}

/* --- list --------------------------------------------------------------- */

static const struct column list_columns[] = {
	{ "NAME", false }, { "PLUGIN", false }, { "WHEN", false },
	{ "NEXT", false }, { "LAST", false },	{ "STATE", false },
	{ "RUNS", true },  { "MISSED", true },	{ "SKIPPED", true },
	{ NULL, false },
};

static void
add_schedule(struct table *t, const struct value *s)
{
	const char *state = value_get_string(s, "last_state", "-");
	bool paused = flag(s, "paused");
	char text[WHEN_TEXT];

	table_add(t, STYLE_PLAIN, value_get_string(s, "name", "-"));
	table_add(t, STYLE_PLAIN, value_get_string(s, "plugin", "-"));
	table_add(t, STYLE_PLAIN, value_get_string(s, "when", "-"));
	if (paused)
		table_add(t, STYLE_YELLOW, "paused");
	else
		table_add(t, STYLE_PLAIN, when_member(s, "next", text));
	table_add(t, STYLE_PLAIN, when_member(s, "last_due", text));
	table_add(t, outcome_style(state), state);
	table_addf(t, STYLE_PLAIN, "%lld",
		   (long long)value_get_int(s, "runs", 0));
	table_addf(t, STYLE_PLAIN, "%lld",
		   (long long)value_get_int(s, "missed", 0));
	table_addf(t, STYLE_PLAIN, "%lld",
		   (long long)value_get_int(s, "skipped", 0));
}

int
cmd_schedule_list(const struct cli *c)
{
	_value_ struct value *answer = NULL;
	int status = asked_call(c, "schedule.list", NULL, &answer);

	if (!status)
		asked_print(c, answer, list_columns, add_schedule);
	return status;
}

/* --- next --------------------------------------------------------------- */

static const struct column next_columns[] = {
	{ "NAME", false },     { "UTC", false }, { "LOCAL", false },
	{ "TIMEZONE", false }, { NULL, false },
};

static void
add_times(struct table *t, const struct value *s)
{
	const struct value *times = value_get(s, "times");
	size_t n = times && times->type == VALUE_ARRAY ? times->u.array.n : 0;

	for (size_t i = 0; i < n; i++) {
		const struct value *time = times->u.array.items[i];

		table_add(t, STYLE_PLAIN, value_get_string(s, "name", "-"));
		table_add(t, STYLE_PLAIN, value_get_string(time, "utc", "-"));
		table_add(t, STYLE_PLAIN, value_get_string(time, "local", "-"));
		table_add(t, flag(s, "paused") ? STYLE_YELLOW : STYLE_PLAIN,
			  flag(s, "paused") ?
				  "paused" :
				  value_get_string(s, "timezone", "-"));
	}
}

int
cmd_schedule_next(const struct cli *c)
{
	struct value *params =
		c->n_args ? asked_name_params(c) : value_object();
	_value_ struct value *answer = NULL;
	struct cli all = *c;
	int status;

	/* of times, not of schedules */
	if (c->limit)
		value_set(params, "count", value_int(c->limit));
	all.limit = 0;
	status = asked_call(c, "schedule.next", params, &answer);
	if (!status)
		asked_print(&all, answer, next_columns, add_times);
	return status;
}

/* --- trigger, pause, resume, remove ------------------------------------- */

int
cmd_schedule_trigger(const struct cli *c)
{
	_cleanup_(asked_release) struct asked a;
	_value_ struct value *record = NULL;
	struct err e = ERR_INIT;
	int status;

	if (asked_open(&a, c, &e) < 0)
		return cli_fail(&e);
	if (c->wait)
		return submit_and_wait(c, &a.client, "schedule.trigger",
				       asked_name_params(c));
	status = submit_send(c, &a.client, "schedule.trigger",
			     asked_name_params(c), &record);
	if (status)
		return status;
	if (c->json)
		outcome_print_value(record);
	else
		printf("%lld\n", (long long)value_get_int(record, "id", 0));
	return 0;
}

/* What the schedule is now. */
static int
change(const struct cli *c, const char *method, struct value **answer)
{
	int status = asked_call(c, method, asked_name_params(c), answer);

	if (status == 0 && c->json)
		outcome_print_value(*answer);
	return status;
}

int
cmd_schedule_pause(const struct cli *c)
{
	_value_ struct value *answer = NULL;
	int status = change(c, "schedule.pause", &answer);

	if (status == 0 && !c->json)
		printf("%s: paused\n", c->args[0]);
	return status;
}

int
cmd_schedule_resume(const struct cli *c)
{
	_value_ struct value *answer = NULL;
	int status = change(c, "schedule.resume", &answer);
	char text[WHEN_TEXT];

	if (status == 0 && !c->json)
		printf("%s: next %s\n", c->args[0],
		       when_member(answer, "next", text));
	return status;
}

int
cmd_schedule_remove(const struct cli *c)
{
	_value_ struct value *answer = NULL;
	int status = change(c, "schedule.remove", &answer);

	if (status == 0 && !c->json)
		printf("%s: removed\n", c->args[0]);
	return status;
}
