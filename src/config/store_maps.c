/* Lists and maps of the file, to the fields of settings. */
#include "config/parts.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/layer.h"
#include "model/role.h"

#define LABELS_MAX 64
#define SECRETS_MAX 64
#define HOSTS_MAX 64
#define ROLES_MAX 256
#define KEY_MAX 128 /* bytes; quoted and escaped, YAML takes up to 1024 */

static void *
field(const struct setting *s, const struct setting_place *p)
{
	return (char *)p->base + s->offset;
}

static void
replace(const struct setting *s, const struct setting_place *p,
	struct value **v)
{
	struct value **old = field(s, p);

	value_free(*old);
	*old = steal_ptr(v);
}

static int
fail_key(const struct setting *s, const struct value_member *m,
	 const struct setting_place *p, struct err *e, const char *text)
{
	const struct value at = { .line = m->line, .col = m->col };

	return setting_fail(s, &at, p, e, "%s, found '%.40s'", text, m->key);
}

/* --- Lists and labels ---------------------------------------------------- */

int
store_layers(const struct setting *s, const struct value *v,
	     const struct setting_place *p, struct err *e)
{
	unsigned set = 0;

	if (v->type != VALUE_ARRAY)
		return setting_fail_type(s, v, p, e);
	for (size_t i = 0; i < v->u.array.n; i++) {
		const struct value *item = v->u.array.items[i];
		_free_ char *name = setting_text(s, item, p, e);
		unsigned bit;

		if (!name)
			return -1;
		bit = layer_bit(name);
		if (!bit)
			return setting_fail_name(s, item, p, layer_names, e);
		set |= bit;
	}
	*(unsigned *)field(s, p) = set;
	return 0;
}

static bool
is_label(const char *s)
{
	return *s && !isdigit((unsigned char)*s) && strlen(s) <= 64 &&
	       s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			   "abcdefghijklmnopqrstuvwxyz"
			   "0123456789_")] == '\0';
}

/* A label's value is text; 1 and true are as good, 1.10 may have been more. */
static char *
label_text(const struct setting *s, const struct value *v,
	   const struct setting_place *p, struct err *e)
{
	char text[64];

	switch (v->type) {
	case VALUE_STRING:
		return setting_text(s, v, p, e);
	case VALUE_BOOL:
	case VALUE_INT:
		return xstrdup(setting_found(v, text));
	default:
		setting_fail(s, v, p, e,
			     "a label's value is a string, found %s%s",
			     setting_found(v, text),
			     v->type == VALUE_REAL ? "; quote it" : "");
		return NULL;
	}
}

static int
add_label(const struct setting *s, const struct value_member *m,
	  const struct setting_place *p, struct value *labels, struct err *e)
{
	_free_ char *text = NULL;

	if (!is_label(m->key))
		return fail_key(s, m, p, e,
				"a label is named with up to 64 letters, "
				"digits and _, no digit first");
	text = label_text(s, m->value, p, e);
	if (!text)
		return -1;
	value_add(labels, m->key, value_string(text));
	return 0;
}

int
store_labels(const struct setting *s, const struct value *v,
	     const struct setting_place *p, struct err *e)
{
	_value_ struct value *labels = value_object();

	if (v->type != VALUE_OBJECT)
		return setting_fail_type(s, v, p, e);
	if (v->u.object.n > LABELS_MAX)
		return setting_fail(s, v, p, e, "more than %d labels",
				    LABELS_MAX);
	for (size_t i = 0; i < v->u.object.n; i++)
		if (add_label(s, &v->u.object.members[i], p, labels, e) < 0)
			return -1;
	replace(s, p, &labels);
	return 0;
}

/* --- Hosts and roles ----------------------------------------------------- */

static bool
is_host(const char *s)
{
	return *s && strlen(s) <= 253 &&
	       s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			   "abcdefghijklmnopqrstuvwxyz"
			   "0123456789.-_:[]")] == '\0';
}

int
store_hosts(const struct setting *s, const struct value *v,
	    const struct setting_place *p, struct err *e)
{
	_value_ struct value *hosts = value_array();

	if (v->type != VALUE_ARRAY)
		return setting_fail_type(s, v, p, e);
	if (v->u.array.n > HOSTS_MAX)
		return setting_fail(s, v, p, e, "more than %d host names",
				    HOSTS_MAX);
	for (size_t i = 0; i < v->u.array.n; i++) {
		const struct value *item = v->u.array.items[i];
		_free_ char *text = setting_text(s, item, p, e);

		if (!text)
			return -1;
		if (!is_host(text))
			return setting_fail(s, item, p, e,
					    "expected a host name such as "
					    "agent.example, found '%.40s'",
					    text);
		value_append(hosts, value_string(text));
	}
	replace(s, p, &hosts);
	return 0;
}

