#include "base/zone_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The counts of a header, in the order of the file. */
enum {
	UT_COUNT,
	STANDARD_COUNT,
	LEAP_COUNT,
	TIME_COUNT,
	TYPE_COUNT,
	CHAR_COUNT,
	COUNTS,
};

#define MAGIC "TZif"
#define HEADER_SIZE 44
#define TYPE_SIZE 6

/* RFC 8536, 3.2: offsets are within a day or so. */
#define OFFSET_MIN (-25 * 3600 + 1)
#define OFFSET_MAX (26 * 3600 - 1)

struct reader {
	const uint8_t *p;
	size_t left;
};

/* The next n bytes, NULL where there are fewer. */
static const uint8_t *
take(struct reader *r, uint64_t n)
{
	const uint8_t *p = r->p;

	if (n > r->left)
		return NULL;
	r->p += n;
	r->left -= (size_t)n;
	return p;
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static int64_t
get_time(const uint8_t *p, size_t size)
{
	if (size == 4)
		return (int32_t)get32(p);
	return (int64_t)((uint64_t)get32(p) << 32 | get32(p + 4));
}

/* Returns the version, 0 where there is no header. */
static int
take_header(struct reader *r, uint32_t counts[COUNTS])
{
	const uint8_t *p = take(r, HEADER_SIZE);

	if (!p || memcmp(p, MAGIC, strlen(MAGIC)) != 0)
		return 0;
	for (size_t i = 0; i < COUNTS; i++)
		counts[i] = get32(p + 20 + 4 * i);
	return p[4] == '\0' ? 1 : p[4] - '0';
}

static uint64_t
body_size(const uint32_t counts[COUNTS], size_t time_size)
{
	return (uint64_t)counts[TIME_COUNT] * (time_size + 1) +
	       (uint64_t)counts[TYPE_COUNT] * TYPE_SIZE + counts[CHAR_COUNT] +
	       (uint64_t)counts[LEAP_COUNT] * (time_size + 4) +
	       counts[STANDARD_COUNT] + counts[UT_COUNT];
}

/* Fills offsets of the local time types; NULL, or what is wrong. */
static const char *
read_types(const uint8_t *types, const uint32_t counts[COUNTS],
	   int32_t offsets[256])
{
	for (uint32_t i = 0; i < counts[TYPE_COUNT]; i++) {
		const uint8_t *type = types + (size_t)i * TYPE_SIZE;

		offsets[i] = (int32_t)get32(type);
		if (offsets[i] < OFFSET_MIN || offsets[i] > OFFSET_MAX)
			return "an offset is out of range";
		if (type[4] > 1 || type[5] >= counts[CHAR_COUNT])
			return "a type of local time is not valid";
	}
	return NULL;
}

/* Reads a body that is known to be all there; NULL, or what is wrong. */
static const char *
read_body(struct zone *z, const uint8_t *p, const uint32_t counts[COUNTS],
	  size_t time_size)
{
	size_t n = counts[TIME_COUNT];
	const uint8_t *kinds = p + n * time_size;
	int32_t offsets[256];
	const char *wrong;

	if (counts[LEAP_COUNT] > 0)
		return "it counts leap seconds, the system's clock does not";
	if (counts[TYPE_COUNT] < 1 || counts[TYPE_COUNT] > 256)
		return "it has no or too many types of local time";
	wrong = read_types(kinds + n, counts, offsets);
	if (wrong)
		return wrong;
	z->first = offsets[0];
	z->times = xcalloc(n, sizeof(*z->times));
	z->offsets = xcalloc(n, sizeof(*z->offsets));
	for (z->count = 0; z->count < n; z->count++) {
		int64_t *at = &z->times[z->count];

		*at = get_time(p + z->count * time_size, time_size);
		if (z->count > 0 && *at <= at[-1])
			return "its changes are not in order";
		if (kinds[z->count] >= counts[TYPE_COUNT])
			return "a change leads to no type of local time";
		z->offsets[z->count] = offsets[kinds[z->count]];
	}
	return NULL;
}

/* "\n<rule>\n"; an empty rule is none. */
static const char *
read_footer(struct zone *z, struct reader *r)
{
	const uint8_t *start = take(r, 1), *end;
	_free_ char *text = NULL;

	if (!start || *start != '\n')
		return "its footer is missing";
	end = r->left ? memchr(r->p, '\n', r->left) : NULL;
	if (!end)
		return "its footer has no end";
	text = xstrndup((const char *)r->p, (size_t)(end - r->p));
	z->has_rule = *text != '\0';
	if (z->has_rule && !zone_rule_parse(text, &z->rule))
		return "its footer is no rule";
	return NULL;
}

static const char *
read_file(struct zone *z, struct reader *r)
{
	uint32_t counts[COUNTS];
	int version = take_header(r, counts);
	size_t time_size = version == 1 ? 4 : 8;
	const uint8_t *body;
	const char *wrong;

	if (version == 0)
		return "it is no time zone file";
	if (version < 1 || version > 4)
		return "its version is not known";
	/* From version 2 on a second header and body, in 64 bits, follow. */
	if (version > 1 && (!take(r, body_size(counts, 4)) ||
			    take_header(r, counts) != version))
		return "it is cut short";
	body = take(r, body_size(counts, time_size));
	if (!body)
		return "it is cut short";
	wrong = read_body(z, body, counts, time_size);
	if (!wrong && version > 1)
		wrong = read_footer(z, r);
	return wrong;
}

int
zone_decode(const char *name, const void *data, size_t len, struct zone **out,
	    struct err *e)
{
	_zone_ struct zone *z = xcalloc(1, sizeof(*z));
	struct reader r = { data, len };
	const char *wrong = read_file(z, &r);

	if (wrong)
		return err_set(e, ERR_AGENT, "time zone %.100s: %s", name,
			       wrong);
	z->name = xstrdup(name);
	*out = steal_ptr(&z);
	return 0;
}

struct zone *
zone_of_rule(const char *name, const struct zone_rule *r)
{
	struct zone *z = xcalloc(1, sizeof(*z));

	z->name = xstrdup(name);
	z->rule = *r;
	z->has_rule = true;
	return z;
}

void
zone_free(struct zone *z)
{
	if (!z)
		return;
	free(z->name);
	free(z->times);
	free(z->offsets);
	free(z);
}

void
zone_freep(struct zone **z)
{
	zone_free(*z);
}
