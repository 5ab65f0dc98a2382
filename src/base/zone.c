#include "base/zone.h"

#include <sys/stat.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/word.h"
#include "base/zone_file.h"

#define DATABASE "/usr/share/zoneinfo"
#define LOCAL_FILE "/etc/localtime"
#define NAME_MAX_LEN 100

static char utc_name[] = "UTC";
static const struct zone utc = { .name = utc_name };

/* What was read, newest first; never freed (see zone.h). */
static struct cached {
	struct cached *next;
	struct zone *zone;
	char *path;
	dev_t device;
	ino_t inode;
	struct timespec changed;
} * cache;

static const char *
database(void)
{
	const char *folder = getenv("TZDIR");

	return folder && *folder ? folder : DATABASE;
}

/*
 * No name has a dot, which keeps out "..", hidden files and the tables that lie
 * beside the zones.
 */
static bool
is_name(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && len <= NAME_MAX_LEN && s[0] != '/' &&
	       s[len - 1] != '/' && !strstr(s, "//") &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789_+-/") == len;
}

static struct cached *
find_cached(const char *path, const struct stat *st)
{
	for (struct cached *c = cache; c; c = c->next)
		if (strcmp(c->path, path) == 0 && c->device == st->st_dev &&
		    c->inode == st->st_ino &&
		    c->changed.tv_sec == st->st_ctim.tv_sec &&
		    c->changed.tv_nsec == st->st_ctim.tv_nsec)
			return c;
	return NULL;
}

static void
add_cached(const char *path, const struct stat *st, struct zone *zone)
{
	struct cached *c = xcalloc(1, sizeof(*c));

	c->path = xstrdup(path);
	c->zone = zone;
	c->device = st->st_dev;
	c->inode = st->st_ino;
	c->changed = st->st_ctim;
	c->next = cache;
	cache = c;
}

/* e->errnum says ENOENT or ENOTDIR where there is no such file. */
static int
open_file(const char *name, const char *path, const struct zone **out,
	  struct err *e)
{
	_buf_ struct buf data = { 0 };
	struct cached *known;
	struct zone *zone;
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(e, "time zone %.100s: %s", name, path);
	if (S_ISDIR(st.st_mode)) {
		errno = ENOENT;
		return err_errno(e, "time zone %.100s: a folder", name);
	}
	known = find_cached(path, &st);
	if (known) {
		*out = known->zone;
		return 0;
	}
	buf_init(&data, ZONE_FILE_MAX);
	if (file_read(path, &data, e) < 0)
		return err_wrap(e, "time zone %.100s", name);
	if (zone_decode(name, data.data, data.len, &zone, e) < 0)
		return err_hint(e, "is %s as the package tzdata installs it?",
				path);
	add_cached(path, &st, zone);
	*out = zone;
	return 0;
}

/* --- The nearest name
 */

struct nearest {
	char wanted[NAME_MAX_LEN + 1]; /* small letters, no spaces */
	char found[NAME_MAX_LEN + 1];
	unsigned distance;
	unsigned seen; /* names looked at: bounds the walk */
};

#define NAMES_MAX 10000
#define DEPTH_MAX 3

static void
fold(const char *name, char out[NAME_MAX_LEN + 1])
{
	size_t n = 0;

	for (; *name && n < NAME_MAX_LEN; name++)
		out[n++] = *name == ' ' ? '_' :
					  (char)tolower((unsigned char)*name);
	out[n] = '\0';
}

/* The city alone is near as well, if less so than with its continent. */
static void
compare(struct nearest *near, const char *name)
{
	char folded[NAME_MAX_LEN + 1];
	const char *city;
	unsigned d;

	fold(name, folded);
	city = strrchr(folded, '/');
	d = 2 * word_distance(near->wanted, folded);
	if (city && !strchr(near->wanted, '/') &&
	    2 * word_distance(near->wanted, city + 1) + 1 < d)
		d = 2 * word_distance(near->wanted, city + 1) + 1;
	if (d < near->distance ||
	    (d == near->distance && strcmp(name, near->found) < 0)) {
		near->distance = d;
		snprintf(near->found, sizeof(near->found), "%s", name);
	}
}

static void
walk(struct nearest *near, const char *prefix, unsigned depth)
{
	_free_ char *folder = xasprintf("%s/%s", database(), prefix);
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) && near->seen++ < NAMES_MAX) {
		_free_ char *name = xasprintf(
			"%s%s%s", prefix, *prefix ? "/" : "", entry->d_name);

		if (!is_name(name) || strcmp(name, "posix") == 0 ||
		    strcmp(name, "right") == 0)
			continue;
		if (entry->d_type != DT_DIR)
			compare(near, name);
		else if (depth < DEPTH_MAX)
			walk(near, name, depth + 1);
	}
	if (dir)
		closedir(dir);
}

