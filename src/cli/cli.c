#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "cli/terminal.h"
#include "config/config.h"
#include "model/units.h"

#ifndef DEVOPS_AGENT_VERSION
#define DEVOPS_AGENT_VERSION "unknown"
#endif

#define FIELD(f) offsetof(struct cli, f)

/* clang-format off */
const struct option_row cli_options[] = {
	{ .name = "--config", .value = "FILE", .field = FIELD(config),
	  .bit = OPTION_ALWAYS, .type = TYPE_TEXT, .offer = OFFER_FILE,
	  .help = "the configuration file" },
	{ .name = "--name", .value = "NAME", .field = FIELD(name),
	  .bit = OPTION_NAME, .type = TYPE_TEXT, .offer = OFFER_SCHEDULE,
	  .help = "the job's name, or the token's" },
	{ .name = "--plugin", .value = "PLUGIN", .field = FIELD(plugin),
	  .bit = OPTION_NAMES, .type = TYPE_TEXT, .offer = OFFER_PLUGIN,
	  .help = "the plugin's name" },
	{ .name = "--command", .value = "PATH", .field = FIELD(file),
	  .bit = OPTION_SUBMIT, .type = TYPE_TEXT, .offer = OFFER_FILE,
	  .help = "instead of its name, the plugin's file" },
	{ .name = "--param", .value = "KEY=VALUE", .field = FIELD(words),
	  .bit = OPTION_SUBMIT, .type = TYPE_LIST,
	  .help = "a parameter; may be given again" },
	{ .name = "--params", .value = "JSON|@FILE|-", .field = FIELD(params),
	  .bit = OPTION_PARAMS, .type = TYPE_TEXT,
	  .help = "all parameters as one JSON object" },
	{ .name = "--secrets", .value = "JSON|@FILE|-",
	  .field = FIELD(secrets), .bit = OPTION_SECRETS, .type = TYPE_TEXT,
	  .help = "secrets that the plugin asks for" },
	{ .name = "--method", .value = "NAME", .field = FIELD(method),
	  .bit = OPTION_METHOD, .type = TYPE_TEXT,
	  .help = "another method of the plugin than run" },
	{ .name = "--at", .value = "TIME", .field = FIELD(at),
	  .bit = OPTION_SUBMIT, .type = TYPE_TEXT,
	  .help = "not before: 2026-01-31T23:59:59Z, 23:59, +10m" },
	{ .name = "--every", .value = "DURATION", .field = FIELD(every_ms),
	  .bit = OPTION_SUBMIT, .type = TYPE_DURATION,
	  .help = "again and again, so often" },
	{ .name = "--cron", .value = "EXPRESSION", .field = FIELD(cron),
	  .bit = OPTION_SUBMIT, .type = TYPE_TEXT,
	  .help = "again and again, such as \"*/5 * * * *\"" },
	{ .name = "--timezone", .value = "ZONE", .field = FIELD(timezone),
	  .bit = OPTION_SUBMIT, .type = TYPE_TEXT,
	  .help = "of --cron, such as Europe/Berlin" },
	{ .name = "--priority", .value = "N", .field = FIELD(priority),
	  .bit = OPTION_SUBMIT, .type = TYPE_COUNT,
	  .least = -100, .most = 100,
	  .help = "from -100 to 100; higher goes first" },
	{ .name = "--timeout", .value = "DURATION",
	  .field = FIELD(timeout_ms), .bit = OPTION_TIMEOUT,
	  .type = TYPE_DURATION, .help = "no longer than this" },
	{ .name = "--queue-timeout", .value = "DURATION",
	  .field = FIELD(queue_timeout_ms), .bit = OPTION_SUBMIT,
	  .type = TYPE_DURATION,
	  .help = "give up if it has not begun by then" },
	{ .name = "--retries", .value = "N", .field = FIELD(retries),
	  .bit = OPTION_SUBMIT, .type = TYPE_COUNT, .most = 1000,
	  .help = "try again so often when it fails" },
	{ .name = "--key", .value = "TEXT", .field = FIELD(key),
	  .bit = OPTION_SUBMIT, .type = TYPE_TEXT,
	  .help = "the same key again makes no second job" },
	{ .name = "--wait", .field = FIELD(wait), .bit = OPTION_WAIT,
	  .type = TYPE_FLAG, .help = "wait for its end, and show it" },
	{ .name = "--follow", .letter = 'f', .field = FIELD(follow),
	  .bit = OPTION_FOLLOW, .type = TYPE_FLAG,
	  .help = "go on to the job's end" },
	{ .name = "--state", .value = "STATE", .field = FIELD(state),
	  .bit = OPTION_FIND, .type = TYPE_TEXT, .offer = OFFER_STATE,
	  .help = "only those, such as failed,lost" },
	{ .name = "--since", .value = "TIME|DURATION", .field = FIELD(since),
	  .bit = OPTION_FIND | OPTION_SINCE, .type = TYPE_TEXT,
	  .help = "only from then on: a time, or 2h" },
	{ .name = "--role", .value = "ROLE", .field = FIELD(role),
	  .bit = OPTION_TOKEN, .type = TYPE_TEXT, .offer = OFFER_ROLE,
	  .help = "reader, operator or admin" },
	{ .name = "--expires", .value = "DURATION",
	  .field = FIELD(expires_ms), .bit = OPTION_TOKEN,
	  .type = TYPE_DURATION, .help = "it lives so long; without: for good" },
	{ .name = "--output", .value = "FOLDER", .field = FIELD(output),
	  .bit = OPTION_OUTPUT, .type = TYPE_TEXT, .offer = OFFER_FOLDER,
	  .help = "write there instead" },
	{ .name = "--limit", .letter = 'n', .value = "N",
	  .field = FIELD(limit), .bit = OPTION_LIMIT, .type = TYPE_COUNT,
	  .least = 1, .most = INT64_MAX, .help = "no more than N" },
	{ .name = "--json", .field = FIELD(json), .bit = OPTION_JSON,
	  .type = TYPE_FLAG, .help = "print JSON, one object a line" },
	{ .name = "--local", .field = FIELD(local), .bit = OPTION_LOCAL,
	  .type = TYPE_FLAG,
	  .help = "run it right here, whether an agent runs or not" },
	{ .name = "--shell", .field = FIELD(shell), .bit = OPTION_SHELL,
	  .type = TYPE_FLAG,
	  .help = "a shell plugin instead of a Python one" },
	{ .name = "--bundled", .field = FIELD(bundled), .bit = OPTION_BUNDLED,
	  .type = TYPE_FLAG,
	  .help = "every plugin that comes with the program" },
	{ .name = NULL },
};
/* clang-format on */

