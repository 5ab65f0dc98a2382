#include "cli/follow.h"

#include <sys/signalfd.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cli/asked.h"
#include "cli/outcome.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/when.h"
#include "model/units.h"
#include "proto/json.h"

#define INTERRUPTED 130

/* --- What comes meanwhile ----------------------------------------------- */

static enum log_level
level_of(const char *name)
{
	for (int i = LOG_LEVEL_DEBUG; i <= LOG_LEVEL_ERROR; i++)
		if (strcmp(logbook_level_name((enum log_level)i), name) == 0)
			return (enum log_level)i;
	return LOG_LEVEL_INFO;
}

static enum logbook_stream
stream_of(const char *name)
{
	for (int i = LOGBOOK_LOG; i <= LOGBOOK_AGENT; i++)
		if (strcmp(logbook_stream_name((enum logbook_stream)i), name) ==
		    0)
			return (enum logbook_stream)i;
	return LOGBOOK_STDERR;
}

void
follow_print_line(const struct value *line, bool to_stdout, bool json)
{
	const struct value *message = value_get(line, "message");
	const struct value *fields = value_get(line, "fields");
	int64_t left_out = value_get_int(line, "left_out", 0);
	_buf_ struct buf text = { 0 };
	struct logbook_entry entry = {
		.level = level_of(value_get_string(line, "level", "")),
		.stream = stream_of(value_get_string(line, "stream", "")),
		.message = "",
		.left_out = left_out > 0 ? (uint64_t)left_out : 0,
	};

	if (json) {
		table_print_json(line);
		return;
	}
	units_parse_time(value_get_string(line, "time", ""), &entry.time_ms);
	if (message && message->type == VALUE_STRING) {
		entry.message = message->u.string.s;
		entry.len = message->u.string.len;
	}
	if (fields && fields->type == VALUE_OBJECT && fields->u.object.n) {
		json_encode(fields, &text);
		entry.fields = text.data;
		entry.fields_len = text.len;
	}
	if (to_stdout)
		terminal_print_log(&entry);
	else
		terminal_log(&entry);
}

static void
on_progress(const struct value *params)
{
	const struct value *f = value_get(params, "fraction");
	double fraction = f && value_is_number(f) ? value_number(f) : 0;

	fraction = fraction < 0 ? 0 : fraction > 1 ? 1 : fraction;
	terminal_progress(fraction, value_get_string(params, "message", ""));
}

static void
on_retry(const struct value *params)
{
	const struct value *error = value_get(params, "error");
	char time[WHEN_TEXT];
	_free_ char *text =
		xasprintf("attempt %lld failed: %s; the next one is due at %s",
			  (long long)value_get_int(params, "attempt", 0),
			  value_get_string(error, "message", "it failed"),
			  when_member(params, "at", time));

	terminal_say(STYLE_YELLOW, "warning", text);
}

static void
on_note(void *arg, const char *method, const struct value *params)
{
	const struct follow *f = arg;

	if (!f->lines)
		return;
	if (strcmp(method, "log") == 0)
		follow_print_line(params, f->to_stdout, f->json);
	else if (strcmp(method, "progress") == 0 && !f->to_stdout)
		on_progress(params);
	else if (strcmp(method, "retry") == 0)
		on_retry(params);
	/* who reads a pipe wants lines as they come */
	if (f->to_stdout)
		fflush(stdout);
}

/* --- ^C ----------------------------------------------------------------- */

int
follow_catch_signals(struct err *e)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_errno(e, "signalfd") : fd;
}

/* The first time the job is cancelled, whose end is waited for as before. */
static int
on_stop(void *arg, struct err *e)
{
	struct follow *f = arg;
	struct signalfd_siginfo info;
	int64_t ignored;

	if (read(f->stop_fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	if (f->interrupted)
		return err_set(e, ERR_AGENT,
			       "job %lld is being cancelled, and was not "
			       "waited for",
			       (long long)f->job);
	f->interrupted = true;
	return client_send(f->client, "job.cancel", asked_id_params(f->job),
			   &ignored, e);
}

/* --- To the end --------------------------------------------------------- */

int
follow_job(struct follow *f, struct client *client, struct value **record,
	   struct err *e)
{
	struct client_watch w = {
		.note = on_note, .stop = on_stop, .stop_fd = -1, .arg = f
	};
	struct value *params = asked_id_params(f->job);
	_close_ int fd = -1;
	int64_t id;
	int rc;

	f->client = client;
	if (f->cancels) {
		fd = follow_catch_signals(e);
		if (fd < 0) {
			value_free(params);
			return -1;
		}
	}
	f->stop_fd = w.stop_fd = fd;
	if (f->lines)
		value_set(params, "follow", value_bool(true));
	if (f->timeout_ms) {
		value_set(params, "wait_ms", value_int(f->timeout_ms));
		w.until = clock_mono_ms() + f->timeout_ms + CLIENT_ANSWER_MS;
	}
	if (client_send(client, f->lines ? "job.logs" : "job.wait", params, &id,
			e) < 0)
		return -1;
	rc = client_answer(client, id, &w, record, e);
	terminal_clear();
	f->stop_fd = -1;
	return rc;
}

int
follow_to_end(const struct cli *c, struct client *client, int64_t id)
{
	struct follow f = { .job = id, .lines = true, .cancels = true };
	_value_ struct value *record = NULL;
	struct err e = ERR_INIT;

	if (follow_job(&f, client, &record, &e) < 0) {
		int status = cli_fail(&e);

		if (f.interrupted)
			return INTERRUPTED;
		terminal_say(STYLE_DIM, "hint",
			     "devops_agent job list shows what became of it");
		return status;
	}
	outcome_print(c, record);
	return outcome_status(record);
}
