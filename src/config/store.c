/* From a value of the file to the field of a setting. */
#include "config/settings.h"

#include <arpa/inet.h>

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/expand.h"
#include "config/yaml.h"
#include "model/layer.h"
#include "model/units.h"

#define TEXT_MAX 4096 /* bytes, as written; a path is no longer */
#define LABELS_MAX 64

static void *
field(const struct setting *s, struct config *c)
{
	return (char *)c + s->offset;
}

/* --- Errors ------------------------------------------------------------- */

__attribute__((format(printf, 4, 5))) static int
fail(const struct setting *s, const struct value *at, struct err *e,
     const char *fmt, ...)
{
	char what[900];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(e, ERR_USAGE, "%d:%d: %s: %s", at->line, at->col,
		       s->path, what);
}

/* What stands in the file; a secret is never looked up for it. */
static const char *
found(const struct value *v, char text[64])
{
	switch (v->type) {
	case VALUE_NULL:
		return "nothing; leave the key out for the default";
	case VALUE_BOOL:
		return v->u.boolean ? "true" : "false";
	case VALUE_INT:
		snprintf(text, 64, "%lld", (long long)v->u.integer);
		return text;
	case VALUE_REAL:
		snprintf(text, 64, "%g", v->u.real);
		return text;
	case VALUE_ARRAY:
		return "a list";
	case VALUE_OBJECT:
		return "a map";
	case VALUE_STRING:
	case VALUE_RAW:
		break;
	}
	snprintf(text, 64, "'%.40s'", v->u.string.s);
	return text;
}

static int
fail_type(const struct setting *s, const struct value *v, struct err *e)
{
	_free_ char *expects = setting_expects(s);
	char text[64];

	return fail(s, v, e, "expected %s, found %s", expects, found(v, text));
}

/* --- Texts -------------------------------------------------------------- */

/* What a string says once ${...} is looked up; NULL on failure. */
static char *
text_of(const struct setting *s, const struct value *v, const struct config *c,
	struct err *e)
{
	struct err inner = ERR_INIT;
	char *text = NULL;

	if (v->type != VALUE_STRING)
		fail_type(s, v, e);
	else if (strlen(v->u.string.s) != v->u.string.len)
		fail(s, v, e, "a NUL in a string");
	else if (v->u.string.len > TEXT_MAX)
		fail(s, v, e, "a string of more than %d bytes", TEXT_MAX);
	else if (expand(v->u.string.s, c->folder, &text, &inner) < 0)
		fail(s, v, e, "%s", inner.msg);
	return text;
}

/* A string with ${...} as what it would be if it stood there plainly. */
static int
plain_of(const struct setting *s, const struct value *v, const struct config *c,
	 struct value **out, struct err *e)
{
	_free_ char *text = NULL;
	const char *wrong;

	if (v->type != VALUE_STRING || !expand_is_needed(v->u.string.s)) {
		*out = value_copy(v);
		return 0;
	}
	text = text_of(s, v, c, e);
	if (!text)
		return -1;
	wrong = yaml_plain(text, out);
	return wrong ? fail(s, v, e, "it is %s", wrong) : 0;
}

static void
replace(const struct setting *s, struct config *c, char **text)
{
	char **old = field(s, c);

	free(*old);
	*old = steal_ptr(text);
}

static int
check_path(const struct setting *s, const struct value *v, const char *text,
	   struct err *e)
{
	if (!*text)
		return fail(s, v, e, "expected a path, found an empty string");
	if (strncmp(text, "~/", 2) == 0)
		return fail(s, v, e, "~ has no meaning here; write ${HOME}%s",
			    expand_is_needed(v->u.string.s) ? "" : text + 1);
	if (s->type == SETTING_PROGRAM && !strchr(text, '/'))
		return fail_type(s, v, e);
	return 0;
}

static int
store_path(const struct setting *s, const struct value *v, struct config *c,
	   struct err *e)
{
	_free_ char *text = text_of(s, v, c, e);
	_free_ char *path = NULL;

	if (!text || check_path(s, v, text, e) < 0)
		return -1;
	path = path_resolve(c->folder, text);
	replace(s, c, &path);
	return 0;
}

static bool
is_port(const char *s)
{
	long port = 0;

	for (size_t n = 0; *s; s++, n++) {
		if (!isdigit((unsigned char)*s) || n == 5)
			return false;
		port = port * 10 + (*s - '0');
	}
	return port >= 1 && port <= 65535;
}

static bool
is_host(const char *s, size_t len)
{
	char host[256];
	struct in6_addr address;

	if (!len || len >= sizeof(host))
		return false;
	memcpy(host, s, len);
	host[len] = '\0';
	if (*host == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		return inet_pton(AF_INET6, host + 1, &address) == 1;
	}
	return host[strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "abcdefghijklmnopqrstuvwxyz"
				 "0123456789.-_")] == '\0';
}

