/* The pages that are made from the table of settings. */
#include "config/config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "config/settings.h"

#define WIDTH 76

/* --- docs/configuration.md ---------------------------------------------- */

/* One row of a Markdown table: what would end a cell is escaped. */
static void
add_cell(const char *text, struct buf *out)
{
	for (; *text; text++) {
		if (*text == '|')
			buf_addc(out, '\\');
		buf_addc(out, *text);
	}
}

static void
add_fallback(const struct setting *s, const struct config *c, struct buf *out)
{
	_value_ struct value *v = setting_value(s, c);
	_buf_ struct buf text = { 0 };

	if (!v) {
		add_cell(s->without, out);
		return;
	}
	setting_add_yaml(v, &text);
	buf_addc(out, '`');
	add_cell(text.data, out);
	buf_addc(out, '`');
}

static void
add_row(const struct setting *s, const struct config *c, struct buf *out)
{
	_free_ char *expects = setting_expects(s);
	_free_ char *range = setting_range(s);

	buf_addf(out, "| `%s` | ", s->path);
	add_cell(expects, out);
	if (range)
		buf_addf(out, "; %s", range);
	buf_adds(out, " | ");
	add_fallback(s, c, out);
	buf_adds(out, " | ");
	add_cell(s->help, out);
	buf_adds(out, " |\n");
}

void
config_write_reference(struct buf *out)
{
	_config_ struct config c;

	config_init(&c);
	buf_adds(out, "| setting | expects | default | meaning |\n"
		      "|---|---|---|---|\n");
	for (size_t i = 0; i < settings_count; i++)
		if (settings[i].type != SETTING_RESERVED)
			add_row(&settings[i], &c, out);
	buf_adds(out, "\nReserved for the agent as a service: anything may be "
		      "in these sections, and\nnothing of it is read yet.\n\n"
		      "| section | meaning |\n|---|---|\n");
	for (size_t i = 0; i < settings_count; i++)
		if (settings[i].type == SETTING_RESERVED)
			buf_addf(out, "| `%s` | %s |\n", settings[i].path,
				 settings[i].help);
}

/* --- config.example.yaml ------------------------------------------------ */

static void
start_line(size_t depth, const char *mark, struct buf *out)
{
	buf_addf(out, "%*s%s", (int)(2 * depth), "", mark);
}

/* A comment, broken between words. */
static void
add_comment(const char *text, size_t depth, struct buf *out)
{
	size_t col = 2 * depth + 1;

	start_line(depth, "#", out);
	while (*text) {
		size_t n = strcspn(text, " ");

		if (col + 1 + n > WIDTH) {
			buf_addc(out, '\n');
			start_line(depth, "#", out);
			col = 2 * depth + 1;
		}
		buf_addf(out, " %.*s", (int)n, text);
		col += 1 + n;
		text += n + strspn(text + n, " ");
	}
	buf_addc(out, '\n');
}

static size_t
common_sections(const char *a, const char *b)
{
	size_t n = 0;

	for (size_t i = 0; a[i] && a[i] == b[i]; i++)
		n += a[i] == '.';
	return n;
}

/* Open what the row before was not in; the depth of the setting itself. */
static size_t
add_sections(const struct setting *s, struct buf *out)
{
	size_t open = s > settings ? common_sections(s[-1].path, s->path) : 0;
	size_t depth = 0;

	for (const char *p = s->path, *dot; (dot = strchr(p, '.'));
	     p = dot + 1, depth++) {
		if (depth < open)
			continue;
		buf_adds(out, depth ? "" : "\n");
		start_line(depth, "", out);
		buf_addf(out, "%.*s:\n", (int)(dot - p), p);
	}
	return depth;
}

static void
add_help(const struct setting *s, size_t depth, struct buf *out)
{
	_free_ char *range = setting_range(s);
	_free_ char *expects = setting_expects(s);
	_free_ char *text = NULL;

	if (s->type == SETTING_ENUM || s->type == SETTING_LAYERS)
		text = xasprintf("%s It is %s.", s->help, expects);
	else if (range)
		text = xasprintf("%s %s.", s->help, range);
	else if (!s->fallback)
		text = xasprintf("%s Without it: %s.", s->help, s->without);
	add_comment(text ? text : s->help, depth, out);
}

static void
add_example(const struct setting *s, const struct config *c, struct buf *out)
{
	_value_ struct value *v = setting_value(s, c);
	size_t depth = add_sections(s, out);

	add_help(s, depth, out);
	start_line(depth, v ? "" : "# ", out);
	buf_addf(out, "%s: ", setting_name(s));
	if (v)
		setting_add_yaml(v, out);
	else
		buf_adds(out, s->sample);
	buf_addc(out, '\n');
}

void
config_write_example(struct buf *out)
{
	_config_ struct config c;

	config_init(&c);
	buf_adds(out, "# The configuration of devops_agent, with every setting "
		      "at its default. What\n# may be written here, and where "
		      "it is looked for: docs/configuration.md.\n");
	for (size_t i = 0; i < settings_count; i++)
		if (settings[i].type != SETTING_RESERVED)
			add_example(&settings[i], &c, out);
}
