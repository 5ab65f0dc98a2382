#include "cli/outcome.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/terminal.h"
#include "model/record.h"
#include "model/transition.h"
#include "proto/json.h"

static void
print_denial(const struct value *d)
{
	const char *access = value_get_string(d, "access", "");
	const char *object = value_get_string(d, "object", "");
	const char *allow = value_get_string(d, "allow", NULL);
	/* "ptrace(0x0, ...)" says both */
	bool both = strncmp(object, access, strlen(access)) == 0;
	_free_ char *text = xasprintf("%s%s%s%s%s", both ? "" : access,
				      both ? "" : " ", object,
				      allow ? "; permissions that allow it: " :
					      ", which no permission allows",
				      allow ? allow : "");

	terminal_say(STYLE_YELLOW, "denied", text);
}

void
outcome_print_trouble(const struct value *record)
{
	const struct value *denials = value_get(record, "denials");
	const struct value *error = value_get(record, "error");
	const struct value *data = value_get(error, "data");
	const char *trace = value_get_string(data, "traceback", NULL);
	const char *hint = value_get_string(error, "hint", NULL);
	size_t n = denials && denials->type == VALUE_ARRAY ?
			   denials->u.array.n :
			   0;
	_free_ char *text = NULL;

	for (size_t i = 0; i < n; i++)
		print_denial(denials->u.array.items[i]);
	if (!value_get_string(error, "code", NULL))
		return;
	if (trace)
		terminal_say(STYLE_DIM, "", trace);
	text = xasprintf("%s: %s", value_get_string(record, "plugin", "?"),
			 value_get_string(error, "message", "it failed"));
	terminal_say(STYLE_RED, "devops_agent", text);
	/* what denials say has been said */
	if (hint && !n)
		terminal_say(STYLE_DIM, "hint", hint);
}

void
outcome_print_value(const struct value *v)
{
	_buf_ struct buf text = { 0 };

	if (isatty(STDOUT_FILENO))
		json_encode_pretty(v, &text);
	else
		json_encode(v, &text);
	buf_addc(&text, '\n');
	fwrite(text.data, 1, text.len, stdout);
}

/* What has no state that is one is an agent that fails. */
static enum job_state
state_of(const struct value *record)
{
	enum job_state state;

	if (job_state_parse(value_get_string(record, "state", ""), &state))
		return state;
	return JOB_LOST;
}

void
outcome_print(const struct cli *c, const struct value *record)
{
	const struct value *result = value_get(record, "result");

	outcome_print_trouble(record);
	if (c->json)
		outcome_print_value(record);
	else if (result && (result->type != VALUE_NULL ||
			    state_of(record) == JOB_SUCCEEDED))
		outcome_print_value(result);
}

int
outcome_status(const struct value *record)
{
	const struct record r = { .state = state_of(record) };

	return record_exit_status(&r);
}

const char *
outcome_state_name(const struct value *record)
{
	return job_state_name(state_of(record));
}

enum terminal_style
outcome_style(const char *state)
{
	static const enum terminal_style styles[] = {
		[JOB_QUEUED] = STYLE_DIM,      [JOB_RUNNING] = STYLE_BOLD,
		[JOB_SUCCEEDED] = STYLE_GREEN, [JOB_FAILED] = STYLE_RED,
		[JOB_TIMED_OUT] = STYLE_RED,   [JOB_CANCELLED] = STYLE_YELLOW,
		[JOB_DENIED] = STYLE_RED,      [JOB_LOST] = STYLE_RED,
	};
	enum job_state s;

	return job_state_parse(state, &s) ? styles[s] : STYLE_PLAIN;
}

bool
outcome_is_final(const struct value *record)
{
	return job_state_final(state_of(record));
}

int
outcome_refuse(const struct strv *difference, const struct err *e)
{
	for (size_t i = 0; i < difference->n; i++)
		terminal_say(STYLE_PLAIN, "", difference->items[i]);
	return cli_fail(e);
}
