/*
 * A plugin's file: finds its header, reads the YAML in it, and makes it a
 * manifest. What was read must hold: permissions written as YAML are read
 * back the same, and defaults satisfy the schema that they come from.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "config/yaml.h"
#include "plugin/args.h"
#include "plugin/header.h"
#include "plugin/manifest.h"
#include "plugin/permissions.h"
#include "plugin/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_permissions(const struct manifest *m)
{
	_cleanup_(manifest_release) struct manifest again = { 0 };
	_value_ struct value *tree = NULL;
	_buf_ struct buf text = { 0 };
	_strv_ struct strv words = { 0 };
	struct err e = ERR_INIT;

	buf_adds(&text, "name: x\n");
	permissions_write(&m->permissions, &text);
	if (yaml_decode(text.data, text.len, 1, 0, &tree, &e) < 0 ||
	    manifest_read(tree, PLUGIN_SHELL, &again, NULL, &e) < 0 ||
	    permissions_beyond(&m->permissions, &again.permissions, &words) ||
	    permissions_beyond(&again.permissions, &m->permissions, &words))
		abort();
	permissions_describe(&m->permissions, &words);
}

static void
check_params(const struct manifest *m)
{
	_value_ struct value *params = value_object();
	_strv_ struct strv words = { 0 }, argv = { 0 };
	struct err e = ERR_INIT;

	schema_usage(m->params, &words);
	if (schema_apply(m->params, params, &e) == 0)
		args_expand(&m->args, params, &argv, &e);
	else if (!e.msg[0])
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(header_release) struct header h = { 0 };
	_cleanup_(manifest_release) struct manifest m = { 0 };
	_value_ struct value *tree = NULL;
	_strv_ struct strv advice = { 0 };
	struct err e = ERR_INIT;
	int r = header_find((const char *)data, size, &h, &e);

	if (r < 0 && !e.msg[0])
		abort();
	if (r <= 0)
		return 0;
	if (yaml_decode(h.yaml, h.len, h.first_line, h.left_cols, &tree, &e) <
		    0 ||
	    manifest_read(tree, size % 2 ? PLUGIN_SHELL : PLUGIN_PYTHON, &m,
			  &advice, &e) < 0) {
		if (!e.msg[0] || e.kind != ERR_USAGE)
			abort();
		return 0;
	}
	check_permissions(&m);
	check_params(&m);
	return 0;
}
