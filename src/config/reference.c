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

/* What holds where it is not in the file, of a struct of defaults. */
static void
add_fallback(const struct setting *s, const void *base, struct buf *out)
{
	_value_ struct value *v = setting_value(s, base);
	const char *nothing = s->type == SETTING_DESTINATIONS ? "[]" : "{}";
	_buf_ struct buf text = { 0 };

	if (!v && s->without) {
		add_cell(s->without, out);
		return;
	}
	if (v)
		setting_add_yaml(v, &text);
	else
		buf_adds(&text, nothing);
	buf_addc(out, '`');
	add_cell(text.data, out);
	buf_addc(out, '`');
}

/* What else is in the row, in words. */
static void
add_remarks(const struct setting *s, struct buf *out)
{
	if (s->needs_restart)
		buf_adds(out, " Read at start only.");
	if (s->when == CONFIG_CRON)
		buf_adds(out, " With `cron` only.");
	else if (s->when & CONFIG_ON_DEMAND)
		buf_adds(out, " Not with `always`.");
	else if (s->when)
		buf_adds(out, " With `every`, `cron` or `at`.");
}

static void
add_row(const struct setting *s, const void *base, struct buf *out)
{
	_free_ char *expects = setting_expects(s);
	_free_ char *range = setting_range(s);

	buf_addf(out, "| `%s` | ", s->path);
	add_cell(expects, out);
	if (range)
		buf_addf(out, "; %s", range);
	buf_adds(out, " | ");
	add_fallback(s, base, out);
	buf_adds(out, " | ");
	add_cell(s->help, out);
	add_remarks(s, out);
	buf_adds(out, " |\n");
}

static void
add_table(const struct setting_table *t, const void *base, struct buf *out)
{
	buf_adds(out, "| setting | expects | default | meaning |\n"
		      "|---|---|---|---|\n");
	for (size_t i = 0; i < t->n; i++)
		add_row(&t->rows[i], base, out);
}

void
config_write_reference(struct buf *out)
{
	_config_ struct config c;
	struct config_job job = { 0 };
	struct config_destination d = { 0 };

	config_init(&c);
	for (size_t i = 0; i < job_settings.n; i++)
		setting_reset(&job_settings.rows[i], &job);
	for (size_t i = 0; i < destination_settings.n; i++)
		setting_reset(&destination_settings.rows[i], &d);
	add_table(&agent_settings, &c, out);
	buf_adds(out, "\n### Settings of a job\n\nBelow `jobs`, by the job's "
		      "name.\n\n");
	add_table(&job_settings, &job, out);
	buf_adds(out, "\n### Settings of a destination\n\nBelow `forward`, in "
		      "a list.\n\n");
	add_table(&destination_settings, &d, out);
	for (size_t i = 0; i < destination_settings.n; i++)
		setting_release(&destination_settings.rows[i], &d);
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
	size_t open = s > agent_settings.rows ?
			      common_sections(s[-1].path, s->path) :
			      0;
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
	else if (s->sample)
		text = xasprintf("%s Without it: %s.", s->help, s->fallback);
	add_comment(text ? text : s->help, depth, out);
}

/* For a setting with a default, a sample stands instead of that. */
static void
add_example(const struct setting *s, const struct config *c, struct buf *out)
{
	_value_ struct value *v = setting_value(s, c);
	size_t depth = add_sections(s, out);

	add_help(s, depth, out);
	start_line(depth, v ? "" : "# ", out);
	buf_addf(out, "%s: ", setting_name(s));
	if (s->sample)
		buf_adds(out, s->sample);
	else
		setting_add_yaml(v, out);
	buf_addc(out, '\n');
}

/* Behind "# ", so that taking it off makes it work. */
static const char sample_jobs[] =
	"\n"
	"# What runs when, by name; all that may be set is in "
	"docs/configuration.md.\n"
	"# jobs:\n"
	"#   collect-disk:\n"
	"#     plugin: collect-disk\n"
	"#     every: 1m\n"
	"#     jitter: 10s\n"
	"#     params: {min_percent: 80}\n"
	"#   check-certificate:\n"
	"#     plugin: check-cert\n"
	"#     cron: \"0 7 * * mon-fri\"\n"
	"#     timezone: Europe/Berlin\n"
	"#     retry: {max: 3, backoff: 5s, max_backoff: 5m}\n"
	"#     params: {host: example.org}\n"
	"#   greet:\n"
	"#     command: ./plugins/python/greet.py\n"
	"#     every: 1h\n"
	"#     enabled: false\n";

static const char sample_forward[] =
	"\n"
	"# Where records are sent; see docs/forwarding.md.\n"
	"# forward:\n"
	"#   - name: central\n"
	"#     url: https://collector.example/v1/results\n"
	"#     format: jsonl\n"
	"#     auth: {bearer: \"${file:token}\"}\n"
	"#     batch: {records: 500, size: 1MiB, wait: 2s}\n"
	"#     buffer: {size: 1GiB, age: 7d, full: drop_oldest}\n"
	"#     select: {jobs: [\"*\"], records: [job, log]}\n";

void
config_write_example(struct buf *out)
{
	_config_ struct config c;

	config_init(&c);
	buf_adds(out, "# The configuration of devops_agent. Every setting is "
		      "at its default, but\n# agent.data_dir, which is beside "
		      "this file so that anybody may try it, and\n# "
		      "api.anonymous, so that a browser or curl on this host "
		      "may look. What may be\n# written here, and where it is "
		      "looked for: docs/configuration.md.\n");
	for (size_t i = 0; i < agent_settings.n; i++) {
		const struct setting *s = &agent_settings.rows[i];

		if (s->type == SETTING_JOBS)
			buf_adds(out, sample_jobs);
		else if (s->type == SETTING_DESTINATIONS)
			buf_adds(out, sample_forward);
		else
			add_example(s, &c, out);
	}
}
