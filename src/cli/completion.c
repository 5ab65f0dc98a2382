/*
 * completion: what a shell offers, made from the tables of commands and
 * options. Names of plugins and schedules the shell asks this program for
 * ("completion plugins").
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/strv.h"
#include "cli/asked.h"
#include "model/record.h"
#include "model/transition.h"
#include "model/units.h"
#include "plugin/library.h"

static const char *const offers[] = {
	[OFFER_NOTHING] = "",
	[OFFER_FILE] = "file",
	[OFFER_FOLDER] = "folder",
	[OFFER_PLUGIN] = "plugin",
	[OFFER_SCHEDULE] = "schedule",
	[OFFER_STATE] = "",
	[OFFER_ROLE] = "",
	[OFFER_SHELL] = "",
};

/* --- Words from the tables ---------------------------------------------- */

/* The first words, or the second ones of a group. */
static void
put_words(const char *group)
{
	_strv_ struct strv words = { NULL, 0 };
	size_t len = group ? strlen(group) : 0;

	for (const struct command *c = cli_commands; c->name; c++) {
		const char *rest = c->name;
		_free_ char *word = NULL;

		if (group) {
			if (strncmp(rest, group, len) != 0 || rest[len] != ' ')
				continue;
			rest += len + 1;
		}
		word = xstrndup(rest, strcspn(rest, " "));
		strv_add_once(&words, word);
	}
	for (size_t i = 0; i < words.n; i++)
		printf("%s%s", i ? " " : "", words.items[i]);
}

static void
put_states(void)
{
	for (int i = 0; i < JOB_STATES; i++)
		printf("%s%s", i ? " " : "", job_state_name((enum job_state)i));
}

static void
put_options(unsigned bits)
{
	for (const struct option_row *o = cli_options; o->name; o++)
		if (o->bit & bits)
			printf("%s ", o->name);
	printf("--help");
}

static void
groups(struct strv *out)
{
	for (const struct command *c = cli_commands; c->name; c++) {
		size_t len = strcspn(c->name, " ");
		_free_ char *group = xstrndup(c->name, len);

		if (c->name[len])
			strv_add_once(out, group);
	}
}

/* Patterns of the options that want a value, of one kind or of all. */
static void
put_patterns(int offer)
{
	bool first = true;

	for (const struct option_row *o = cli_options; o->name; o++) {
		if (!o->value || (offer >= 0 && (int)o->offer != offer))
			continue;
		printf("%s%s", first ? "" : "|", o->name);
		if (o->letter)
			printf("|-%c", o->letter);
		first = false;
	}
}

/* --- What both shells share --------------------------------------------- */

static void
put_offer(enum offer offer)
{
	if (offer == OFFER_STATE) {
		printf("list='");
		put_states();
		printf("'");
	} else if (offer == OFFER_ROLE) {
		printf("list='reader operator admin'");
	} else if (offer == OFFER_SHELL) {
		printf("list='bash zsh'");
	} else {
		printf("offer='%s'", offers[offer]);
	}
}

static void
put_values(void)
{
	printf("__devops_agent_value()\n{\n\tcase $1 in\n");
	for (int i = OFFER_NOTHING + 1; i <= OFFER_SHELL; i++) {
		bool any = false;

		for (const struct option_row *o = cli_options; o->name; o++)
			any = any || (o->value && (int)o->offer == i);
		if (!any)
			continue;
		printf("\t");
		put_patterns(i);
		printf(") ");
		put_offer((enum offer)i);
		printf(" ;;\n");
	}
	printf("\tesac\n}\n\n");
}

static void
put_commands(const struct strv *all_groups)
{
	printf("__devops_agent_command()\n{\n\tcase $1 in\n\t'') list='");
	put_words(NULL);
	printf("' options='--config --help --version' ;;\n");
	for (size_t i = 0; i < all_groups->n; i++) {
		printf("\t'%s') list='", all_groups->items[i]);
		put_words(all_groups->items[i]);
		printf("' options='--config --help' ;;\n");
	}
	for (const struct command *c = cli_commands; c->name; c++) {
		printf("\t'%s') ", c->name);
		put_offer(c->offer);
		printf(" options='");
		put_options(c->options | OPTION_ALWAYS);
		printf("' ;;\n");
	}
	printf("\tesac\n}\n\n");
}

/* The words before the one that is completed, one after the other. */
static void
put_look(const struct strv *all_groups)
{
	printf("# From the word to complete and those before it: list, of what\n"
	       "# to choose from, and offer, what to look for besides.\n"
	       "__devops_agent_look()\n{\n"
	       "\tlocal cur=$1 word name='' args=0 options=''\n"
	       "\tconfig='' list='' offer=''\n\tshift\n"
	       "\twhile [ $# -gt 0 ]; do\n"
	       "\t\tword=$1\n\t\tshift\n"
	       "\t\tcase $word in\n\t\t");
	put_patterns(-1);
	printf(")\n"
	       "\t\t\tif [ \"${1-}\" = = ]; then shift; fi\n"
	       "\t\t\tif [ $# -eq 0 ]; then\n"
	       "\t\t\t\t__devops_agent_value \"$word\"\n"
	       "\t\t\t\treturn\n"
	       "\t\t\tfi\n"
	       "\t\t\tif [ \"$word\" = --config ]; then config=$1; fi\n"
	       "\t\t\tshift\n"
	       "\t\t\tcontinue ;;\n"
	       "\t\t-*) continue ;;\n"
	       "\t\tesac\n"
	       "\t\tcase $name in\n"
	       "\t\t'') name=$word ;;\n\t\t");
	for (size_t i = 0; i < all_groups->n; i++)
		printf("%s%s", i ? "|" : "", all_groups->items[i]);
	printf(") name=\"$name $word\" ;;\n"
	       "\t\t*) args=$((args + 1)) ;;\n"
	       "\t\tesac\n"
	       "\tdone\n"
	       "\t__devops_agent_command \"$name\"\n"
	       "\tif [ $args -gt 0 ]; then list='' offer=''; fi\n"
	       "\tcase $cur in\n"
	       "\t-*) list=$options offer='' ;;\n"
	       "\tesac\n"
	       "}\n\n"
	       "# Names that the program knows; of its own where it can't say.\n"
	       "__devops_agent_names()\n{\n"
	       "\tif [ -n \"$config\" ]; then\n"
	       "\t\tset -- \"$@\" --config \"$config\"\n"
	       "\tfi\n"
	       "\tcommand \"$1\" completion \"$2s\" \"${@:3}\" 2>/dev/null\n"
	       "}\n\n");
}

