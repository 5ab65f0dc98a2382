/*
 * What a plugin may write on its standard output: the first byte says how the
 * rest is cut into pieces, so that every place of a cut is met.
 */
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "proto/json.h"
#include "proto/logbook.h"
#include "proto/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT 4096

/* All that a handler is given is read, so that the sanitizers look at it. */
static size_t touched;

static void
touch(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		touched += (unsigned char)s[i];
}

static void
on_ready(void *arg, const char *sdk, const struct strv *methods)
{
	(void)arg;
	touch(sdk, strlen(sdk));
	for (size_t i = 0; i < methods->n; i++)
		touch(methods->items[i], strlen(methods->items[i]));
}

static void
take_error(struct session_error *error)
{
	touch(error->message, error->message_len + 1);
	value_free(error->data);
	error->data = NULL;
}

static void
on_load_failed(void *arg, struct session_error *error)
{
	(void)arg;
	take_error(error);
}

static void
on_error(void *arg, int64_t id, struct session_error *error)
{
	(void)arg;
	(void)id;
	take_error(error);
}

static void
on_result(void *arg, int64_t id, struct json_text result)
{
	struct err e = ERR_INIT;

	(void)arg;
	(void)id;
	touch(result.s, result.len);
	/* what is passed on as text was checked */
	if (json_check(result.s, result.len, &e) < 0)
		__builtin_trap();
}

static void
on_log(void *arg, enum log_level level, const char *message, size_t len,
       uint64_t left_out, struct json_text fields)
{
	struct logbook_entry entry = { .level = level,
				       .message = message,
				       .len = len,
				       .left_out = left_out,
				       .fields = fields.s,
				       .fields_len = fields.len };

	logbook_add(arg, &entry);
}

static void
on_metric(void *arg, const struct session_metric *metric)
{
	struct value *v = session_metric_value(metric);

	(void)arg;
	value_free(v);
}

static void
on_progress(void *arg, double fraction, const char *message)
{
	(void)arg;
	if (!(fraction >= 0 && fraction <= 1))
		__builtin_trap();
	touch(message, strlen(message));
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct session_request request = {
		.id = 7, .method = "run", .job_name = "x", .attempt = 1
	};
	struct session s;
	struct logbook book;
	struct err e = ERR_INIT;
	size_t piece = size ? data[0] + 1U : 1;

	logbook_init(&book, LIMIT);
	session_init(&s, LIMIT, &handlers, &book);
	session_request(&s, &request, &e);
	for (size_t at = 1; at < size; at += piece) {
		size_t n = size - at < piece ? size - at : piece;

		session_feed(&s, (const char *)data + at, n, &e);
	}
	session_end(&s, &e);
	session_release(&s);
	logbook_release(&book);
	return 0;
}
