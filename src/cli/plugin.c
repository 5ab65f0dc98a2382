#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/context.h"
#include "cli/terminal.h"
#include "model/units.h"
#include "plugin/new.h"
#include "plugin/permissions.h"
#include "plugin/schema.h"
#include "proto/json.h"

/* --- list ------------------------------------------------------------------
 */

/* "yes", "no": may it run, and why not. */
static const char *
grant_word(const struct context *x, const struct plugin *p, struct err *e)
{
	if (setup_check_grant(&x->setup, p, NULL, e) == 0)
		return permissions_empty(&p->manifest.permissions) ? "-" :
								     "yes";
	return "no";
}

static void
print_line(const struct value *v)
{
	_buf_ struct buf text = { 0 };

	json_encode(v, &text);
	printf("%s\n", text.data);
}

static void
list_json(const struct context *x, const struct plugin_entry *entry)
{
	_value_ struct value *v = value_object();
	struct err e = entry->err;

	value_set(v, "name", value_string(entry->name));
	value_set(v, "path", value_string(entry->path));
	if (!entry->broken) {
		const struct plugin *p = &entry->plugin;

		value_set(v, "kind", value_string(plugin_kind_name(p->kind)));
		value_set(v, "version",
			  p->manifest.version ?
				  value_string(p->manifest.version) :
				  value_null());
		value_set(v, "description",
			  p->manifest.description ?
				  value_string(p->manifest.description) :
				  value_null());
		e = (struct err)ERR_INIT;
		grant_word(x, p, &e);
	}
	value_set(v, "runnable", value_bool(e.kind == ERR_NONE));
	value_set(v, "reason",
		  e.kind == ERR_NONE ? value_null() : value_string(e.msg));
	print_line(v);
}

static void
list_text(const struct context *x, const struct plugin_entry *entry)
{
	struct err e = ERR_INIT;
	const char *word;

	if (entry->broken) {
		printf("%-20s %-10s %-6s %s\n", entry->name, "-", "broken",
		       entry->err.msg);
		return;
	}
	word = grant_word(x, &entry->plugin, &e);
	printf("%-20s %-10s %-6s %s\n", entry->name,
	       plugin_kind_name(entry->plugin.kind), word,
	       entry->plugin.manifest.description ?
		       entry->plugin.manifest.description :
		       "");
}

int
cmd_plugin_list(const struct cli *c)
{
	_cleanup_(context_release) struct context x;
	struct plugin_entry *list = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;

	if (context_open(&x, c, &e) < 0 ||
	    library_list(&x.setup.library, &list, &n, &e) < 0)
		return cli_fail(&e);
	if (!c->json)
		printf("%-20s %-10s %-6s %s\n", "NAME", "KIND", "GRANT",
		       "DESCRIPTION");
	for (size_t i = 0; i < n && (!c->limit || (int64_t)i < c->limit); i++)
		(c->json ? list_json : list_text)(&x, &list[i]);
	library_free_list(list, n);
	return 0;
}

/* --- show ------------------------------------------------------------------
 */

static void
show_lines(const char *title, const struct strv *lines, const char *none)
{
	printf("%s\n", title);
	for (size_t i = 0; i < lines->n; i++)
		printf("  %s\n", lines->items[i]);
	if (lines->n == 0)
		printf("  %s\n", none);
}

static void
show_limits(const struct limits *l)
{
	char timeout[UNITS_TEXT], memory[UNITS_TEXT], output[UNITS_TEXT],
		tmp[UNITS_TEXT], cpu[UNITS_TEXT];

	printf("limits\n  timeout %s, memory %s, cpu %s, processes %lld, "
	       "files %lld,\n  output %s, tmp %s\n",
	       units_format_duration(l->timeout_ms, timeout),
	       units_format_size(l->memory_bytes, memory),
	       l->cpu_ms ? units_format_duration(l->cpu_ms, cpu) : "unlimited",
	       (long long)l->processes, (long long)l->files,
	       units_format_size(l->output_bytes, output),
	       units_format_size(l->tmp_bytes, tmp));
}

static void
show_text(const struct context *x, const struct plugin *p)
{
	_strv_ struct strv params = { NULL, 0 }, asks = { NULL, 0 };
	_strv_ struct strv difference = { NULL, 0 };
	const struct manifest *m = &p->manifest;
	const struct program program = setup_program(p);
	struct limits limits;
	struct err e = ERR_INIT;

	printf("%s %s\n%s\n\nfile\n  %s (%s, output %s)\n  sha256 %s\n",
	       p->name, m->version ? m->version : "(no version)",
	       m->description ? m->description : "(no description)", p->path,
	       plugin_kind_name(p->kind), output_mode_name(m->output),
	       p->sha256);
	schema_usage(m->params, &params);
	show_lines("parameters", &params, "none");
	permissions_describe(&m->permissions, &asks);
	show_lines("permissions", &asks, "asks for nothing");
	launch_limits(program.manifest, &x->setup.runtime, &limits);
	show_limits(&limits);
	if (setup_check_grant(&x->setup, p, &difference, &e) < 0) {
		printf("grant\n  %s\n", e.msg);
		for (size_t i = 0; i < difference.n; i++)
			printf("  %s\n", difference.items[i]);
		printf("  %s\n", e.hint);
	} else if (!permissions_empty(&m->permissions)) {
		printf("grant\n  granted\n");
	}
}

