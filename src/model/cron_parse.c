#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "model/cron.h"
#include "model/units.h"

struct field {
	const char *name;
	unsigned min, max;
	const char *const *names; /* of min and on, three letters each */
	const char *want;
};

static const char *const month_names[] = { "jan", "feb", "mar", "apr", "may",
					   "jun", "jul", "aug", "sep", "oct",
					   "nov", "dec", NULL };
static const char *const weekday_names[] = { "sun", "mon", "tue", "wed",
					     "thu", "fri", "sat", NULL };
static const char *const no_names[] = { NULL };

enum { FIELD_MINUTE, FIELD_HOUR, FIELD_DAY, FIELD_MONTH, FIELD_WEEKDAY };
#define FIELDS 5

static const struct field fields[FIELDS] = {
	[FIELD_MINUTE] = { "minute", 0, 59, no_names, "0-59" },
	[FIELD_HOUR] = { "hour", 0, 23, no_names, "0-23" },
	[FIELD_DAY] = { "day of month", 1, 31, no_names, "1-31" },
	[FIELD_MONTH] = { "month", 1, 12, month_names, "1-12 or jan-dec" },
	[FIELD_WEEKDAY] = { "day of week", 0, 7, weekday_names,
			    "0-7 (0 and 7 are Sunday) or sun-sat" },
};

static const struct {
	const char *name, *text;
} nicknames[] = {
	{ "@yearly", "0 0 1 1 *" },  { "@annually", "0 0 1 1 *" },
	{ "@monthly", "0 0 1 * *" }, { "@weekly", "0 0 * * 0" },
	{ "@daily", "0 0 * * *" },   { "@midnight", "0 0 * * *" },
	{ "@hourly", "0 * * * *" },
};

/* What other programs' expressions know and this one does not. */
static const struct {
	const char *letters, *advice;
} foreign[] = {
	{ "?", "'?' is not known here; write *" },
	{ "Ll", "'L' (the last) is not known here; name the days" },
	{ "Ww", "'W' (the nearest working day) is not known here; name the "
		"days" },
	{ "#", "'#' (the nth weekday) is not known here; name the days, such "
	       "as 1-7 for the first week" },
	{ "Hh", "'H' (any, by hash) is not known here; jitter: spreads load" },
	{ "~", "'~' (any of a range) is not known here; jitter: spreads load" },
	{ "=", "a time zone is not part of it; write timezone: beside it" },
};

/* Where the parser is: one field, one item of its list. */
struct scan {
	const char *text; /* all of it, for columns */
	const char *p;
	const struct field *field;
	struct err *e;
};

__attribute__((format(printf, 3, 4))) static int
refuse(const struct scan *s, const char *at, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(s->e, ERR_USAGE, "column %d: %s: %s",
		       (int)(at - s->text) + 1, s->field->name, what);
}

static size_t
word_length(const char *p)
{
	return strcspn(p, ",-/ \t");
}

static int
refuse_word(const struct scan *s)
{
	const char *word = s->p;
	int len = (int)strcspn(word, ", \t");

	if (len == 0)
		return refuse(s, word, "a value is missing; want %s",
			      s->field->want);
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
		if (strpbrk(word, foreign[i].letters) &&
		    strcspn(word, foreign[i].letters) < (size_t)len)
			return refuse(s, word, "%s", foreign[i].advice);
	return refuse(s, word, "'%.*s' is no value; want %s",
		      len < 40 ? len : 40, word, s->field->want);
}