#define OPTIONS (ARRAY_SIZE(cli_options) - 1)

_Static_assert(OPTIONS <= 64, "struct parse: given");

int
cli_fail(const struct err *e)
{
	terminal_say(STYLE_RED, "devops_agent", e->msg);
	if (e->hint[0])
		terminal_say(STYLE_DIM, "hint", e->hint);
	return err_exit_status(e);
}

/* --- Help ------------------------------------------------------------------
 */

static void
print_options(unsigned bits)
{
	printf("\nOptions:\n");
	for (const struct option_row *o = cli_options; o->name; o++) {
		const char letter[] = { '-', o->letter, ',', ' ', '\0' };
		char left[64];

		if (!(o->bit & bits))
			continue;
		snprintf(left, sizeof(left), "%s%s%s%s",
			 o->letter ? letter : "", o->name, o->value ? " " : "",
			 o->value ? o->value : "");
		printf("  %-26s %s\n", left, o->help);
	}
	printf("  %-26s %s\n", "-h, --help", "this text");
}

static int
help_command(const struct command *cmd)
{
	printf("usage: devops_agent %s%s%s\n\n%s.\n", cmd->name,
	       *cmd->usage ? " " : "", cmd->usage, cmd->summary);
	if (*cmd->help)
		printf("\n%s\n", cmd->help);
	print_options(cmd->options | OPTION_ALWAYS);
	return 0;
}

/* NULL is the group of all. */
static bool
in_group(const char *name, const char *group)
{
	size_t len;

	if (!group)
		return true;
	len = strlen(group);
	return strncmp(name, group, len) == 0 && name[len] == ' ';
}

#define LEFT 34 /* columns of the list of commands */

/* All commands, or those that begin with `group` ("plugin"). */
static int
help_commands(const char *group)
{
	if (!group)
		printf("devops_agent %s: runs other people's plugins in a "
		       "sandbox.\n\n",
		       DEVOPS_AGENT_VERSION);
	printf("usage: devops_agent [--config FILE] COMMAND ...\n\n"
	       "Commands:\n");
	for (const struct command *c = cli_commands; c->name; c++) {
		_free_ char *left = xasprintf("%s %s", c->name, c->usage);

		/* one that takes much says so in its own help */
		if (strlen(left) > LEFT)
			snprintf(left, strlen(left), "%s ...", c->name);
		if (in_group(c->name, group))
			printf("  %-*s %s\n", LEFT, left, c->summary);
	}
	printf("\n'devops_agent COMMAND --help' says more of each, "
	       "'--version' which one this is.\n"
	       "Exit status: 0 succeeded, 1 the plugin failed, 2 wrong usage, "
	       "3 refused,\n4 no such plugin, 124 timed out, 125 the agent "
	       "failed, 130 cancelled.\n");
	return 0;
}

