/* The effective settings, and the pages that the table of settings makes. */
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/expand.h"
#include "config/settings.h"

/* --- Values without secrets --------------------------------------------- */

#define HIDDEN "********"

bool
setting_is_reference(const struct value *v)
{
	if (!v)
		return false;
	if (v->type == VALUE_STRING)
		return expand_is_needed(v->u.string.s);
	for (size_t i = 0; v->type == VALUE_ARRAY && i < v->u.array.n; i++)
		if (setting_is_reference(v->u.array.items[i]))
			return true;
	for (size_t i = 0; v->type == VALUE_OBJECT && i < v->u.object.n; i++)
		if (setting_is_reference(v->u.object.members[i].value))
			return true;
	return false;
}

/* The tree so that it is read as what it is: $${ for ${. */
static struct value *
escape(const struct value *v)
{
	_buf_ struct buf b = { 0 };
	struct value *copy;

	switch (v->type) {
	case VALUE_STRING:
		expand_escape(v->u.string.s, &b);
		return value_string_n(b.data ? b.data : "", b.len);
	case VALUE_ARRAY:
		copy = value_array();
		for (size_t i = 0; i < v->u.array.n; i++)
			value_append(copy, escape(v->u.array.items[i]));
		return copy;
	case VALUE_OBJECT:
		copy = value_object();
		for (size_t i = 0; i < v->u.object.n; i++)
			value_add(copy, v->u.object.members[i].key,
				  escape(v->u.object.members[i].value));
		return copy;
	default:
		return value_copy(v);
	}
}

static struct value *
hide_members(const struct setting *s, const struct value *now,
	     const struct value *written)
{
	struct value *shown = value_object();

	for (size_t i = 0; i < now->u.object.n; i++) {
		const struct value_member *m = &now->u.object.members[i];
		const struct value *source = value_get(written, m->key);

		value_add(shown, m->key,
			  setting_is_reference(source) ? value_copy(source) :
			  s->type == SETTING_SECRETS   ? value_string(HIDDEN) :
							 escape(m->value));
	}
	return shown;
}

static struct value *
hide_user(const char *url)
{
	const char *user = setting_url_user(url);
	_free_ char *shown = xasprintf("%.*s" HIDDEN "%s", (int)(user - url),
				       url, strchr(user, '@'));

	return value_string(shown);
}