int
store_roles(const struct setting *s, const struct value *v,
	    const struct setting_place *p, struct err *e)
{
	_value_ struct value *roles = value_object();
	enum role role;

	if (v->type != VALUE_OBJECT)
		return setting_fail_type(s, v, p, e);
	if (v->u.object.n > ROLES_MAX)
		return setting_fail(s, v, p, e, "more than %d names",
				    ROLES_MAX);
	for (size_t i = 0; i < v->u.object.n; i++) {
		const struct value_member *m = &v->u.object.members[i];
		_free_ char *text = setting_text(s, m->value, p, e);

		if (!text)
			return -1;
		if (!*m->key || strlen(m->key) > KEY_MAX)
			return fail_key(s, m, p, e,
					"a name has 1 to 128 bytes");
		if (!role_parse(text, &role))
			return setting_fail(s, m->value, p, e,
					    "expected reader, operator or "
					    "admin, found '%.40s'",
					    text);
		value_add(roles, m->key, value_string(text));
	}
	replace(s, p, &roles);
	return 0;
}

/* --- Parameters ---------------------------------------------------------- */

static int expand_value(const struct setting *s, const struct value *v,
			const struct setting_place *p, struct value **out,
			struct err *e);

static int
expand_items(const struct setting *s, const struct value *v,
	     const struct setting_place *p, struct value *out, struct err *e)
{
	struct value *item = NULL;

	for (size_t i = 0; i < v->u.array.n; i++) {
		if (expand_value(s, v->u.array.items[i], p, &item, e) < 0)
			return -1;
		value_append(out, item);
	}
	return 0;
}

static int
expand_members(const struct setting *s, const struct value *v,
	       const struct setting_place *p, struct value *out, struct err *e)
{
	struct value *member = NULL;

	for (size_t i = 0; i < v->u.object.n; i++) {
		const struct value_member *m = &v->u.object.members[i];

		if (strlen(m->key) > KEY_MAX)
			return fail_key(s, m, p, e,
					"a key of more than 128 bytes");
		if (expand_value(s, m->value, p, &member, e) < 0)
			return -1;
		value_add(out, m->key, member);
	}
	return 0;
}

/* The same tree with the ${...} of its strings looked up. */
static int
expand_value(const struct setting *s, const struct value *v,
	     const struct setting_place *p, struct value **out, struct err *e)
{
	_value_ struct value *copy = NULL;
	_free_ char *text = NULL;
	int rc = 0;

	switch (v->type) {
	case VALUE_STRING:
		text = setting_text(s, v, p, e);
		if (!text)
			return -1;
		copy = value_string(text);
		break;
	case VALUE_ARRAY:
		copy = value_array();
		rc = expand_items(s, v, p, copy, e);
		break;
	case VALUE_OBJECT:
		copy = value_object();
		rc = expand_members(s, v, p, copy, e);
		break;
	default:
		copy = value_copy(v);
		break;
	}
	if (rc == 0)
		*out = steal_ptr(&copy);
	return rc;
}

int
store_params(const struct setting *s, const struct value *v,
	     const struct setting_place *p, struct err *e)
{
	_value_ struct value *params = NULL;

	if (v->type != VALUE_OBJECT)
		return setting_fail_type(s, v, p, e);
	if (expand_value(s, v, p, &params, e) < 0)
		return -1;
	replace(s, p, &params);
	return 0;
}

/* --- Secrets -------------------------------------------------------------- */

/* As a header's `permissions: secrets:` names them. */
static bool
is_secret_name(const char *s)
{
	return *s && !strchr(".-", *s) && strlen(s) <= 64 &&
	       s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			   "abcdefghijklmnopqrstuvwxyz"
			   "0123456789_.-")] == '\0';
}

/* Whatever stands there in its place may be the secret: it is not shown. */
static int
add_secret(const struct setting *s, const struct value_member *m,
	   const struct setting_place *p, struct value *secrets, struct err *e)
{
	_free_ char *text = NULL;

	if (!is_secret_name(m->key))
		return fail_key(s, m, p, e,
				"a secret is named with up to 64 letters, "
				"digits, _, . and -, no . or - first");
	if (m->value->type != VALUE_STRING)
		return setting_fail(s, m->value, p, e,
				    "the secret '%s' is a string; quote it",
				    m->key);
	text = setting_text(s, m->value, p, e);
	if (!text)
		return -1;
	strv_add(p->secrets, text);
	value_add(secrets, m->key, value_string(text));
	return 0;
}

int
store_secrets(const struct setting *s, const struct value *v,
	      const struct setting_place *p, struct err *e)
{
	_value_ struct value *secrets = value_object();

	if (v->type != VALUE_OBJECT)
		return setting_fail(s, v, p, e,
				    "expected a map of names to "
				    "strings");
	if (v->u.object.n > SECRETS_MAX)
		return setting_fail(s, v, p, e, "more than %d secrets",
				    SECRETS_MAX);
	for (size_t i = 0; i < v->u.object.n; i++)
		if (add_secret(s, &v->u.object.members[i], p, secrets, e) < 0)
			return -1;
	replace(s, p, &secrets);
	return 0;
}
