/* The effective settings, and the pages that the table of settings makes. */
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/expand.h"
#include "config/settings.h"

/* --- Values without secrets --------------------------------------------- */

static bool
is_reference(const struct value *v)
{
	return v && v->type == VALUE_STRING && expand_is_needed(v->u.string.s);
}

static struct value *
hide(const struct value *now, const struct value *written)
{
	_buf_ struct buf b = { 0 };

	if (is_reference(written))
		return value_copy(written);
	if (now->type != VALUE_STRING)
		return value_copy(now);
	expand_escape(now->u.string.s, &b);
	return value_string_n(b.data, b.len);
}

static struct value *
hide_members(const struct value *now, const struct value *written)
{
	struct value *shown = value_object();

	for (size_t i = 0; i < now->u.object.n; i++) {
		const struct value_member *m = &now->u.object.members[i];

		value_set(shown, m->key,
			  hide(m->value, value_get(written, m->key)));
	}
	return shown;
}

/* A set has no order, so an item of it can't be traced to what was written. */
static struct value *
hide_items(const struct value *now, const struct value *written)
{
	for (size_t i = 0; written && i < written->u.array.n; i++)
		if (is_reference(written->u.array.items[i]))
			return value_copy(written);
	return value_copy(now);
}

/* As it may be shown: what came by ${...} as it was written, NULL: not set. */
static struct value *
shown_value(const struct setting *s, const struct config *c)
{
	const struct value *written = value_get(c->given, s->path);
	_value_ struct value *now = setting_value(s, c);

	if (!now)
		return NULL;
	if (now->type == VALUE_OBJECT)
		return hide_members(now, written);
	if (now->type == VALUE_ARRAY)
		return hide_items(now, written);
	return hide(now, written);
}

/* --- Sections ----------------------------------------------------------- */

static size_t
depth_of(const char *path)
{
	size_t n = 0;

	for (; (path = strchr(path, '.')); path++)
		n++;
	return n;
}

static void
indent(size_t depth, struct buf *out)
{
	buf_addf(out, "%*s", (int)(2 * depth), "");
}

/* Open the sections of `s` that were not open for the row before. */
static void
open_sections(const struct setting *s, struct buf *out)
{
	const char *before = s > settings ? s[-1].path : "";
	size_t depth = 0;

	for (const char *p = s->path, *dot; (dot = strchr(p, '.'));
	     p = dot + 1, depth++) {
		if (strncmp(before, s->path, (size_t)(dot - s->path) + 1) == 0)
			continue;
		indent(depth, out);
		buf_addf(out, "%.*s:\n", (int)(dot - p), p);
	}
}

/* --- config show -------------------------------------------------------- */

static void
show_setting(const struct setting *s, const struct config *c, struct buf *out)
{
	_value_ struct value *v = shown_value(s, c);

	indent(depth_of(s->path), out);
	if (!v) {
		buf_addf(out, "# %s: %s\n", setting_name(s), s->without);
		return;
	}
	buf_addf(out, "%s: ", setting_name(s));
	setting_add_yaml(v, out);
	buf_adds(out, value_get(c->given, s->path) ? "\n" : " # default\n");
}

void
config_show(const struct config *c, struct buf *out)
{
	_buf_ struct buf file = { 0 };

	buf_adds(&file, c->file ? c->file : "the built-in defaults");
	for (char *p = file.data; *p; p++)
		*p = (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p;
	buf_addf(out, "# %s\n", file.data);
	for (const struct setting *s = settings; s < settings + settings_count;
	     s++) {
		if (s->type != SETTING_RESERVED) {
			open_sections(s, out);
			show_setting(s, c, out);
		} else if (value_get(c->given, s->path)) {
			buf_addf(out, "# %s: for the agent as a service\n",
				 s->path);
		}
	}
}

static const char *
unit_suffix(const struct setting *s)
{
	return s->type == SETTING_DURATION ? "_ms" :
	       s->type == SETTING_SIZE	   ? "_bytes" :
					     "";
}

static struct value *
json_value(const struct setting *s, const struct config *c)
{
	_value_ struct value *v = shown_value(s, c);
	const char *at = (const char *)c + s->offset;

	if (!v)
		return value_null();
	if (*unit_suffix(s) && !is_reference(v))
		return value_int(*(const int64_t *)(const void *)at);
	return steal_ptr(&v);
}

/* The object that the setting is a member of. */
static struct value *
parent_of(const struct setting *s, struct value *root)
{
	const char *p = s->path, *dot;

	for (; (dot = strchr(p, '.')); p = dot + 1) {
		_free_ char *key = xstrndup(p, (size_t)(dot - p));
		struct value *next = value_get(root, key);

		root = next ? next : value_set(root, key, value_object());
	}
	return root;
}

struct value *
config_to_value(const struct config *c)
{
	struct value *root = value_object();

	value_set(root, "file", c->file ? value_string(c->file) : value_null());
	for (const struct setting *s = settings; s < settings + settings_count;
	     s++) {
		_free_ char *key =
			xasprintf("%s%s", setting_name(s), unit_suffix(s));

		if (s->type != SETTING_RESERVED)
			value_set(parent_of(s, root), key, json_value(s, c));
	}
	return root;
}
