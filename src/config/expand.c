#include "config/expand.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

#define FILE_PREFIX "file:"

bool
expand_is_needed(const char *s)
{
	for (; (s = strchr(s, '$')); s++) {
		if (strncmp(s, "$${", 3) == 0)
			s += 2;
		else if (s[1] == '{')
			return true;
	}
	return false;
}

void
expand_escape(const char *s, struct buf *out)
{
	const char *dollar;

	for (; (dollar = strstr(s, "${")); s = dollar + 2) {
		buf_add(out, s, (size_t)(dollar - s));
		buf_adds(out, "$${");
	}
	buf_adds(out, s);
}

static bool
is_variable(const char *s)
{
	if (isdigit((unsigned char)*s))
		return false;
	return *s &&
	       s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			   "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static int
add_variable(const char *name, struct buf *out, struct err *e)
{
	const char *text;

	if (!is_variable(name))
		return err_set(e, ERR_USAGE,
			       "${%.64s} names no variable; write $${ for "
			       "the text ${",
			       name);
	text = getenv(name);
	if (!text)
		return err_set(e, ERR_USAGE,
			       "the environment has no variable %.64s", name);
	buf_adds(out, text);
	return 0;
}

static void
trim_line_feed(struct buf *b)
{
	if (!b->len || b->data[b->len - 1] != '\n')
		return;
	b->data[--b->len] = '\0';
	if (b->len && b->data[b->len - 1] == '\r')
		b->data[--b->len] = '\0';
}

static int
add_file(const char *name, const char *folder, struct buf *out, struct err *e)
{
	_buf_ struct buf text = { .max = EXPAND_MAX_FILE };
	_free_ char *path = NULL;

	if (!*name)
		return err_set(e, ERR_USAGE, "${file:} names no file");
	path = path_resolve(folder, name);
	if (file_read(path, &text, e) < 0) {
		e->kind = ERR_USAGE;
		return -1;
	}
	if (strlen(text.data) != text.len)
		return err_set(e, ERR_USAGE, "%s has a NUL in it", path);
	trim_line_feed(&text);
	buf_adds(out, text.data);
	return 0;
}

static int
add_reference(const char *name, const char *folder, struct strv *put_in,
	      struct buf *out, struct err *e)
{
	size_t n = strlen(FILE_PREFIX);
	size_t start = out->len;
	bool is_file = strncmp(name, FILE_PREFIX, n) == 0;

	if ((is_file ? add_file(name + n, folder, out, e) :
		       add_variable(name, out, e)) < 0)
		return -1;
	if (put_in && out->len > start)
		strv_add(put_in, out->data + start);
	return 0;
}

/* One step: text up to the next $, an escape or a reference; -1 on failure. */
static int
add_part(const char **s, const char *folder, struct strv *put_in,
	 struct buf *out, struct err *e)
{
	_free_ char *name = NULL;
	const char *end;

	if (strncmp(*s, "$${", 3) == 0) {
		buf_adds(out, "${");
		*s += 3;
		return 0;
	}
	if (strncmp(*s, "${", 2) != 0) {
		size_t n = 1 + strcspn(*s + 1, "$");

		buf_add(out, *s, n);
		*s += n;
		return 0;
	}
	end = strchr(*s, '}');
	if (!end)
		return err_set(e, ERR_USAGE,
			       "${ without its }; write $${ for "
			       "the text ${");
	name = xstrndup(*s + 2, (size_t)(end - *s) - 2);
	*s = end + 1;
	return add_reference(name, folder, put_in, out, e);
}

int
expand(const char *s, const char *folder, struct strv *put_in, char **out,
       struct err *e)
{
	_buf_ struct buf b = { .max = EXPAND_MAX_FILE };

	while (*s)
		if (add_part(&s, folder, put_in, &b, e) < 0)
			return -1;
	if (b.overflow)
		return err_set(e, ERR_USAGE,
			       "more than %lu bytes once everything is put in",
			       EXPAND_MAX_FILE);
	*out = buf_steal(&b);
	return 0;
}

static void
drop_last(struct buf *path)
{
	while (path->len && path->data[path->len - 1] != '/')
		path->len--;
	if (path->len)
		path->len--;
	path->data[path->len] = '\0';
}

static void
add_parts(struct buf *path, const char *s)
{
	while (*s) {
		size_t n = strcspn(s, "/");

		if (n == 2 && memcmp(s, "..", 2) == 0)
			drop_last(path);
		else if (n > 1 || (n == 1 && *s != '.'))
			buf_addf(path, "/%.*s", (int)n, s);
		s += n + (s[n] == '/');
	}
}

char *
path_resolve(const char *folder, const char *path)
{
	_buf_ struct buf b = { 0 };

	buf_add(&b, "", 0);
	if (*path != '/' && folder)
		add_parts(&b, folder);
	add_parts(&b, path);
	if (!b.len)
		buf_addc(&b, '/');
	return buf_steal(&b);
}