static void
set_strv(struct value *v, const char *key, const struct strv *list)
{
	struct value *array = value_array();

	for (size_t i = 0; i < list->n; i++)
		value_append(array, value_string(list->items[i]));
	value_set(v, key, array);
}

static struct value *
permissions_value(const struct permissions *p)
{
	struct value *v = value_object();

	set_strv(v, "read", &p->read);
	set_strv(v, "write", &p->write);
	set_strv(v, "exec", &p->exec);
	set_strv(v, "network", &p->network);
	set_strv(v, "capabilities", &p->capabilities);
	set_strv(v, "env", &p->env);
	set_strv(v, "secrets", &p->secrets);
	value_set(v, "processes",
		  p->processes_host ? value_string("host") : value_null());
	value_set(v, "user", p->user ? value_string(p->user) : value_null());
	return v;
}

static struct value *
limits_value(const struct limits *l)
{
	struct value *v = value_object();

	value_set(v, "timeout_ms", value_int(l->timeout_ms));
	value_set(v, "memory_bytes", value_int(l->memory_bytes));
	value_set(v, "cpu_ms", l->cpu_ms ? value_int(l->cpu_ms) : value_null());
	value_set(v, "processes", value_int(l->processes));
	value_set(v, "files", value_int(l->files));
	value_set(v, "output_bytes", value_int(l->output_bytes));
	value_set(v, "tmp_bytes", value_int(l->tmp_bytes));
	return v;
}

static void
show_json(const struct context *x, const struct plugin *p)
{
	_value_ struct value *v = value_object();
	_strv_ struct strv difference = { NULL, 0 };
	const struct manifest *m = &p->manifest;
	struct limits limits;
	struct err e = ERR_INIT;
	bool runnable = setup_check_grant(&x->setup, p, &difference, &e) == 0;

	launch_limits(m, &x->setup.runtime, &limits);
	value_set(v, "name", value_string(p->name));
	value_set(v, "version",
		  m->version ? value_string(m->version) : value_null());
	value_set(v, "description",
		  m->description ? value_string(m->description) : value_null());
	value_set(v, "kind", value_string(plugin_kind_name(p->kind)));
	value_set(v, "output", value_string(output_mode_name(m->output)));
	value_set(v, "path", value_string(p->path));
	value_set(v, "sha256", value_string(p->sha256));
	value_set(v, "params",
		  m->params ? value_copy(m->params) : value_null());
	value_set(v, "permissions", permissions_value(&m->permissions));
	value_set(v, "limits", limits_value(&limits));
	value_set(v, "runnable", value_bool(runnable));
	set_strv(v, "not_granted", &difference);
	print_line(v);
}

/* The plugin that the first argument names. */
static int
open_plugin(const struct cli *c, struct context *x, struct plugin *p)
{
	struct err e = ERR_INIT;

	memset(p, 0, sizeof(*p));
	if (context_open(x, c, &e) < 0 ||
	    setup_find(&x->setup, c->args[0], p, &e) < 0)
		return cli_fail(&e);
	return 0;
}

int
cmd_plugin_show(const struct cli *c)
{
	_cleanup_(context_release) struct context x;
	_cleanup_(plugin_release) struct plugin p;
	int status = open_plugin(c, &x, &p);

	if (status == 0)
		(c->json ? show_json : show_text)(&x, &p);
	return status;
}

/* --- check -----------------------------------------------------------------
 */

int
cmd_plugin_check(const struct cli *c)
{
	_cleanup_(context_release) struct context x;
	_cleanup_(plugin_release) struct plugin p;
	struct err e = ERR_INIT;
	bool file = access(c->args[0], F_OK) == 0;
	int rc;

	memset(&p, 0, sizeof(p));
	if (context_open(&x, c, &e) < 0)
		return cli_fail(&e);
	rc = file ? plugin_load(&x.setup.library, c->args[0], &p, &e) :
		    setup_find(&x.setup, c->args[0], &p, &e);
	if (c->json) {
		_value_ struct value *v = value_object();

		value_set(v, "ok", value_bool(rc == 0));
		value_set(v, "error",
			  rc == 0 ? value_null() : value_string(e.msg));
		set_strv(v, "advice", &p.advice);
		print_line(v);
		return rc == 0 ? 0 : err_exit_status(&e);
	}
	if (rc < 0)
		return cli_fail(&e);
	for (size_t i = 0; i < p.advice.n; i++)
		terminal_say(STYLE_YELLOW, "advice", p.advice.items[i]);
	printf("%s: %s%s%s is right\n", p.path, p.name,
	       p.manifest.version ? " " : "",
	       p.manifest.version ? p.manifest.version : "");
	return 0;
}

