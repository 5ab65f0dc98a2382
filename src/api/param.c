#include "api/param.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/record.h"
#include "model/units.h"

/* --- From text ---------------------------------------------------------- */

typedef bool read_fn(const struct param *p, const char *s, struct buf *out);

static bool
add_string(const char *s, struct buf *out)
{
	json_encode_string(s, strlen(s), out);
	return true;
}

static bool
read_name(const struct param *p, const char *s, struct buf *out)
{
	(void)p;
	return units_is_name(s) && add_string(s, out);
}

static bool
read_text(const struct param *p, const char *s, struct buf *out)
{
	return *s && strlen(s) <= (size_t)p->most && add_string(s, out);
}

static bool
read_count(const struct param *p, const char *s, struct buf *out)
{
	size_t len = strlen(s);
	int64_t n = 0;

	if (len == 0 || len > 18 || strspn(s, "0123456789") != len)
		return false;
	for (size_t i = 0; i < len; i++)
		n = n * 10 + (s[i] - '0');
	if (n < p->least || n > p->most)
		return false;
	buf_addf(out, "%lld", (long long)n);
	return true;
}

static bool
read_time(const struct param *p, const char *s, struct buf *out)
{
	int64_t ms;

	(void)p;
	return units_parse_time(s, &ms) && add_string(s, out);
}

static bool
is_state(const char *s)
{
	enum job_state state;

	return job_state_parse(s, &state);
}

/* "queued,running" becomes ["queued","running"]. */
static bool
read_list(const char *s, bool (*is)(const char *), struct buf *out)
{
	char word[80];
	const char *before = "[";

	for (;;) {
		size_t len = strcspn(s, ",");

		if (len >= sizeof(word))
			return false;
		memcpy(word, s, len);
		word[len] = '\0';
		if (!is(word))
			return false;
		buf_adds(out, before);
		add_string(word, out);
		before = ",";
		if (!s[len])
			break;
		s += len + 1;
	}
	buf_addc(out, ']');
	return true;
}

static bool
read_states(const struct param *p, const char *s, struct buf *out)
{
	(void)p;
	return read_list(s, is_state, out);
}

static bool
read_flag(const struct param *p, const char *s, struct buf *out)
{
	bool yes = strcmp(s, "1") == 0 || strcmp(s, "true") == 0;

	(void)p;
	if (!yes && strcmp(s, "0") != 0 && strcmp(s, "false") != 0)
		return false;
	buf_adds(out, yes ? "true" : "false");
	return true;
}

/* --- As JSON ------------------------------------------------------------ */

/* The same rules, for what came as a JSON string or number. */
static bool
check_as_text(const struct param *p, struct json_text v, read_fn *read)
{
	_buf_ struct buf text = { 0 }, out = { 0 };

	if (json_kind(v) != JSON_IS_STRING ||
	    json_add_string(&text, v, PARAM_BYTES_MAX) > 0)
		return false;
	buf_adds(&text, "");
	return strlen(text.data) == text.len && read(p, text.data, &out);
}

static bool
check_name(const struct param *p, struct json_text v)
{
	return check_as_text(p, v, read_name);
}

static bool
check_text(const struct param *p, struct json_text v)
{
	return check_as_text(p, v, read_text);
}

static bool
check_time(const struct param *p, struct json_text v)
{
	return check_as_text(p, v, read_time);
}

static bool
check_count(const struct param *p, struct json_text v)
{
	int64_t n;

	return json_to_int(v, &n) && n >= p->least && n <= p->most;
}

static bool
check_flag(const struct param *p, struct json_text v)
{
	(void)p;
	return json_kind(v) == JSON_IS_BOOL;
}

static bool
check_object(const struct param *p, struct json_text v)
{
	(void)p;
	return json_kind(v) == JSON_IS_OBJECT;
}

/* --- The kinds ---------------------------------------------------------- */

#define STATE_NAMES                                                      \
	"\"queued\",\"running\",\"succeeded\",\"failed\",\"timed_out\"," \
	"\"cancelled\",\"denied\",\"lost\""

