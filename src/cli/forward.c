/* forward ...: destinations, how far each is, and sending again. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/asked.h"
#include "cli/outcome.h"
#include "cli/table.h"
#include "cli/when.h"
#include "model/units.h"

static struct value *
params_of(const struct cli *c)
{
	return c->n_args ? asked_name_params(c) : value_object();
}

static enum terminal_style
state_style(const char *state)
{
	return strcmp(state, "ok") == 0	      ? STYLE_GREEN :
	       strcmp(state, "starting") == 0 ? STYLE_PLAIN :
	       strcmp(state, "retrying") == 0 ? STYLE_YELLOW :
						STYLE_RED;
}

static int64_t
dropped(const struct value *d)
{
	const struct value *all = value_get(d, "dropped");
	int64_t sum = 0;

	for (size_t i = 0; all && i < all->u.object.n; i++)
		sum += value_get_int(all, all->u.object.members[i].key, 0);
	return sum;
}

/* --- status --------------------------------------------------------------- */

static const struct column columns[] = {
	{ "NAME", false },  { "FORMAT", false }, { "STATE", false },
	{ "OWED", true },   { "BEHIND", true },	 { "ACCEPTED", true },
	{ "ASIDE", true },  { "DROPPED", true }, { "LAST", false },
	{ "ERROR", false }, { NULL, false },
};

static void
add_destination(struct table *t, const struct value *d)
{
	const char *state = value_get_string(d, "state", "-");
	const struct value *lag = value_get(d, "lag");
	char text[WHEN_TEXT];

	table_add(t, STYLE_PLAIN, value_get_string(d, "name", "-"));
	table_add(t, STYLE_PLAIN, value_get_string(d, "format", "-"));
	table_add(t, state_style(state), state);
	table_addf(t, STYLE_PLAIN, "%lld",
		   (long long)value_get_int(lag, "records", 0));
	table_add(t, STYLE_PLAIN, when_span(value_get_int(lag, "ms", 0), text));
	table_addf(t, STYLE_PLAIN, "%lld",
		   (long long)value_get_int(d, "accepted", 0));
	table_addf(t, STYLE_PLAIN, "%lld",
		   (long long)value_get_int(d, "aside", 0));
	table_addf(t, STYLE_PLAIN, "%lld", (long long)dropped(d));
	table_add(t, STYLE_PLAIN, when_member(d, "last_success_at", text));
	table_add(t, STYLE_PLAIN, value_get_string(d, "error", "-"));
}

static void
show_dropped(const struct value *d)
{
	const struct value *all = value_get(d, "dropped");

	for (size_t i = 0; all && i < all->u.object.n; i++) {
		const char *reason = all->u.object.members[i].key;
		int64_t n = value_get_int(all, reason, 0);

		if (n)
			table_fieldf("dropped", STYLE_YELLOW, "%lld: %s",
				     (long long)n, reason);
	}
}

static void
show_lag(const struct value *d)
{
	const struct value *lag = value_get(d, "lag");
	char span[WHEN_TEXT], size[UNITS_TEXT];

	table_fieldf("owed", STYLE_PLAIN, "%lld jobs, %s, for %s",
		     (long long)value_get_int(lag, "records", 0),
		     units_format_size(value_get_int(lag, "bytes", 0), size),
		     when_span(value_get_int(lag, "ms", 0), span));
}

static const struct column aside_columns[] = {
	{ "TIME", false },   { "RECORD", false }, { "CODE", false },
	{ "REASON", false }, { NULL, false },
};

static void
show_aside(const struct value *list)
{
	_cleanup_(table_release) struct table t = { .columns = aside_columns };
	char text[WHEN_TEXT];

	if (!list || list->type != VALUE_ARRAY || !list->u.array.n)
		return;
	printf("\nPut aside, the newest first:\n");
	for (size_t i = 0; i < list->u.array.n; i++) {
		const struct value *a = list->u.array.items[i];

		table_add(&t, STYLE_PLAIN, when_member(a, "time", text));
		table_add(&t, STYLE_PLAIN, value_get_string(a, "id", "-"));
		table_add(&t, STYLE_PLAIN, value_get_string(a, "code", "-"));
		table_add(&t, STYLE_PLAIN, value_get_string(a, "reason", "-"));
	}
	table_print(&t);
}

/* All that is known of one. */
static void
show_one(const struct value *d)
{
	const char *state = value_get_string(d, "state", "-");
	const char *error = value_get_string(d, "error", NULL);
	char text[WHEN_TEXT];

	table_field("name", STYLE_PLAIN, value_get_string(d, "name", "-"));
	table_field("url", STYLE_PLAIN, value_get_string(d, "url", "-"));
	table_field("format", STYLE_PLAIN, value_get_string(d, "format", "-"));
	table_fieldf("state", state_style(state), "%s since %s", state,
		     when_member(d, "since", text));
	if (error)
		table_field("error", STYLE_RED, error);
	show_lag(d);
	table_fieldf("accepted", STYLE_PLAIN, "%lld records",
		     (long long)value_get_int(d, "accepted", 0));
	table_field("last", STYLE_PLAIN,
		    when_member(d, "last_success_at", text));
	table_fieldf("aside", STYLE_PLAIN, "%lld records",
		     (long long)value_get_int(d, "aside", 0));
	show_dropped(d);
	show_aside(value_get(d, "put_aside"));
}

int
cmd_forward_status(const struct cli *c)
{
	_value_ struct value *answer = NULL;
	const struct value *items;
	int status = asked_call(c, "forward.status", params_of(c), &answer);
	size_t n;

	if (status)
		return status;
	if (c->json || !c->n_args) {
		asked_print(c, answer, columns, add_destination);
		return 0;
	}
	items = asked_items(answer, &n);
	for (size_t i = 0; i < n; i++)
		show_one(items->u.array.items[i]);
	return 0;
}

/* --- replay --------------------------------------------------------------- */

int
cmd_forward_replay(const struct cli *c)
{
	_value_ struct value *answer = NULL;
	struct value *params;
	const struct value *items;
	struct err e = ERR_INIT;
	char text[UNITS_TEXT];
	int64_t since_ms;
	int status;
	size_t n;

	if (!c->since) {
		err_set(&e, ERR_USAGE, "--since is missing");
		err_hint(&e, "a time, or how long ago: --since 2h");
		return cli_fail(&e);
	}
	if (when_parse_since(c->since, &since_ms, &e) < 0)
		return cli_fail(&e);
	params = params_of(c);
	value_set(params, "since",
		  value_string(units_format_time(since_ms, text)));
	status = asked_call(c, "forward.replay", params, &answer);
	if (status)
		return status;
	items = asked_items(answer, &n);
	for (size_t i = 0; i < n; i++) {
		const struct value *d = items->u.array.items[i];

		if (c->json)
			table_print_json(d);
		else
			printf("%s: what %lld jobs recorded is sent again\n",
			       value_get_string(d, "name", "-"),
			       (long long)value_get_int(d, "jobs", 0));
	}
	return 0;
}
