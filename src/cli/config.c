#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/context.h"
#include "proto/json.h"

static const char *
file_of(const struct context *x)
{
	return x->config.file ? x->config.file : "built-in defaults";
}

int
cmd_config_check(const struct cli *c)
{
	_cleanup_(context_release) struct context x;
	struct err e = ERR_INIT;

	if (context_open(&x, c, &e) < 0)
		return cli_fail(&e);
	if (c->json)
		printf("{\"ok\":true}\n");
	else
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
		v = config_to_value(&x.config);
		json_encode(v, &text);
		buf_addc(&text, '\n');
	} else {
		buf_addf(&text, "# %s\n", file_of(&x));
		config_show(&x.config, &text);
	}
	fwrite(text.data, 1, text.len, stdout);
	return 0;
}
