#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "cli/trace.h"
#include "plugin/items.h"

/* What a header's list holds at most. */
#define MAX_LIST 64
/* That many of a folder's files are the folder. */
#define FOLD_AT 10

static const struct {
	const char *name;
	size_t offset;
	field_item_fn *check;
} keys[] = {
	[TRACE_READ] = { "read", offsetof(struct permissions, read),
			 item_path },
	[TRACE_WRITE] = { "write", offsetof(struct permissions, write),
			  item_path },
	[TRACE_EXEC] = { "exec", offsetof(struct permissions, exec),
			 item_program },
	[TRACE_NETWORK] = { "network", offsetof(struct permissions, network),
			    item_network },
	[TRACE_CAPABILITIES] = { "capabilities",
				 offsetof(struct permissions, capabilities),
				 item_capability },
};

const char *
trace_key_name(enum trace_key key)
{
	return keys[key].name;
}

static const struct strv *
list_of(const struct permissions *p, enum trace_key key)
{
	return (const struct strv *)((const char *)p + keys[key].offset);
}

static void
item_release(struct trace_item *i)
{
	free(i->text);
	free(i->real);
}

void
trace_release(struct trace *t)
{
	for (size_t i = 0; i < t->n_items; i++)
		item_release(&t->items[i]);
	for (size_t i = 0; i < t->n_uses; i++)
		free(t->uses[i].path);
	free(t->items);
	free(t->uses);
	strv_release(&t->made);
	strv_release(&t->temporary);
	strv_release(&t->looked);
	strv_release(&t->closed);
	strv_release(&t->hinted);
	strv_release(&t->remarks);
	strv_release(&t->real_libraries);
}

struct trace_item *
trace_find(const struct trace *t, enum trace_key key, const char *text)
{
	for (size_t i = 0; i < t->n_items; i++)
		if (t->items[i].key == key &&
		    strcmp(t->items[i].text, text) == 0)
			return &t->items[i];
	return NULL;
}

/* A folder's item shows what is below it, but not what links lead to. */
static bool
covers(const struct trace_item *i, const char *text, const char *real)
{
	/* nothing but itself shows what /proc has besides processes */
	if (strcmp(i->text, "/") == 0 && path_is_below(text, "/proc"))
		return false;
	return i->real && real && path_is_below(text, i->text) &&
	       path_is_below(real, i->real);
}

/* Shown already, as a part of something else. */
static struct trace_item *
find_wider(const struct trace *t, enum trace_key key, const char *text,
	   const char *real)
{
	for (size_t i = 0; i < t->n_items; i++) {
		struct trace_item *item = &t->items[i];

		/* which only has to be there */
		if (item->trial || item->place)
			continue;
		if ((item->key == key ||
		     (key == TRACE_READ && item->key == TRACE_WRITE)) &&
		    covers(item, text, real))
			return item;
	}
	return NULL;
}

/* A name that no header can hold is not asked for. */
static bool
can_be_asked(enum trace_key key, const char *text)
{
	_free_ char *normal = NULL;
	struct err e = ERR_INIT;

	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	return keys[key].check(text, &normal, &e) == 0;
}

bool
trace_need(struct trace *t, enum trace_key key, const char *text,
	   const char *real, bool forever)
{
	struct trace_item *item = trace_find(t, key, text);

	if (!item && real && key != TRACE_EXEC)
		item = find_wider(t, key, text, real);
	if (item) {
		item->used = true;
		item->forever |= forever;
		if (!forever)
			item->trial = item->place = false;
		return false;
	}
	if (!can_be_asked(key, text) ||
	    (key == TRACE_READ && t->processes_host &&
	     path_is_below(text, "/proc")))
		return false;
	if (t->n_items % 64 == 0)
		t->items =
			xrealloc(t->items, t->n_items + 64, sizeof(*t->items));
	t->items[t->n_items++] = (struct trace_item){
		.key = key,
		.text = xstrdup(text),
		.real = real ? xstrdup(real) : NULL,
		.used = true,
		.forever = forever,
	};
	return true;
}

/* --- After the last run --------------------------------------------------- */

static void
drop(struct trace *t, size_t i)
{
	item_release(&t->items[i]);
	memmove(&t->items[i], &t->items[i + 1],
		(--t->n_items - i) * sizeof(*t->items));
}

void
trace_forget(struct trace *t, enum trace_key key, const char *text)
{
	struct trace_item *item = trace_find(t, key, text);

	if (item)
		drop(t, (size_t)(item - t->items));
}

/* "/bin/grep" shows "grep" too: it is the same, and found in PATH. */
static bool
same_program(const struct trace_item *name, const struct trace_item *path)
{
	return name->key == TRACE_EXEC && path->key == TRACE_EXEC &&
	       name->text[0] != '/' && path->text[0] == '/' && name->real &&
	       path->real && strcmp(name->real, path->real) == 0;
}

/* A folder that only had to be there is, if something is in it. */
static bool
makes_place(const struct trace_item *other, const struct trace_item *folder)
{
	return folder->place && other->real && folder->real &&
	       path_is_below(other->text, folder->text);
}

