#include "cli/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/context.h"
#include "cli/params.h"
#include "cli/terminal.h"
#include "plugin/permissions.h"
#include "plugin/schema.h"
#include "proto/json.h"

#define MAX_RUNS 16

static void
on_access(void *arg, const struct job_access *a)
{
	trace_access(arg, a);
}

static void
on_denial(void *arg, const struct denial *d)
{
	trace_denial(arg, d);
}

/* What can't be seen from outside is taken from the header. */
static void
keep_unseen(const struct permissions *asked, struct permissions *needs)
{
	strv_copy(&needs->env, &asked->env);
	strv_copy(&needs->secrets, &asked->secrets);
	strv_copy(&needs->capabilities, &asked->capabilities);
	needs->processes_host = asked->processes_host;
	needs->user = asked->user ? xstrdup(asked->user) : NULL;
}

struct traced {
	const struct cli *cli;
	const struct context *context;
	const struct plugin *plugin;
	struct trace trace;
	struct value *params, *secrets;
	enum job_state state; /* of the last run */
	char *message;	      /* its error; NULL: none */
	struct strv refused;  /* what no permission allows */
};

static void
traced_release(struct traced *t)
{
	trace_release(&t->trace);
	value_free(t->params);
	value_free(t->secrets);
	free(t->message);
	strv_release(&t->refused);
}

static void
note_refused(struct traced *t, const struct record *r)
{
	for (size_t i = 0; r->denials && i < r->denials->u.array.n; i++) {
		const struct value *d = r->denials->u.array.items[i];

		if (!value_get_string(d, "allow", NULL))
			strv_add_once(&t->refused,
				      value_get_string(d, "object", ""));
	}
}

static int
run_once(struct traced *t, struct err *e)
{
	_cleanup_(job_release) struct job job;
	struct program program = context_program(t->plugin);
	const struct job_watch watch = { .accessed = on_access,
					 .denied = on_denial,
					 .arg = &t->trace };

	program.granted = &t->trace.needs;
	job_init(&job, &program, &t->context->runtime);
	job.method = t->cli->method ? t->cli->method : "run";
	job.secrets = t->secrets;
	job.watch = &watch;
	job.trace = true;
	job.record.id = 1;
	job.record.name = xstrdup(t->plugin->name);
	job.record.plugin = xstrdup(t->plugin->name);
	job.record.trigger = "trace";
	job.record.params = value_copy(t->params);
	if (job_run(&job, e) < 0)
		return -1;
	t->state = job.record.state;
	free(t->message);
	t->message = job.record.error_message ?
			     xstrdup(job.record.error_message) :
			     NULL;
	note_refused(t, &job.record);
	return 0;
}

static void
say_progress(const struct traced *t, int run)
{
	_free_ char *text =
		xasprintf("run %d: %s%s%s", run, job_state_name(t->state),
			  t->message ? ": " : "", t->message ? t->message : "");

	terminal_say(STYLE_DIM, "trace", text);
}

/* Run until a run finds nothing new. */
static int
run_until_known(struct traced *t, struct err *e)
{
	for (int run = 1; run <= MAX_RUNS; run++) {
		size_t before = trace_begin(&t->trace), after;

		if (run_once(t, e) < 0)
			return -1;
		say_progress(t, run);
		after = t->trace.needs.read.n + t->trace.needs.write.n +
			t->trace.needs.exec.n + t->trace.needs.network.n +
			t->trace.needs.capabilities.n;
		if (after == before)
			break;
	}
	trace_finish(&t->trace);
	return 0;
}

static void
print_block(const struct traced *t)
{
	_buf_ struct buf text = { 0 };

	permissions_write(&t->trace.needs, &text);
	fwrite(text.data, 1, text.len, stdout);
	for (size_t i = 0; i < t->refused.n; i++)
		terminal_say(STYLE_YELLOW, "no permission allows",
			     t->refused.items[i]);
	if (t->state != JOB_SUCCEEDED)
		terminal_say(STYLE_YELLOW, "warning",
			     "the plugin fails with these permissions too; "
			     "what it would do after that is not known");
}

static int
prepare(struct traced *t, struct err *e)
{
	const struct cli *c = t->cli;
	const struct manifest *m = &t->plugin->manifest;

	keep_unseen(&m->permissions, &t->trace.needs);
	if (params_read(c->params, c->args + 1, c->n_args - 1, &t->params, e) <
		    0 ||
	    schema_apply(m->params, t->params, e) < 0)
		return -1;
	return params_read_secrets(c->secrets, m, &t->secrets, e);
}

int
cmd_plugin_trace(const struct cli *c)
{
	_cleanup_(context_release) struct context x;
	_cleanup_(plugin_release) struct plugin p;
	_cleanup_(sandbox_spec_release) struct sandbox_spec base;
	const struct permissions nothing = { .user = NULL };
	struct traced t = { .cli = c, .context = &x, .plugin = &p };
	struct program program;
	struct err e = ERR_INIT;
	int rc;

	memset(&x, 0, sizeof(x));
	memset(&p, 0, sizeof(p));
	sandbox_spec_init(&base);
	t.trace.base = &base;
	if (context_open(&x, c, &e) < 0 ||
	    context_find(&x, c->args[0], &p, &e) < 0)
		return cli_fail(&e);
	program = context_program(&p);
	program.granted = &nothing;
	rc = prepare(&t, &e);
	if (rc == 0)
		rc = launch_prepare(&program, &x.runtime, t.params, &base, &e);
	if (rc == 0)
		rc = run_until_known(&t, &e);
	if (rc == 0)
		print_block(&t);
	traced_release(&t);
	return rc < 0 ? cli_fail(&e) : t.state == JOB_SUCCEEDED ? 0 : 1;
}