/* A number of up to max_digits; the scan stays where it is on failure. */
static bool
scan_number(struct scan *s, unsigned *out)
{
	size_t len = strspn(s->p, "0123456789");
	unsigned n = 0;

	if (len == 0 || len > 4 || word_length(s->p) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		n = n * 10 + (unsigned)(s->p[i] - '0');
	s->p += len;
	*out = n;
	return true;
}

static int
scan_value(struct scan *s, unsigned *out)
{
	const struct field *f = s->field;
	const char *start = s->p;

	if (word_length(start) == 3)
		for (unsigned i = 0; f->names[i]; i++)
			if (strncasecmp(start, f->names[i], 3) == 0) {
				s->p += 3;
				*out = f->min + i;
				return 0;
			}
	if (!scan_number(s, out))
		return refuse_word(s);
	if (*out < f->min || *out > f->max)
		return refuse(s, start, "%u is out of range; want %s", *out,
			      f->want);
	return 0;
}

static int
scan_range(struct scan *s, unsigned *low, unsigned *high, bool *range)
{
	const char *start = s->p;

	*range = false;
	if (scan_value(s, low) < 0)
		return -1;
	*high = *low;
	if (*s->p != '-')
		return 0;
	s->p++;
	if (scan_value(s, high) < 0)
		return -1;
	*range = true;
	if (s->field == &fields[FIELD_WEEKDAY] && *high == 0 && *low > 0)
		*high = 7; /* fri-sun */
	if (*high < *low)
		return refuse(s, start,
			      "the range %.*s runs backwards; write two, up to "
			      "the end and from the beginning",
			      (int)(s->p - start), start);
	return 0;
}

static int
scan_step(struct scan *s, unsigned low, unsigned high, bool range,
	  unsigned *step)
{
	const char *start;

	*step = 1;
	if (*s->p != '/')
		return 0;
	if (!range)
		return refuse(s, s->p,
			      "a step wants a range before it, such as "
			      "*/2 or %u-%u/2",
			      low, s->field->max);
	start = ++s->p;
	if (!scan_number(s, step) || *step == 0)
		return refuse(s, start, "a step is a number from 1 on");
	if (*step > 1 && *step > high - low)
		return refuse(s, start,
			      "the step %u is larger than the range %u-%u; "
			      "every: repeats without regard to the calendar",
			      *step, low, high);
	return 0;
}

/* One of a list: "*", a value or a range, with a step or without. */
static int
scan_item(struct scan *s, uint64_t *set, bool *star)
{
	const struct field *f = s->field;
	unsigned low = f->min, high = f->max, step;
	bool range = true;

	if (*s->p == '*') {
		s->p++;
		*star = true;
		high = f == &fields[FIELD_WEEKDAY] ? 6 : high;
	} else if (scan_range(s, &low, &high, &range) < 0) {
		return -1;
	}
	if (scan_step(s, low, high, range, &step) < 0)
		return -1;
	if (*s->p && !strchr(", \t", *s->p))
		return refuse(s, s->p, "'%c' is out of place here", *s->p);
	for (unsigned i = low; i <= high; i += step)
		*set |= UINT64_C(1) << i;
	return 0;
}

static int
scan_field(struct scan *s, uint64_t *set, bool *star)
{
	*set = 0;
	*star = false;
	for (;; s->p++) {
		if (scan_item(s, set, star) < 0)
			return -1;
		if (*s->p != ',')
			return 0;
	}
}

static void
skip_blanks(struct scan *s)
{
	s->p += strspn(s->p, " \t");
}

static unsigned
count_fields(const char *text)
{
	unsigned n = 0;

	for (text += strspn(text, " \t"); *text; n++) {
		text += strcspn(text, " \t");
		text += strspn(text, " \t");
	}
	return n;
}

static int
refuse_count(unsigned n, struct err *e)
{
	return err_set(e, ERR_USAGE,
		       "%u field%s; want five: minute hour day-of-month month "
		       "day-of-week%s",
		       n, n == 1 ? "" : "s",
		       n > FIELDS ? " (no seconds, no year)" : "");
}

static int
parse_nickname(const char *text, struct cron *c, struct err *e)
{
	_free_ char *word = xstrndup(text, strcspn(text, " \t"));
	const char *names[ARRAY_SIZE(nicknames)], *near;

	for (size_t i = 0; i < ARRAY_SIZE(nicknames); i++) {
		names[i] = nicknames[i].name;
		if (strcmp(word, names[i]) == 0 && count_fields(text) == 1)
			return cron_parse(nicknames[i].text, c, e);
	}
	if (strcmp(word, "@reboot") == 0)
		return err_set(e, ERR_USAGE,
			       "@reboot is no time; always: true runs a plugin "
			       "for as long as the agent runs");
	if (strncmp(word, "@every", 6) == 0)
		return err_set(e, ERR_USAGE,
			       "@every is not known here; every: is a setting "
			       "of its own, such as every: 5m");
	near = units_nearest(word, names, ARRAY_SIZE(names));
	if (near)
		return err_set(e, ERR_USAGE,
			       "'%.40s' is not known; did you mean %s?", text,
			       near);
	return err_set(e, ERR_USAGE,
		       "'%.40s' is not known; want five fields, or @hourly, "
		       "@daily, @midnight, @weekly, @monthly, @yearly, "
		       "@annually",
		       text);
}

int
cron_parse(const char *text, struct cron *c, struct err *e)
{
	struct scan s = { .text = text, .p = text, .e = e };
	uint64_t sets[FIELDS];
	bool stars[FIELDS];

	if (strlen(text) > CRON_TEXT_MAX)
		return err_set(e, ERR_USAGE, "longer than %d bytes",
			       CRON_TEXT_MAX);
	skip_blanks(&s);
	if (*s.p == '@')
		return parse_nickname(s.p, c, e);
	if (count_fields(text) != FIELDS)
		return refuse_count(count_fields(text), e);
	for (size_t i = 0; i < FIELDS; i++) {
		s.field = &fields[i];
		if (scan_field(&s, &sets[i], &stars[i]) < 0)
			return -1;
		skip_blanks(&s);
	}
	*c = (struct cron){
		.minutes = sets[FIELD_MINUTE],
		.hours = (uint32_t)sets[FIELD_HOUR],
		.days = (uint32_t)sets[FIELD_DAY],
		.months = (uint16_t)sets[FIELD_MONTH],
		.weekdays =
			(sets[FIELD_WEEKDAY] | sets[FIELD_WEEKDAY] >> 7) & 0x7f,
		.day_star = stars[FIELD_DAY],
		.weekday_star = stars[FIELD_WEEKDAY],
	};
	return 0;
}