static bool
is_superfluous(const struct trace *t, size_t i)
{
	const struct trace_item *item = &t->items[i];

	if (!item->used && !item->forever)
		return true;
	if (item->key == TRACE_READ && t->processes_host &&
	    path_is_below(item->text, "/proc"))
		return true;
	if (item->key == TRACE_NETWORK && strcmp(item->text, "host") != 0 &&
	    trace_find(t, TRACE_NETWORK, "host"))
		return true;
	if (item->key == TRACE_EXEC && strcmp(item->text, "*") != 0 &&
	    trace_find(t, TRACE_EXEC, "*"))
		return true;
	for (size_t k = 0; k < t->n_items; k++) {
		const struct trace_item *other = &t->items[k];

		if (k == i)
			continue;
		if (same_program(item, other) || makes_place(other, item))
			return true;
		if (item->key > TRACE_WRITE ||
		    !covers(other, item->text, item->real))
			continue;
		if (other->key == item->key ||
		    (item->key == TRACE_READ && other->key == TRACE_WRITE) ||
		    (item->key == TRACE_READ && other->key == TRACE_EXEC))
			return true;
	}
	return false;
}

void
trace_settle(struct trace *t, bool helped)
{
	for (size_t i = 0; i < t->n_items;) {
		struct trace_item *item = &t->items[i];

		if (item->trial && !helped) {
			drop(t, i);
			continue;
		}
		item->place |= item->trial;
		item->trial = false;
		i++;
	}
}

static size_t
count(const struct trace *t, enum trace_key key)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_items; i++)
		n += t->items[i].key == key;
	return n;
}

/* The folder of a file that no link leads to; false where one does. */
static bool
folder_of(const struct trace_item *i, char **text, char **real)
{
	const char *slash = strrchr(i->text, '/');
	const char *end = i->real ? strrchr(i->real, '/') : NULL;

	/* not a folder of the root itself: that is a lot */
	if (!end || slash == i->text || strchr(i->text + 1, '/') == slash ||
	    strcmp(slash, end) != 0)
		return false;
	*text = xstrndup(i->text, (size_t)(slash - i->text));
	*real = xstrndup(i->real, (size_t)(end - i->real));
	return true;
}

/* Replace the files of one folder by the folder; false: none has as many. */
static bool
fold_one(struct trace *t, size_t least)
{
	for (size_t i = 0; i < t->n_items; i++) {
		_free_ char *text = NULL, *real = NULL;
		size_t n = 0;

		if (t->items[i].key != TRACE_READ ||
		    !folder_of(&t->items[i], &text, &real))
			continue;
		for (size_t k = 0; k < t->n_items; k++) {
			const struct trace_item *other = &t->items[k];

			n += other->key == TRACE_READ && other->real &&
			     path_is_below(other->text, text) &&
			     path_is_below(other->real, real);
		}
		if (n < least)
			continue;
		trace_need(t, TRACE_READ, text, real, true);
		return true;
	}
	return false;
}

static void
prune(struct trace *t)
{
	for (size_t i = 0; i < t->n_items;)
		if (is_superfluous(t, i))
			drop(t, i);
		else
			i++;
}

void
trace_fold(struct trace *t, size_t least)
{
	while (fold_one(t, least))
		prune(t);
}

static int
by_text(const void *a, const void *b)
{
	const struct trace_item *x = a, *y = b;

	return x->key != y->key ? (int)x->key - (int)y->key :
				  strcmp(x->text, y->text);
}

void
trace_finish(struct trace *t)
{
	prune(t);
	trace_fold(t, FOLD_AT);
	for (size_t least = FOLD_AT; least > 1; least--)
		if (count(t, TRACE_READ) > MAX_LIST)
			trace_fold(t, least);
	if (count(t, TRACE_NETWORK) > MAX_LIST)
		trace_need(t, TRACE_NETWORK, "host", NULL, true);
	if (count(t, TRACE_EXEC) > MAX_LIST)
		trace_need(t, TRACE_EXEC, "*", NULL, true);
	prune(t);
	if (t->n_items)
		qsort(t->items, t->n_items, sizeof(*t->items), by_text);
}

/* --- The block ------------------------------------------------------------ */

void
trace_permissions(const struct trace *t, struct permissions *p)
{
	memset(p, 0, sizeof(*p));
	for (size_t i = 0; i < t->n_items; i++)
		strv_add((struct strv *)list_of(p, t->items[i].key),
			 t->items[i].text);
	strv_copy(&p->env, &t->asked->env);
	strv_copy(&p->secrets, &t->asked->secrets);
	p->processes_host = t->processes_host;
	p->user = t->asked->user ? xstrdup(t->asked->user) : NULL;
}

static void
set_list(struct value *v, const char *key, const struct strv *list)
{
	struct value *array;

	if (!list->n)
		return;
	array = value_set(v, key, value_array());
	for (size_t i = 0; i < list->n; i++)
		value_append(array, value_string(list->items[i]));
}

struct value *
trace_value(const struct permissions *p)
{
	struct value *v = value_object();

	for (int k = 0; k < TRACE_KEYS; k++)
		set_list(v, keys[k].name, list_of(p, k));
	if (p->processes_host)
		value_set(v, "processes", value_string("host"));
	set_list(v, "env", &p->env);
	set_list(v, "secrets", &p->secrets);
	if (p->user)
		value_set(v, "user", value_string(p->user));
	return v;
}
