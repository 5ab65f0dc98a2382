#include "base/text.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* RFC 3629: by its first byte, how long a sequence is and its second byte. */
struct lead {
	unsigned char first, last;
	unsigned char length;
	unsigned char second_min, second_max;
};

static const struct lead leads[] = {
	{ 0xc2, 0xdf, 2, 0x80, 0xbf }, { 0xe0, 0xe0, 3, 0xa0, 0xbf },
	{ 0xe1, 0xec, 3, 0x80, 0xbf }, { 0xed, 0xed, 3, 0x80, 0x9f },
	{ 0xee, 0xef, 3, 0x80, 0xbf }, { 0xf0, 0xf0, 4, 0x90, 0xbf },
	{ 0xf1, 0xf3, 4, 0x80, 0xbf }, { 0xf4, 0xf4, 4, 0x80, 0x8f },
};

static size_t
utf8_long(const unsigned char *s, size_t len, uint32_t *code)
{
	const struct lead *lead = leads;
	const struct lead *end = leads + ARRAY_SIZE(leads);
	uint32_t c;

	while (lead < end && s[0] > lead->last)
		lead++;
	if (lead == end || s[0] < lead->first || len < lead->length ||
	    s[1] < lead->second_min || s[1] > lead->second_max)
		return 0;
	c = s[0] & (0x7fU >> lead->length);
	for (size_t i = 1; i < lead->length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fU);
	}
	*code = c;
	return lead->length;
}

size_t
text_utf8(const char *s, size_t len, uint32_t *code)
{
	const unsigned char *u = (const unsigned char *)s;
	uint32_t ignored;

	if (!code)
		code = &ignored;
	if (len == 0)
		return 0;
	if (u[0] >= 0x80)
		return utf8_long(u, len, code);
	*code = u[0];
	return 1;
}

size_t
text_encode(uint32_t code, char out[4])
{
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = n - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	/* the first byte has as many ones at its top as there are bytes */
	out[0] = (char)(n == 1 ? code : (0xf00U >> n & 0xff) | code);
	return n;
}

bool
text_is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c ||
	       code == 0x200e || code == 0x200f ||
	       (code >= 0x202a && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

void
text_add_utf8(struct buf *out, const char *s, size_t len)
{
	size_t clean = 0; /* bytes before `at` that are not added yet */

	for (size_t at = 0; at < len;) {
		size_t n = text_utf8(s + at, len - at, NULL);

		if (n) {
			clean += n;
			at += n;
			continue;
		}
		buf_add(out, s + at - clean, clean);
		buf_adds(out, "\xef\xbf\xbd");
		clean = 0;
		at++;
	}
	buf_add(out, s + len - clean, clean);
}

size_t
text_cut(const char *s, size_t len, size_t max)
{
	size_t back = 0;

	if (len <= max)
		return len;
	while (back < 3 && back < max && (s[max - back] & 0xc0) == 0x80)
		back++;
	/* only what would have been a sequence is worth going back for */
	return text_utf8(s + max - back, len - (max - back), NULL) > back ?
		       max - back :
		       max;
}

static bool
shown_as_is(uint32_t code)
{
	return code == '\t' || !text_is_control(code);
}

void
text_add_terminal(struct buf *out, const char *s, size_t len,
		  const char *newline)
{
	size_t clean = 0;

	for (size_t at = 0; at < len;) {
		uint32_t code = 0;
		size_t n = text_utf8(s + at, len - at, &code);

		if (n && shown_as_is(code)) {
			clean += n;
			at += n;
			continue;
		}
		buf_add(out, s + at - clean, clean);
		clean = 0;
		if (n && code == '\n' && newline)
			buf_adds(out, newline);
		else if (n && code > 0xff)
			buf_addf(out, "\\u%04x", (unsigned)code);
		else
			buf_addf(out, "\\x%02x",
				 n ? (unsigned)code : (unsigned char)s[at]);
		at += n ? n : 1;
	}
	buf_add(out, s + len - clean, clean);
}

char *
text_excerpt(const char *s, size_t len, char buf[TEXT_EXCERPT])
{
	_buf_ struct buf b;
	size_t n = text_cut(s, len, 60);

	buf_init(&b, TEXT_EXCERPT - 8);
	text_add_terminal(&b, s, n, NULL);
	snprintf(buf, TEXT_EXCERPT, "%s%s", b.data ? b.data : "",
		 n < len ? "..." : "");
	return buf;
}
