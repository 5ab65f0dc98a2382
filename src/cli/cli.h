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
#include "base/strv.h"

/* Options that go with the same commands share a bit. */
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
	OPTION_NAMES = 1 << 9,	 /* --plugin */
	OPTION_SUBMIT = 1 << 10, /* what a job may be given besides */
	OPTION_TIMEOUT = 1 << 11,
	OPTION_WAIT = 1 << 12,
	OPTION_FOLLOW = 1 << 13,
	OPTION_FIND = 1 << 14,	 /* --state, --since */
	OPTION_SINCE = 1 << 24,	 /* --since alone */
	OPTION_NAME = 1 << 15,	 /* --name */
	OPTION_TOKEN = 1 << 16,	 /* --role, --expires */
	OPTION_ALWAYS = 1 << 30, /* taken by every command */
};

/* What a shell may offer for an argument. */
enum offer {
	OFFER_NOTHING,
	OFFER_FILE,
	OFFER_FOLDER,
	OFFER_PLUGIN, /* or a file */
	OFFER_SCHEDULE,
	OFFER_STATE,
	OFFER_ROLE,
	OFFER_SHELL, /* that there is completion for */
};

struct command;

/* What was given; options that were not are NULL, false, 0 or empty. */
struct cli {
	const struct command *command;
	const char *config;
	const char *params, *secrets;
	const char *method;
	const char *output;
	const char *name, *plugin, *file;
	const char *at, *cron, *timezone, *key;
	const char *state, *since;
	const char *role;
	bool json, local, shell, bundled, wait, follow;
	int64_t limit; /* 0: all */
	int64_t every_ms, timeout_ms, queue_timeout_ms, expires_ms;
	int64_t priority;
	int64_t retries;   /* -1: not given */
	struct strv words; /* --param KEY=VALUE, each */
	char **args;	   /* positional */
	int n_args;
};

struct command {
	const char *name;    /* "run", "plugin list" */
	const char *usage;   /* its arguments: "NAME [KEY=VALUE ...]" */
	const char *summary; /* one line, for the list of commands */
	const char *help;    /* more, for its own --help */
	uint64_t options;    /* OPTION_* that it takes */
	int least, most;     /* positional arguments; -1: any */
	int (*run)(const struct cli *c);
	enum offer offer; /* for the first of them */
};

extern const struct command cli_commands[]; /* ends with a NULL name */

/* What an option's value is, and does to its field of struct cli. */
enum option_type {
	TYPE_FLAG,
	TYPE_TEXT,
	TYPE_LIST, /* may be given again */
	TYPE_COUNT,
	TYPE_DURATION,
};

struct option_row {
	const char *name;  /* "--limit" */
	const char *value; /* what its argument is called, or NULL */
	const char *help;
	size_t field;
	int64_t least, most; /* of TYPE_COUNT */
	unsigned bit;
	enum option_type type;
	enum offer offer;
	char letter; /* 'n'; 0: none */
};

extern const struct option_row cli_options[]; /* ends with a NULL name */

/*
 * The whole program: parses, runs, returns the exit status.  Without a command
 * `serve` is called with the configuration's file, NULL where there is none.
 */
int cli_main(int argc, char **argv, int (*serve)(const char *file));

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
int cmd_job_run(const struct cli *c);
int cmd_job_list(const struct cli *c);
int cmd_job_show(const struct cli *c);
int cmd_job_logs(const struct cli *c);
int cmd_job_wait(const struct cli *c);
int cmd_job_cancel(const struct cli *c);
int cmd_job_retry(const struct cli *c);
int cmd_schedule_list(const struct cli *c);
int cmd_schedule_next(const struct cli *c);
int cmd_schedule_trigger(const struct cli *c);
int cmd_schedule_pause(const struct cli *c);
int cmd_schedule_resume(const struct cli *c);
int cmd_schedule_remove(const struct cli *c);
int cmd_forward_status(const struct cli *c);
int cmd_forward_replay(const struct cli *c);
int cmd_token_add(const struct cli *c);
int cmd_token_list(const struct cli *c);
int cmd_token_revoke(const struct cli *c);
int cmd_status(const struct cli *c);
int cmd_completion(const struct cli *c);

#endif
