#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/units.h"
#include "worker/worker_parts.h"

#define HINT_MAX 512
#define TAIL_MAX 8192

static void
set_error(struct job_run *run, enum job_state state, const char *code,
	  const char *message, const char *hint)
{
	run->job->record.state = state;
	record_set_error(&run->job->record, code, message, hint);
}

/* The last lines of the log, for whoever looks for the cause in them. */
static int
add_tail(void *arg, const struct logbook_entry *entry)
{
	struct buf *tail = arg;

	if (entry->stream == LOGBOOK_STDERR) {
		if (tail->len > TAIL_MAX)
			buf_consume(tail, tail->len - TAIL_MAX);
		buf_add(tail, entry->message,
			entry->len > TAIL_MAX ? TAIL_MAX : entry->len);
		buf_addc(tail, '\n');
	}
	return 0;
}

/* The last line that says something. */
static void
last_line(const struct buf *tail, char *line, size_t size)
{
	size_t end = tail->len, start;

	while (end && tail->data[end - 1] == '\n')
		end--;
	start = end;
	while (start && tail->data[start - 1] != '\n')
		start--;
	snprintf(line, size, "%.*s", (int)(end - start),
		 tail->len ? tail->data + start : "");
}

/* --- Why it ended ----------------------------------------------------------
 */

/* What the SDK answers for a plugin that was told to stop. */
static bool
said_cancelled(const struct job_run *run)
{
	const char *code = run->job->record.error_code;

	return code && strcmp(code, "plugin_cancelled") == 0;
}

static void
end_deadline(struct job_run *run)
{
	char text[UNITS_TEXT], message[128];

	/* it had answered in time, and did not go; the clock of pid 1, which
	 * told it to stop, may have begun before this one */
	if (run->answered && !said_cancelled(run) &&
	    run->answered_ms < run->started_ms + run->timeout_ms)
		return;
	snprintf(message, sizeof(message), "timed out after %s",
		 units_format_duration(run->timeout_ms, text));
	set_error(run, JOB_TIMED_OUT, "timed_out", message,
		  "raise limits: {timeout: ...} if it needs longer");
}

static void
end_memory(struct job_run *run)
{
	char text[UNITS_TEXT], message[128];

	snprintf(message, sizeof(message),
		 "killed for memory: its processes took more than the limit "
		 "of %s",
		 units_format_size(run->launch->spec.memory_bytes, text));
	set_error(run, JOB_FAILED, "out_of_memory", message,
		  "raise limits: {memory: ...} if it needs more");
}

static void
end_stopped(struct job_run *run)
{
	if (run->memory_out)
		end_memory(run);
	else if (run->cancelled)
		set_error(run, JOB_CANCELLED, "cancelled", "cancelled", NULL);
}

static void
end_cpu(struct job_run *run)
{
	char text[UNITS_TEXT], message[128];

	snprintf(message, sizeof(message),
		 "killed for CPU time: its processes took more than the "
		 "limit of %s",
		 units_format_duration(run->launch->spec.cpu_ms, text));
	set_error(run, JOB_FAILED, "out_of_cpu", message,
		  "raise limits: {cpu: ...} if it needs more");
}

static const char *
last_denied(const struct record *r)
{
	size_t n = r->denials ? r->denials->u.array.n : 0;

	return n ? value_get_string(r->denials->u.array.items[n - 1], "object",
				    "a system call") :
		   "a system call";
}

static void
end_syscall(struct job_run *run)
{
	char message[HINT_MAX];

	snprintf(message, sizeof(message),
		 "killed for %.200s, which no plugin may call",
		 last_denied(&run->job->record));
	set_error(run, JOB_DENIED, "denied", message,
		  "no permission allows this");
}

static void (*const reasons[])(struct job_run *) = {
	[REASON_DEADLINE] = end_deadline, [REASON_STOPPED] = end_stopped,
	[REASON_MEMORY] = end_memory,	  [REASON_CPU] = end_cpu,
	[REASON_SYSCALL] = end_syscall,
};

/* --- How the process itself ended ------------------------------------------
 */

static void
end_by_signal(struct job_run *run, int sig)
{
	char message[128];

	if (sig == SIGSYS) {
		end_syscall(run);
		return;
	}
	if (sig == SIGKILL && run->out_of_memory) {
		end_memory(run);
		return;
	}
	snprintf(message, sizeof(message), "killed by signal %d (SIG%s%s)", sig,
		 sigabbrev_np(sig) ? sigabbrev_np(sig) : "?",
		 WCOREDUMP(run->exited.status) ? ", core dumped" : "");
	set_error(run, JOB_FAILED, "signal", message,
		  sig == SIGXCPU ? "raise limits: {cpu: ...}" : NULL);
}

static void
end_by_exit(struct job_run *run, int code, const struct buf *tail)
{
	bool rpc = run->launch->output == OUTPUT_RPC;
	char line[256], message[HINT_MAX];

	last_line(tail, line, sizeof(line));
	snprintf(message, sizeof(message), "exited with status %d%s%s%s", code,
		 rpc ? " before it answered" : "", *line ? ": " : "", line);
	set_error(run, JOB_FAILED, "exit", message, NULL);
}

static void
end_broken(struct job_run *run)
{
	set_error(run, JOB_FAILED, "protocol", run->broken.msg,
		  run->broken.hint);
}

/*
 * In this order: what was done to it, what it said wrong, how it ended, what
 * it answered.  A process that died before its answer leaves a broken
 * stream, which is no reason of its own.
 */
