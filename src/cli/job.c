/* job list, logs, wait, cancel, retry: the queue and its history. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/asked.h"
#include "cli/follow.h"
#include "cli/outcome.h"
#include "cli/submit.h"
#include "cli/table.h"
#include "cli/when.h"
#include "model/record.h"
#include "model/units.h"

#define LIST_DEFAULT 100
#define PAGE 1000

/* --- list --------------------------------------------------------------- */

/* "failed,lost" */
static int
add_states(struct value *params, const char *text, struct err *e)
{
	struct value *states = value_set(params, "state", value_array());

	while (*text) {
		size_t len = strcspn(text, ",");
		_free_ char *name = xstrndup(text, len);
		enum job_state state;

		if (!job_state_parse(name, &state)) {
			err_set(e, ERR_USAGE, "--state: no state is called %s",
				name);
			return err_hint(e, "queued, running, succeeded, "
					   "failed, timed_out, cancelled, "
					   "denied, lost");
		}
		value_append(states, value_string(name));
		text += len + (text[len] == ',');
	}
	return 0;
}

static int
list_params(const struct cli *c, struct value *params, struct err *e)
{
	char text[UNITS_TEXT];
	int64_t ms;

	if (c->state && add_states(params, c->state, e) < 0)
		return -1;
	if (c->name)
		value_set(params, "name", value_string(c->name));
	if (c->plugin)
		value_set(params, "plugin", value_string(c->plugin));
	if (!c->since)
		return 0;
	if (when_parse_since(c->since, &ms, e) < 0)
		return -1;
	value_set(params, "since", value_string(units_format_time(ms, text)));
	return 0;
}

static const struct column job_columns[] = {
	{ "ID", true },	      { "NAME", false }, { "PLUGIN", false },
	{ "STATE", false },   { "AT", false },	 { "DURATION", true },
	{ "MESSAGE", false }, { NULL, false },
};

static void
add_row(struct table *t, const struct value *job)
{
	const char *name = value_get_string(job, "name", "-");
	const char *plugin = value_get_string(job, "plugin", "-");
	const char *state = value_get_string(job, "state", "-");
	bool began = value_get_string(job, "started_at", NULL) != NULL;
	bool ended = value_get_string(job, "finished_at", NULL) != NULL;
	char text[WHEN_TEXT];

	table_addf(t, STYLE_PLAIN, "%lld",
		   (long long)value_get_int(job, "id", 0));
	table_add(t, STYLE_PLAIN, name);
	table_add(t, STYLE_PLAIN, plugin);
	table_add(t, outcome_style(state), state);
	table_add(t, STYLE_PLAIN,
		  when_member(job, began ? "started_at" : "scheduled_at",
			      text));
	table_add(t, STYLE_PLAIN,
		  began && ended ?
			  when_span(value_get_int(job, "duration_ms", 0),
				    text) :
			  "-");
	table_add(t, STYLE_PLAIN,
		  value_get_string(value_get(job, "error"), "message", ""));
}

struct listing {
	const struct cli *c;
	struct client *client;
	struct value *filter; /* of each page */
	struct table table;
	int64_t left, next; /* next: 0 where there is no more */
};

static int
list_page(struct listing *l, struct err *e)
{
	struct value *params = value_copy(l->filter);
	_value_ struct value *answer = NULL;
	const struct value *items;
	int64_t next;
	size_t n;

	value_set(params, "limit", value_int(l->left < PAGE ? l->left : PAGE));
	if (l->next)
		value_set(params, "before", value_int(l->next));
	if (client_call(l->client, "job.list", params, &answer, e) < 0)
		return -1;
	items = asked_items(answer, &n);
	for (size_t i = 0; i < n && l->left > 0; i++, l->left--) {
		if (l->c->json)
			table_print_json(items->u.array.items[i]);
		else
			add_row(&l->table, items->u.array.items[i]);
	}
	next = value_get_int(answer, "next", 0);
	/* each page is older; one that is not would have no end */
	l->next = n && (!l->next || next < l->next) ? next : 0;
	return 0;
}

static int
list(struct listing *l, struct err *e)
{
	do {
		if (list_page(l, e) < 0)
			return -1;
	} while (l->next > 0 && l->left > 0);
	if (l->c->json)
		return 0;
	table_print(&l->table);
	if (l->next > 0 && !l->c->limit) {
		fflush(stdout);
		terminal_say(STYLE_DIM, "hint",
			     "these are the newest; --limit N shows more");
	}
	return 0;
}

