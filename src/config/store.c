/* From a value of the file to the field of a setting. */
#include <arpa/inet.h>

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/expand.h"
#include "config/parts.h"
#include "config/yaml.h"
#include "model/units.h"

#define TEXT_MAX 4096 /* bytes, as written; a path is no longer */

static void *
field(const struct setting *s, const struct setting_place *p)
{
	return (char *)p->base + s->offset;
}

/* --- Errors ------------------------------------------------------------- */

int
setting_fail(const struct setting *s, const struct value *at,
	     const struct setting_place *p, struct err *e, const char *fmt, ...)
{
	char what[900];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(e, ERR_USAGE, "%d:%d: %s%s: %s", at->line, at->col,
		       p->name, s->path, what);
}

/* What stands in the file; a secret is never looked up for it. */
const char *
setting_found(const struct value *v, char text[64])
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

int
setting_fail_type(const struct setting *s, const struct value *v,
		  const struct setting_place *p, struct err *e)
{
	_free_ char *expects = setting_expects(s);
	char text[64];

	return setting_fail(s, v, p, e, "expected %s, found %s", expects,
			    setting_found(v, text));
}

/* --- Texts -------------------------------------------------------------- */

/* What a string says once ${...} is looked up; NULL on failure. */
char *
setting_text(const struct setting *s, const struct value *v,
	     const struct setting_place *p, struct err *e)
{
	bool is_large = s->type == SETTING_PARAMS ||
			s->type == SETTING_SECRETS || s->type == SETTING_SECRET;
	size_t max = is_large ? EXPAND_MAX_FILE : TEXT_MAX;
	struct err inner = ERR_INIT;
	char *text = NULL;

	if (v->type != VALUE_STRING)
		setting_fail_type(s, v, p, e);
	else if (strlen(v->u.string.s) != v->u.string.len)
		setting_fail(s, v, p, e, "a NUL in a string");
	else if (v->u.string.len > max)
		setting_fail(s, v, p, e, "a string of more than %zu bytes",
			     max);
	else if (expand(v->u.string.s, p->folder, is_large ? p->secrets : NULL,
			&text, &inner) < 0)
		setting_fail(s, v, p, e, "%s", inner.msg);
	return text;
}

/* A string with ${...} as what it would be if it stood there plainly. */
static int
plain_of(const struct setting *s, const struct value *v,
	 const struct setting_place *p, struct value **out, struct err *e)
{
	_free_ char *text = NULL;
	const char *wrong;

	if (v->type != VALUE_STRING || !expand_is_needed(v->u.string.s)) {
		*out = value_copy(v);
		return 0;
	}
	text = setting_text(s, v, p, e);
	if (!text)
		return -1;
	wrong = yaml_plain(text, out);
	return wrong ? setting_fail(s, v, p, e, "it is %s", wrong) : 0;
}

static void
replace(const struct setting *s, const struct setting_place *p, char **text)
{
	char **old = field(s, p);

	free(*old);
	*old = steal_ptr(text);
}

static int
check_path(const struct setting *s, const struct value *v,
	   const struct setting_place *p, const char *text, struct err *e)
{
	if (!*text)
		return setting_fail(s, v, p, e,
				    "expected a path, found an empty string");
	if (strncmp(text, "~/", 2) == 0)
		return setting_fail(
			s, v, p, e, "~ has no meaning here; write ${HOME}%s",
			expand_is_needed(v->u.string.s) ? "" : text + 1);
	if (s->type == SETTING_PROGRAM && !strchr(text, '/'))
		return setting_fail_type(s, v, p, e);
	return 0;
}