static int
store_address(const struct setting *s, const struct value *v, struct config *c,
	      struct err *e)
{
	_free_ char *text = text_of(s, v, c, e);
	const char *colon;

	if (!text)
		return -1;
	colon = strrchr(text, ':');
	if (*text && (!colon || !is_port(colon + 1) ||
		      !is_host(text, (size_t)(colon - text))))
		return fail_type(s, v, e);
	replace(s, c, &text);
	return 0;
}

/* --- Words and numbers -------------------------------------------------- */

static int
store_bool(const struct setting *s, const struct value *v, struct config *c,
	   struct err *e)
{
	_value_ struct value *plain = NULL;

	if (plain_of(s, v, c, &plain, e) < 0)
		return -1;
	if (plain->type != VALUE_BOOL)
		return fail_type(s, v, e);
	*(bool *)field(s, c) = plain->u.boolean;
	return 0;
}

static int
store_number(const struct setting *s, const struct value *v, int64_t n,
	     struct config *c, struct err *e)
{
	bool may_be_none = s->fallback && *s->fallback == '0';
	_free_ char *range = NULL;

	if ((n < s->min || n > s->max) && !(n == 0 && may_be_none)) {
		char text[64];

		range = setting_range(s);
		return fail(s, v, e, "expected %s, found %s", range,
			    found(v, text));
	}
	*(int64_t *)field(s, c) = n;
	return 0;
}

static int
store_integer(const struct setting *s, const struct value *v, struct config *c,
	      struct err *e)
{
	_value_ struct value *plain = NULL;

	if (plain_of(s, v, c, &plain, e) < 0)
		return -1;
	if (plain->type != VALUE_INT)
		return fail_type(s, v, e);
	return store_number(s, v, plain->u.integer, c, e);
}

static int
store_duration(const struct setting *s, const struct value *v, struct config *c,
	       struct err *e)
{
	_free_ char *text = NULL;
	int64_t ms;

	if (v->type == VALUE_INT)
		return fail(s, v, e,
			    "the unit is missing: %lld is no duration, %llds "
			    "is",
			    (long long)v->u.integer, (long long)v->u.integer);
	text = text_of(s, v, c, e);
	if (!text)
		return -1;
	if (!units_parse_duration(text, &ms))
		return fail_type(s, v, e);
	return store_number(s, v, ms, c, e);
}

static int
store_size(const struct setting *s, const struct value *v, struct config *c,
	   struct err *e)
{
	_free_ char *text = NULL;
	int64_t bytes;

	if (v->type == VALUE_INT)
		return store_number(s, v, v->u.integer, c, e);
	text = text_of(s, v, c, e);
	if (!text)
		return -1;
	if (!units_parse_size(text, &bytes))
		return fail_type(s, v, e);
	return store_number(s, v, bytes, c, e);
}

static size_t
count(const char *const *names)
{
	size_t n = 0;

	while (names[n])
		n++;
	return n;
}

/* "expected ..., found 'wran'; did you mean 'warn'?" */
static int
fail_name(const struct setting *s, const struct value *v,
	  const char *const *names, struct err *e)
{
	_free_ char *expects = setting_expects(s);
	const char *nearest = NULL;
	char text[64];

	if (!expand_is_needed(v->u.string.s))
		nearest = units_nearest(v->u.string.s, names, count(names));
	if (!nearest)
		return fail_type(s, v, e);
	return fail(s, v, e, "expected %s, found %s; did you mean '%s'?",
		    expects, found(v, text), nearest);
}

static int
store_enum(const struct setting *s, const struct value *v, struct config *c,
	   struct err *e)
{
	_free_ char *text = text_of(s, v, c, e);

	if (!text)
		return -1;
	for (int i = 0; s->names[i]; i++) {
		if (strcmp(s->names[i], text) == 0) {
			*(int *)field(s, c) = i;
			return 0;
		}
	}
	return fail_name(s, v, s->names, e);
}

_Static_assert(sizeof(enum log_level) == sizeof(int) &&
		       sizeof(enum storage_type) == sizeof(int),
	       "store_enum() writes enums as int");

/* --- Lists and maps ----------------------------------------------------- */

static int
store_layers(const struct setting *s, const struct value *v, struct config *c,
	     struct err *e)
{
	unsigned set = 0;

	if (v->type != VALUE_ARRAY)
		return fail_type(s, v, e);
	for (size_t i = 0; i < v->u.array.n; i++) {
		const struct value *item = v->u.array.items[i];
		_free_ char *name = text_of(s, item, c, e);
		unsigned bit;

		if (!name)
			return -1;
		bit = layer_bit(name);
		if (!bit)
			return fail_name(s, item, layer_names, e);
		set |= bit;
	}
	*(unsigned *)field(s, c) = set;
	return 0;
}

