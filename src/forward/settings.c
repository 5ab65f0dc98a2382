#include "forward/settings.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "forward/format.h"
#include "proto/json.h"

enum type { TEXT, NUMBER };

/* Where a member stands ("batch" "records"), and what it may be. */
static const struct row {
	const char *group, *key;
	enum type type;
	size_t field;
	int64_t fallback, min, max;
} rows[] = {
#define TEXT_ROW(group, key, member)                                         \
	{                                                                    \
		group, key, TEXT, offsetof(struct settings, member), 0, 0, 0 \
	}
#define NUMBER_ROW(group, key, member, fallback, min, max)             \
	{                                                              \
		group, key, NUMBER, offsetof(struct settings, member), \
			fallback, min, max                             \
	}
	TEXT_ROW(NULL, "name", name),
	TEXT_ROW(NULL, "url", url),
	TEXT_ROW("auth", "bearer", bearer),
	TEXT_ROW("tls", "cert", cert),
	TEXT_ROW("tls", "key", key),
	TEXT_ROW("tls", "ca", ca),
	TEXT_ROW(NULL, "proxy", proxy),
	NUMBER_ROW("batch", "records", records, 500, 1, 100000),
	NUMBER_ROW("batch", "size_bytes", bytes, 1 << 20, 1, 64 << 20),
	NUMBER_ROW("batch", "wait_ms", wait_ms, 2000, 0, 86400000),
	NUMBER_ROW(NULL, "rate", rate, 0, 0, INT64_C(1) << 40),
	NUMBER_ROW(NULL, "timeout_ms", timeout_ms, 30000, 1, 86400000),
	NUMBER_ROW("retry", "min_ms", retry_min_ms, 1000, 1, 86400000),
	NUMBER_ROW("retry", "max_ms", retry_max_ms, 60000, 1, 86400000),
	NUMBER_ROW(NULL, "probe_ms", probe_ms, 60000, 1, 86400000),
};

static const struct value *
get(const struct value *v, const char *group, const char *key)
{
	return value_get(group ? value_get(v, group) : v, key);
}

static int
wrong(struct err *e, const char *group, const char *key, const char *want)
{
	return err_set(e, ERR_USAGE, "%s%s%s must be %s", group ? group : "",
		       group ? "." : "", key, want);
}

/* What would end a header or a URL early is none. */
static bool
is_text(const struct value *v)
{
	if (v->type != VALUE_STRING || strlen(v->u.string.s) != v->u.string.len)
		return false;
	return !strpbrk(v->u.string.s, "\r\n");
}

static int
read_text(struct settings *s, const struct row *row, const struct value *v,
	  struct err *e)
{
	if (!v || v->type == VALUE_NULL)
		return 0;
	if (!is_text(v))
		return wrong(e, row->group, row->key, "text of one line");
	if (v->u.string.len)
		*(char **)((char *)s + row->field) = xstrdup(v->u.string.s);
	return 0;
}

static int
read_number(struct settings *s, const struct row *row, const struct value *v,
	    struct err *e)
{
	int64_t *field = (int64_t *)(void *)((char *)s + row->field);

	*field = row->fallback;
	if (!v || v->type == VALUE_NULL)
		return 0;
	if (v->type != VALUE_INT || v->u.integer < row->min ||
	    v->u.integer > row->max)
		return wrong(e, row->group, row->key, "a number within bounds");
	*field = v->u.integer;
	return 0;
}

static int
read_basic(struct settings *s, const struct value *basic, struct err *e)
{
	const struct value *user = value_get(basic, "user");
	const struct value *password = value_get(basic, "password");

	if (!user || user->type == VALUE_NULL)
		return 0;
	if (password && password->type == VALUE_NULL)
		password = NULL;
	if (!is_text(user) || (password && !is_text(password)))
		return wrong(e, "auth", "basic", "{user, password}");
	s->user = xstrdup(user->u.string.s);
	s->password = xstrdup(password ? password->u.string.s : "");
	return 0;
}

static int
read_headers(struct settings *s, const struct value *v, struct err *e)
{
	if (!v || v->type == VALUE_NULL)
		return 0;
	if (v->type != VALUE_OBJECT)
		return wrong(e, "auth", "headers", "an object of texts");
	for (size_t i = 0; i < v->u.object.n; i++) {
		const struct value_member *m = &v->u.object.members[i];

		if (!is_text(m->value) || strpbrk(m->key, "\r\n:") || !*m->key)
			return wrong(e, "headers", m->key, "text of one line");
		strv_addf(&s->headers, "%s: %s", m->key, m->value->u.string.s);
	}
	return 0;
}

/* The two that are words of a list. */
static int
read_words(struct settings *s, const struct value *v, struct err *e)
{
	const char *format = value_get_string(v, "format", "");
	const char *word = value_get_string(v, "compression", "zstd");
	int compression = compression_parse(word);

	s->format = format_find(format);
	if (!s->format)
		return err_set(e, ERR_USAGE, "there is no format '%s'", format);
	if (compression < 0)
		return err_set(e, ERR_USAGE, "there is no compression '%s'",
			       word);
	s->compression = (enum compression)compression;
	if (s->compression == COMPRESS_ZSTD && s->format->no_zstd)
		s->compression = COMPRESS_GZIP;
	return 0;
}

int
settings_read(struct settings *s, const struct value *v, struct err *e)
{
	struct buf text = { 0 };

	*s = (struct settings){ 0 };
	json_encode(v, &text);
	s->text = buf_steal(&text);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		const struct value *member = get(v, row->group, row->key);

		if ((row->type == TEXT ? read_text :
					 read_number)(s, row, member, e) < 0)
			return -1;
	}
	if (!s->name || !s->url)
		return err_set(e, ERR_USAGE, "a destination needs %s",
			       s->name ? "a url" : "a name");
	if (s->retry_max_ms < s->retry_min_ms)
		s->retry_max_ms = s->retry_min_ms;
	if (read_basic(s, get(v, "auth", "basic"), e) < 0 ||
	    read_headers(s, get(v, "auth", "headers"), e) < 0)
		return -1;
	return read_words(s, v, e);
}

void
settings_release(struct settings *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].type == TEXT)
			free(*(char **)((char *)s + rows[i].field));
	free(s->text);
	free(s->user);
	free(s->password);
	strv_release(&s->headers);
	*s = (struct settings){ 0 };
}
