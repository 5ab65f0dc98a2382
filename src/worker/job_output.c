#include "worker/worker_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "proto/json.h"

/*
 * How standard output is read is the header's `output:`.  A row a mode; `feed`
 * returns -1 where the plugin broke a rule; `end` has the process gone.
 */
struct mode {
	int (*start)(struct job_run *run, const struct job *job, struct err *e);
	int (*feed)(struct worker *w, const char *data, size_t len,
		    struct err *e);
	void (*end)(struct job_run *run);
};

static const struct json_text nothing = { NULL, 0 };

/* --- rpc: the protocol -----------------------------------------------------
 */

static void
on_log(void *arg, enum log_level level, const char *message, size_t len,
       uint64_t left_out, struct json_text fields)
{
	struct worker *w = arg;

	if (w->run)
		job_log(w->run, level, LOGBOOK_LOG, message, len, left_out,
			fields);
	else
		worker_stray_line(w, level, LOGBOOK_LOG, message, len, left_out,
				  fields);
}

static void
on_ready(void *arg, const char *sdk, const struct strv *methods)
{
	struct worker *w = arg;

	(void)methods;
	w->sdk = xstrdup(sdk);
	w->spoke_sdk = strncmp(sdk, "python/", 7) == 0;
	w->ready = true;
	if (w->entered)
		worker_loaded(w);
}

static void
on_metric(void *arg, const struct session_metric *metric)
{
	struct job_run *run = ((struct worker *)arg)->run;
	const struct job_watch *w = run->job->watch;
	struct record *r = &run->job->record;

	if (w && w->metric)
		w->metric(w->arg, metric);
	if (run->job->always)
		return;
	if (!r->metrics)
		r->metrics = value_array();
	value_append(r->metrics, session_metric_value(metric));
}

static void
on_progress(void *arg, double fraction, const char *message)
{
	struct job_run *run = ((struct worker *)arg)->run;
	const struct job_watch *w = run->job->watch;

	if (w && w->progress)
		w->progress(w->arg, fraction, message);
}

static void
on_result(void *arg, int64_t id, struct json_text result)
{
	struct job_run *run = ((struct worker *)arg)->run;

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
	take_error(((struct worker *)arg)->run, error,
		   error->code == -32601 ? "no_method" : "plugin_error");
}

static void
on_load_failed(void *arg, struct session_error *error)
{
	struct worker *w = arg;
	struct err e = ERR_INIT;

	if (w->run) {
		take_error(w->run, error, "load_failed");
		return;
	}
	value_free(steal_ptr(&error->data));
	err_set(&e, ERR_USAGE, "could not be loaded: %.800s", error->message);
	worker_blame(w, &e);
	worker_let_end(w);
}

static const struct session_handlers handlers = {
	.ready = on_ready,
	.load_failed = on_load_failed,
	.result = on_result,
	.error = on_error,
	.log = on_log,
	.metric = on_metric,
	.progress = on_progress,
};

static int
rpc_start(struct job_run *run, const struct job *job, struct err *e)
{
	const struct record *r = &job->record;
	struct session_request request = {
		.id = r->id,
		.method = job->method,
		.input = r->params,
		.job_name = r->name,
		.attempt = r->attempt,
		.timeout_ms = run->timeout_ms,
		.secrets = job->secrets,
		.always = job->always,
	};

	return session_request(&run->worker->session, &request, e);
}

static int
rpc_feed(struct worker *w, const char *data, size_t len, struct err *e)
{
	return session_feed(&w->session, data, len, e);
}

static void
rpc_end(struct job_run *run)
{
	session_end(&run->worker->session, &run->broken);
}

/* --- json and text: what a program prints ----------------------------------
 */

/* One line of JSON with the parameters, for those who read it. */
static int
plain_start(struct job_run *run, const struct job *job, struct err *e)
{
	const struct value *params = job->record.params;

	(void)e;
	if (params)
		json_encode(params, &run->request);
	else
		buf_adds(&run->request, "{}");
	buf_addc(&run->request, '\n');
	return 0;
}