static void
decide(struct job_run *run, const struct buf *tail)
{
	struct record *r = &run->job->record;
	bool rpc = run->launch->output == OUTPUT_RPC;
	int status = run->exited.status;

	r->state = JOB_SUCCEEDED;
	if (r->error_code)
		r->state = JOB_FAILED;
	if (run->exited.reason && reasons[run->exited.reason])
		reasons[run->exited.reason](run);
	if (r->error_code)
		return;
	/* a stream that only ends too early is no reason of its own */
	if (!run->spoiled && !run->answered && WIFSIGNALED(status))
		end_by_signal(run, WTERMSIG(status));
	else if (!run->spoiled && !run->answered && WIFEXITED(status) &&
		 (rpc || status != 0))
		end_by_exit(run, WEXITSTATUS(status), tail);
	else if (run->broken.kind != ERR_NONE)
		end_broken(run);
}

/* --- The rest of the record -------------------------------------------------
 */

static void
set_usage(struct job_run *run)
{
	struct record *r = &run->job->record;
	int status = run->exited.status;

	r->finished_ms = clock_real_ms();
	r->duration_ms = clock_mono_ms() - run->started_ms;
	r->cpu_ms = (int64_t)(run->exited.cpu_us / 1000);
	r->max_rss_bytes = (int64_t)run->exited.max_rss_bytes;
	if (run->lives)
		return; /* without an end of its own yet */
	r->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	r->exit_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void
set_sandbox(struct job_run *run)
{
	struct value *v = value_object();
	struct value *layers = value_array();

	for (unsigned bit = 1; bit < LAYER_END; bit <<= 1)
		if (run->worker->layers & bit)
			value_append(layers, value_string(layer_name(bit)));
	value_set(v, "layers", layers);
	value_set(v, "landlock_abi", value_int(run->worker->landlock_abi));
	run->job->record.sandbox = v;
}

/* The hint says what would allow what was refused, if anything would. */
static void
hint_denials(struct record *r)
{
	_buf_ struct buf hint = { 0 };

	if (!r->error_code || r->error_hint || !r->denials)
		return;
	for (size_t i = 0; i < r->denials->u.array.n; i++) {
		const struct value *d = r->denials->u.array.items[i];
		const char *allow = value_get_string(d, "allow", NULL);

		if (!allow || hint.len > HINT_MAX)
			continue;
		if (!hint.len)
			buf_adds(&hint, "permissions that would allow it: ");
		else
			buf_adds(&hint, "; ");
		buf_adds(&hint, allow);
	}
	if (hint.len)
		r->error_hint = buf_steal(&hint);
}

/* A limit that makes a system call fail is told by the error's number. */
static const struct {
	int number;
	const char *hint;
} limit_hints[] = {
	{ EAGAIN, "raise limits: {processes: ...} if it needs more processes "
		  "or threads" },
	{ EMFILE, "raise limits: {files: ...} if it needs more open files" },
	{ ENOSPC, "raise limits: {tmp: ...} if it needs more room in /tmp" },
	{ ENOMEM, "raise limits: {memory: ...} if it needs more" },
};

/* Granted for writing, but the file system says no to the user id. */
static bool
owner_forbids(const struct job_run *run, int64_t number)
{
	const struct strv *write = &run->launch->spec.write;
	const char *name =
		value_get_string(run->job->record.error_data, "filename", "");

	if (number != EACCES)
		return false;
	for (size_t i = 0; i < write->n; i++)
		if (strncmp(name, write->items[i], strlen(write->items[i])) ==
		    0)
			return true;
	return false;
}

static void
hint_cause(struct job_run *run)
{
	struct record *r = &run->job->record;
	int64_t number = value_get_int(r->error_data, "errno", 0);
	const char *hint = NULL;

	if (!r->error_code || r->error_hint)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(limit_hints); i++)
		if (limit_hints[i].number == number)
			hint = limit_hints[i].hint;
	if (owner_forbids(run, number))
		hint = "it was granted, but the user id that the plugin runs "
		       "as may not write there: give it an account that may, "
		       "by permissions: {user: NAME}";
	if (strcmp(value_get_string(r->error_data, "type", ""),
		   "MemoryError") == 0)
		hint = "raise limits: {memory: ...} if it needs more";
	if (strstr(r->error_message, "a line of more than"))
		hint = "return less, or raise limits: {output: ...}";
	if (hint)
		r->error_hint = xstrdup(hint);
}

void
job_record_tail(const struct job_run *run, struct buf *tail)
{
	logbook_each(&run->job->logbook, add_tail, tail);
}

bool
job_record_finish(struct job_run *run)
{
	struct record *r = &run->job->record;
	_buf_ struct buf tail = { 0 };

	job_record_tail(run, &tail);
	set_usage(run);
	set_sandbox(run);
	decide(run, &tail);
	if (r->state == JOB_SUCCEEDED)
		return false;
	/* what a check prints is what it found, whatever its status */
	if (run->launch->output != OUTPUT_TEXT)
		value_free(steal_ptr(&r->result));
	if (r->state != JOB_FAILED && r->state != JOB_DENIED)
		return false;
	return denial_from_text(r, &run->launch->spec, tail.data);
}

void
job_record_hint(struct job_run *run)
{
	struct record *r = &run->job->record;

	if (r->state == JOB_SUCCEEDED)
		return;
	hint_denials(r);
	hint_cause(run);
}
