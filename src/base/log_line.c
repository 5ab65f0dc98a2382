#include "base/log_parts.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"

static const struct {
	const char *json, *text, *colour;
} levels[] = {
	[LOG_LEVEL_DEBUG] = { "debug", "DEBUG", "\033[2m" },
	[LOG_LEVEL_INFO] = { "info", "INFO ", "" },
	[LOG_LEVEL_WARN] = { "warn", "WARN ", "\033[33m" },
	[LOG_LEVEL_ERROR] = { "error", "ERROR", "\033[31m" },
};

static void
add_json_code(struct buf *out, uint32_t code)
{
	char c[4];

	if (code == '"' || code == '\\')
		buf_addf(out, "\\%c", (int)code);
	else if (text_is_control(code))
		buf_addf(out, "\\u%04x", (unsigned)code);
	else
		buf_add(out, c, text_encode(code, c));
}

/* Controls, those of the direction of writing too, are escaped: a log is
 * looked at with less and grep. */
static void
add_json(struct buf *out, const char *name, const char *s)
{
	size_t len = s ? strlen(s) : 0;

	if (!len)
		return;
	buf_addf(out, ",\"%s\":\"", name);
	for (size_t at = 0; at < len;) {
		uint32_t code = 0xfffd;
		size_t n = text_utf8(s + at, len - at, &code);

		add_json_code(out, n ? code : 0xfffd);
		at += n ? n : 1;
	}
	buf_addc(out, '"');
}

static void
add_json_line(struct buf *out, const char *time, const struct log_entry *e)
{
	buf_addf(out, "{\"time\":\"%s\",\"level\":\"%s\"", time,
		 levels[e->level].json);
	add_json(out, "message", e->message);
	if (e->repeated)
		buf_addf(out, ",\"repeated\":%u", e->repeated);
	add_json(out, "component", e->component);
	if (e->job)
		buf_addf(out, ",\"job\":%lld", (long long)e->job);
	add_json(out, "plugin", e->plugin);
	buf_adds(out, "}\n");
}

static void
add_text(struct buf *out, const char *s)
{
	text_add_terminal(out, s, strlen(s), NULL);
}

static void
add_about(struct buf *out, const struct log_entry *e)
{
	bool plugin = e->plugin && *e->plugin;

	if (!e->job && !plugin)
		return;
	buf_adds(out, " (");
	if (e->job)
		buf_addf(out, "job %lld%s", (long long)e->job,
			 plugin ? ", " : "");
	if (plugin) {
		buf_adds(out, "plugin ");
		add_text(out, e->plugin);
	}
	buf_addc(out, ')');
}

static void
add_text_line(struct buf *out, const char *time, bool colour,
	      const struct log_entry *e)
{
	const char *on = colour ? levels[e->level].colour : "";

	buf_addf(out, "%s %s%s%s ", time, on, levels[e->level].text,
		 *on ? "\033[0m" : "");
	if (e->component && *e->component) {
		add_text(out, e->component);
		buf_adds(out, ": ");
	}
	add_text(out, e->message);
	add_about(out, e);
	buf_addc(out, '\n');
}

void
log_add_line(struct buf *out, enum log_style style, int64_t real_ms,
	     const struct log_entry *e)
{
	char time[CLOCK_TEXT];

	clock_format(real_ms, time);
	if (style == LOG_STYLE_JSON)
		add_json_line(out, time, e);
	else
		add_text_line(out, time, style == LOG_STYLE_COLOUR, e);
}