static int
too_much(const struct job_run *run, struct err *e)
{
	err_set(e, ERR_USAGE,
		"standard output is longer than the limit of %lld bytes",
		(long long)run->launch->limits.output_bytes);
	return err_hint(e, "print less, or raise limits: {output: ...}");
}

static int
text_feed(struct worker *w, const char *data, size_t len, struct err *e)
{
	struct job_run *run = w->run;

	if (run->text.len + len > (size_t)run->launch->limits.output_bytes)
		return too_much(run, e);
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
json_feed(struct worker *w, const char *data, size_t len, struct err *e)
{
	struct job_run *run = w->run;
	size_t max = (size_t)run->launch->limits.output_bytes + 1;

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
		if (run->text.len + n > max)
			return too_much(run, e);
		buf_add(&run->text, data, n);
		data += n;
		len -= n;
	}
	return 0;
}

static const struct session_handlers metrics_only = { .log = on_log,
						      .metric = on_metric };

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
	session_init(&feed.session, (size_t)run->launch->limits.output_bytes,
		     &metrics_only, run->worker);
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
	struct err *e = &run->broken;
	const char *text = run->text.len ? run->text.data : "";
	size_t len = run->text.len;

	line_cutter_end(&run->out_lines, demote, run, e);
	while (len && strchr(" \t\r\n", text[len - 1]))
		len--;
	if (len == 0)
		return;
	if (json_check(text, len, e) < 0) {
		err_wrap(e, "the last line of standard output is no JSON");
		err_hint(e, "print the result as one line of JSON at the "
			    "end, or set output: text");
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

/* --- For the worker ---------------------------------------------------------
 */

void
job_output_init(struct worker *w)
{
	session_init(&w->session, (size_t)w->launch->limits.output_bytes,
		     &handlers, w);
	line_cutter_init(&w->err_lines);
}

void
job_output_release(struct worker *w)
{
	session_release(&w->session);
	line_cutter_release(&w->err_lines);
}

int
job_output_start(struct job_run *run, const struct job *job, struct err *e)
{
	line_cutter_init(&run->out_lines);
	return modes[run->launch->output].start(run, job, e);
}

void
job_run_free(struct job_run *run)
{
	if (!run)
		return;
	line_cutter_release(&run->out_lines);
	buf_release(&run->request);
	buf_release(&run->text);
	free(run);
}

struct buf *
job_output_pending(struct worker *w)
{
	if (w->run && w->run->request.len)
		return &w->run->request;
	return w->session.out.len ? &w->session.out : NULL;
}

/* What a plain plugin prints without a job can't be: it is none's. */
int
job_output_stdout(struct worker *w, const char *data, size_t len, struct err *e)
{
	if (w->launch->output != OUTPUT_RPC && !w->run)
		return 0;
	return modes[w->launch->output].feed(w, data, len, e);
}

int
job_output_stdout_end(struct worker *w, struct err *e)
{
	if (w->launch->output != OUTPUT_RPC)
		return 0;
	return session_end(&w->session, e);
}

static int
keep_line(void *arg, const struct line *line, struct err *e)
{
	struct worker *w = arg;

	(void)e;
	if (w->run)
		job_log(w->run, LOG_LEVEL_INFO, LOGBOOK_STDERR, line->s,
			line->len, line->left_out, nothing);
	else
		worker_stray_line(w, LOG_LEVEL_INFO, LOGBOOK_STDERR, line->s,
				  line->len, line->left_out, nothing);
	return 0;
}

void
job_output_stderr(struct worker *w, const char *data, size_t len)
{
	struct err ignored = ERR_INIT;

	line_cutter_feed(&w->err_lines, data, len, keep_line, w, &ignored);
}

void
job_output_end(struct job_run *run, bool last)
{
	struct worker *w = run->worker;
	struct err ignored = ERR_INIT;

	line_cutter_end(&w->err_lines, keep_line, w, &ignored);
	if (last && run->broken.kind == ERR_NONE)
		modes[run->launch->output].end(run);
}
