#include "plugin/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "plugin/args.h"
#include "plugin/at.h"
#include "plugin/fields.h"
#include "plugin/items.h"
#include "plugin/permissions.h"
#include "plugin/schema.h"

#define VERSION_MAX 64
#define DESCRIPTION_MAX 1024
#define DAY_MS (INT64_C(86400) * 1000)
#define KIB INT64_C(1024)
#define MIB (KIB * KIB)
#define GIB (KIB * MIB)

/* 1.10 as a number would become 1.1, so only whole numbers pass unquoted. */
static int
read_version(const struct field *f, const struct value *v, void *to,
	     struct err *e)
{
	char **member = to;

	if (v->type == VALUE_REAL) {
		at_value(e, v,
			 "%s: %.15g is read as a number, which would "
			 "lose a final 0",
			 f->key, v->u.real);
		return err_hint(e, "put the version in quotes");
	}
	if (v->type != VALUE_INT)
		return field_text(f, v, to, e);
	free(*member);
	*member = xasprintf("%lld", (long long)v->u.integer);
	return 0;
}

/* One paragraph, its lines joined, so that it fits into any list. */
static char *
joined(const char *s)
{
	_buf_ struct buf b = { 0 };

	for (; *s; s += strcspn(s, " \t\n")) {
		s += strspn(s, " \t\n");
		if (*s && b.len)
			buf_addc(&b, ' ');
		buf_add(&b, s, strcspn(s, " \t\n"));
	}
	return buf_steal(&b);
}

static int
read_description(const struct field *f, const struct value *v, void *to,
		 struct err *e)
{
	_free_ char *s = NULL;
	struct value line = *v;

	if (v->type != VALUE_STRING ||
	    memchr(v->u.string.s, '\0', v->u.string.len))
		return field_text(f, v, to, e);
	if (strstr(v->u.string.s, "\n\n"))
		return at_value(e, v, "%s: more than one paragraph", f->key);
	s = joined(v->u.string.s);
	line.u.string.s = s;
	line.u.string.len = strlen(s);
	return field_text(f, &line, to, e);
}

static int
read_params(const struct field *f, const struct value *v, void *to,
	    struct err *e)
{
	return schema_check(v, e) < 0 ? -1 : field_any(f, v, to, e);
}

/* Later modes are told apart from mistakes. */
static int
read_output(const struct field *f, const struct value *v, void *to,
	    struct err *e)
{
	static const char *const later[] = { "nagios", "influx", "prometheus" };

	for (size_t i = 0; i < ARRAY_SIZE(later); i++)
		if (v->type == VALUE_STRING &&
		    strcmp(v->u.string.s, later[i]) == 0) {
			at_value(e, v, "%s: %s is not in this version", f->key,
				 later[i]);
			return err_hint(e, "output: text keeps what the "
					   "program prints");
		}
	return field_word(f, v, to, e);
}

#define LIMIT(k, member, reader, least, most)                              \
	{                                                                  \
		.key = (k), .read = (reader),                              \
		.offset = offsetof(struct limits, member), .min = (least), \
		.max = (most)                                              \
	}

static const struct field limits[] = {
	LIMIT("timeout", timeout_ms, field_duration, 10, 30 * DAY_MS),
	LIMIT("memory", memory_bytes, field_size, MIB, 1024 * GIB),
	LIMIT("cpu", cpu_ms, field_duration, 1000, 30 * DAY_MS),
	LIMIT("processes", processes, field_count, 1, 4096),
	LIMIT("files", files, field_count, 8, 65536),
	LIMIT("output", output_bytes, field_size, 1, 64 * MIB),
	LIMIT("tmp", tmp_bytes, field_size, 4 * KIB, 64 * GIB),
};

#define WORKERS(k, least, most)                                        \
	{                                                              \
		.key = #k, .read = field_count,                        \
		.offset = offsetof(struct workers, k), .min = (least), \
		.max = (most)                                          \
	}

static const struct field workers[] = {
	WORKERS(min_idle, 0, 256),
	WORKERS(max, 1, 256),
	WORKERS(max_jobs, 1, 1000000),
};

static const char *const modes[] = {
	[OUTPUT_RPC] = "rpc",
	[OUTPUT_JSON] = "json",
	[OUTPUT_TEXT] = "text",
	NULL,
};

