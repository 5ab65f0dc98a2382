#include "plugin/library.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/units.h"
#include "plugin/library_parts.h"

/* --- One by its name ----------------------------------------------------- */

/* What the search for one name came to so far. */
struct search {
	const struct library *library;
	const char *root;
	const char *name;
	struct plugin found;
	struct strv names; /* of all others */
	size_t broken;
	struct err first; /* what is wrong with the first broken one */
};

static void
search_release(struct search *s)
{
	plugin_release(&s->found);
	strv_release(&s->names);
}

static int
found_one(struct search *s, struct plugin *p, struct err *e)
{
	if (s->found.name)
		return err_set(e, ERR_USAGE,
			       "two plugins are called %s: %s and %s", s->name,
			       s->found.path, p->path);
	s->found = *p;
	memset(p, 0, sizeof(*p));
	return 0;
}

static int
look_at(struct search *s, const char *rel, struct err *e)
{
	_cleanup_(plugin_release) struct plugin p = { 0 };
	struct err err = ERR_INIT;
	bool no_header;

	if (library_load(s->library, s->root, rel, &p, &no_header, &err) == 0) {
		if (strcmp(p.name, s->name) == 0)
			return found_one(s, &p, e);
		strv_add_once(&s->names, p.name);
	} else if (!(no_header && library_is_test(rel)) && !s->broken++) {
		s->first = err;
	}
	return 0;
}

static int
look_at_all(struct search *s, const struct strv *rels, struct err *e)
{
	for (size_t i = 0; i < rels->n; i++)
		if (look_at(s, rels->items[i], e) < 0)
			return -1;
	return 0;
}

static int
not_found(const struct search *s, struct err *e)
{
	const char *near = units_nearest(
		s->name, (const char *const *)s->names.items, s->names.n);

	if (near)
		err_set(e, ERR_NOT_FOUND, "no plugin %s; did you mean %s?",
			s->name, near);
	else
		err_set(e, ERR_NOT_FOUND, "no plugin %s in %s", s->name,
			s->root);
	if (s->broken)
		return err_hint(e,
				"`devops_agent plugin list` shows all, and "
				"what is wrong with %zu of them",
				s->broken);
	return err_hint(e, "`devops_agent plugin list` shows all");
}

/*
 * A file that is called like the plugin and is broken is what was meant, so
 * its error is the answer, not that there is no such plugin.
 */
static int
search(struct search *s, struct err *e)
{
	_strv_ struct strv likely = { 0 }, all = { 0 };

	if (library_likely(s->root, s->name, &likely, e) < 0 ||
	    look_at_all(s, &likely, e) < 0)
		return -1;
	if (s->found.name)
		return 0;
	if (s->broken) {
		*e = s->first;
		return -1;
	}
	if (library_scan(s->root, &all, e) < 0 || look_at_all(s, &all, e) < 0)
		return -1;
	return s->found.name ? 0 : not_found(s, e);
}

int
library_find(const struct library *l, const char *name, struct plugin *p,
	     struct err *e)
{
	_free_ char *root = NULL;
	_cleanup_(search_release) struct search s = { .library = l,
						      .name = name };

	if (!units_is_name(name)) {
		err_set(e, ERR_NOT_FOUND, "'%.80s' is no name of a plugin",
			name);
		return err_hint(e, "names are up to 64 lower case letters, "
				   "digits and '-'; `devops_agent plugin "
				   "check FILE` takes files");
	}
	root = library_root(l, e);
	s.root = root;
	if (!root || search(&s, e) < 0)
		return -1;
	*p = s.found;
	memset(&s.found, 0, sizeof(s.found));
	return 0;
}

/* --- All of them --------------------------------------------------------- */

static void
entry_release(struct plugin_entry *entry)
{
	free(entry->name);
	free(entry->path);
	plugin_release(&entry->plugin);
}

void
library_free_list(struct plugin_entry *list, size_t n)
{
	for (size_t i = 0; list && i < n; i++)
		entry_release(&list[i]);
	free(list);
}

/* python/collect_disk.py is most likely meant to be collect-disk. */
static char *
likely_name(const char *rel)
{
	const char *slash = strrchr(rel, '/');
	char *name = xstrdup(slash ? slash + 1 : rel), *dot;

	dot = strrchr(name, '.');
	if (dot && dot != name)
		*dot = '\0';
	for (char *p = name; *p; p++)
		*p = *p == '_' ? '-' : (char)tolower((unsigned char)*p);
	return name;
}

/* 1: it is filled; 0: the file is none of the list's business. */
static int
fill_entry(const struct library *l, const char *root, const char *rel,
	   struct plugin_entry *entry)
{
	struct err err = ERR_INIT;
	bool no_header;

	memset(entry, 0, sizeof(*entry));
	if (library_load(l, root, rel, &entry->plugin, &no_header, &err) == 0) {
		entry->name = xstrdup(entry->plugin.name);
		entry->path = xstrdup(entry->plugin.path);
		return 1;
	}
	if (no_header && library_is_test(rel))
		return 0;
	entry->name = likely_name(rel);
	entry->path = xasprintf("%s/%s", root, rel);
	entry->broken = true;
	entry->err = err;
	return 1;
}

static int
compare(const void *a, const void *b)
{
	const struct plugin_entry *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : strcmp(x->path, y->path);
}

static void
break_entry(struct plugin_entry *entry, const char *other)
{
	err_set(&entry->err, ERR_USAGE, "%s is called %s too", other,
		entry->name);
	plugin_release(&entry->plugin);
	entry->broken = true;
}

/* The path of another one of that name; broken ones' names do not count. */
static const char *
other_path(const struct plugin_entry *list, size_t n, size_t own)
{
	for (size_t i = 0; i < n; i++)
		if (i != own && !list[i].broken &&
		    strcmp(list[i].name, list[own].name) == 0)
			return list[i].path;
	return NULL;
}

static void
break_doubles(struct plugin_entry *list, size_t n)
{
	_free_ const char **others = xcalloc(n, sizeof(*others));

	for (size_t i = 0; i < n; i++)
		others[i] = list[i].broken ? NULL : other_path(list, n, i);
	for (size_t i = 0; i < n; i++)
		if (others[i])
			break_entry(&list[i], others[i]);
}

int
library_list(const struct library *l, struct plugin_entry **list, size_t *n,
	     struct err *e)
{
	_strv_ struct strv rels = { 0 };
	_free_ char *root = library_root(l, e);
	struct plugin_entry *entries;
	size_t count = 0;

	if (!root || library_scan(root, &rels, e) < 0)
		return -1;
	entries = xcalloc(rels.n, sizeof(*entries));
	for (size_t i = 0; i < rels.n; i++)
		count += (size_t)fill_entry(l, root, rels.items[i],
					    &entries[count]);
	qsort(entries, count, sizeof(*entries), compare);
	break_doubles(entries, count);
	*list = entries;
	*n = count;
	return 0;
}
