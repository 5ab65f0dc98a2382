/* URLs, secrets and lists of destinations, to the fields of settings. */
#include "config/parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/expand.h"
#include "model/units.h"

#define PATTERNS_MAX 64

static void *
field(const struct setting *s, const struct setting_place *p)
{
	return (char *)p->base + s->offset;
}

static void
replace(const struct setting *s, const struct setting_place *p, char **text)
{
	char **old = field(s, p);

	free(*old);
	*old = steal_ptr(text);
}

static bool
has_controls(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

/* --- Secrets -------------------------------------------------------------- */

/* Whatever stands there in its place may be the secret: it is not shown. */
int
store_secret(const struct setting *s, const struct value *v,
	     const struct setting_place *p, struct err *e)
{
	_free_ char *text = NULL;

	if (v->type != VALUE_STRING)
		return setting_fail(s, v, p, e,
				    "expected %s, a string; quote "
				    "it",
				    s->expects);
	text = setting_text(s, v, p, e);
	if (!text)
		return -1;
	if (!*text)
		return setting_fail(s, v, p, e,
				    "expected %s, found an empty string",
				    s->expects);
	if (has_controls(text))
		return setting_fail(s, v, p, e, "a control character in it");
	strv_add(p->secrets, text);
	replace(s, p, &text);
	return 0;
}

/* --- URLs ----------------------------------------------------------------- */

const char *
setting_url_user(const char *url)
{
	const char *host = strstr(url, "://");
	size_t n;

	if (!host)
		return NULL;
	host += 3;
	n = strcspn(host, "/?#");
	return memchr(host, '@', n) ? host : NULL;
}

/* "scheme://host...", of characters that a URL may have. */
static bool
is_url(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789");
	const char *host = s + n + 3;

	if (!n || strncmp(s + n, "://", 3) != 0 || !*host ||
	    strchr("/?#:@", *host))
		return false;
	for (; *s; s++)
		if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f ||
		    strchr("\"<>\\^`{|}", *s))
			return false;
	return true;
}

/* With a password in it, it is a secret as a whole. */
static void
keep_secret(const char *url, const struct setting_place *p)
{
	const char *user = setting_url_user(url);
	const char *colon = user ? strchr(user, ':') : NULL;

	if (colon)
		strv_addf(p->secrets, "%.*s", (int)strcspn(colon + 1, "@"),
			  colon + 1);
}

int
store_url(const struct setting *s, const struct value *v,
	  const struct setting_place *p, struct err *e)
{
	_free_ char *text = setting_text(s, v, p, e);

	if (!text)
		return -1;
	if (!is_url(text) && setting_url_user(text))
		return setting_fail(s, v, p, e, "it is no URL");
	if (!is_url(text))
		return setting_fail_type(s, v, p, e);
	keep_secret(text, p);
	replace(s, p, &text);
	return 0;
}

/* --- Lists ---------------------------------------------------------------- */

int
store_flags(const struct setting *s, const struct value *v,
	    const struct setting_place *p, struct err *e)
{
	unsigned set = 0;

	if (v->type != VALUE_ARRAY || !v->u.array.n)
		return setting_fail_type(s, v, p, e);
	for (size_t i = 0; i < v->u.array.n; i++) {
		const struct value *item = v->u.array.items[i];
		_free_ char *name = setting_text(s, item, p, e);
		unsigned bit = 0;

		if (!name)
			return -1;
		for (unsigned k = 0; s->names[k]; k++)
			if (strcmp(s->names[k], name) == 0)
				bit = 1U << k;
		if (!bit)
			return setting_fail_name(s, item, p, s->names, e);
		set |= bit;
	}
	*(unsigned *)field(s, p) = set;
	return 0;
}

static bool
is_pattern(const char *s)
{
	return *s && strlen(s) <= 64 &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-*?")] == '\0';
}

int
store_patterns(const struct setting *s, const struct value *v,
	       const struct setting_place *p, struct err *e)
{
	_value_ struct value *list = value_array();
	struct value **old = field(s, p);

	if (v->type != VALUE_ARRAY || !v->u.array.n)
		return setting_fail_type(s, v, p, e);
	if (v->u.array.n > PATTERNS_MAX)
		return setting_fail(s, v, p, e, "more than %d names",
				    PATTERNS_MAX);
	for (size_t i = 0; i < v->u.array.n; i++) {
		const struct value *item = v->u.array.items[i];
		_free_ char *text = setting_text(s, item, p, e);

		if (!text)
			return -1;
		if (!is_pattern(text))
			return setting_fail_type(s, item, p, e);
		value_append(list, value_string(text));
	}
	value_free(*old);
	*old = steal_ptr(&list);
	return 0;
}
