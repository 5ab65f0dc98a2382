#include "worker/job_run.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "proto/json.h"

/*
 * How standard output is read is the header's `output:`.  A row a mode; `feed`
 * fills run->broken and returns -1 where the plugin broke a rule.
 */
struct mode {
	int (*start)(struct job_run *run, struct err *e);
	int (*feed)(struct job_run *run, const char *data, size_t len);
	void (*end)(struct job_run *run);
};

static const struct json_text nothing = { NULL, 0 };

static int
broke(struct job_run *run, const struct err *e)
{
	run->broken = *e;
	return -1;
}

/* --- rpc: the protocol -----------------------------------------------------
 */

static void
on_log(void *arg, enum log_level level, const char *message, size_t len,
       uint64_t left_out, struct json_text fields)
{
	job_log(arg, level, LOGBOOK_LOG, message, len, left_out, fields);
}

static void
on_metric(void *arg, const struct session_metric *metric)
{
	struct job_run *run = arg;
	struct record *r = &run->job->record;

	if (!r->metrics)
		r->metrics = value_array();
	value_append(r->metrics, session_metric_value(metric));
}

static void
on_progress(void *arg, double fraction, const char *message)
{
	struct job_run *run = arg;
	const struct job_watch *w = run->job->watch;

	if (w && w->progress)
		w->progress(w->arg, fraction, message);
}

static void
on_result(void *arg, int64_t id, struct json_text result)
{
	struct job_run *run = arg;

	(void)id;
	run->answered = true;
	run->answered_ms = clock_mono_ms();
	run->job->record.result = value_raw(result.s, result.len);
}

/* "code" of the data is the plugin's own word for what went wrong. */
static void
take_error(struct job_run *run, struct session_error *error, const char *code)
{
	struct record *r = &run->job->record;
	const char *own = value_get_string(error->data, "code", NULL);

	run->answered = true;
	run->answered_ms = clock_mono_ms();
	record_set_plugin_error(r, own, code, error->message);
	r->retry_after_ms = error->retry_after_ms;
	r->error_data = steal_ptr(&error->data);
}

static void
on_error(void *arg, int64_t id, struct session_error *error)
{
	(void)id;
	take_error(arg, error,
		   error->code == -32601 ? "no_method" : "plugin_error");
}

static void
on_load_failed(void *arg, struct session_error *error)
{
	take_error(arg, error, "load_failed");
}

static const struct session_handlers handlers = {
	.load_failed = on_load_failed,
	.result = on_result,
	.error = on_error,
	.log = on_log,
	.metric = on_metric,
	.progress = on_progress,
};

static int
rpc_start(struct job_run *run, struct err *e)
{
	const struct record *r = &run->job->record;
	struct session_request request = {
		.id = r->id,
		.method = run->job->method,
		.input = r->params,
		.job_name = r->name,
		.attempt = r->attempt,
		.timeout_ms = run->limits.timeout_ms,
		.secrets = run->job->secrets,
	};

	return session_request(&run->session, &request, e);
}

static int
rpc_feed(struct job_run *run, const char *data, size_t len)
{
	struct err e = ERR_INIT;

	if (session_feed(&run->session, data, len, &e) < 0)
		return broke(run, &e);
	return 0;
}

static void
rpc_end(struct job_run *run)
{
	struct err e = ERR_INIT;

	if (run->broken.kind == ERR_NONE && session_end(&run->session, &e) < 0)
		broke(run, &e);
}

/* --- json and text: what a program prints ----------------------------------
 */

/* One line of JSON with the parameters, for those who read it. */
static int
plain_start(struct job_run *run, struct err *e)
{
	const struct value *params = run->job->record.params;

	(void)e;
	if (params)
		json_encode(params, &run->request);
	else
		buf_adds(&run->request, "{}");
	buf_addc(&run->request, '\n');
	return 0;
}

static int
too_much(struct job_run *run)
{
	struct err e = ERR_INIT;

	err_set(&e, ERR_USAGE,
		"standard output is longer than the limit of %lld bytes",
		(long long)run->limits.output_bytes);
	err_hint(&e, "print less, or raise limits: {output: ...}");
	return broke(run, &e);
}

static int
text_feed(struct job_run *run, const char *data, size_t len)
{
	if (run->text.len + len > (size_t)run->limits.output_bytes)
		return too_much(run);
	buf_add(&run->text, data, len);
	return 0;
}

static void
text_end(struct job_run *run)
{
	_buf_ struct buf clean = { 0 };

	text_add_utf8(&clean, run->text.len ? run->text.data : "",
		      run->text.len);
	run->job->record.result =
		value_string_n(clean.len ? clean.data : "", clean.len);
}

/* Every line but the last is a line of log. */
static int
demote(void *arg, const struct line *line, struct err *e)
{
	(void)e;
	job_log(arg, LOG_LEVEL_INFO, LOGBOOK_STDOUT, line->s, line->len,
		line->left_out, nothing);
	return 0;
}

static void
json_flush(struct job_run *run)
{
	struct err ignored = ERR_INIT;

	line_cutter_feed(&run->out_lines, run->text.data, run->text.len, demote,
			 run, &ignored);
	buf_consume(&run->text, run->text.len);
}

static bool
is_blank(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r\n", s[i]))
			return false;
	return true;
}

