#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "plugin/schema.h"
#include "plugin/schema_parts.h"

/*
 * A match may take so many steps, go so deep and use so many KiB.  Linear
 * expressions on parameters of any sensible length stay far below.
 */
#define MATCH_STEPS 500000
#define MATCH_DEPTH 10000
#define MATCH_KIB 4096
#define NESTED_PARENS 50

/* As ECMAScript has it: "$" is the very end, \u0041 a character, [] empty. */
#define COMPILE_OPTIONS                                               \
	(PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C | \
	 PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF)

static void
free_code(pcre2_code **code)
{
	pcre2_code_free(*code);
}

static void
free_data(pcre2_match_data **data)
{
	pcre2_match_data_free(*data);
}

static void
free_compile_context(pcre2_compile_context **context)
{
	pcre2_compile_context_free(*context);
}

static void
free_match_context(pcre2_match_context **context)
{
	pcre2_match_context_free(*context);
}

#define _code_ __attribute__((cleanup(free_code)))
#define _data_ __attribute__((cleanup(free_data)))
#define _compile_context_ __attribute__((cleanup(free_compile_context)))
#define _match_context_ __attribute__((cleanup(free_match_context)))

static int
say(struct err *e, const char *what, int code)
{
	char text[128];

	if (pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof(text)) <
	    0)
		text[0] = '\0';
	return err_set(e, ERR_USAGE, "%s: %s", what, text);
}

static pcre2_code *
compile(const struct value *pattern, struct err *e)
{
	_compile_context_ pcre2_compile_context *context =
		pcre2_compile_context_create(NULL);
	pcre2_code *code;
	PCRE2_SIZE at;
	int r;

	if (!context) {
		err_set(e, ERR_AGENT, "no memory for a pattern");
		return NULL;
	}
	pcre2_set_parens_nest_limit(context, NESTED_PARENS);
	pcre2_set_max_pattern_length(context, SCHEMA_MAX_PATTERN);
	code = pcre2_compile((PCRE2_SPTR)pattern->u.string.s,
			     pattern->u.string.len, COMPILE_OPTIONS, &r, &at,
			     context);
	if (code)
		return code;
	say(e, "not a regular expression", r);
	err_hint(e, "it is wrong at character %zu", (size_t)at + 1);
	return NULL;
}

int
pattern_check(const struct value *pattern, struct err *e)
{
	_code_ pcre2_code *code = compile(pattern, e);

	return code ? 0 : -1;
}

int
pattern_match(const struct value *pattern, const struct value *s, struct err *e)
{
	_code_ pcre2_code *code = compile(pattern, e);
	_data_ pcre2_match_data *data = NULL;
	_match_context_ pcre2_match_context *context = NULL;
	int r;

	if (!code)
		return -1;
	data = pcre2_match_data_create(1, NULL);
	context = pcre2_match_context_create(NULL);
	if (!data || !context)
		return err_set(e, ERR_AGENT, "no memory for a match");
	pcre2_set_match_limit(context, MATCH_STEPS);
	pcre2_set_depth_limit(context, MATCH_DEPTH);
	pcre2_set_heap_limit(context, MATCH_KIB);
	r = pcre2_match(code, (PCRE2_SPTR)s->u.string.s, s->u.string.len, 0, 0,
			data, context);
	if (r >= 0)
		return 1;
	return r == PCRE2_ERROR_NOMATCH ?
		       0 :
		       say(e, "can't be matched against its pattern", r);
}
