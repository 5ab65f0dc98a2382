/* token ...: what clients of the HTTP API are known by. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/asked.h"
#include "cli/outcome.h"
#include "cli/table.h"
#include "cli/when.h"

static int
missing(const char *option, const char *example)
{
	struct err e = ERR_INIT;

	err_set(&e, ERR_USAGE, "%s is needed", option);
	err_hint(&e, "such as %s %s", option, example);
	return cli_fail(&e);
}

int
cmd_token_add(const struct cli *c)
{
	_value_ struct value *answer = NULL;
	struct value *params;
	char time[WHEN_TEXT];
	int status;

	if (!c->name)
		return missing("--name", "deploy");
	if (!c->role)
		return missing("--role", "reader");
	params = value_object();
	value_set(params, "name", value_string(c->name));
	value_set(params, "role", value_string(c->role));
	if (c->expires_ms)
		value_set(params, "expires_ms", value_int(c->expires_ms));
	status = asked_call(c, "token.add", params, &answer);
	if (status)
		return status;
	if (c->json) {
		outcome_print_value(answer);
		return 0;
	}
	printf("%s\n", value_get_string(answer, "token", ""));
	fprintf(stderr, "%s, %s, expires %s; it is not shown again\n", c->name,
		c->role,
		c->expires_ms ? when_member(answer, "expires_at", time) :
				"never");
	return 0;
}

static const struct column columns[] = {
	{ "NAME", false },    { "ROLE", false },      { "CREATED", false },
	{ "EXPIRES", false }, { "LAST USED", false }, { "FROM", false },
	{ NULL, false },
};

static void
add_token(struct table *t, const struct value *v)
{
	const struct value *expired = value_get(v, "expired");
	bool over =
		expired && expired->type == VALUE_BOOL && expired->u.boolean;
	char time[WHEN_TEXT];

	table_add(t, STYLE_PLAIN, value_get_string(v, "name", "-"));
	table_add(t, STYLE_PLAIN, value_get_string(v, "role", "-"));
	table_add(t, STYLE_PLAIN, when_member(v, "created_at", time));
	table_add(t, over ? STYLE_RED : STYLE_PLAIN,
		  value_get_string(v, "expires_at", NULL) ?
			  when_member(v, "expires_at", time) :
			  "never");
	table_add(t, STYLE_PLAIN,
		  value_get_string(v, "used_at", NULL) ?
			  when_member(v, "used_at", time) :
			  "never");
	table_add(t, STYLE_PLAIN, value_get_string(v, "used_from", "-"));
}

int
cmd_token_list(const struct cli *c)
{
	_value_ struct value *answer = NULL;
	int status = asked_call(c, "token.list", NULL, &answer);

	if (!status)
		asked_print(c, answer, columns, add_token);
	return status;
}

int
cmd_token_revoke(const struct cli *c)
{
	_value_ struct value *answer = NULL;
	int status =
		asked_call(c, "token.revoke", asked_name_params(c), &answer);

	if (status)
		return status;
	if (c->json)
		outcome_print_value(answer);
	else
		printf("%s: revoked\n", c->args[0]);
	return 0;
}
