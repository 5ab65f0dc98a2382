/* The list of destinations: reading, and what goes with what. */
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/parts.h"
#include "model/units.h"

#define DESTINATIONS_MAX 64

struct load {
	struct config_destination *d;
	struct setting_place place;
	const struct value *map; /* as in the file */
};

/* --- Life ------------------------------------------------------------------
 */

static void
release_destination(struct config_destination *d)
{
	for (size_t i = 0; i < destination_settings.n; i++)
		setting_release(&destination_settings.rows[i], d);
	value_free(d->written);
}

void
destinations_release(struct config_destinations *all)
{
	for (size_t i = 0; i < all->n; i++)
		release_destination(&all->items[i]);
	free(all->items);
	memset(all, 0, sizeof(*all));
}

bool
config_destination_equal(const struct config_destination *a,
			 const struct config_destination *b)
{
	for (size_t i = 0; i < destination_settings.n; i++)
		if (!setting_equal(&destination_settings.rows[i], a, b))
			return false;
	return true;
}

const struct config_destination *
config_find_destination(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->forward.n; i++)
		if (strcmp(c->forward.items[i].name, name) == 0)
			return &c->forward.items[i];
	return NULL;
}

bool
config_destination_wants(const struct config_destination *d, const char *job)
{
	const struct value *jobs = d->select.jobs;

	for (size_t i = 0; i < jobs->u.array.n; i++)
		if (fnmatch(jobs->u.array.items[i]->u.string.s, job, 0) == 0)
			return true;
	return false;
}

/* --- Settings --------------------------------------------------------------
 */

static int
load_row(void *arg, const struct setting *s, const struct value_member *m,
	 struct err *e)
{
	struct load *l = arg;

	if (setting_store(s, m->value, &l->place, e) < 0)
		return -1;
	l->d->given |= 1U << (s - destination_settings.rows);
	if (setting_is_reference(m->value)) {
		if (!l->d->written)
			l->d->written = value_object();
		value_add(l->d->written, s->path, value_copy(m->value));
	}
	return 0;
}

/* --- What goes with what ---------------------------------------------------
 */

/* Where the setting stands, or the destination where it does not. */
static void
place_of(const struct load *l, const char *path, int *line, int *col)
{
	const struct value *at = l->map;

	*line = at->line;
	*col = at->col;
	while (path && *path) {
		size_t n = strcspn(path, ".");
		_free_ char *key = xstrndup(path, n);
		int i = value_index(at, key);

		if (i < 0)
			return;
		*line = at->u.object.members[i].line;
		*col = at->u.object.members[i].col;
		at = at->u.object.members[i].value;
		path += n + (path[n] == '.');
	}
}

__attribute__((format(printf, 4, 5))) static int
fail_at(const struct load *l, const char *path, struct err *e, const char *fmt,
	...)
{
	char what[400];
	int line, col;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	place_of(l, path, &line, &col);
	return err_set(e, ERR_USAGE, "%d:%d: %s%s: %s", line, col,
		       l->place.name, path, what);
}

static int
check_required(const struct load *l, struct err *e)
{
	if (!l->d->name)
		return fail_at(l, "name", e, "it has none");
	if (!l->d->url)
		return fail_at(l, "url", e, "it has none");
	return 0;
}

static int
check_url(const struct load *l, struct err *e)
{
	const struct config_destination *d = l->d;
	const char *tls = d->tls.ca   ? "tls.ca" :
			  d->tls.cert ? "tls.cert" :
			  d->tls.key  ? "tls.key" :
					NULL;

	if (setting_url_user(d->url)) {
		fail_at(l, "url", e, "a user's name or password in it");
		return err_hint(e, "write them as auth.basic");
	}
	if (strncmp(d->url, "http", 4) != 0)
		return fail_at(l, "url", e,
			       "expected http:// or https:// at its start");
	if (tls && strncmp(d->url, "https:", 6) != 0)
		return fail_at(l, tls, e, "goes with an https:// url");
	return 0;
}

/* Both or neither. */
static int
check_pair(const struct load *l, const char *a, const void *is_a, const char *b,
	   const void *is_b, struct err *e)
{
	if (!is_a == !is_b)
		return 0;
	return fail_at(l, is_a ? a : b, e, "goes with %s", is_a ? b : a);
}