/* run->text is the last line so far, with its line feed if it has come. */
static int
json_feed(struct job_run *run, const char *data, size_t len)
{
	while (len) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) + 1 : len;
		bool whole = run->text.len &&
			     run->text.data[run->text.len - 1] == '\n';

		/* a blank line at the end takes nothing's place */
		if (whole && end && is_blank(data, n)) {
			data += n;
			len -= n;
			continue;
		}
		if (whole)
			json_flush(run);
		if (run->text.len + n > (size_t)run->limits.output_bytes + 1)
			return too_much(run);
		buf_add(&run->text, data, n);
		data += n;
		len -= n;
	}
	return 0;
}

/* `metrics` of the result are taken as if they had come one by one. */
struct metric_feed {
	struct session session;
	struct buf lines;
};

static int
add_metric(void *arg, struct json_text key, struct json_text value,
	   struct err *e)
{
	struct metric_feed *feed = arg;

	(void)key;
	(void)e;
	buf_adds(&feed->lines, "{\"jsonrpc\":\"2.0\",\"method\":\"metric\","
			       "\"params\":");
	for (size_t i = 0; i < value.len; i++)
		buf_addc(&feed->lines, value.s[i] == '\n' ? ' ' : value.s[i]);
	buf_adds(&feed->lines, "}\n");
	return 0;
}

static void
take_metrics(struct job_run *run, const char *text, size_t len)
{
	static const char ready[] =
		"{\"jsonrpc\":\"2.0\",\"method\":\"ready\",\"params\":"
		"{\"protocol\":1,\"methods\":[\"run\"]}}\n";
	struct json_field field = { "metrics", JSON_IS_ARRAY, { NULL, 0 } };
	struct metric_feed feed = { .lines = { .max = 0 } };
	const struct session_request request = {
		.id = 1, .method = "run", .job_name = "", .attempt = 1
	};
	struct err e = ERR_INIT;

	/* a result of another shape has none */
	if (json_pick(text, len, 0, &field, 1, &e) < 0 || !field.value.s)
		return;
	session_init(&feed.session, (size_t)run->limits.output_bytes, &handlers,
		     run);
	json_each(field.value.s, field.value.len, 0, add_metric, &feed, &e);
	if (feed.lines.len &&
	    session_request(&feed.session, &request, &e) == 0 &&
	    session_feed(&feed.session, ready, sizeof(ready) - 1, &e) == 0)
		session_feed(&feed.session, feed.lines.data, feed.lines.len,
			     &e);
	session_release(&feed.session);
	buf_release(&feed.lines);
}

static void
json_end(struct job_run *run)
{
	struct err e = ERR_INIT;
	const char *text = run->text.len ? run->text.data : "";
	size_t len = run->text.len;

	line_cutter_end(&run->out_lines, demote, run, &e);
	while (len && strchr(" \t\r\n", text[len - 1]))
		len--;
	if (len == 0)
		return;
	if (json_check(text, len, &e) < 0) {
		err_wrap(&e, "the last line of standard output is no JSON");
		err_hint(&e, "print the result as one line of JSON at the "
			     "end, or set output: text");
		broke(run, &e);
		return;
	}
	while (len && strchr(" \t\r\n", *text)) {
		text++;
		len--;
	}
	run->job->record.result = value_raw(text, len);
	take_metrics(run, text, len);
}

static const struct mode modes[] = {
	[OUTPUT_RPC] = { rpc_start, rpc_feed, rpc_end },
	[OUTPUT_JSON] = { plain_start, json_feed, json_end },
	[OUTPUT_TEXT] = { plain_start, text_feed, text_end },
};

/* --- For job.c -------------------------------------------------------------
 */

static const struct mode *
mode_of(const struct job_run *run)
{
	return &modes[run->job->program->manifest->output];
}

int
job_output_start(struct job_run *run, struct err *e)
{
	session_init(&run->session, (size_t)run->limits.output_bytes, &handlers,
		     run);
	line_cutter_init(&run->err_lines);
	line_cutter_init(&run->out_lines);
	return mode_of(run)->start(run, e);
}

void
job_output_release(struct job_run *run)
{
	session_release(&run->session);
	line_cutter_release(&run->err_lines);
	line_cutter_release(&run->out_lines);
	buf_release(&run->request);
	buf_release(&run->text);
}

struct buf *
job_output_pending(struct job_run *run)
{
	if (run->request.len)
		return &run->request;
	return run->session.out.len ? &run->session.out : NULL;
}

bool
job_output_asked(const struct job_run *run)
{
	return run->job->program->manifest->output != OUTPUT_RPC ||
	       run->answered || run->cancelled;
}

int
job_output_stdout(struct job_run *run, const char *data, size_t len)
{
	return mode_of(run)->feed(run, data, len);
}

static int
keep_line(void *arg, const struct line *line, struct err *e)
{
	(void)e;
	job_log(arg, LOG_LEVEL_INFO, LOGBOOK_STDERR, line->s, line->len,
		line->left_out, nothing);
	return 0;
}

void
job_output_stderr(struct job_run *run, const char *data, size_t len)
{
	struct err ignored = ERR_INIT;

	line_cutter_feed(&run->err_lines, data, len, keep_line, run, &ignored);
}

void
job_output_end(struct job_run *run)
{
	struct err ignored = ERR_INIT;

	line_cutter_end(&run->err_lines, keep_line, run, &ignored);
	if (run->broken.kind == ERR_NONE)
		mode_of(run)->end(run);
}
