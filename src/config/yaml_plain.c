/* Plain scalars: the core schema, YAML 1.2.2, section 10.3.2. */
#include "config/yaml.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define DIGITS "0123456789"

static const char too_large[] = "a number of more than 64 bits";

static bool
is_one_of(const char *s, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(s, *words) == 0)
			return true;
	return false;
}

static const char *
skip_sign(const char *s)
{
	return s + (*s == '-' || *s == '+');
}

static bool
is_only(const char *s, const char *set)
{
	return *s && s[strspn(s, set)] == '\0';
}

static bool
is_real(const char *s)
{
	size_t whole, part = 0;

	s = skip_sign(s);
	whole = strspn(s, DIGITS);
	s += whole;
	if (*s == '.') {
		part = strspn(s + 1, DIGITS);
		s += 1 + part;
	}
	if (!whole && !part)
		return false;
	if (*s != 'e' && *s != 'E')
		return *s == '\0';
	return is_only(skip_sign(s + 1), DIGITS);
}

static const char *
read_decimal(const char *s, struct value **out)
{
	const char *digits = skip_sign(s);
	long long n;

	if (digits[0] == '0' && digits[1])
		return "a number with a leading zero, which is octal in one "
		       "version of YAML and decimal in another; quote it, or "
		       "write 0o for octal";
	errno = 0;
	n = strtoll(s, NULL, 10);
	if (errno)
		return too_large;
	*out = value_int(n);
	return NULL;
}

static const char *
read_radix(const char *digits, int base, struct value **out)
{
	unsigned long long n;

	errno = 0;
	n = strtoull(digits, NULL, base);
	if (errno || n > INT64_MAX)
		return too_large;
	*out = value_int((int64_t)n);
	return NULL;
}

static const char *
read_real(const char *s, struct value **out)
{
	double d = strtod(s, NULL);

	if (!isfinite(d))
		return "a number that is too large";
	*out = value_real(d);
	return NULL;
}

static const char *
read_number(const char *s, struct value **out)
{
	if (is_only(skip_sign(s), DIGITS))
		return read_decimal(s, out);
	if (strncmp(s, "0o", 2) == 0 && is_only(s + 2, "01234567"))
		return read_radix(s + 2, 8, out);
	if (strncmp(s, "0x", 2) == 0 && is_only(s + 2, DIGITS "abcdefABCDEF"))
		return read_radix(s + 2, 16, out);
	if (is_real(s))
		return read_real(s, out);
	*out = value_string(s);
	return NULL;
}

const char *
yaml_plain(const char *s, struct value **out)
{
	static const char *const nulls[] = { "",     "~",    "null",
					     "Null", "NULL", NULL };
	static const char *const trues[] = { "true", "True", "TRUE", NULL };
	static const char *const falses[] = { "false", "False", "FALSE", NULL };
	static const char *const nans[] = { ".nan", ".NaN", ".NAN", NULL };
	static const char *const infs[] = { ".inf", ".Inf", ".INF", NULL };

	/* most text is that by its first character */
	if (*s && !strchr("~nNtTfF.+-" DIGITS, *s)) {
		*out = value_string(s);
		return NULL;
	}
	if (is_one_of(s, nans) || is_one_of(skip_sign(s), infs))
		return "a number that is not finite; quote it if it is text";
	if (is_one_of(s, nulls))
		*out = value_null();
	else if (is_one_of(s, trues))
		*out = value_bool(true);
	else if (is_one_of(s, falses))
		*out = value_bool(false);
	else
		return read_number(s, out);
	return NULL;
}
