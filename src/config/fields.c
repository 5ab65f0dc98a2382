/* Fields of settings by their types: defaults, freeing, comparing, copying. */
#include "config/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "config/parts.h"
#include "config/yaml.h"

/* How a type's field is kept. */
enum kind { KIND_NONE, KIND_TEXT, KIND_BOOL, KIND_INT64, KIND_INT, KIND_TREE };

static const enum kind kinds[SETTING_TYPES] = {
	[SETTING_PATH] = KIND_TEXT,	 [SETTING_PROGRAM] = KIND_TEXT,
	[SETTING_ADDRESS] = KIND_TEXT,	 [SETTING_NAME] = KIND_TEXT,
	[SETTING_ACCOUNT] = KIND_TEXT,	 [SETTING_TEXT] = KIND_TEXT,
	[SETTING_SECRET] = KIND_TEXT,	 [SETTING_URL] = KIND_TEXT,
	[SETTING_BOOL] = KIND_BOOL,	 [SETTING_INTEGER] = KIND_INT64,
	[SETTING_DURATION] = KIND_INT64, [SETTING_SIZE] = KIND_INT64,
	[SETTING_TIME] = KIND_INT64,	 [SETTING_ENUM] = KIND_INT,
	[SETTING_LAYERS] = KIND_INT,	 [SETTING_LABELS] = KIND_TREE,
	[SETTING_HOSTS] = KIND_TREE,	 [SETTING_ROLES] = KIND_TREE,
	[SETTING_PARAMS] = KIND_TREE,	 [SETTING_SECRETS] = KIND_TREE,
	[SETTING_FLAGS] = KIND_INT,	 [SETTING_PATTERNS] = KIND_TREE,
};

static void *
field(const struct setting *s, void *base)
{
	return (char *)base + s->offset;
}

static const void *
const_field(const struct setting *s, const void *base)
{
	return (const char *)base + s->offset;
}

/* --- Defaults ------------------------------------------------------------ */

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
	case SETTING_ROLES:
		return value_object();
	case SETTING_HOSTS:
		return value_array();
	case SETTING_LAYERS:
	case SETTING_FLAGS:
	case SETTING_PATTERNS:
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
setting_reset(const struct setting *s, void *base)
{
	const struct setting_place place = { .base = base, .name = "" };
	_value_ struct value *v = NULL;
	struct err e = ERR_INIT;

	if (!s->fallback || s->type == SETTING_JOBS ||
	    s->type == SETTING_DESTINATIONS)
		return;
	v = fallback_of(s);
	if (setting_store(s, v, &place, &e) < 0)
		fatal("the default of %s", e.msg);
}

/* --- Life ------------------------------------------------------------------
 */

void
setting_release(const struct setting *s, void *base)
{
	void *at = field(s, base);

	if (kinds[s->type] == KIND_TEXT) {
		free(*(char **)at);
		*(char **)at = NULL;
	} else if (kinds[s->type] == KIND_TREE) {
		value_free(*(struct value **)at);
		*(struct value **)at = NULL;
	} else if (s->type == SETTING_JOBS) {
		jobs_release(at);
	} else if (s->type == SETTING_DESTINATIONS) {
		destinations_release(at);
	}
}

static bool
is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool
is_same_tree(const struct value *a, const struct value *b)
{
	return a && b ? value_equal(a, b) : a == b;
}

bool
setting_equal(const struct setting *s, const void *a, const void *b)
{
	const void *x = const_field(s, a), *y = const_field(s, b);

	switch (kinds[s->type]) {
	case KIND_TEXT:
		return is_same_text(*(char *const *)x, *(char *const *)y);
	case KIND_BOOL:
		return *(const bool *)x == *(const bool *)y;
	case KIND_INT64:
		return *(const int64_t *)x == *(const int64_t *)y;
	case KIND_INT:
		return *(const int *)x == *(const int *)y;
	case KIND_TREE:
		return is_same_tree(*(struct value *const *)x,
				    *(struct value *const *)y);
	case KIND_NONE:
		break;
	}
	return true;
}

void
setting_copy(const struct setting *s, const void *from, void *to)
{
	const void *x = const_field(s, from);
	void *y = field(s, to);
	const struct value *tree;
	const char *text;

	setting_release(s, to);
	switch (kinds[s->type]) {
	case KIND_TEXT:
		text = *(char *const *)x;
		*(char **)y = text ? xstrdup(text) : NULL;
		break;
	case KIND_BOOL:
		*(bool *)y = *(const bool *)x;
		break;
	case KIND_INT64:
		*(int64_t *)y = *(const int64_t *)x;
		break;
	case KIND_INT:
		*(int *)y = *(const int *)x;
		break;
	case KIND_TREE:
		tree = *(struct value *const *)x;
		*(struct value **)y = tree ? value_copy(tree) : NULL;
		break;
	case KIND_NONE:
		break;
	}
}
