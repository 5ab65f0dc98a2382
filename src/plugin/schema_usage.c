/* A line of help for each parameter. */
#include "plugin/schema.h"

#include <string.h>

#include "base/mem.h"
#include "plugin/schema_parts.h"

static bool
is_required(const struct value *schema, const char *key)
{
	const struct value *list = value_get(schema, "required");

	for (size_t i = 0; list && i < list->u.array.n; i++)
		if (strcmp(list->u.array.items[i]->u.string.s, key) == 0)
			return true;
	return false;
}

static void
add_types(const struct value *schema, struct buf *out)
{
	unsigned types = schema_types(schema);
	bool first = true;

	if (types == TYPE_ANY) {
		buf_adds(out, "any");
		return;
	}
	for (unsigned i = 0; schema_type_names[i]; i++) {
		if (!(types & 1U << i))
			continue;
		buf_addf(out, "%s%s", first ? "" : " or ",
			 schema_type_names[i]);
		first = false;
	}
}

static void
add_enum(const struct value *schema, struct buf *out)
{
	const struct value *list = value_get(schema, "enum");

	for (size_t i = 0; list && i < list->u.array.n; i++) {
		const struct value *item = list->u.array.items[i];

		buf_adds(out, i ? "|" : ", ");
		if (item->type == VALUE_STRING)
			buf_add(out, item->u.string.s, item->u.string.len);
		else
			schema_write_value(item, out);
	}
}

static void
add_value(const struct value *schema, const char *key, const char *before,
	  struct buf *out)
{
	const struct value *v = value_get(schema, key);

	if (!v)
		return;
	buf_adds(out, before);
	schema_write_value(v, out);
}

static void
add_bounds(const struct value *schema, struct buf *out)
{
	static const char *const keys[][2] = {
		{ "minimum", ", from " },
		{ "exclusiveMinimum", ", more than " },
		{ "maximum", ", up to " },
		{ "exclusiveMaximum", ", less than " },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		add_value(schema, keys[i][0], keys[i][1], out);
}

void
schema_usage(const struct value *schema, struct strv *lines)
{
	const struct value *list = value_get(schema, "properties");

	for (size_t i = 0; list && i < list->u.object.n; i++) {
		const struct value_member *m = &list->u.object.members[i];
		const char *title = value_get_string(m->value, "title", "");
		const char *what =
			value_get_string(m->value, "description", title);
		_buf_ struct buf line = { 0 };

		buf_addf(&line, "%s (", m->key);
		add_types(m->value, &line);
		add_enum(m->value, &line);
		add_bounds(m->value, &line);
		add_value(m->value, "default", ", default ", &line);
		if (is_required(schema, m->key))
			buf_adds(&line, ", required");
		buf_addf(&line, ")%s%s", *what ? ": " : "", what);
		strv_add(lines, line.data);
	}
}
