#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "cli/terminal.h"
#include "model/units.h"

#ifndef DEVOPS_AGENT_VERSION
#define DEVOPS_AGENT_VERSION "unknown"
#endif

/* What an option does to struct cli. */
enum option_type { TYPE_FLAG, TYPE_TEXT, TYPE_COUNT };

struct option_row {
	const char *name;
	const char *value; /* what its argument is called, or NULL */
	size_t field;
	unsigned bit;
	enum option_type type;
	const char *help;
};

#define FIELD(f) offsetof(struct cli, f)

static const struct option_row options[] = {
	{ "--config", "FILE", FIELD(config), OPTION_ALWAYS, TYPE_TEXT,
	  "the configuration file" },
	{ "--params", "JSON|@FILE|-", FIELD(params), OPTION_PARAMS, TYPE_TEXT,
	  "all parameters as one JSON object" },
	{ "--secrets", "JSON|@FILE|-", FIELD(secrets), OPTION_SECRETS,
	  TYPE_TEXT, "secrets that the plugin asks for" },
	{ "--method", "NAME", FIELD(method), OPTION_METHOD, TYPE_TEXT,
	  "another method of the plugin than run" },
	{ "--output", "FOLDER", FIELD(output), OPTION_OUTPUT, TYPE_TEXT,
	  "write there instead" },
	{ "--limit", "N", FIELD(limit), OPTION_LIMIT, TYPE_COUNT,
	  "no more than N" },
	{ "--json", NULL, FIELD(json), OPTION_JSON, TYPE_FLAG,
	  "print JSON, one object a line" },
	{ "--local", NULL, FIELD(local), OPTION_LOCAL, TYPE_FLAG,
	  "run it right here, whether an agent runs or not" },
	{ "--shell", NULL, FIELD(shell), OPTION_SHELL, TYPE_FLAG,
	  "a shell plugin instead of a Python one" },
	{ "--bundled", NULL, FIELD(bundled), OPTION_BUNDLED, TYPE_FLAG,
	  "every plugin that comes with the program" },
};

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
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		char left[64];

		if (!(options[i].bit & bits))
			continue;
		snprintf(left, sizeof(left), "%s%s%s", options[i].name,
			 options[i].value ? " " : "",
			 options[i].value ? options[i].value : "");
		printf("  %-24s %s\n", left, options[i].help);
	}
	printf("  %-24s %s\n", "--help", "this text");
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

		if (in_group(c->name, group))
			printf("  %-34s %s\n", left, c->summary);
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
	unsigned given; /* OPTION_* that were */
	char **words;	/* what is no option */
	int n_words;
};

static const struct option_row *
find_option(const char *word, const char **value)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		size_t len = strlen(options[i].name);

		if (strncmp(word, options[i].name, len) != 0)
			continue;
		if (word[len] == '\0' || word[len] == '=') {
			*value = word[len] ? word + len + 1 : NULL;
			return &options[i];
		}
	}
	return NULL;
}

static int
unknown_option(const char *word, struct err *e)
{
	const char *names[ARRAY_SIZE(options)], *near;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		names[i] = options[i].name;
	near = units_nearest(word, names, ARRAY_SIZE(options));
	err_set(e, ERR_USAGE, "unknown option %s", word);
	return near ? err_hint(e, "did you mean %s?", near) : -1;
}

static int
set_count(int64_t *to, const char *name, const char *text, struct err *e)
{
	char *end;

	errno = 0;
	*to = strtoll(text, &end, 10);
	if (errno || *end || end == text || *to < 1)
		return err_set(e, ERR_USAGE,
			       "%s: expected a whole number from 1 on, found "
			       "%s",
			       name, text);
	return 0;
}

/* Takes one option; *i moves on where its value is a word of its own. */
static int
take_option(struct parse *p, int argc, char **argv, int *i, struct err *e)
{
	const char *value = NULL;
	const struct option_row *o = find_option(argv[*i], &value);
	char *at;

	if (!o)
		return unknown_option(argv[*i], e);
	at = (char *)p->cli + o->field;
	p->given |= o->bit;
	if (o->type == TYPE_FLAG) {
		if (value)
			return err_set(e, ERR_USAGE, "%s takes no value",
				       o->name);
		*(bool *)at = true;
		return 0;
	}
	if (!value && *i + 1 < argc)
		value = argv[++*i];
	if (!value)
		return err_set(e, ERR_USAGE, "%s wants a value: %s %s", o->name,
			       o->name, o->value);
	if (o->type == TYPE_COUNT)
		return set_count((int64_t *)at, o->name, value, e);
	memcpy(at, &value, sizeof(value));
	return 0;
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

static int
unknown_command(const struct parse *p, struct err *e)
{
	const char *names[64], *near;
	size_t n = 0;
	bool group = is_group(p->words[0]);
	_free_ char *word =
		xasprintf("%s%s%s", p->words[0],
			  group && p->n_words > 1 ? " " : "",
			  group && p->n_words > 1 ? p->words[1] : "");

	for (const struct command *c = cli_commands; c->name && n < 64; c++)
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

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (p->given & options[i].bit & ~taken)
			return err_set(e, ERR_USAGE, "%s does not take %s",
				       cmd->name, options[i].name);
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

static int
run_command(struct parse *p)
{
	struct err e = ERR_INIT;
	const char *group = p->n_words ? p->words[0] : NULL;

	if (p->n_words == 0 && p->help)
		return help_commands(NULL);
	if (p->n_words == 1 && strcmp(group, "help") == 0)
		return help_commands(NULL);
	if (p->n_words == 0) {
		err_set(&e, ERR_USAGE,
			"no command; running as a service is "
			"not part of this version");
		err_hint(&e, "devops_agent run NAME runs a plugin, --help "
			     "lists the commands");
		return cli_fail(&e);
	}
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

int
cli_main(int argc, char **argv)
{
	_free_ char **words = xcalloc((size_t)argc + 1, sizeof(*words));
	struct cli cli = { .command = NULL };
	struct parse p = { .cli = &cli, .words = words };
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