static int
store_path(const struct setting *s, const struct value *v,
	   const struct setting_place *p, struct err *e)
{
	_free_ char *text = setting_text(s, v, p, e);
	_free_ char *path = NULL;

	if (!text || check_path(s, v, p, text, e) < 0)
		return -1;
	path = path_resolve(p->folder, text);
	if (s->max && strlen(path) > (size_t)s->max)
		return setting_fail(s, v, p, e,
				    "a path of %zu bytes, where %lld are the "
				    "most",
				    strlen(path), (long long)s->max);
	replace(s, p, &path);
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
store_address(const struct setting *s, const struct value *v,
	      const struct setting_place *p, struct err *e)
{
	_free_ char *text = setting_text(s, v, p, e);
	const char *colon;

	if (!text)
		return -1;
	colon = strrchr(text, ':');
	if (*text && (!colon || !is_port(colon + 1) ||
		      !is_host(text, (size_t)(colon - text))))
		return setting_fail_type(s, v, p, e);
	replace(s, p, &text);
	return 0;
}

static int
store_name(const struct setting *s, const struct value *v,
	   const struct setting_place *p, struct err *e)
{
	_free_ char *text = setting_text(s, v, p, e);

	if (!text)
		return -1;
	if (!units_is_name(text))
		return setting_fail_type(s, v, p, e);
	replace(s, p, &text);
	return 0;
}

static int
store_account(const struct setting *s, const struct value *v,
	      const struct setting_place *p, struct err *e)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz_.-"
				      "0123456789";
	_free_ char *text = setting_text(s, v, p, e);

	if (!text)
		return -1;
	if (!*text || strchr(".-0123456789", *text) || strlen(text) > 32 ||
	    text[strspn(text, letters)])
		return setting_fail_type(s, v, p, e);
	replace(s, p, &text);
	return 0;
}

/* One line: what it means is for others to check. */
static int
store_text(const struct setting *s, const struct value *v,
	   const struct setting_place *p, struct err *e)
{
	_free_ char *text = setting_text(s, v, p, e);

	if (!text)
		return -1;
	if (!*text)
		return setting_fail(s, v, p, e,
				    "expected %s, found an empty string",
				    s->expects);
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return setting_fail(s, v, p, e,
					    "a control character in it");
	replace(s, p, &text);
	return 0;
}

/* --- Words and numbers -------------------------------------------------- */

static int
store_bool(const struct setting *s, const struct value *v,
	   const struct setting_place *p, struct err *e)
{
	_value_ struct value *plain = NULL;

	if (plain_of(s, v, p, &plain, e) < 0)
		return -1;
	if (plain->type != VALUE_BOOL)
		return setting_fail_type(s, v, p, e);
	*(bool *)field(s, p) = plain->u.boolean;
	return 0;
}

static int
store_number(const struct setting *s, const struct value *v, int64_t n,
	     const struct setting_place *p, struct err *e)
{
	_free_ char *range = NULL;

	if ((n < s->min || n > s->max) && !(n == 0 && setting_may_be_none(s))) {
		char text[64];

		range = setting_range(s);
		return setting_fail(s, v, p, e, "expected %s, found %s%s%s",
				    range, setting_found(v, text),
				    s->why ? ": " : "", s->why ? s->why : "");
	}
	*(int64_t *)field(s, p) = n;
	return 0;
}

static int
store_integer(const struct setting *s, const struct value *v,
	      const struct setting_place *p, struct err *e)
{
	_value_ struct value *plain = NULL;

	if (plain_of(s, v, p, &plain, e) < 0)
		return -1;
	if (plain->type != VALUE_INT)
		return setting_fail_type(s, v, p, e);
	return store_number(s, v, plain->u.integer, p, e);
}

static int
store_duration(const struct setting *s, const struct value *v,
	       const struct setting_place *p, struct err *e)
{
	_free_ char *text = NULL;
	int64_t ms;

	if (v->type == VALUE_INT)
		return setting_fail(
			s, v, p, e,
			"the unit is missing: %lld is no duration, %llds "
			"is",
			(long long)v->u.integer, (long long)v->u.integer);
	text = setting_text(s, v, p, e);
	if (!text)
		return -1;
	if (!units_parse_duration(text, &ms))
		return setting_fail_type(s, v, p, e);
	return store_number(s, v, ms, p, e);
}