/* Nobody may end a header, and begin another one. */
static int
check_headers(const struct load *l, struct err *e)
{
	const struct value *h = l->d->auth.headers;

	for (size_t i = 0; h && i < h->u.object.n; i++) {
		const struct value_member *m = &h->u.object.members[i];

		for (const char *c = m->value->u.string.s; *c; c++)
			if ((unsigned char)*c < 0x20 || *c == 0x7f)
				return fail_at(l, "auth.headers", e,
					       "a control character in %s",
					       m->key);
	}
	return 0;
}

static int
check_auth(const struct load *l, struct err *e)
{
	const struct config_destination *d = l->d;

	if (check_pair(l, "auth.basic.user", d->auth.user,
		       "auth.basic.password", d->auth.password, e) < 0 ||
	    check_pair(l, "tls.cert", d->tls.cert, "tls.key", d->tls.key, e) <
		    0)
		return -1;
	if (d->auth.bearer && d->auth.user)
		return fail_at(l, "auth.bearer", e,
			       "a destination has bearer or basic, and this "
			       "one has both");
	return check_headers(l, e);
}

static int
check_unique(const struct config_destinations *all, const struct load *l,
	     struct err *e)
{
	for (const struct config_destination *d = all->items; d < l->d; d++)
		if (strcmp(d->name, l->d->name) == 0)
			return fail_at(l, "name", e,
				       "another destination is called so");
	return 0;
}

/* --- Destinations ----------------------------------------------------------
 */

/* "forward.central.", or "forward[1]." of one without a proper name. */
static char *
name_of(const struct value *map, size_t i)
{
	const char *name = value_get_string(map, "name", "");

	if (units_is_name(name))
		return xasprintf("forward.%s.", name);
	return xasprintf("forward[%zu].", i);
}

static int
load_destination(struct config *c, const struct value *map, size_t i,
		 struct err *e)
{
	_free_ char *name = name_of(map, i);
	struct load l = {
		.d = &c->forward.items[i],
		.place = { &c->forward.items[i], name, c->folder, &c->secrets },
		.map = map,
	};

	for (size_t k = 0; k < destination_settings.n; k++)
		setting_reset(&destination_settings.rows[k], l.d);
	c->forward.n++;
	if (map->type != VALUE_OBJECT)
		return err_set(e, ERR_USAGE,
			       "%d:%d: forward[%zu]: expected a map of "
			       "settings",
			       map->line, map->col, i);
	if (setting_walk(&destination_settings, name, map, load_row, &l, e) <
		    0 ||
	    check_required(&l, e) < 0 || check_unique(&c->forward, &l, e) < 0 ||
	    check_url(&l, e) < 0)
		return -1;
	return check_auth(&l, e);
}

/* Whoever is on the way there can read what is to be kept from him. */
static void
warn_of_plain(const struct config *c, const struct config_destination *d,
	      const struct value *map, struct strv *warnings)
{
	static const char *const own[] = { "http://127.", "http://localhost",
					   "http://[::1]" };
	const struct value *url = value_get(map, "url");

	if (strncmp(d->url, "http:", 5) != 0 ||
	    (!d->auth.bearer && !d->auth.password && !d->auth.headers))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (strncmp(d->url, own[i], strlen(own[i])) == 0)
			return;
	strv_addf(warnings,
		  "%s:%d:%d: forward.%s.url: what is below auth goes there "
		  "unencrypted",
		  c->name, url->line, url->col, d->name);
}

int
destinations_load(struct config *c, const struct value *v,
		  struct strv *warnings, struct err *e)
{
	size_t n = v->type == VALUE_ARRAY ? v->u.array.n : 0;

	if (v->type != VALUE_ARRAY && v->type != VALUE_NULL)
		return err_set(e, ERR_USAGE,
			       "%d:%d: forward: expected a list of "
			       "destinations, found a %s",
			       v->line, v->col,
			       v->type == VALUE_OBJECT ? "map" : "value");
	if (n > DESTINATIONS_MAX)
		return err_set(e, ERR_USAGE,
			       "%d:%d: forward: more than %d destinations",
			       v->line, v->col, DESTINATIONS_MAX);
	c->forward.items = xcalloc(n + 1, sizeof(*c->forward.items));
	for (size_t i = 0; i < n; i++) {
		const struct value *map = v->u.array.items[i];

		if (load_destination(c, map, i, e) < 0)
			return -1;
		warn_of_plain(c, &c->forward.items[i], map, warnings);
	}
	return 0;
}
