/*
 * cli.h: the command line: one row a command, one row an option.
 *
 * A command is a function that gets what the command line said and returns
 * the exit status; cli.c has parsed and checked it by the tables.  Results go
 * to standard output, everything else to standard error.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	OPTION_JSON = 1 << 0,
	OPTION_LIMIT = 1 << 1,
	OPTION_LOCAL = 1 << 2,
	OPTION_PARAMS = 1 << 3,
	OPTION_SECRETS = 1 << 4,
	OPTION_METHOD = 1 << 5,
	OPTION_SHELL = 1 << 6,
	OPTION_OUTPUT = 1 << 7,
	OPTION_BUNDLED = 1 << 8,
	OPTION_ALWAYS = 1 << 30, /* taken by every command */
};

struct command;

/* What was given; options that were not are NULL, false or 0. */
struct cli {
	const struct command *command;
	const char *config;
	const char *params, *secrets;
	const char *method;
	const char *output;
	bool json, local, shell, bundled;
	int64_t limit; /* 0: all */
	char **args;   /* positional */
	int n_args;
};

struct command {
	const char *name;    /* "run", "plugin list" */
	const char *usage;   /* its arguments: "NAME [KEY=VALUE ...]" */
	const char *summary; /* one line, for the list of commands */
	const char *help;    /* more, for its own --help */
	unsigned options;    /* OPTION_* that it takes */
	int least, most;     /* positional arguments; -1: any */
	int (*run)(const struct cli *c);
};

extern const struct command cli_commands[]; /* ends with a NULL name */

/* The whole program: parses, runs, returns the exit status. */
int cli_main(int argc, char **argv);

/* Print an error with its hint on standard error; returns its exit status. */
int cli_fail(const struct err *e);

/* --- The commands, a file each -------------------------------------------- */

int cmd_run(const struct cli *c);
int cmd_plugin_list(const struct cli *c);
int cmd_plugin_show(const struct cli *c);
int cmd_plugin_check(const struct cli *c);
int cmd_plugin_new(const struct cli *c);
int cmd_plugin_allow(const struct cli *c);
int cmd_plugin_deny(const struct cli *c);
int cmd_plugin_trace(const struct cli *c);
int cmd_config_check(const struct cli *c);
int cmd_config_show(const struct cli *c);
int cmd_doctor(const struct cli *c);

#endif
