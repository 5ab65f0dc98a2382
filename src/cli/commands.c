#include "cli/cli.h"

#define VALUES                                                                 \
	"VALUE is a string unless it is a JSON number, boolean, null, array\n" \
	"or object."

const struct command cli_commands[] = {
	{ "run", "NAME [KEY=VALUE ...]", "Run one plugin now, in its sandbox",
	  "NAME is a plugin's name, or the path of its file if it has a "
	  "slash.\n" VALUES "\nIts result goes to standard output as JSON, "
	  "logs and progress to standard error.\n--json prints the whole job "
	  "record instead.\nIt is run by the agent if one answers, otherwise "
	  "right here.",
	  OPTION_JSON | OPTION_LOCAL | OPTION_PARAMS | OPTION_SECRETS |
		  OPTION_METHOD,
	  1, -1, cmd_run, OFFER_PLUGIN },
	{ "job run", "--name NAME (--plugin PLUGIN | --command PATH) [OPTIONS]",
	  "Hand the agent a job",
	  "Prints the job's id. With --wait it does as run does. With --every "
	  "or --cron it\nmakes a schedule of that name, and prints when that "
	  "is due.\n" VALUES,
	  OPTION_JSON | OPTION_NAME | OPTION_NAMES | OPTION_SUBMIT |
		  OPTION_PARAMS | OPTION_SECRETS | OPTION_METHOD |
		  OPTION_TIMEOUT | OPTION_WAIT,
	  0, 0, cmd_job_run, OFFER_NOTHING },
	{ "job list", "", "List jobs, the newest first",
	  "AT is when it began or, where it has not, when it is due. Without "
	  "--limit the\nnewest 100 are listed.",
	  OPTION_JSON | OPTION_LIMIT | OPTION_NAME | OPTION_NAMES | OPTION_FIND,
	  0, 0, cmd_job_list, OFFER_NOTHING },
	{ "job show", "ID", "Show all that is known of a job", "", OPTION_JSON,
	  1, 1, cmd_job_show, OFFER_NOTHING },
	{ "job logs", "ID", "Print a job's log", "",
	  OPTION_JSON | OPTION_FOLLOW, 1, 1, cmd_job_logs, OFFER_NOTHING },
	{ "job wait", "ID", "Wait for a job's end, and show it",
	  "The exit status is that of run; 124 where the time is up before.",
	  OPTION_JSON | OPTION_TIMEOUT, 1, 1, cmd_job_wait, OFFER_NOTHING },
	{ "job cancel", "ID", "Cancel a job that waits or runs", "",
	  OPTION_JSON, 1, 1, cmd_job_cancel, OFFER_NOTHING },
	{ "job retry", "ID", "Run a job that has ended once more",
	  "Prints the new job's id.", OPTION_JSON | OPTION_WAIT, 1, 1,
	  cmd_job_retry, OFFER_NOTHING },
	{ "schedule list", "", "List what runs again and again", "",
	  OPTION_JSON | OPTION_LIMIT, 0, 0, cmd_schedule_list, OFFER_NOTHING },
	{ "schedule next", "[NAME]", "Show the next times of each schedule",
	  "Five of each, or as many as --limit says.",
	  OPTION_JSON | OPTION_LIMIT, 0, 1, cmd_schedule_next, OFFER_SCHEDULE },
	{ "schedule trigger", "NAME", "Run a schedule's job now",
	  "Prints the job's id.", OPTION_JSON | OPTION_WAIT, 1, 1,
	  cmd_schedule_trigger, OFFER_SCHEDULE },
	{ "schedule pause", "NAME", "Let a schedule's times pass", "",
	  OPTION_JSON, 1, 1, cmd_schedule_pause, OFFER_SCHEDULE },
	{ "schedule resume", "NAME", "Let a schedule run again", "",
	  OPTION_JSON, 1, 1, cmd_schedule_resume, OFFER_SCHEDULE },
	{ "schedule remove", "NAME", "Remove a schedule that job run made",
	  "Those of the configuration file go with their lines there.",
	  OPTION_JSON, 1, 1, cmd_schedule_remove, OFFER_SCHEDULE },
	{ "plugin list", "", "List the plugins and whether they may run", "",
	  OPTION_JSON | OPTION_LIMIT, 0, 0, cmd_plugin_list, OFFER_NOTHING },
	{ "plugin show", "NAME", "Show what a plugin takes, asks for and has",
	  "", OPTION_JSON, 1, 1, cmd_plugin_show, OFFER_PLUGIN },
	{ "plugin check", "FILE", "Check a plugin's header without running it",
	  "FILE may be a plugin's name, too.", OPTION_JSON, 1, 1,
	  cmd_plugin_check, OFFER_PLUGIN },
	{ "plugin new", "NAME", "Write a new plugin with a test beside it",
	  "It is written to the folder of plugins, or to that of --output.",
	  OPTION_SHELL | OPTION_OUTPUT, 1, 1, cmd_plugin_new, OFFER_NOTHING },
	{ "plugin allow", "NAME", "Grant a plugin what it asks for",
	  "Shows what is asked for, in words, and writes the grant with the "
	  "SHA-256 of the\nplugin's files beside the configuration, in "
	  "grants.d.",
	  OPTION_OUTPUT | OPTION_BUNDLED, 0, 1, cmd_plugin_allow,
	  OFFER_PLUGIN },
	{ "plugin deny", "NAME", "Take a plugin's grant away",
	  "It does not run any more, even if its grant came with the program.",
	  OPTION_OUTPUT, 1, 1, cmd_plugin_deny, OFFER_PLUGIN },
	{ "plugin trace", "NAME [KEY=VALUE ...]",
	  "Find the smallest permissions that a run needs",
	  "Runs the plugin in its sandbox, again and again, granting for the "
	  "next run what\nwas out of reach in the one before, until it "
	  "reaches everything that it looks\nfor; then prints the "
	  "permissions: block.  Trace a plugin only where what it\nmay do "
	  "then does no harm.\n" VALUES,
	  OPTION_JSON | OPTION_PARAMS | OPTION_SECRETS | OPTION_METHOD, 1, -1,
	  cmd_plugin_trace, OFFER_PLUGIN },
	{ "forward status", "[NAME]", "Show how far each destination is",
	  "OWED is how many jobs have records that it did not take yet, and "
	  "BEHIND how\nlong the first of them has waited. With NAME, what it "
	  "refused is listed, too.",
	  OPTION_JSON | OPTION_LIMIT, 0, 1, cmd_forward_status, OFFER_NOTHING },
	{ "forward replay", "[NAME] --since TIME|DURATION",
	  "Send records again",
	  "To one destination or all: of the jobs that ended since then, and "
	  "are kept\nstill. What they took before comes with the same ids.",
	  OPTION_JSON | OPTION_SINCE, 0, 1, cmd_forward_replay, OFFER_NOTHING },
	{ "token add", "--name NAME --role ROLE [--expires DURATION]",
	  "Make a token for the HTTP API",
	  "Prints it, once: the agent keeps its hash alone. A reader looks, an "
	  "operator runs\nplugins too, an admin may also change what runs "
	  "when.",
	  OPTION_JSON | OPTION_NAME | OPTION_TOKEN, 0, 0, cmd_token_add,
	  OFFER_NOTHING },
	{ "token list", "", "List the tokens, and when each was used last",
	  "The last use is written within a minute.",
	  OPTION_JSON | OPTION_LIMIT, 0, 0, cmd_token_list, OFFER_NOTHING },
	{ "token revoke", "NAME", "Take a token back, in force at once",
	  "What it has asked for ends, streams as well.", OPTION_JSON, 1, 1,
	  cmd_token_revoke, OFFER_NOTHING },
	{ "config check", "", "Check the configuration file", "", OPTION_JSON,
	  0, 0, cmd_config_check, OFFER_NOTHING },
	{ "config show", "", "Show the settings in force", "", OPTION_JSON, 0,
	  0, cmd_config_show, OFFER_NOTHING },
	{ "doctor", "", "Try every layer of the sandbox on this host",
	  "Exit status 1 says that the configured minimum can't be met.",
	  OPTION_JSON, 0, 0, cmd_doctor, OFFER_NOTHING },
	{ "status", "", "Show how the agent is", "--json has its metrics, too.",
	  OPTION_JSON, 0, 0, cmd_status, OFFER_NOTHING },
	{ "completion", "bash | zsh", "Print a shell's completion of this",
	  "Where it was not installed with the program:\n"
	  "  bash  source <(devops_agent completion bash)\n"
	  "  zsh   devops_agent completion zsh >_devops_agent, in a folder of "
	  "$fpath",
	  0, 1, 1, cmd_completion, OFFER_SHELL },
	{ 0 },
};
