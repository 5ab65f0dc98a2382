#include "api/accept.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define WEIGHT_ALL 1000 /* a weight of 1, in thousandths */

static const char *
skip_space(const char *s)
{
	return s + strspn(s, " \t");
}

/* "0.5" is 500; anything else is as if nothing was wanted. */
static int
parse_weight(const char *s, size_t len)
{
	int weight = 0, scale = WEIGHT_ALL;

	if (len == 0 || len > 5 || (s[0] != '0' && s[0] != '1') ||
	    (len > 1 && s[1] != '.'))
		return 0;
	weight = (s[0] - '0') * scale;
	for (size_t i = 2; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return 0;
		scale /= 10;
		weight += (s[i] - '0') * scale;
	}
	return weight > WEIGHT_ALL ? 0 : weight;
}

/* The next item of a list: its name, and its weight; false at the end. */
static bool
next_item(const char **at, const char **name, size_t *len, int *weight)
{
	const char *s = *at + strspn(*at, " \t,");

	if (!*s)
		return false;
	*name = s;
	*len = strcspn(s, ",; \t");
	*weight = WEIGHT_ALL;
	s = skip_space(s + *len);
	while (*s == ';') {
		s = skip_space(s + 1);
		if ((s[0] == 'q' || s[0] == 'Q') && s[1] == '=')
			*weight = parse_weight(s + 2, strcspn(s + 2, ",; \t"));
		s += strcspn(s, ",;");
	}
	*at = s + strcspn(s, ",");
	return true;
}

/* How exactly a range names a type: 3 by name, 2 by half, 1 at all, 0 not. */
static int
match_type(const char *range, size_t len, const char *type)
{
	const char *slash = strchr(type, '/');
	size_t half = slash ? (size_t)(slash - type) + 1 : 0;

	if (len == strlen(type) && strncasecmp(range, type, len) == 0)
		return 3;
	if (half && len == half + 1 && range[half] == '*' &&
	    strncasecmp(range, type, half) == 0)
		return 2;
	return len == 3 && memcmp(range, "*/*", 3) == 0;
}

static int
match_coding(const char *range, size_t len, const char *coding)
{
	if (len == strlen(coding) && strncasecmp(range, coding, len) == 0)
		return 3;
	return len == 1 && *range == '*';
}

/* The weight of the item that names it most exactly; -1: none names it. */
static int
weight_of(const char *header, const char *offer,
	  int (*match)(const char *, size_t, const char *))
{
	const char *at = header, *name;
	size_t len;
	int weight, best = 0, found = -1;

	while (next_item(&at, &name, &len, &weight)) {
		int exact = match(name, len, offer);

		if (exact > best) {
			best = exact;
			found = weight;
		}
	}
	return found;
}

int
accept_type(const char *header, const char *const *offers, size_t n)
{
	int best = -1, most = 0;

	if (!header || !header[strspn(header, " \t,")])
		return 0;
	for (size_t i = 0; i < n; i++) {
		int weight = weight_of(header, offers[i], match_type);

		if (weight > most) {
			most = weight;
			best = (int)i;
		}
	}
	return best;
}

int
accept_coding(const char *header, const char *const *offers, size_t n)
{
	int best = -1, most = 0;

	if (!header)
		return (int)n - 1;
	for (size_t i = 0; i < n; i++) {
		int weight = weight_of(header, offers[i], match_coding);

		/* not named: fine as it is, but anything named goes before */
		if (weight < 0 && i == n - 1)
			weight = most ? 0 : 1;
		if (weight > most) {
			most = weight;
			best = (int)i;
		}
	}
	return best;
}
