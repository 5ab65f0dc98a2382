#include "plugin/grant.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "model/units.h"
#include "plugin/at.h"
#include "plugin/fields.h"
#include "plugin/items.h"
#include "plugin/permissions.h"
#include "plugin/trusted.h"

void
grant_release(struct grant *g)
{
	free(g->name);
	free(g->file);
	permissions_release(&g->permissions);
	memset(g, 0, sizeof(*g));
}

static char *
file_of(const char *folder, const char *name)
{
	return xasprintf("%s/%s.yaml", folder, name);
}

/* --- Reading ------------------------------------------------------------- */

static int
read_sha256(const struct field *f, const struct value *v, void *to,
	    struct err *e)
{
	_free_ char *s = NULL;

	if (field_text(f, v, &s, e) < 0)
		return -1;
	memcpy(to, s, DIGEST_HEX);
	return 0;
}

/* As units_format_time() writes it, with or without milliseconds. */
static int
read_time(const struct field *f, const struct value *v, void *to, struct err *e)
{
	struct tm tm = { 0 };
	const char *rest = NULL;

	if (v->type == VALUE_STRING)
		rest = strptime(v->u.string.s, "%Y-%m-%dT%H:%M:%S", &tm);
	if (rest && *rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (!rest || strcmp(rest, "Z") != 0)
		return at_value(e, v,
				"%s: expected a time such as "
				"2026-01-31T23:59:59Z",
				f->key);
	*(int64_t *)to = (int64_t)timegm(&tm) * 1000;
	return 0;
}

#define MEMBER(m) .offset = offsetof(struct grant, m)

static const struct field fields[] = {
	{ .key = "name", MEMBER(name), .read = field_text, .item = item_name },
	{ .key = "sha256",
	  MEMBER(sha256),
	  .read = read_sha256,
	  .item = item_sha256 },
	{ .key = "granted_at", MEMBER(granted_ms), .read = read_time },
	{ .key = "denied", MEMBER(denied), .read = field_bool },
	{ .key = "permissions",
	  MEMBER(permissions),
	  .read = field_section,
	  .rows = permissions_fields,
	  .n = PERMISSIONS_FIELDS },
};

static int
check_whole(const struct value *tree, const char *name, const struct grant *g,
	    struct err *e)
{
	if (!g->name)
		return at_value(e, tree, "the grant has no name");
	if (strcmp(g->name, name) != 0)
		return at_value(e, value_get(tree, "name"),
				"the grant of %s, in the file of %s", g->name,
				name);
	if (!g->denied && !g->sha256[0])
		return at_value(e, tree, "the grant has no sha256");
	return 0;
}

static int
parse(const char *text, size_t len, const char *name, plugin_yaml_fn *yaml,
      struct grant *g, struct err *e)
{
	_value_ struct value *tree = NULL;

	if (yaml(text, len, 1, 0, &tree, e) < 0)
		return -1;
	if (!tree || tree->type == VALUE_NULL)
		return at_line(e, 1, 1, "the grant is empty");
	if (fields_read(tree, "key", fields, ARRAY_SIZE(fields), g, e) < 0)
		return -1;
	return check_whole(tree, name, g, e);
}

/* The open file, or -1: with errno ENOENT in e->errnum where there is none. */
static int
open_grant(const char *folder, const char *path, struct err *e)
{
	_free_ char *real = realpath(folder, NULL), *copy = xstrdup(path);
	_close_ int at = -1;

	if (!real)
		return err_errno(e, "open %s", folder);
	at = trusted_open_folder(AT_FDCWD, real, real, e);
	if (at < 0)
		return -1;
	return trusted_open_file(at, basename(copy), path, NULL, e);
}

int
grant_read(const char *folder, const char *name, plugin_yaml_fn *yaml,
	   struct grant *g, struct err *e)
{
	_cleanup_(grant_release) struct grant read = { 0 };
	_buf_ struct buf text = { .max = GRANT_MAX_BYTES };
	_close_ int fd = -1;
	struct err err = ERR_INIT;

	if (!units_is_name(name))
		return 0;
	read.file = file_of(folder, name);
	fd = open_grant(folder, read.file, &err);
	if (fd < 0 && err.errnum == ENOENT)
		return 0;
	if (fd < 0) {
		*e = err;
		return -1;
	}
	if (file_read_fd(fd, read.file, &text, e) < 0)
		return -1;
	if (parse(text.data, text.len, name, yaml, &read, e) < 0)
		return at_file(e, read.file);
	*g = read;
	memset(&read, 0, sizeof(read));
	return 1;
}

/* --- Writing ------------------------------------------------------------- */

static int
replace(const char *folder, const char *name, const struct buf *text,
	struct err *e)
{
	_free_ char *file = file_of(folder, name);

	if (text->overflow)
		return err_set(e, ERR_AGENT, "the grant of %s is too long",
			       name);
	if (file_mkdir_p(folder, 0755, e) < 0)
		return -1;
	return file_replace(file, text->data, text->len, 0644, e);
}

static void
add_words(const struct plugin *p, struct buf *text)
{
	_strv_ struct strv words = { 0 };

	permissions_describe(&p->manifest.permissions, &words);
	buf_addf(text,
		 "# What %s may do, written by `devops_agent plugin allow "
		 "%s`:\n",
		 p->name, p->name);
	for (size_t i = 0; i < words.n; i++)
		buf_addf(text, "#   it %s\n", words.items[i]);
	if (!words.n)
		buf_adds(text, "#   nothing but compute\n");
	buf_addf(text, "# It holds for the files that have this SHA-256; when "
		       "they change, look at them\n# and run the command "
		       "again.\n");
}

int
grant_write(const char *folder, const struct plugin *p, struct err *e)
{
	_buf_ struct buf text = { .max = GRANT_MAX_BYTES };
	char now[UNITS_TEXT];

	add_words(p, &text);
	buf_addf(&text, "name: \"%s\"\nsha256: \"%s\"\ngranted_at: \"%s\"\n",
		 p->name, p->sha256, units_format_time(clock_real_ms(), now));
	permissions_write(&p->manifest.permissions, &text);
	return replace(folder, p->name, &text, e);
}

int
grant_deny(const char *folder, const char *name, struct err *e)
{
	_buf_ struct buf text = { .max = GRANT_MAX_BYTES };

	if (!units_is_name(name))
		return err_set(e, ERR_NOT_FOUND,
			       "'%.80s' is no name of a plugin", name);
	buf_addf(&text,
		 "# %s never runs; `devops_agent plugin allow %s` takes this "
		 "back.\nname: \"%s\"\ndenied: true\n",
		 name, name, name);
	return replace(folder, name, &text, e);
}

/* --- Checking ------------------------------------------------------------ */

/* One message of all lines; what does not fit is in the difference. */
static int
say_missing(const struct plugin *p, const struct strv *missing,
	    const struct grant *granted, struct err *e)
{
	_buf_ struct buf list = { 0 };

	for (size_t i = 0; i < missing->n; i++)
		buf_addf(&list, "%s%s", i ? ", " : "", missing->items[i] + 2);
	return err_set(e, ERR_DENIED, "%s asks for %s: %s", p->name,
		       granted ? "more than was granted" :
				 "what was never granted",
		       list.data);
}

static int
say_changed(const struct plugin *p, const struct grant *granted,
	    struct strv *difference, struct err *e)
{
	strv_addf(difference, "- sha256: %s", granted->sha256);
	strv_addf(difference, "+ sha256: %s", p->sha256);
	return err_set(e, ERR_DENIED,
		       "the files of %s changed since it was allowed (SHA-256 "
		       "%.12s..., was %.12s...)",
		       p->name, p->sha256, granted->sha256);
}

static int
check(const struct plugin *p, const struct grant *granted,
      struct strv *difference, struct err *e)
{
	static const struct permissions nothing;

	if (granted && granted->denied)
		return err_set(e, ERR_DENIED, "%s is denied by %s", p->name,
			       granted->file);
	if (granted && strcmp(granted->sha256, p->sha256) != 0) {
		permissions_beyond(&p->manifest.permissions,
				   &granted->permissions, difference);
		return say_changed(p, granted, difference, e);
	}
	if (!permissions_beyond(&p->manifest.permissions,
				granted ? &granted->permissions : &nothing,
				difference))
		return 0;
	return say_missing(p, difference, granted, e);
}

int
grant_check(const struct plugin *p, const struct grant *granted,
	    struct strv *difference, struct err *e)
{
	_strv_ struct strv own = { 0 };
	int r = check(p, granted, &own, e);

	if (difference)
		strv_copy(difference, &own);
	return r < 0 ? err_hint(e, "devops_agent plugin allow %s", p->name) : 0;
}
