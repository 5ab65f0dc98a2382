#include "cli/cli.h"

#define VALUES                                                                 \
	"VALUE is a string unless it is a JSON number, boolean, null, array\n" \
	"or object."

const struct command cli_commands[] = {
	{ "run", "NAME [KEY=VALUE ...]", "Run one plugin now, in its sandbox",
	  "NAME is a plugin's name, or the path of its file if it has a "
	  "slash.\n" VALUES "\nIts result goes to standard output as JSON, "
	  "logs and progress to standard error.\n--json prints the whole job "
	  "record instead.",
	  OPTION_JSON | OPTION_LOCAL | OPTION_PARAMS | OPTION_SECRETS |
		  OPTION_METHOD,
	  1, -1, cmd_run },
	{ "plugin list", "", "List the plugins and whether they may run", "",
	  OPTION_JSON | OPTION_LIMIT, 0, 0, cmd_plugin_list },
	{ "plugin show", "NAME", "Show what a plugin takes, asks for and has",
	  "", OPTION_JSON, 1, 1, cmd_plugin_show },
	{ "plugin check", "FILE", "Check a plugin's header without running it",
	  "FILE may be a plugin's name, too.", OPTION_JSON, 1, 1,
	  cmd_plugin_check },
	{ "plugin new", "NAME", "Write a new plugin with a test beside it",
	  "It is written to the folder of plugins, or to that of --output.",
	  OPTION_SHELL | OPTION_OUTPUT, 1, 1, cmd_plugin_new },
	{ "plugin allow", "NAME", "Grant a plugin what it asks for",
	  "Shows what is asked for, in words, and writes the grant with the "
	  "SHA-256 of the\nplugin's files beside the configuration, in "
	  "grants.d.",
	  OPTION_OUTPUT | OPTION_BUNDLED, 0, 1, cmd_plugin_allow },
	{ "plugin deny", "NAME", "Take a plugin's grant away",
	  "It does not run any more, even if its grant came with the program.",
	  OPTION_OUTPUT, 1, 1, cmd_plugin_deny },
	{ "plugin trace", "NAME [KEY=VALUE ...]",
	  "Find the smallest permissions that a run needs",
	  "Runs the plugin in its sandbox, again and again, granting for the "
	  "next run what\nwas out of reach in the one before, until it "
	  "reaches everything that it looks\nfor; then prints the "
	  "permissions: block.  Trace a plugin only where what it\nmay do "
	  "then does no harm.\n" VALUES,
	  OPTION_JSON | OPTION_PARAMS | OPTION_SECRETS | OPTION_METHOD, 1, -1,
	  cmd_plugin_trace },
	{ "config check", "", "Check the configuration file", "", OPTION_JSON,
	  0, 0, cmd_config_check },
	{ "config show", "", "Show the settings in force", "", OPTION_JSON, 0,
	  0, cmd_config_show },
	{ "doctor", "", "Try every layer of the sandbox on this host",
	  "Exit status 1 says that the configured minimum can't be met.",
	  OPTION_JSON, 0, 0, cmd_doctor },
	{ 0 },
};