struct value *
setting_shown(const struct setting *s, const void *base,
	      const struct value *written)
{
	_value_ struct value *now = setting_value(s, base);

	if (!now)
		return NULL;
	if (s->type == SETTING_LABELS || s->type == SETTING_ROLES ||
	    s->type == SETTING_SECRETS)
		return hide_members(s, now, written);
	if (setting_is_reference(written))
		return value_copy(written);
	if (s->type == SETTING_SECRET)
		return value_string(HIDDEN);
	if (s->type == SETTING_URL && setting_url_user(now->u.string.s))
		return hide_user(now->u.string.s);
	return escape(now);
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

/* Open the sections of `path` that were not open for the one before. */
static void
open_sections(const char *path, const char *before, size_t depth,
	      struct buf *out)
{
	for (const char *p = path, *dot; (dot = strchr(p, '.'));
	     p = dot + 1, depth++) {
		if (strncmp(before, path, (size_t)(dot - path) + 1) == 0)
			continue;
		indent(depth, out);
		buf_addf(out, "%.*s:\n", (int)(dot - p), p);
	}
}

/* --- config show -------------------------------------------------------- */

/* "name: value", without the end of the line; false where it is not set. */
static bool
show_value(const struct setting *s, const void *base,
	   const struct value *written, struct buf *out)
{
	_value_ struct value *v = setting_shown(s, base, written);

	if (!v)
		return false;
	buf_addf(out, "%s: ", setting_name(s));
	setting_add_yaml(v, out);
	return true;
}

/* What is in the file: the defaults of every job would bury it. */
static void
show_job(const struct config_job *j, struct buf *out)
{
	const char *before = "";

	indent(1, out);
	setting_add_text(j->name, out);
	buf_adds(out, ":\n");
	for (size_t i = 0; i < job_settings.n; i++) {
		const struct setting *s = &job_settings.rows[i];

		if (!(j->given & 1U << i))
			continue;
		open_sections(s->path, before, 2, out);
		indent(2 + depth_of(s->path), out);
		show_value(s, j, value_get(j->written, s->path), out);
		buf_addc(out, '\n');
		before = s->path;
	}
}

static void
show_jobs(const struct config *c, struct buf *out)
{
	if (c->jobs.n)
		buf_adds(out, "jobs:\n");
	else
		buf_addf(out, "jobs: {}%s\n",
			 value_get(c->given, "jobs") ? "" : " # default");
	for (size_t i = 0; i < c->jobs.n; i++)
		show_job(&c->jobs.items[i], out);
}

/* Likewise; what is there first has a dash before it. */
static void
show_destination(const struct config_destination *d, struct buf *out)
{
	const char *before = "";

	indent(1, out);
	buf_adds(out, "- name: ");
	setting_add_text(d->name, out);
	buf_addc(out, '\n');
	for (size_t i = 1; i < destination_settings.n; i++) {
		const struct setting *s = &destination_settings.rows[i];

		if (!(d->given & 1U << i))
			continue;
		open_sections(s->path, before, 2, out);
		indent(2 + depth_of(s->path), out);
		show_value(s, d, value_get(d->written, s->path), out);
		buf_addc(out, '\n');
		before = s->path;
	}
}

static void
show_destinations(const struct config *c, struct buf *out)
{
	if (c->forward.n)
		buf_adds(out, "forward:\n");
	else
		buf_addf(out, "forward: []%s\n",
			 value_get(c->given, "forward") ? "" : " # default");
	for (size_t i = 0; i < c->forward.n; i++)
		show_destination(&c->forward.items[i], out);
}

static void
show_setting(const struct setting *s, const struct config *c, struct buf *out)
{
	const struct value *given = value_get(c->given, s->path);

	if (s->type == SETTING_JOBS) {
		show_jobs(c, out);
		return;
	}
	if (s->type == SETTING_DESTINATIONS) {
		show_destinations(c, out);
		return;
	}
	indent(depth_of(s->path), out);
	if (show_value(s, c, given, out))
		buf_adds(out, given ? "\n" : " # default\n");
	else
		buf_addf(out, "# %s: %s\n", setting_name(s), s->without);
}

void
config_show(const struct config *c, struct buf *out)
{
	_buf_ struct buf file = { 0 };
	const char *before = "";

	buf_adds(&file, c->file ? c->file : "the built-in defaults");
	for (char *p = file.data; *p; p++)
		*p = (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p;
	buf_addf(out, "# %s\n", file.data);
	for (size_t i = 0; i < agent_settings.n; i++) {
		const struct setting *s = &agent_settings.rows[i];

		open_sections(s->path, before, 0, out);
		show_setting(s, c, out);
		before = s->path;
	}
}

/* --- config show --json ------------------------------------------------- */

static const char *
unit_suffix(const struct setting *s)
{
	return s->type == SETTING_DURATION ? "_ms" :
	       s->type == SETTING_SIZE	   ? "_bytes" :
					     "";
}

static struct value *
json_value(const struct setting *s, const void *base,
	   const struct value *written)
{
	_value_ struct value *v = setting_shown(s, base, written);
	const char *at = (const char *)base + s->offset;

	if (!v)
		return value_null();
	if (*unit_suffix(s) && !setting_is_reference(v))
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

static void
add_json(const struct setting *s, const void *base, const struct value *written,
	 struct value *root)
{
	_free_ char *key = xasprintf("%s%s", setting_name(s), unit_suffix(s));

	value_set(parent_of(s, root), key, json_value(s, base, written));
}

/* All of it, defaults too: what reads this wants no second table. */
static struct value *
table_value(const struct setting_table *t, const void *base,
	    const struct value *written)
{
	struct value *root = value_object();

	for (size_t i = 0; i < t->n; i++)
		add_json(&t->rows[i], base, value_get(written, t->rows[i].path),
			 root);
	return root;
}

struct value *
config_destination_value(const struct config_destination *d)
{
	struct value *root = value_object();

	for (size_t i = 0; i < destination_settings.n; i++) {
		const struct setting *s = &destination_settings.rows[i];
		const char *at = (const char *)d + s->offset;
		_free_ char *key =
			xasprintf("%s%s", setting_name(s), unit_suffix(s));
		struct value *v =
			*unit_suffix(s) ?
				value_int(*(const int64_t *)(const void *)at) :
				setting_value(s, d);

		value_set(parent_of(s, root), key, v ? v : value_null());
	}
	return root;
}

struct value *
config_to_value(const struct config *c)
{
	struct value *root = value_object();
	struct value *jobs, *forward;

	value_set(root, "file", c->file ? value_string(c->file) : value_null());
	for (size_t i = 0; i < agent_settings.n; i++) {
		const struct setting *s = &agent_settings.rows[i];

		if (s->type != SETTING_JOBS && s->type != SETTING_DESTINATIONS)
			add_json(s, c, value_get(c->given, s->path), root);
	}
	jobs = value_set(root, "jobs", value_object());
	for (size_t i = 0; i < c->jobs.n; i++) {
		const struct config_job *j = &c->jobs.items[i];

		value_add(jobs, j->name,
			  table_value(&job_settings, j, j->written));
	}
	forward = value_set(root, "forward", value_array());
	for (size_t i = 0; i < c->forward.n; i++) {
		const struct config_destination *d = &c->forward.items[i];

		value_append(forward,
			     table_value(&destination_settings, d, d->written));
	}
	return root;
}
