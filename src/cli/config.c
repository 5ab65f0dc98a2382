#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/context.h"
#include "cli/terminal.h"
#include "proto/json.h"
#include "worker/configured.h"

static const char *
file_of(const struct context *x)
{
	return x->setup.config.file ? x->setup.config.file :
				      "built-in defaults";
}

static void
print_json(const struct context *x, const struct err *e)
{
	_value_ struct value *v = value_object();
	struct value *warnings = value_array();
	_buf_ struct buf text = { 0 };

	for (size_t i = 0; i < x->setup.warnings.n; i++)
		value_append(warnings,
			     value_string(x->setup.warnings.items[i]));
	value_set(v, "ok", value_bool(e->kind == ERR_NONE));
	value_set(v, "error",
		  e->kind == ERR_NONE ? value_null() : value_string(e->msg));
	value_set(v, "warnings", warnings);
	json_encode(v, &text);
	printf("%s\n", text.data);
}

/* The file, and its jobs against the plugins that there are. */
static int
check(struct context *x, const struct cli *c, struct err *e)
{
	_cleanup_(configured_release) struct configured d = {
		.library = &x->setup.library,
		.strict = true,
	};

	if (context_open(x, c, e) < 0)
		return -1;
	return config_check(&x->setup.config, configured_check, &d,
			    &x->setup.warnings, e);
}

int
cmd_config_check(const struct cli *c)
{
	_cleanup_(context_release) struct context x;
	struct err e = ERR_INIT;
	int rc = check(&x, c, &e);

	if (c->json) {
		print_json(&x, &e);
		return err_exit_status(&e);
	}
	for (size_t i = 0; i < x.setup.warnings.n; i++)
		terminal_say(STYLE_YELLOW, "warning",
			     x.setup.warnings.items[i]);
	if (rc < 0)
		return cli_fail(&e);
	printf("%s: right\n", file_of(&x));
	return 0;
}

int
cmd_config_show(const struct cli *c)
{
	_cleanup_(context_release) struct context x;
	_value_ struct value *v = NULL;
	_buf_ struct buf text = { 0 };
	struct err e = ERR_INIT;

	if (context_open(&x, c, &e) < 0)
		return cli_fail(&e);
	if (c->json) {
		v = config_to_value(&x.setup.config);
		json_encode(v, &text);
		buf_addc(&text, '\n');
	} else {
		config_show(&x.setup.config, &text);
	}
	fwrite(text.data, 1, text.len, stdout);
	return 0;
}