int
cmd_job_list(const struct cli *c)
{
	_cleanup_(asked_release) struct asked a;
	_value_ struct value *filter = value_object();
	struct listing l = { .c = c,
			     .filter = filter,
			     .table = { .columns = job_columns },
			     .left = c->limit ? c->limit : LIST_DEFAULT };
	struct err e = ERR_INIT;
	int rc;

	if (asked_open(&a, c, &e) < 0 || list_params(c, filter, &e) < 0)
		return cli_fail(&e);
	l.client = &a.client;
	rc = list(&l, &e);
	table_release(&l.table);
	return rc < 0 ? cli_fail(&e) : 0;
}

/* --- logs --------------------------------------------------------------- */

static int
print_logs(const struct cli *c, struct client *client, int64_t id,
	   struct err *e)
{
	int64_t after = 0, next = 0;

	do {
		struct value *params = asked_id_params(id);
		_value_ struct value *answer = NULL;
		const struct value *items;
		size_t n;

		after = next;
		value_set(params, "after", value_int(after));
		if (client_call(client, "job.logs", params, &answer, e) < 0)
			return -1;
		items = asked_items(answer, &n);
		for (size_t i = 0; i < n; i++)
			follow_print_line(items->u.array.items[i], true,
					  c->json);
		next = value_get_int(answer, "next", 0);
	} while (next > after);
	return 0;
}

int
cmd_job_logs(const struct cli *c)
{
	_cleanup_(asked_release) struct asked a;
	_value_ struct value *record = NULL;
	struct follow f = { .lines = true, .to_stdout = true, .json = c->json };
	struct err e = ERR_INIT;
	int rc;

	if (asked_open(&a, c, &e) < 0 || asked_id(c, &f.job, &e) < 0)
		return cli_fail(&e);
	rc = c->follow ? follow_job(&f, &a.client, &record, &e) :
			 print_logs(c, &a.client, f.job, &e);
	return rc < 0 ? cli_fail(&e) : 0;
}

/* --- wait, cancel, retry ------------------------------------------------ */

static int
not_over(const struct value *record, int64_t id)
{
	_free_ char *text =
		xasprintf("job %lld has not ended: it is %s", (long long)id,
			  value_get_string(record, "state", "?"));

	terminal_say(STYLE_RED, "devops_agent", text);
	return 124;
}

int
cmd_job_wait(const struct cli *c)
{
	_cleanup_(asked_release) struct asked a;
	_value_ struct value *record = NULL;
	struct follow f = { .timeout_ms = c->timeout_ms };
	struct err e = ERR_INIT;

	if (asked_open(&a, c, &e) < 0 || asked_id(c, &f.job, &e) < 0 ||
	    follow_job(&f, &a.client, &record, &e) < 0)
		return cli_fail(&e);
	if (!outcome_is_final(record)) {
		if (c->json)
			outcome_print_value(record);
		return not_over(record, f.job);
	}
	outcome_print(c, record);
	return outcome_status(record);
}

int
cmd_job_cancel(const struct cli *c)
{
	/* answered at its end, which may take the plugin a while */
	const struct client_watch w = { .stop_fd = -1 };
	_cleanup_(asked_release) struct asked a;
	_value_ struct value *record = NULL;
	struct err e = ERR_INIT;
	int64_t job, id;

	if (asked_open(&a, c, &e) < 0 || asked_id(c, &job, &e) < 0 ||
	    client_send(&a.client, "job.cancel", asked_id_params(job), &id,
			&e) < 0 ||
	    client_answer(&a.client, id, &w, &record, &e) < 0)
		return cli_fail(&e);
	if (c->json)
		outcome_print_value(record);
	else
		printf("%lld: %s\n", (long long)job,
		       outcome_state_name(record));
	return 0;
}

int
cmd_job_retry(const struct cli *c)
{
	_cleanup_(asked_release) struct asked a;
	_value_ struct value *record = NULL;
	struct err e = ERR_INIT;
	int64_t id;
	int status;

	if (asked_open(&a, c, &e) < 0 || asked_id(c, &id, &e) < 0)
		return cli_fail(&e);
	if (c->wait)
		return submit_and_wait(c, &a.client, "job.retry",
				       asked_id_params(id));
	status = submit_send(c, &a.client, "job.retry", asked_id_params(id),
			     &record);
	if (status)
		return status;
	if (c->json)
		outcome_print_value(record);
	else
		printf("%lld\n", (long long)value_get_int(record, "id", 0));
	return 0;
}
