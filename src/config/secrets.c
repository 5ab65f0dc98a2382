/* What must not be shown, nor logged. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/parts.h"

/* A line of a secret is one itself, if it is no mere bracket or brace. */
#define LINE_MIN 8

static int
longest_first(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	size_t n = strlen(x), m = strlen(y);

	return n != m ? (n < m) - (n > m) : strcmp(x, y);
}

/* Logs come in lines, so a secret of several lines is looked for by them. */
static void
add_lines(const char *text, struct strv *out)
{
	if (!strchr(text, '\n'))
		return;
	for (size_t n; *text; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\r\n");
		if (n >= LINE_MIN)
			strv_addf(out, "%.*s", (int)n, text);
		n = strcspn(text, "\n");
	}
}

void
secrets_finish(struct config *c)
{
	struct strv *all = &c->secrets;
	size_t whole = all->n, kept = 0;

	for (size_t i = 0; i < whole; i++)
		add_lines(all->items[i], all);
	if (!all->n)
		return;
	qsort(all->items, all->n, sizeof(*all->items), longest_first);
	for (size_t i = 0; i < all->n; i++) {
		char *text = steal_ptr(&all->items[i]);

		if (strlen(text) < CONFIG_SECRET_MIN ||
		    (kept && strcmp(text, all->items[kept - 1]) == 0))
			free(text);
		else
			all->items[kept++] = text;
	}
	all->n = kept;
	all->items[kept] = NULL;
}

void
config_secrets(const struct config *c, void (*fn)(void *arg, const char *text),
	       void *arg)
{
	for (size_t i = 0; i < c->secrets.n; i++)
		fn(arg, c->secrets.items[i]);
}
