/* Finding rows, and walking through a file's maps by them. */
#include "config/settings.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/units.h"

const struct setting *
setting_find(const struct setting_table *t, const char *path)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->rows[i].path, path) == 0)
			return &t->rows[i];
	return NULL;
}

/* What follows "SECTION." in a path; NULL where it is not below. */
static const char *
below(const char *section, const char *path)
{
	size_t n = strlen(section);

	if (n == 0)
		return path;
	return strncmp(path, section, n) == 0 && path[n] == '.' ? path + n + 1 :
								  NULL;
}

bool
setting_is_section(const struct setting_table *t, const char *path)
{
	for (size_t i = 0; i < t->n; i++)
		if (below(path, t->rows[i].path))
			return true;
	return false;
}

const char *
setting_name(const struct setting *s)
{
	const char *dot = strrchr(s->path, '.');

	return dot ? dot + 1 : s->path;
}

/* The keys right below a section. */
static void
add_keys(const struct setting_table *t, const char *section, struct strv *keys)
{
	for (size_t i = 0; i < t->n; i++) {
		const char *rest = below(section, t->rows[i].path);
		_free_ char *key = NULL;

		if (!rest)
			continue;
		key = xstrndup(rest, strcspn(rest, "."));
		strv_add_once(keys, key);
	}
}

/* A setting that is called so, but stands in another section. */
static const char *
find_elsewhere(const struct setting_table *t, const char *key)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(setting_name(&t->rows[i]), key) == 0)
			return t->rows[i].path;
	return NULL;
}

static int
hint_keys(const struct strv *keys, struct err *e)
{
	_buf_ struct buf b = { 0 };

	for (size_t i = 0; i < keys->n; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", keys->items[i]);
	return err_hint(e, "known here: %s", b.data);
}

/* "jobs.a." and "retry" are "jobs.a.retry"; "jobs.a." and "" are "jobs.a". */
static char *
place_of(const char *name, const char *section)
{
	_buf_ struct buf b = { 0 };

	buf_addf(&b, "%s%s", name, section);
	if (b.len && b.data[b.len - 1] == '.')
		b.data[--b.len] = '\0';
	return buf_steal(&b);
}

int
setting_unknown(const struct setting_table *t, const char *name,
		const char *section, const struct value_member *key,
		struct err *e)
{
	_strv_ struct strv keys = { 0 };
	_free_ char *place = place_of(name, section);
	const char *in = *place ? " in " : "";
	const char *nearest;

	add_keys(t, section, &keys);
	nearest = units_nearest(key->key, (const char *const *)keys.items,
				keys.n);
	if (!nearest)
		nearest = find_elsewhere(t, key->key);
	if (nearest)
		return err_set(e, ERR_USAGE,
			       "%d:%d: unknown key '%.64s'%s%s; did you mean "
			       "'%s'?",
			       key->line, key->col, key->key, in, place,
			       nearest);
	err_set(e, ERR_USAGE, "%d:%d: unknown key '%.64s'%s%s", key->line,
		key->col, key->key, in, place);
	return hint_keys(&keys, e);
}

struct walk {
	const struct setting_table *t;
	const char *name;
	setting_fn *fn;
	void *arg;
	struct err *e;
};

static int walk_section(const struct walk *w, const char *section,
			const struct value *v);

static int
walk_member(const struct walk *w, const char *section,
	    const struct value_member *m)
{
	_free_ char *path =
		xasprintf("%s%s%s", section, *section ? "." : "", m->key);
	const struct setting *s = setting_find(w->t, path);

	if (strchr(m->key, '.'))
		s = NULL; /* a path is no key */
	else if (setting_is_section(w->t, path))
		return walk_section(w, path, m->value);
	if (s)
		return w->fn(w->arg, s, m, w->e);
	return setting_unknown(w->t, w->name, section, m, w->e);
}

/* A section may be empty: everything in it may be behind a #. */
static int
walk_section(const struct walk *w, const char *section, const struct value *v)
{
	_free_ char *place = NULL;

	if (v->type == VALUE_NULL)
		return 0;
	if (v->type != VALUE_OBJECT) {
		place = place_of(w->name, section);
		return err_set(w->e, ERR_USAGE,
			       "%d:%d: %s%sexpected a map of settings, found "
			       "%s",
			       v->line, v->col, place, *place ? ": " : "",
			       v->type == VALUE_ARRAY ? "a list" : "a value");
	}
	for (size_t i = 0; i < v->u.object.n; i++)
		if (walk_member(w, section, &v->u.object.members[i]) < 0)
			return -1;
	return 0;
}

int
setting_walk(const struct setting_table *t, const char *name,
	     const struct value *map, setting_fn *fn, void *arg, struct err *e)
{
	const struct walk w = { t, name, fn, arg, e };

	return walk_section(&w, "", map);
}