static void
put_shared(void)
{
	_strv_ struct strv all_groups = { NULL, 0 };

	groups(&all_groups);
	put_values();
	put_commands(&all_groups);
	put_look(&all_groups);
}

/* --- Each shell --------------------------------------------------------- */

static void
put_bash(void)
{
	printf("# bash completion of devops_agent; made by 'devops_agent "
	       "completion bash'\n\n");
	put_shared();
	fputs("_devops_agent()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} config list offer\n"
	      "\t__devops_agent_look \"$cur\" "
	      "\"${COMP_WORDS[@]:1:COMP_CWORD-1}\"\n"
	      "\tif [ \"$cur\" = = ]; then cur=''; fi\n"
	      "\tcase $offer in\n"
	      "\tplugin|schedule)\n"
	      "\t\tlist=$(__devops_agent_names \"${COMP_WORDS[0]}\" "
	      "\"$offer\") ;;\n"
	      "\tesac\n"
	      "\tmapfile -t COMPREPLY < <(compgen -W \"$list\" -- \"$cur\")\n"
	      "\tcase $offer:$cur in\n"
	      "\tfile:*|plugin:*/*)\n"
	      "\t\tcompopt -o filenames 2>/dev/null\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
	      "\tfolder:*)\n"
	      "\t\tcompopt -o filenames 2>/dev/null\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
	      "\tesac\n"
	      "}\n\n"
	      "complete -F _devops_agent devops_agent\n",
	      stdout);
}

static void
put_zsh(void)
{
	printf("#compdef devops_agent\n"
	       "# zsh completion of devops_agent; made by 'devops_agent "
	       "completion zsh'\n\n");
	put_shared();
	fputs("_devops_agent()\n{\n"
	      "\tlocal config list offer\n"
	      "\t__devops_agent_look \"$PREFIX\" "
	      "\"${(@)words[2,CURRENT-1]}\"\n"
	      "\tcase $offer in\n"
	      "\tplugin|schedule)\n"
	      "\t\tlist=$(__devops_agent_names \"$words[1]\" \"$offer\") ;;\n"
	      "\tesac\n"
	      "\tif [ -n \"$list\" ]; then compadd -- ${=list}; fi\n"
	      "\tcase $offer:$PREFIX in\n"
	      "\tfile:*|plugin:*/*) _files ;;\n"
	      "\tfolder:*) _files -/ ;;\n"
	      "\tesac\n"
	      "}\n\n"
	      "if [ \"$funcstack[1]\" = _devops_agent ]; then\n"
	      "\t_devops_agent \"$@\"\n"
	      "else\n"
	      "\tcompdef _devops_agent devops_agent\n"
	      "fi\n",
	      stdout);
}

/* --- Names -------------------------------------------------------------- */

static int
put_plugins(const struct cli *c)
{
	_cleanup_(context_release) struct context x;
	struct plugin_entry *list = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;

	if (context_open(&x, c, &e) < 0 ||
	    library_list(&x.setup.library, &list, &n, &e) < 0)
		return cli_fail(&e);
	for (size_t i = 0; i < n; i++)
		if (!list[i].broken)
			printf("%s\n", list[i].name);
	library_free_list(list, n);
	return 0;
}

/* The agent's, or those of the configuration where none answers. */
static int
put_schedules(const struct cli *c)
{
	_cleanup_(asked_release) struct asked a;
	_value_ struct value *answer = NULL;
	const struct config *config = &a.context.setup.config;
	const struct value *items;
	struct err e = ERR_INIT;
	size_t n;

	if (asked_open(&a, c, &e) < 0 ||
	    client_call(&a.client, "schedule.list", NULL, &answer, &e) < 0) {
		for (size_t i = 0; i < config->jobs.n; i++)
			printf("%s\n", config->jobs.items[i].name);
		return 0;
	}
	items = asked_items(answer, &n);
	for (size_t i = 0; i < n; i++)
		/* a shell splits it into words: only what is a name */
		if (units_is_name(value_get_string(items->u.array.items[i],
						   "name", "")))
			printf("%s\n", value_get_string(items->u.array.items[i],
							"name", ""));
	return 0;
}

int
cmd_completion(const struct cli *c)
{
	const char *what = c->args[0];
	struct err e = ERR_INIT;

	if (strcmp(what, "plugins") == 0)
		return put_plugins(c);
	if (strcmp(what, "schedules") == 0)
		return put_schedules(c);
	if (strcmp(what, "bash") == 0)
		put_bash();
	else if (strcmp(what, "zsh") == 0)
		put_zsh();
	else {
		err_set(&e, ERR_USAGE, "no completion for the shell %s", what);
		err_hint(&e, "there is one for bash and one for zsh");
		return cli_fail(&e);
	}
	return 0;
}