static const struct {
	read_fn *read; /* NULL: in a body alone */
	bool (*check)(const struct param *p, struct json_text v);
	const char *words;
	const char *schema;
	bool bounds; /* `least` and `most` are its minimum and maximum */
} kinds[PARAM_KINDS] = {
	[PARAM_NAME] = { read_name, check_name, "a name of a-z, 0-9 and -",
			 "\"type\":\"string\",\"pattern\":"
			 "\"^[a-z0-9][a-z0-9-]{0,63}$\"",
			 false },
	[PARAM_TEXT] = { read_text, check_text, "a text",
			 "\"type\":\"string\",\"minLength\":1", false },
	[PARAM_COUNT] = { read_count, check_count, "a whole number",
			  "\"type\":\"integer\"", true },
	[PARAM_TIME] = { read_time, check_time,
			 "a time such as 2026-01-31T23:59:59Z",
			 "\"type\":\"string\",\"format\":\"date-time\"",
			 false },
	[PARAM_STATES] = { read_states, NULL,
			   "a job's state, or several with commas between",
			   "\"type\":\"array\",\"items\":{\"type\":\"string\","
			   "\"enum\":[" STATE_NAMES "]}",
			   false },
	[PARAM_FLAG] = { read_flag, check_flag, "1, 0, true or false",
			 "\"type\":\"boolean\"", false },
	[PARAM_OBJECT] = { NULL, check_object, "an object",
			   "\"type\":\"object\"", false },
};

void
param_write_words(const struct param *p, struct buf *out)
{
	buf_adds(out, kinds[p->kind].words);
	if (kinds[p->kind].bounds && p->most == INT64_MAX)
		buf_addf(out, " from %lld on", (long long)p->least);
	else if (kinds[p->kind].bounds)
		buf_addf(out, " from %lld to %lld", (long long)p->least,
			 (long long)p->most);
	else if (p->kind == PARAM_TEXT)
		buf_addf(out, " of 1 to %lld bytes", (long long)p->most);
}

void
param_write_schema(const struct param *p, struct buf *out)
{
	buf_addf(out, "{%s", kinds[p->kind].schema);
	if (kinds[p->kind].bounds) {
		buf_addf(out, ",\"minimum\":%lld", (long long)p->least);
		if (p->most != INT64_MAX)
			buf_addf(out, ",\"maximum\":%lld", (long long)p->most);
	}
	buf_addc(out, '}');
}

static int
refuse(const struct param *p, struct problem *pb)
{
	_buf_ struct buf words = { 0 };

	param_write_words(p, &words);
	return problem_set(pb, PROBLEM_INVALID_REQUEST, "\"%s\" must be %s",
			   p->name, words.data);
}

int
param_from_text(const struct param *p, const char *text, size_t len,
		struct buf *out, struct problem *pb)
{
	char s[PARAM_BYTES_MAX + 1];
	size_t before = out->len;

	if (len >= sizeof(s) || memchr(text, '\0', len))
		return refuse(p, pb);
	for (size_t at = 0, n; at < len; at += n) {
		n = text_utf8(text + at, len - at, NULL);
		if (!n)
			return refuse(p, pb);
	}
	memcpy(s, text, len);
	s[len] = '\0';
	if (kinds[p->kind].read && kinds[p->kind].read(p, s, out))
		return 0;
	out->len = before;
	return refuse(p, pb);
}

int
param_check(const struct param *p, struct json_text v, struct problem *pb)
{
	if (!kinds[p->kind].check || !kinds[p->kind].check(p, v))
		return refuse(p, pb);
	return 0;
}

/* --- URIs --------------------------------------------------------------- */

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
param_unescape(const char *text, size_t len, bool plus, char *out, size_t size,
	       size_t *out_len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (n + 1 >= size)
			return -1;
		if (c == '%') {
			if (len - i < 3 || hex(text[i + 1]) < 0 ||
			    hex(text[i + 2]) < 0)
				return -1;
			c = (char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		out[n++] = c;
	}
	out[n] = '\0';
	*out_len = n;
	return 0;
}
