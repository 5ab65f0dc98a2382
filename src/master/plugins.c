#include "master/plugins.h"

#include <sys/stat.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "worker/launch.h"

/* What is asked for by path is the client's choice: it is not kept for ever. */
#define KNOWN_MAX 1024
/*
 * A file's time of change is no finer than the kernel's clock tick: what was
 * changed this recently may change again without showing it.
 */
#define SETTLED_MS 20

struct known {
	TAILQ_ENTRY(known) link; /* the one used last comes first */
	char *source;
	struct version *version;
	uint64_t mark;	 /* 0: must be read again */
	uint64_t looked; /* the turn */
};

/* --- Versions ----------------------------------------------------------- */

struct version *
version_ref(struct version *v)
{
	v->refs++;
	return v;
}

void
version_unref(struct version *v)
{
	if (!v || --v->refs)
		return;
	plugin_release(&v->plugin);
	strv_release(&v->difference);
	launch_unref(v->launch);
	free(v);
}

void
version_unrefp(struct version **v)
{
	version_unref(*v);
}

struct launch *
version_launch(struct version *v, const struct setup *s,
	       const struct value *params, struct err *e)
{
	if (!launch_ahead(&v->plugin.manifest))
		return launch_new(&v->program, &s->runtime, params, e);
	if (!v->launch)
		v->launch = launch_new(&v->program, &s->runtime, NULL, e);
	return v->launch ? launch_ref(v->launch) : NULL;
}

/* --- Whether anything has changed --------------------------------------- */

struct look {
	uint64_t mark; /* FNV-1a, 64 bits */
	int64_t newest_ms;
	const char *file; /* that was looked at last; borrowed */
	size_t folder;	  /* length of its folder's name */
};

static void
mix(struct look *l, uint64_t x)
{
	for (int i = 0; i < 8; i++, x >>= 8)
		l->mark = (l->mark ^ (x & 255)) * UINT64_C(0x100000001b3);
}

static void
look_at(struct look *l, const char *path)
{
	struct stat st;
	int64_t changed;

	if (lstat(path, &st) < 0) {
		mix(l, 0);
		return;
	}
	changed = (int64_t)st.st_ctim.tv_sec * 1000 +
		  st.st_ctim.tv_nsec / 1000000;
	if (changed > l->newest_ms)
		l->newest_ms = changed;
	mix(l, st.st_dev);
	mix(l, st.st_ino);
	mix(l, (uint64_t)st.st_size);
	mix(l, (uint64_t)st.st_ctim.tv_sec);
	mix(l, (uint64_t)st.st_ctim.tv_nsec);
}

/*
 * A file, and the folder it is in, where others may come beside it.  A plugin
 * is most often one file, which is its program, its header and all it has.
 */
static void
look_with_folder(struct look *l, const char *path)
{
	size_t folder = (size_t)(strrchr(path, '/') - path);

	if (l->file && strcmp(l->file, path) == 0)
		return;
	look_at(l, path);
	if (!l->file || l->folder != folder ||
	    strncmp(l->file, path, folder) != 0) {
		_free_ char *name = xstrndup(path, folder);

		look_at(l, name);
	}
	l->file = path;
	l->folder = folder;
}

static void
look_at_grant(struct look *l, const char *folder, const char *name)
{
	_free_ char *path = xasprintf("%s/%s.yaml", folder, name);

	look_at(l, path);
}

/* 0 where something is no older than `since_ms`. */
static uint64_t
take_mark(const struct setup *s, const struct plugin *p, int64_t since_ms)
{
	struct look l = { .mark = UINT64_C(0xcbf29ce484222325) };

	look_with_folder(&l, p->path);
	look_with_folder(&l, p->header_file);
	for (size_t i = 0; i < p->files.n; i++)
		look_with_folder(&l, p->files.items[i]);
	look_at_grant(&l, s->grants, p->name);
	look_at_grant(&l, s->shipped_grants, p->name);
	return l.newest_ms + SETTLED_MS > since_ms ? 0 : l.mark | 1;
}

/* --- The known ones ----------------------------------------------------- */

void
plugins_init(struct plugins *ps, const struct setup *setup,
	     const uint64_t *turn)
{
	*ps = (struct plugins){ .setup = setup, .turn = turn };
	TAILQ_INIT(&ps->known);
}

static void
drop(struct plugins *ps, struct known *k)
{
	TAILQ_REMOVE(&ps->known, k, link);
	ps->n--;
	version_unref(k->version);
	free(k->source);
	free(k);
}

void
plugins_release(struct plugins *ps)
{
	struct known *k, *next;

	for (k = TAILQ_FIRST(&ps->known); k; k = next) {
		next = TAILQ_NEXT(k, link);
		drop(ps, k);
	}
}

void
plugins_forget(struct plugins *ps, const struct setup *setup)
{
	struct known *k;

	ps->setup = setup;
	TAILQ_FOREACH(k, &ps->known, link)
	k->mark = k->looked = 0;
}

static struct known *
find(struct plugins *ps, const char *source)
{
	struct known *k;

	TAILQ_FOREACH(k, &ps->known, link)
	if (strcmp(k->source, source) == 0)
		return k;
	return NULL;
}

static int
read_version(struct plugins *ps, const char *source, struct version **out,
	     struct err *e)
{
	_version_ struct version *v = xcalloc(1, sizeof(*v));

	v->refs = 1;
	if (setup_find(ps->setup, source, &v->plugin, e) < 0)
		return -1;
	v->program = setup_program(&v->plugin);
	setup_check_grant(ps->setup, &v->plugin, &v->difference, &v->refused);
	*out = steal_ptr(&v);
	return 0;
}

/* The same files and the same right to run: workers may go on. */
static bool
is_same(const struct version *a, const struct version *b)
{
	return strcmp(a->plugin.sha256, b->plugin.sha256) == 0 &&
	       strcmp(a->plugin.path, b->plugin.path) == 0 &&
	       a->refused.kind == b->refused.kind;
}

static void
take_version(struct plugins *ps, struct known *k, struct version *v)
{
	struct version *old = k->version;

	if (old && is_same(old, v)) {
		version_unref(v);
		return;
	}
	k->version = v;
	if (old && ps->replaced)
		ps->replaced(ps->arg, k->source, old);
	version_unref(old);
}

static struct known *
add_known(struct plugins *ps, const char *source)
{
	struct known *k = xcalloc(1, sizeof(*k));

	if (ps->n >= KNOWN_MAX)
		drop(ps, TAILQ_LAST(&ps->known, known_list));
	k->source = xstrdup(source);
	TAILQ_INSERT_HEAD(&ps->known, k, link);
	ps->n++;
	return k;
}

static bool
is_current(const struct plugins *ps, const struct known *k)
{
	return k &&
	       (k->looked == *ps->turn ||
		(k->mark && k->mark == take_mark(ps->setup, &k->version->plugin,
						 INT64_MAX)));
}

int
plugins_get(struct plugins *ps, const char *source, struct version **out,
	    struct err *e)
{
	struct known *k = find(ps, source);
	int64_t since_ms = clock_real_ms();
	struct version *v;

	if (!is_current(ps, k)) {
		if (k)
			k->mark = k->looked = 0;
		if (read_version(ps, source, &v, e) < 0)
			return -1;
		if (!k)
			k = add_known(ps, source);
		take_version(ps, k, v);
		k->mark = take_mark(ps->setup, &k->version->plugin, since_ms);
	}
	k->looked = *ps->turn;
	*out = version_ref(k->version);
	return 0;
}