/* --- Parsing ---------------------------------------------------------------
 */

struct parse {
	struct cli *cli;
	bool help, version, only_args;
	uint64_t given; /* bits: rows of cli_options that were */
	char **words;	/* what is no option */
	int n_words;
	int (*serve)(const char *file);
};

/* "-n5", "-n": *value is what stands in the same word, or NULL. */
static const struct option_row *
find_letter(const char *word, const char **value)
{
	for (const struct option_row *o = cli_options; o->name; o++) {
		if (!o->letter || word[0] != '-' || word[1] != o->letter)
			continue;
		if (word[2] && !o->value)
			continue;
		*value = word[2] ? word + 2 : NULL;
		return o;
	}
	return NULL;
}

static const struct option_row *
find_option(const char *word, const char **value)
{
	for (const struct option_row *o = cli_options; o->name; o++) {
		size_t len = strlen(o->name);

		if (strncmp(word, o->name, len) != 0)
			continue;
		if (word[len] == '\0' || word[len] == '=') {
			*value = word[len] ? word + len + 1 : NULL;
			return o;
		}
	}
	return find_letter(word, value);
}

static int
unknown_option(const char *word, struct err *e)
{
	const char *names[OPTIONS], *near;

	for (size_t i = 0; i < OPTIONS; i++)
		names[i] = cli_options[i].name;
	near = units_nearest(word, names, OPTIONS);
	err_set(e, ERR_USAGE, "unknown option %s", word);
	return near ? err_hint(e, "did you mean %s?", near) : -1;
}

static int
set_count(int64_t *to, const struct option_row *o, const char *text,
	  struct err *e)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno == 0 && !*end && end != text && n >= o->least &&
	    n <= o->most) {
		*to = n;
		return 0;
	}
	if (o->most == INT64_MAX)
		return err_set(e, ERR_USAGE,
			       "%s: expected a whole number from %lld on, "
			       "found %s",
			       o->name, (long long)o->least, text);
	return err_set(e, ERR_USAGE,
		       "%s: expected a whole number from %lld to %lld, found "
		       "%s",
		       o->name, (long long)o->least, (long long)o->most, text);
}

static int
set_duration(int64_t *to, const struct option_row *o, const char *text,
	     struct err *e)
{
	if (units_parse_duration(text, to) && *to > 0)
		return 0;
	return err_set(e, ERR_USAGE,
		       "%s: expected a duration such as 500ms, 10s, 5m, 2h or "
		       "7d, found %s",
		       o->name, text);
}

static int
set_value(struct cli *cli, const struct option_row *o, const char *value,
	  struct err *e)
{
	void *at = (char *)cli + o->field;

	switch (o->type) {
	case TYPE_COUNT:
		return set_count(at, o, value, e);
	case TYPE_DURATION:
		return set_duration(at, o, value, e);
	case TYPE_LIST:
		strv_add(at, value);
		return 0;
	case TYPE_FLAG:
	case TYPE_TEXT:
		break;
	}
	memcpy(at, &value, sizeof(value));
	return 0;
}

/* Takes one option; *i moves on where its value is a word of its own. */
static int
take_option(struct parse *p, int argc, char **argv, int *i, struct err *e)
{
	const char *value = NULL;
	const struct option_row *o = find_option(argv[*i], &value);

	if (!o)
		return unknown_option(argv[*i], e);
	p->given |= UINT64_C(1) << (o - cli_options);
	if (o->type == TYPE_FLAG) {
		if (value)
			return err_set(e, ERR_USAGE, "%s takes no value",
				       o->name);
		*(bool *)((char *)p->cli + o->field) = true;
		return 0;
	}
	if (!value && *i + 1 < argc)
		value = argv[++*i];
	if (!value)
		return err_set(e, ERR_USAGE, "%s wants a value: %s %s", o->name,
			       o->name, o->value);
	return set_value(p->cli, o, value, e);
}

static int
parse(struct parse *p, int argc, char **argv, struct err *e)
{
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (p->only_args || word[0] != '-' || word[1] == '\0')
			p->words[p->n_words++] = argv[i];
		else if (strcmp(word, "--") == 0)
			p->only_args = true;
		else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
			p->help = true;
		else if (strcmp(word, "--version") == 0)
			p->version = true;
		else if (take_option(p, argc, argv, &i, e) < 0)
			return -1;
	}
	return 0;
}

/* --- Finding the command ---------------------------------------------------
 */

static bool
is_group(const char *word)
{
	size_t len = strlen(word);

	for (const struct command *c = cli_commands; c->name; c++)
		if (strncmp(c->name, word, len) == 0 && c->name[len] == ' ')
			return true;
	return false;
}

