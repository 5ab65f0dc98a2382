#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/client.h"
#include "cli/context.h"
#include "cli/follow.h"
#include "cli/history.h"
#include "cli/outcome.h"
#include "cli/params.h"
#include "cli/submit.h"
#include "cli/terminal.h"
#include "plugin/schema.h"
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
run_job(const struct cli *c, const struct context *x,
	const struct program *program, struct job *job, struct shown *shown)
{
	_cleanup_(history_release) struct history h;
	_value_ struct value *record = NULL;
	struct err e = ERR_INIT;
	int rc, kept;

	if (history_open(&h, x, &e) < 0 ||
	    history_start(&h, &job->record, &e) < 0)
		return cli_fail(&e);
	rc = job_run(job, program, &x->setup.runtime, &e);
	terminal_clear();
	if (rc < 0) {
		job->record.state = JOB_FAILED;
		record_set_error(&job->record, "agent", e.msg, e.hint);
	}
	kept = keep_result(&h, x, job);
	if (rc < 0 && !c->json)
		return cli_fail(&e);
	logbook_each(&job->logbook, show_rest, shown);
	record = record_to_value(&job->record);
	outcome_print(c, record);
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

static int
run_here(const struct cli *c, const struct context *x)
{
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

	memset(&p, 0, sizeof(p));
	job_init(&job);
	if (setup_find(&x->setup, c->args[0], &p, &e) < 0 ||
	    prepare_params(c, &p, &params, &secrets, &e) < 0)
		return cli_fail(&e);
	if (setup_check_grant(&x->setup, &p, &difference, &e) < 0) {
		if (strchr(c->args[0], '/'))
			err_hint(&e, "devops_agent plugin allow %s",
				 c->args[0]);
		return outcome_refuse(&difference, &e);
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
	job.cancel_fd = follow_catch_signals(&e);
	if (job.cancel_fd < 0)
		return cli_fail(&e);
	return run_job(c, x, &program, &job, &shown);
}

/* --- By the agent ------------------------------------------------------- */

static int
run_there(const struct cli *c, struct client *client)
{
	_value_ struct value *params = value_object();
	struct err e = ERR_INIT;

	if (submit_source(params, strchr(c->args[0], '/') ? NULL : c->args[0],
			  c->args[0], &e) < 0 ||
	    submit_input(params, c, c->args + 1, c->n_args - 1, &e) < 0)
		return cli_fail(&e);
	return submit_and_wait(c, client, "job.submit", steal_ptr(&params));
}

/* Whether an agent answers. */
static bool
find_agent(const struct cli *c, const struct context *x, struct client *client,
	   struct err *e)
{
	/* without a configuration there is no agent to look for */
	if (c->local || !x->setup.config.file)
		return false;
	return client_open(client, &x->setup.config, e) == 0;
}

int
cmd_run(const struct cli *c)
{
	_cleanup_(context_release) struct context x;
	_cleanup_(client_release) struct client client = { .fd = -1 };
	struct err e = ERR_INIT, none = ERR_INIT;

	if (context_open(&x, c, &e) < 0)
		return cli_fail(&e);
	if (find_agent(c, &x, &client, &none))
		return run_there(c, &client);
	if (none.kind == ERR_DENIED) {
		err_hint(&none, "--local runs it right here");
		return cli_fail(&none);
	}
	return run_here(c, &x);
}