static int
unknown(const char *name, struct err *e)
{
	struct nearest near = { .distance = UINT_MAX };

	fold(name, near.wanted);
	walk(&near, "", 1);
	if (!near.found[0]) {
		err_set(e, ERR_USAGE,
			"time zone %.100s: there are no time zones in %s", name,
			database());
		return err_hint(e, "install the package tzdata, or use UTC");
	}
	if (near.distance / 2 > strlen(near.wanted) / 3)
		return err_set(e, ERR_USAGE,
			       "unknown time zone '%.100s'; want "
			       "a name such as Europe/Berlin, UTC or local",
			       name);
	return err_set(e, ERR_USAGE,
		       "unknown time zone '%.100s'; did you mean %s?", name,
		       near.found);
}

static int
open_name(const char *name, const struct zone **out, struct err *e)
{
	_free_ char *path = NULL;

	if (strcmp(name, "UTC") == 0) {
		*out = &utc;
		return 0;
	}
	if (!is_name(name))
		return unknown(name, e);
	path = xasprintf("%s/%s", database(), name);
	if (open_file(name, path, out, e) == 0)
		return 0;
	if (e->errnum == ENOENT || e->errnum == ENOTDIR)
		return unknown(name, e);
	return -1;
}

/* --- The host's own zone
 */

/* The name of a file that is below the database, "local" elsewhere. */
static int
open_path(const char *path, const struct zone **out, struct err *e)
{
	_free_ char *folder = realpath(database(), NULL);
	_free_ char *real = realpath(path, NULL);
	size_t len = folder ? strlen(folder) : 0;

	if (len > 0 && real && strncmp(real, folder, len) == 0 &&
	    real[len] == '/' && is_name(real + len + 1))
		return open_file(real + len + 1, path, out, e);
	return open_file("local", path, out, e);
}

/* A rule is kept as a file is; its text is the path. */
static int
open_rule(const char *text, const struct zone **out, struct err *e)
{
	static const struct stat none;
	struct cached *known = find_cached(text, &none);
	struct zone_rule rule;

	if (!known) {
		if (!zone_rule_parse(text, &rule))
			return err_set(e, ERR_USAGE,
				       "TZ=%.100s is neither a time zone nor "
				       "a rule",
				       text);
		add_cached(text, &none, zone_of_rule("local", &rule));
		known = cache;
	}
	*out = known->zone;
	return 0;
}

static int
open_local(const struct zone **out, struct err *e)
{
	const char *tz = getenv("TZ");

	if (!tz) {
		if (access(LOCAL_FILE, F_OK) < 0)
			return open_name("UTC", out, e);
		return open_path(LOCAL_FILE, out, e);
	}
	if (*tz == ':')
		tz++;
	if (!*tz)
		return open_name("UTC", out, e);
	if (*tz == '/')
		return open_path(tz, out, e);
	if (strchr(tz, ',') || open_name(tz, out, e) < 0)
		return open_rule(tz, out, e);
	return 0;
}

int
zone_open(const char *name, const struct zone **out, struct err *e)
{
	if (!name || strcmp(name, "local") == 0)
		return open_local(out, e);
	return open_name(name, out, e);
}

const struct zone *
zone_utc(void)
{
	return &utc;
}

const char *
zone_name(const struct zone *z)
{
	return z ? z->name : utc.name;
}

/* How many of the changes are at or before it. */
static size_t
changes_until(const struct zone *z, int64_t utc_s)
{
	size_t low = 0, high = z->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (z->times[middle] <= utc_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct zone_span
zone_span(const struct zone *z, int64_t utc_s)
{
	struct zone_span span = { INT64_MIN, INT64_MAX, 0 };
	size_t n;

	if (!z)
		return span;
	n = changes_until(z, utc_s);
	if (n == z->count && z->has_rule) {
		span = zone_rule_span(&z->rule, utc_s);
		if (n > 0 && span.from < z->times[n - 1])
			span.from = z->times[n - 1];
		return span;
	}
	if (n < z->count)
		span.until = z->times[n];
	if (n > 0)
		span.from = z->times[n - 1];
	span.offset = n > 0 ? z->offsets[n - 1] : z->first;
	return span;
}

int32_t
zone_offset(const struct zone *z, int64_t utc_s)
{
	return zone_span(z, utc_s).offset;
}
