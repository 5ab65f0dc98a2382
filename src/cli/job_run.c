/* job run: a job for the agent, now, later, or again and again. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/asked.h"
#include "cli/outcome.h"
#include "cli/submit.h"
#include "cli/when.h"
#include "model/units.h"

/* --- What does not go together ------------------------------------------ */

static int
check(const struct cli *c, struct err *e)
{
	bool again = c->every_ms || c->cron;
	const struct {
		bool wrong;
		const char *text;
	} rules[] = {
		{ !c->plugin == !c->file,
		  "give either --plugin NAME or --command PATH" },
		{ c->every_ms && c->cron,
		  "--every and --cron don't go together" },
		{ again && c->at,
		  "--at is for one run, --every and --cron are for many" },
		{ again && c->wait, "--wait is for one run" },
		{ again && c->key, "--key is for one run" },
		{ again && !c->name && !c->plugin,
		  "a schedule needs a name: --name NAME" },
		{ c->timezone && !c->cron, "--timezone goes with --cron" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].wrong)
			return err_set(e, ERR_USAGE, "%s", rules[i].text);
	return 0;
}

/* --- Once --------------------------------------------------------------- */

static void
set_ms(struct value *v, const char *key, int64_t ms)
{
	if (ms)
		value_set(v, key, value_int(ms));
}

static struct value *
retry_value(const struct cli *c)
{
	struct value *v = value_object();

	value_set(v, "max", value_int(c->retries));
	return v;
}

static int
fill_once(const struct cli *c, struct value *params, struct err *e)
{
	char text[UNITS_TEXT];
	int64_t at;

	if (c->name)
		value_set(params, "name", value_string(c->name));
	if (c->priority)
		value_set(params, "priority", value_int(c->priority));
	if (c->key)
		value_set(params, "key", value_string(c->key));
	if (c->retries >= 0)
		value_set(params, "retry", retry_value(c));
	set_ms(params, "timeout_ms", c->timeout_ms);
	set_ms(params, "queue_timeout_ms", c->queue_timeout_ms);
	if (!c->at)
		return 0;
	if (when_parse_at(c->at, &at, e) < 0)
		return -1;
	value_set(params, "at", value_string(units_format_time(at, text)));
	return 0;
}

static int
run_once(const struct cli *c, struct client *client, struct value *params)
{
	_value_ struct value *answer = NULL;
	int status;

	if (c->wait)
		return submit_and_wait(c, client, "job.submit", params);
	status = submit_send(c, client, "job.submit", params, &answer);
	if (status)
		return status;
	if (c->json)
		outcome_print_value(answer);
	else
		printf("%lld\n", (long long)value_get_int(answer, "id", 0));
	return 0;
}

/* --- Again and again: a schedule, in the words of the configuration ------ */

static void
set_duration(struct value *v, const char *key, int64_t ms)
{
	char text[UNITS_TEXT];

	if (ms)
		value_set(v, key,
			  value_string(units_format_duration(ms, text)));
}

static void
set_text(struct value *v, const char *key, const char *text)
{
	if (text)
		value_set(v, key, value_string(text));
}

/* From a message's parameters (plugin, params, ...) to settings. */
static void
fill_schedule(const struct cli *c, struct value *settings)
{
	set_duration(settings, "every", c->every_ms);
	set_text(settings, "cron", c->cron);
	set_text(settings, "timezone", c->timezone);
	set_duration(settings, "timeout", c->timeout_ms);
	set_duration(settings, "queue_timeout", c->queue_timeout_ms);
	if (c->priority)
		value_set(settings, "priority", value_int(c->priority));
	if (c->retries >= 0)
		value_set(settings, "retry", retry_value(c));
}

static int
add_schedule(const struct cli *c, struct client *client, struct value *settings)
{
	struct value *params = value_object();
	_value_ struct value *answer = NULL;
	struct err e = ERR_INIT;
	char time[WHEN_TEXT];

	value_set(params, "name", value_string(c->name ? c->name : c->plugin));
	value_set(params, "settings", settings);
	if (client_call(client, "schedule.add", params, &answer, &e) < 0)
		return cli_fail(&e);
	if (c->json) {
		outcome_print_value(answer);
		return 0;
	}
	printf("%s: next %s\n", c->name ? c->name : c->plugin,
	       when_member(answer, "next", time));
	return 0;
}

/* `params` is taken over. */
static int
hand_over(const struct cli *c, bool again, struct value *params)
{
	_cleanup_(asked_release) struct asked a;
	struct err e = ERR_INIT;

	if (asked_open(&a, c, &e) == 0)
		return again ? add_schedule(c, &a.client, params) :
			       run_once(c, &a.client, params);
	value_free(params);
	return cli_fail(&e);
}

int
cmd_job_run(const struct cli *c)
{
	_value_ struct value *params = value_object();
	bool again = c->every_ms || c->cron;
	struct err e = ERR_INIT;

	if (check(c, &e) < 0 ||
	    submit_source(params, c->plugin, c->file, &e) < 0 ||
	    submit_input(params, c, c->words.items, (int)c->words.n, &e) < 0)
		return cli_fail(&e);
	if (again)
		fill_schedule(c, params);
	else if (fill_once(c, params, &e) < 0)
		return cli_fail(&e);
	return hand_over(c, again, steal_ptr(&params));
}