static bool
is_label(const char *s)
{
	return *s && !isdigit((unsigned char)*s) &&
	       s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			   "abcdefghijklmnopqrstuvwxyz"
			   "0123456789_")] == '\0';
}

/* A label's value is text; 1 and true are as good, 1.10 may have been more. */
static char *
label_text(const struct setting *s, const struct value *v,
	   const struct config *c, struct err *e)
{
	char text[64];

	switch (v->type) {
	case VALUE_STRING:
		return text_of(s, v, c, e);
	case VALUE_BOOL:
	case VALUE_INT:
		return xstrdup(found(v, text));
	default:
		fail(s, v, e, "a label's value is a string, found %s%s",
		     found(v, text), v->type == VALUE_REAL ? "; quote it" : "");
		return NULL;
	}
}

static int
add_label(const struct setting *s, const struct value_member *m,
	  const struct config *c, struct value *labels, struct err *e)
{
	_free_ char *text = NULL;

	if (!is_label(m->key))
		return err_set(e, ERR_USAGE,
			       "%d:%d: %s: a label is named with letters, "
			       "digits and _, no digit first, found '%.40s'",
			       m->line, m->col, s->path, m->key);
	text = label_text(s, m->value, c, e);
	if (!text)
		return -1;
	value_set(labels, m->key, value_string(text));
	return 0;
}

static int
store_labels(const struct setting *s, const struct value *v, struct config *c,
	     struct err *e)
{
	_value_ struct value *labels = value_object();
	struct value **old = field(s, c);

	if (v->type != VALUE_OBJECT)
		return fail_type(s, v, e);
	if (v->u.object.n > LABELS_MAX)
		return fail(s, v, e, "more than %d labels", LABELS_MAX);
	for (size_t i = 0; i < v->u.object.n; i++)
		if (add_label(s, &v->u.object.members[i], c, labels, e) < 0)
			return -1;
	value_free(*old);
	*old = steal_ptr(&labels);
	return 0;
}

static int
store_nothing(const struct setting *s, const struct value *v, struct config *c,
	      struct err *e)
{
	(void)s;
	(void)v;
	(void)c;
	(void)e;
	return 0;
}

/* --- By type ------------------------------------------------------------ */

int
setting_store(const struct setting *s, const struct value *v, struct config *c,
	      struct err *e)
{
	static int (*const store[])(const struct setting *,
				    const struct value *, struct config *,
				    struct err *) = {
		[SETTING_PATH] = store_path,
		[SETTING_PROGRAM] = store_path,
		[SETTING_ADDRESS] = store_address,
		[SETTING_BOOL] = store_bool,
		[SETTING_INTEGER] = store_integer,
		[SETTING_DURATION] = store_duration,
		[SETTING_SIZE] = store_size,
		[SETTING_ENUM] = store_enum,
		[SETTING_LAYERS] = store_layers,
		[SETTING_LABELS] = store_labels,
		[SETTING_RESERVED] = store_nothing,
	};

	return store[s->type](s, v, c, e);
}

/* The items of "a, b". */
static struct value *
list_of(const char *text)
{
	struct value *list = value_array();

	while (*text) {
		size_t n = strcspn(text, ",");

		value_append(list, value_string_n(text, n));
		text += n + strspn(text + n, ", ");
	}
	return list;
}

static struct value *
fallback_of(const struct setting *s)
{
	struct value *v = NULL;

	switch (s->type) {
	case SETTING_LABELS:
		return value_object();
	case SETTING_LAYERS:
		return list_of(s->fallback);
	case SETTING_BOOL:
	case SETTING_INTEGER:
	case SETTING_SIZE:
		yaml_plain(s->fallback, &v);
		return v;
	default:
		return value_string(s->fallback);
	}
}

void
setting_reset(const struct setting *s, struct config *c)
{
	_value_ struct value *v = NULL;
	struct err e = ERR_INIT;

	if (!s->fallback)
		return;
	v = fallback_of(s);
	if (setting_store(s, v, c, &e) < 0)
		fatal("the default of %s", e.msg);
}

void
setting_release(const struct setting *s, struct config *c)
{
	switch (s->type) {
	case SETTING_PATH:
	case SETTING_PROGRAM:
	case SETTING_ADDRESS:
		free(*(char **)field(s, c));
		*(char **)field(s, c) = NULL;
		break;
	case SETTING_LABELS:
		value_free(*(struct value **)field(s, c));
		*(struct value **)field(s, c) = NULL;
		break;
	default:
		break;
	}
}
