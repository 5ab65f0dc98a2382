#include <sys/signalfd.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cli/context.h"
#include "cli/history.h"
#include "cli/params.h"
#include "cli/terminal.h"
#include "plugin/schema.h"
#include "proto/json.h"
#include "worker/job.h"

/* Lines that were shown while they came; the rest is shown at the end. */
struct shown {
	uint64_t live;
	uint64_t seen;
};

static void
on_log(void *arg, const struct logbook_entry *entry)
{
	struct shown *shown = arg;

	shown->live++;
	terminal_log(entry);
}

static void
on_progress(void *arg, double fraction, const char *message)
{
	(void)arg;
	terminal_progress(fraction, message);
}

static int
show_rest(void *arg, const struct logbook_entry *entry)
{
	struct shown *shown = arg;

	if (shown->seen++ >= shown->live)
		terminal_log(entry);
	return 0;
}

static void
print_denials(const struct record *r)
{
	for (size_t i = 0; r->denials && i < r->denials->u.array.n; i++) {
		const struct value *d = r->denials->u.array.items[i];
		const char *access = value_get_string(d, "access", "");
		const char *object = value_get_string(d, "object", "");
		const char *allow = value_get_string(d, "allow", NULL);
		/* "ptrace(0x0, ...)" says both */
		bool both = strncmp(object, access, strlen(access)) == 0;
		_free_ char *text =
			xasprintf("%s%s%s%s%s", both ? "" : access,
				  both ? "" : " ", object,
				  allow ? "; permissions that allow it: " :
					  ", which no permission allows",
				  allow ? allow : "");

		terminal_say(STYLE_YELLOW, "denied", text);
	}
}

static void
print_error(const struct record *r)
{
	const char *trace = value_get_string(r->error_data, "traceback", NULL);
	_free_ char *text = NULL;

	if (!r->error_code)
		return;
	if (trace)
		terminal_say(STYLE_DIM, "", trace);
	text = xasprintf("%s: %s", r->plugin, r->error_message);
	terminal_say(STYLE_RED, "devops_agent", text);
	/* what denials say has been said */
	if (r->error_hint && !(r->denials && r->denials->u.array.n))
		terminal_say(STYLE_DIM, "hint", r->error_hint);
}

static void
print_result(const struct cli *c, const struct record *r)
{
	_value_ struct value *whole = c->json ? record_to_value(r) : NULL;
	const struct value *v = whole ? whole : r->result;
	_buf_ struct buf text = { 0 };

	if (!v)
		return;
	if (isatty(STDOUT_FILENO))
		json_encode_pretty(v, &text);
	else
		json_encode(v, &text);
	buf_addc(&text, '\n');
	fwrite(text.data, 1, text.len, stdout);
}

/* Readable when the user, or who stops us, wants the run to end. */
static int
catch_signals(struct err *e)
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

/* Refused: what is missing, a line each, before the reason. */
static int
refuse(const struct strv *difference, const struct err *e)
{
	for (size_t i = 0; i < difference->n; i++)
		terminal_say(STYLE_PLAIN, "", difference->items[i]);
	return cli_fail(e);
}

/* Keep the result, and no more results than the configuration says. */
static int
keep_result(struct history *h, const struct context *x, const struct job *job)
{
	struct err e = ERR_INIT;

	if (history_finish(h, &job->record, &job->logbook, &e) == 0 &&
	    history_prune(h, &x->setup.config, &e) == 0)
		return 0;
	err_wrap(&e, "keep the result");
	return cli_fail(&e);
}

/* Run it, keep it, show it; the exit status. */
static int
run_job(const struct cli *c, const struct context *x, struct job *job,
	struct shown *shown)
{
	_cleanup_(history_release) struct history h;
	struct err e = ERR_INIT;
	int rc, kept;

	if (history_open(&h, x, &e) < 0 ||
	    history_start(&h, &job->record, &e) < 0)
		return cli_fail(&e);
	rc = job_run(job, &e);
	terminal_clear();
	if (rc < 0) {
		job->record.state = JOB_FAILED;
		record_set_error(&job->record, "agent", e.msg, e.hint);
	}
	kept = keep_result(&h, x, job);
	if (rc < 0 && !c->json)
		return cli_fail(&e);
	logbook_each(&job->logbook, show_rest, shown);
	print_denials(&job->record);
	print_error(&job->record);
	print_result(c, &job->record);
	if (rc < 0)
		return err_exit_status(&e);
	return kept ? kept : record_exit_status(&job->record);
}

static int
prepare_params(const struct cli *c, const struct plugin *p,
	       struct value **params, struct value **secrets, struct err *e)
{
	if (params_read(c->params, c->args + 1, c->n_args - 1, params, e) < 0)
		return -1;
	if (schema_apply(p->manifest.params, *params, e) < 0) {
		return *e->hint ? -1 :
				  err_hint(e,
					   "devops_agent plugin show %s "
					   "lists its parameters",
					   p->name);
	}
	return params_read_secrets(c->secrets, &p->manifest, secrets, e);
}

int
cmd_run(const struct cli *c)
{
	_cleanup_(context_release) struct context x;
	_cleanup_(plugin_release) struct plugin p;
	_cleanup_(job_release) struct job job;
	_strv_ struct strv difference = { NULL, 0 };
	_value_ struct value *params = NULL, *secrets = NULL;
	struct shown shown = { 0, 0 };
	const struct job_watch watch = { .log = on_log,
					 .progress = on_progress,
					 .arg = &shown };
	struct program program = { .path = NULL };
	struct err e = ERR_INIT;

	memset(&x, 0, sizeof(x));
	memset(&p, 0, sizeof(p));
	job_init(&job, &program, &x.setup.runtime);
	if (context_open(&x, c, &e) < 0 ||
	    setup_find(&x.setup, c->args[0], &p, &e) < 0 ||
	    prepare_params(c, &p, &params, &secrets, &e) < 0)
		return cli_fail(&e);
	if (setup_check_grant(&x.setup, &p, &difference, &e) < 0) {
		if (strchr(c->args[0], '/'))
			err_hint(&e, "devops_agent plugin allow %s",
				 c->args[0]);
		return refuse(&difference, &e);
	}
	program = setup_program(&p);
	job.method = c->method ? c->method : "run";
	job.secrets = secrets;
	job.watch = &watch;
	job.record.name = xstrdup(p.name);
	job.record.plugin = xstrdup(p.name);
	job.record.trigger = "run";
	job.record.scheduled_ms = clock_real_ms();
	job.record.params = steal_ptr(&params);
	job.cancel_fd = catch_signals(&e);
	if (job.cancel_fd < 0)
		return cli_fail(&e);
	return run_job(c, &x, &job, &shown);
}