#define MEMBER(m) .key = #m, .offset = offsetof(struct manifest, m)

static const struct field fields[] = {
	{ MEMBER(name), .read = field_text, .item = item_name },
	{ MEMBER(version), .read = read_version, .max = VERSION_MAX },
	{ MEMBER(description), .read = read_description,
	  .max = DESCRIPTION_MAX },
	{ MEMBER(params), .read = read_params },
	{ MEMBER(permissions), .read = field_section,
	  .rows = permissions_fields, .n = PERMISSIONS_FIELDS },
	{ MEMBER(limits), .read = field_section, .rows = limits,
	  .n = ARRAY_SIZE(limits) },
	{ MEMBER(output), .read = read_output, .words = modes },
	{ MEMBER(args), .read = field_args },
	{ MEMBER(venv), .read = field_text, .item = item_path },
	{ MEMBER(workers), .read = field_section, .rows = workers,
	  .n = ARRAY_SIZE(workers) },
};

/* --- What concerns more than one key ------------------------------------- */

static int
check_args(const struct value *tree, const struct manifest *m, struct err *e)
{
	const struct value *list = value_get(tree, "args");

	for (size_t i = 0; i < m->args.n; i++) {
		const struct value *item = list->u.array.items[i];

		if (args_check(m->args.items[i], m->params, e) == 0)
			continue;
		err_wrap(e, "args");
		return at_prefix(e, item->line, item->col);
	}
	return 0;
}

static int
check_python(const struct value *tree, enum plugin_kind kind,
	     const struct manifest *m, struct err *e)
{
	if (m->venv && kind != PLUGIN_PYTHON)
		return at_value(e, value_get(tree, "venv"),
				"venv: is for Python plugins");
	if (m->args.n && kind == PLUGIN_PYTHON && m->output == OUTPUT_RPC)
		return at_value(e, value_get(tree, "args"),
				"args: a Python plugin gets its parameters as "
				"job.params; args need output: json or text");
	return 0;
}

static int
check_whole(const struct value *tree, enum plugin_kind kind,
	    const struct manifest *m, struct err *e)
{
	if (!m->name)
		return at_value(e, tree, "the header has no name");
	if (m->workers.max && m->workers.min_idle > m->workers.max)
		return at_value(e, value_get(tree, "workers"),
				"workers: min_idle is more than max");
	if (check_python(tree, kind, m, e) < 0)
		return -1;
	return check_args(tree, m, e);
}

static void
advise_params(const struct value *params, struct strv *advice)
{
	const struct value *more = value_get(params, "additionalProperties");
	const struct value *list = value_get(params, "properties");

	if (params && !more)
		strv_add(advice, "params: say additionalProperties: false, so "
				 "that a misspelt parameter is an error");
	for (size_t i = 0; list && i < list->u.object.n; i++) {
		const struct value_member *m = &list->u.object.members[i];

		if (!value_get(m->value, "description") &&
		    !value_get(m->value, "title"))
			strv_addf(advice, "params: describe %s", m->key);
	}
}

static void
advise(const struct manifest *m, struct strv *advice)
{
	if (!m->version)
		strv_add(advice, "add a version, so that results can be told "
				 "apart");
	if (!m->description)
		strv_add(advice, "add a description, for `devops_agent plugin "
				 "list`");
	advise_params(m->params, advice);
	if (strv_has(&m->permissions.network, "host") &&
	    m->permissions.network.n > 1)
		strv_add(advice, "permissions: network: [host] covers the "
				 "other items");
	if (strv_has(&m->permissions.exec, "*") && m->permissions.exec.n > 1)
		strv_add(advice, "permissions: exec: [\"*\"] covers the other "
				 "items");
}

int
manifest_read(const struct value *tree, enum plugin_kind kind,
	      struct manifest *m, struct strv *advice, struct err *e)
{
	_cleanup_(manifest_release) struct manifest read;

	manifest_init(&read);
	read.output = kind == PLUGIN_PYTHON ? OUTPUT_RPC : OUTPUT_JSON;
	if (fields_read(tree, "key", fields, ARRAY_SIZE(fields), &read, e) <
		    0 ||
	    check_whole(tree, kind, &read, e) < 0)
		return -1;
	if (advice)
		advise(&read, advice);
	*m = read;
	memset(&read, 0, sizeof(read));
	return 0;
}