static int
store_size(const struct setting *s, const struct value *v,
	   const struct setting_place *p, struct err *e)
{
	_free_ char *text = NULL;
	int64_t bytes;

	if (v->type == VALUE_INT)
		return store_number(s, v, v->u.integer, p, e);
	text = setting_text(s, v, p, e);
	if (!text)
		return -1;
	if (!units_parse_size(text, &bytes))
		return setting_fail_type(s, v, p, e);
	return store_number(s, v, bytes, p, e);
}

static int
store_time(const struct setting *s, const struct value *v,
	   const struct setting_place *p, struct err *e)
{
	_free_ char *text = setting_text(s, v, p, e);
	int64_t ms;

	if (!text)
		return -1;
	if (!units_parse_time(text, &ms) || ms == 0)
		return setting_fail_type(s, v, p, e);
	*(int64_t *)field(s, p) = ms;
	return 0;
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
int
setting_fail_name(const struct setting *s, const struct value *v,
		  const struct setting_place *p, const char *const *names,
		  struct err *e)
{
	_free_ char *expects = setting_expects(s);
	const char *nearest = NULL;
	char text[64];

	if (!expand_is_needed(v->u.string.s))
		nearest = units_nearest(v->u.string.s, names, count(names));
	if (!nearest)
		return setting_fail_type(s, v, p, e);
	return setting_fail(s, v, p, e,
			    "expected %s, found %s; did you mean '%s'?",
			    expects, setting_found(v, text), nearest);
}

static int
store_enum(const struct setting *s, const struct value *v,
	   const struct setting_place *p, struct err *e)
{
	_free_ char *text = setting_text(s, v, p, e);

	if (!text)
		return -1;
	for (int i = 0; s->names[i]; i++) {
		if (strcmp(s->names[i], text) == 0) {
			*(int *)field(s, p) = i;
			return 0;
		}
	}
	return setting_fail_name(s, v, p, s->names, e);
}

_Static_assert(sizeof(enum log_level) == sizeof(int) &&
		       sizeof(enum config_log_format) == sizeof(int) &&
		       sizeof(enum storage_type) == sizeof(int) &&
		       sizeof(enum config_durability) == sizeof(int) &&
		       sizeof(enum config_overlap) == sizeof(int) &&
		       sizeof(enum config_missed) == sizeof(int) &&
		       sizeof(enum config_on_crash) == sizeof(int),
	       "store_enum() writes enums as int");

/* --- By type ------------------------------------------------------------ */

int
setting_store(const struct setting *s, const struct value *v,
	      const struct setting_place *p, struct err *e)
{
	static int (*const store[SETTING_TYPES])(const struct setting *,
						 const struct value *,
						 const struct setting_place *,
						 struct err *) = {
		[SETTING_PATH] = store_path,
		[SETTING_PROGRAM] = store_path,
		[SETTING_ADDRESS] = store_address,
		[SETTING_NAME] = store_name,
		[SETTING_ACCOUNT] = store_account,
		[SETTING_TEXT] = store_text,
		[SETTING_SECRET] = store_secret,
		[SETTING_URL] = store_url,
		[SETTING_BOOL] = store_bool,
		[SETTING_INTEGER] = store_integer,
		[SETTING_DURATION] = store_duration,
		[SETTING_SIZE] = store_size,
		[SETTING_TIME] = store_time,
		[SETTING_ENUM] = store_enum,
		[SETTING_LAYERS] = store_layers,
		[SETTING_FLAGS] = store_flags,
		[SETTING_PATTERNS] = store_patterns,
		[SETTING_LABELS] = store_labels,
		[SETTING_HOSTS] = store_hosts,
		[SETTING_ROLES] = store_roles,
		[SETTING_PARAMS] = store_params,
		[SETTING_SECRETS] = store_secrets,
	};

	return store[s->type](s, v, p, e);
}