/* --- new -------------------------------------------------------------------
 */

int
cmd_plugin_new(const struct cli *c)
{
	_cleanup_(context_release) struct context x;
	_strv_ struct strv written = { NULL, 0 };
	_free_ char *folder = NULL;
	struct err e = ERR_INIT;

	if (context_open(&x, c, &e) < 0)
		return cli_fail(&e);
	folder = c->output ? xstrdup(c->output) :
			     xasprintf("%s/%s", x.setup.plugins,
				       c->shell ? "shell" : "python");
	if (plugin_new(folder, c->args[0], c->shell, &written, &e) < 0)
		return cli_fail(&e);
	for (size_t i = 0; i < written.n; i++)
		printf("%s\n", written.items[i]);
	fprintf(stderr, "try it: devops_agent run %s name=you\n",
		c->output ? written.items[0] : c->args[0]);
	return 0;
}

/* --- allow, deny ------------------------------------------------------------
 */

static void
print_request(const struct plugin *p)
{
	_strv_ struct strv lines = { NULL, 0 };

	permissions_describe(&p->manifest.permissions, &lines);
	printf("%s %s (%s)\n", p->name,
	       p->manifest.version ? p->manifest.version : "", p->path);
	show_lines("asks for", &lines, "nothing: it needs no grant");
}

static int
allow_one(const struct cli *c, const struct context *x)
{
	_cleanup_(plugin_release) struct plugin p;
	const char *folder = c->output ? c->output : x->setup.grants;
	struct err e = ERR_INIT;

	memset(&p, 0, sizeof(p));
	if (setup_find(&x->setup, c->args[0], &p, &e) < 0)
		return cli_fail(&e);
	print_request(&p);
	if (grant_write(folder, &p, &e) < 0)
		return cli_fail(&e);
	printf("granted: %s/%s.yaml, for the files with sha256 %.16s...\n",
	       folder, p.name, p.sha256);
	return 0;
}

/* What the build and the packages use: every plugin that asks for something. */
static int
allow_bundled(const struct cli *c, const struct context *x)
{
	struct plugin_entry *list = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;
	int status = 0;

	if (library_list(&x->setup.library, &list, &n, &e) < 0)
		return cli_fail(&e);
	for (size_t i = 0; i < n && status == 0; i++) {
		if (list[i].broken)
			status = cli_fail(&list[i].err);
		else if (!permissions_empty(
				 &list[i].plugin.manifest.permissions) &&
			 grant_write(c->output ? c->output :
						 x->setup.shipped_grants,
				     &list[i].plugin, &e) < 0)
			status = cli_fail(&e);
	}
	library_free_list(list, n);
	return status;
}

int
cmd_plugin_allow(const struct cli *c)
{
	_cleanup_(context_release) struct context x;
	struct err e = ERR_INIT;

	if (context_open(&x, c, &e) < 0)
		return cli_fail(&e);
	if (c->bundled && c->n_args == 0)
		return allow_bundled(c, &x);
	if (c->bundled || c->n_args != 1) {
		err_set(&e, ERR_USAGE,
			"plugin allow: expected one NAME, or "
			"--bundled");
		return cli_fail(&e);
	}
	return allow_one(c, &x);
}

/* A plugin that is not there yet may be denied, but it may be a slip, too. */
static void
warn_unknown(const struct context *x, const char *name)
{
	_cleanup_(plugin_release) struct plugin p;
	struct err e = ERR_INIT;

	memset(&p, 0, sizeof(p));
	if (library_find(&x->setup.library, name, &p, &e) < 0 &&
	    e.kind == ERR_NOT_FOUND)
		terminal_say(STYLE_YELLOW, "warning", e.msg);
}

int
cmd_plugin_deny(const struct cli *c)
{
	_cleanup_(context_release) struct context x;
	struct err e = ERR_INIT;

	if (context_open(&x, c, &e) < 0)
		return cli_fail(&e);
	if (!units_is_name(c->args[0])) {
		err_set(&e, ERR_USAGE, "%s is no name of a plugin", c->args[0]);
		return cli_fail(&e);
	}
	warn_unknown(&x, c->args[0]);
	if (grant_deny(c->output ? c->output : x.setup.grants, c->args[0], &e) <
	    0)
		return cli_fail(&e);
	printf("denied: %s does not run any more (%s/%s.yaml)\n", c->args[0],
	       c->output ? c->output : x.setup.grants, c->args[0]);
	return 0;
}