/* By its first word, or its first two; takes them off the words. */
static const struct command *
find_command(struct parse *p)
{
	for (const struct command *c = cli_commands; c->name; c++) {
		const char *space = strchr(c->name, ' ');
		size_t len =
			space ? (size_t)(space - c->name) : strlen(c->name);
		int n = space ? 2 : 1;

		if (p->n_words < n || strlen(p->words[0]) != len ||
		    strncmp(c->name, p->words[0], len) != 0 ||
		    (space && strcmp(space + 1, p->words[1]) != 0))
			continue;
		p->words += n;
		p->n_words -= n;
		return c;
	}
	return NULL;
}

#define MOST_COMMANDS 64 /* that the nearest is looked for among */

static int
unknown_command(const struct parse *p, struct err *e)
{
	const char *names[MOST_COMMANDS], *near;
	size_t n = 0;
	bool group = is_group(p->words[0]);
	_free_ char *word =
		xasprintf("%s%s%s", p->words[0],
			  group && p->n_words > 1 ? " " : "",
			  group && p->n_words > 1 ? p->words[1] : "");

	for (const struct command *c = cli_commands;
	     c->name && n < MOST_COMMANDS; c++)
		names[n++] = c->name;
	near = units_nearest(word, names, n);
	err_set(e, ERR_USAGE, "unknown command %s", word);
	if (near)
		return err_hint(e, "did you mean '%s'?", near);
	return err_hint(e, "devops_agent --help lists them");
}

static int
check_usage(const struct parse *p, struct err *e)
{
	const struct command *cmd = p->cli->command;
	unsigned taken = cmd->options | OPTION_ALWAYS;

	for (size_t i = 0; i < OPTIONS; i++)
		if (p->given & UINT64_C(1) << i &&
		    !(cli_options[i].bit & taken))
			return err_set(e, ERR_USAGE, "%s does not take %s",
				       cmd->name, cli_options[i].name);
	if (p->n_words < cmd->least ||
	    (cmd->most >= 0 && p->n_words > cmd->most)) {
		err_set(e, ERR_USAGE, "%s: %s", cmd->name,
			p->n_words < cmd->least ? "too few arguments" :
						  "too many arguments");
		return err_hint(e, "usage: devops_agent %s %s", cmd->name,
				cmd->usage);
	}
	return 0;
}

/* No command: the agent as a service. */
static int
serve(const struct parse *p)
{
	_strv_ struct strv passed_over = { NULL, 0 };
	_free_ char *file = NULL;

	file = p->cli->config ? xstrdup(p->cli->config) :
				config_find(&passed_over);
	for (size_t i = 0; i < passed_over.n; i++)
		terminal_say(STYLE_YELLOW, "warning", passed_over.items[i]);
	return p->serve(file);
}

static int
run_command(struct parse *p)
{
	struct err e = ERR_INIT;
	const char *group = p->n_words ? p->words[0] : NULL;

	if (p->n_words == 0 && p->help)
		return help_commands(NULL);
	if (p->n_words == 1 && strcmp(group, "help") == 0)
		return help_commands(NULL);
	if (p->n_words == 0)
		return serve(p);
	p->cli->command = find_command(p);
	if (!p->cli->command && p->n_words == 1 && is_group(group)) {
		help_commands(group);
		return p->help ? 0 : 2;
	}
	if (!p->cli->command) {
		unknown_command(p, &e);
		return cli_fail(&e);
	}
	if (p->help)
		return help_command(p->cli->command);
	if (check_usage(p, &e) < 0)
		return cli_fail(&e);
	p->cli->args = p->words;
	p->cli->n_args = p->n_words;
	return p->cli->command->run(p->cli);
}

static void
cli_release(struct cli *c)
{
	strv_release(&c->words);
}

int
cli_main(int argc, char **argv, int (*serve_fn)(const char *file))
{
	_free_ char **words = xcalloc((size_t)argc + 1, sizeof(*words));
	_cleanup_(cli_release) struct cli cli = { .retries = -1 };
	struct parse p = { .cli = &cli, .words = words, .serve = serve_fn };
	struct err e = ERR_INIT;
	int status;

	if (parse(&p, argc, argv, &e) < 0)
		return cli_fail(&e);
	if (p.version) {
		printf("devops_agent %s\n", DEVOPS_AGENT_VERSION);
		return 0;
	}
	status = run_command(&p);
	/* a result that did not arrive is a failure */
	if (fflush(stdout) != 0 && status == 0) {
		err_errno(&e, "write standard output");
		return cli_fail(&e);
	}
	return status;
}
