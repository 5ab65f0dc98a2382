#include "base/log_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Shorter lines of a longer secret say too little to be one. */
#define LINE_MIN 8

static struct secret {
	char *text;
	size_t len;
} * secrets;
static size_t n_secrets;
static bool starts[256]; /* whether a secret starts with this byte */

static bool
is_known(const char *text, size_t len)
{
	for (size_t i = 0; i < n_secrets; i++)
		if (secrets[i].len == len &&
		    memcmp(secrets[i].text, text, len) == 0)
			return true;
	return false;
}

static void
add(const char *text, size_t len)
{
	if (len == 0 || is_known(text, len))
		return;
	secrets = xrealloc(secrets, n_secrets + 1, sizeof(*secrets));
	secrets[n_secrets++] = (struct secret){ xstrndup(text, len), len };
	starts[(unsigned char)text[0]] = true;
}

void
log_add_secret(const char *text)
{
	add(text, strlen(text));
	if (!strchr(text, '\n'))
		return;
	while (*text) {
		size_t len = strcspn(text, "\r\n");

		if (len >= LINE_MIN)
			add(text, len);
		text += len;
		text += strspn(text, "\r\n");
	}
}

void
log_forget_secrets(void)
{
	for (size_t i = 0; i < n_secrets; i++) {
		explicit_bzero(secrets[i].text, secrets[i].len);
		free(secrets[i].text);
	}
	free(secrets);
	secrets = NULL;
	n_secrets = 0;
	memset(starts, 0, sizeof(starts));
}

bool
log_has_secrets(void)
{
	return n_secrets > 0;
}

/* The length of the longest secret that stands at the start of `s`. */
static size_t
secret_at(const char *s, size_t len)
{
	size_t longest = 0;

	if (!starts[(unsigned char)*s])
		return 0;
	for (size_t i = 0; i < n_secrets; i++)
		if (secrets[i].len > longest && secrets[i].len <= len &&
		    memcmp(s, secrets[i].text, secrets[i].len) == 0)
			longest = secrets[i].len;
	return longest;
}

void
log_hide_secrets(struct buf *out, const char *text)
{
	size_t len = strlen(text);
	size_t hidden = 0; /* up to here nothing is shown */

	for (size_t i = 0; i < len; i++) {
		size_t n = secret_at(text + i, len - i);

		/* those that overlap are one */
		if (n && i >= hidden)
			buf_adds(out, "***");
		if (n && i + n > hidden)
			hidden = i + n;
		if (i >= hidden)
			buf_addc(out, text[i]);
	}
}
