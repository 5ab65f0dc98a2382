#include "plugin/args.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define ARG_MAX_BYTES (128UL << 10) /* what Linux takes for one argument */

/* Is told of each part of an item: literal text, or the name of a parameter. */
typedef int part_fn(void *arg, const char *s, size_t n, bool literal,
		    struct err *e);

/* A placeholder, *p being its brace; moves behind it. */
static int
placeholder(const char **p, part_fn *fn, void *arg, struct err *e)
{
	const char *name = *p + 1;
	size_t n = strcspn(name, "{}");

	if (name[n] != '}' || n == 0)
		return err_set(e, ERR_USAGE,
			       "'%.80s' is no {parameter}; write '{{' for a "
			       "brace",
			       *p);
	*p = name + n + 1;
	return fn(arg, name, n, false, e);
}

static int
each_part(const char *item, part_fn *fn, void *arg, struct err *e)
{
	for (const char *p = item; *p;) {
		size_t n = strcspn(p, "{}");

		if (!n && p[0] == p[1]) { /* a doubled brace */
			if (fn(arg, p, 1, true, e) < 0)
				return -1;
			p += 2;
		} else if (!n && *p == '}') {
			return err_set(e, ERR_USAGE,
				       "a '}' without its '{'; write '}}'");
		} else if (!n) {
			if (placeholder(&p, fn, arg, e) < 0)
				return -1;
		} else {
			if (fn(arg, p, n, true, e) < 0)
				return -1;
			p += n;
		}
	}
	return 0;
}

static bool
is_required(const struct value *schema, const char *name)
{
	const struct value *list = value_get(schema, "required");

	for (size_t i = 0; list && i < list->u.array.n; i++)
		if (strcmp(list->u.array.items[i]->u.string.s, name) == 0)
			return true;
	return false;
}

static int
check_part(void *arg, const char *s, size_t n, bool literal, struct err *e)
{
	const struct value *schema = arg;
	const struct value *property;
	_free_ char *name = xstrndup(s, n);

	if (literal)
		return 0;
	property = value_get(value_get(schema, "properties"), name);
	if (!property)
		return err_set(e, ERR_USAGE, "{%.64s} is no property of params",
			       name);
	if (!value_get(property, "default") && !is_required(schema, name))
		return err_set(e, ERR_USAGE,
			       "{%.64s} may be absent: give it a default or "
			       "require it",
			       name);
	return 0;
}

int
args_check(const char *item, const struct value *schema, struct err *e)
{
	return each_part(item, check_part, (void *)(uintptr_t)schema, e);
}

struct expansion {
	const struct value *params;
	struct buf text;
};

static int
add_string(struct expansion *x, const char *name, const struct value *v,
	   struct err *e)
{
	if (memchr(v->u.string.s, '\0', v->u.string.len))
		return err_set(e, ERR_USAGE, "parameter %s holds a NUL", name);
	if (!x->text.len && v->u.string.s[0] == '-')
		return err_set(e, ERR_USAGE,
			       "parameter %s begins with '-', which the "
			       "program would take for an option",
			       name);
	buf_add(&x->text, v->u.string.s, v->u.string.len);
	return 0;
}

static int
add_param(struct expansion *x, const char *name, struct err *e)
{
	const struct value *v = value_get(x->params, name);

	if (v && v->type == VALUE_STRING)
		return add_string(x, name, v, e);
	if (v && v->type == VALUE_BOOL)
		buf_adds(&x->text, v->u.boolean ? "true" : "false");
	else if (v && v->type == VALUE_INT)
		buf_addf(&x->text, "%lld", (long long)v->u.integer);
	else if (v && v->type == VALUE_REAL)
		buf_addf(&x->text, "%.17g", v->u.real);
	else
		return err_set(e, ERR_USAGE,
			       "parameter %s is %s, which can't be put into "
			       "an argument",
			       name, v ? value_type_name(v) : "absent");
	return 0;
}

static int
expand_part(void *arg, const char *s, size_t n, bool literal, struct err *e)
{
	struct expansion *x = arg;
	_free_ char *name = xstrndup(s, n);

	if (!literal)
		return add_param(x, name, e);
	buf_add(&x->text, s, n);
	return 0;
}

int
args_expand(const struct strv *args, const struct value *params,
	    struct strv *out, struct err *e)
{
	for (size_t i = 0; i < args->n; i++) {
		struct expansion x = { .params = params };
		_free_ char *text = NULL;
		int r;

		buf_init(&x.text, ARG_MAX_BYTES - 1);
		r = each_part(args->items[i], expand_part, &x, e);
		if (r == 0 && x.text.overflow)
			r = err_set(e, ERR_USAGE, "argument %zu is too long",
				    i + 1);
		text = buf_steal(&x.text);
		if (r < 0)
			return -1;
		strv_add(out, text);
	}
	return 0;
}
