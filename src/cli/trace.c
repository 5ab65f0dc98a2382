#include "cli/trace.h"

#include <sys/syscall.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/context.h"
#include "cli/params.h"
#include "cli/terminal.h"
#include "plugin/permissions.h"
#include "plugin/schema.h"
#include "proto/json.h"

#define MAX_RUNS 16

struct traced {
	const struct cli *cli;
	const struct context *context;
	const struct plugin *plugin;
	struct trace trace;
	struct sandbox_spec shown; /* what the last run saw, without files */
	struct value *params, *secrets;
	struct strv wanted; /* by the last run, not known before */
	int runs;
	enum job_state state; /* of the last run */
	int exit_code;
	char *message;	     /* its error; NULL: none */
	struct strv refused; /* what no permission allows */
};

static void
traced_release(struct traced *t)
{
	trace_release(&t->trace);
	sandbox_spec_release(&t->shown);
	value_free(t->params);
	value_free(t->secrets);
	free(t->message);
	strv_release(&t->wanted);
	strv_release(&t->refused);
}

/* --- One run -------------------------------------------------------------- */

static void
on_access(void *arg, const struct job_access *a)
{
	trace_access(arg, a);
}

static void
note_denials(struct traced *t, const struct record *r)
{
	for (size_t i = 0; r->denials && i < r->denials->u.array.n; i++) {
		const struct value *d = r->denials->u.array.items[i];
		const char *object = value_get_string(d, "object", "");
		const char *allow = value_get_string(d, "allow", NULL);
		struct job_access a = { SYS_connect, false, object };

		if (strcmp(value_get_string(d, "access", ""), "bind") == 0)
			a.syscall = SYS_bind;
		if (strncmp(object, "unix ", 5) == 0)
			trace_access(&t->trace, &a);
		else if (allow)
			trace_denial(&t->trace, allow);
		else
			strv_add_once(&t->refused, object);
	}
}

static void
note_end(struct traced *t, const struct record *r)
{
	t->state = r->state;
	t->exit_code = r->exit_code;
	free(t->message);
	t->message = r->error_message ? xstrdup(r->error_message) : NULL;
	strv_release(&t->refused);
}

static int
run_job(struct traced *t, const struct program *program, struct err *e)
{
	_cleanup_(job_release) struct job job;
	const struct job_watch watch = { .accessed = on_access,
					 .arg = &t->trace };

	job_init(&job);
	job.method = t->cli->method ? t->cli->method : "run";
	job.secrets = t->secrets;
	job.watch = &watch;
	job.trace = true;
	job.record.id = 1;
	job.record.name = xstrdup(t->plugin->name);
	job.record.plugin = xstrdup(t->plugin->name);
	job.record.trigger = "trace";
	job.record.params = value_copy(t->params);
	if (job_run(&job, program, &t->context->setup.runtime, e) < 0)
		return -1;
	note_end(t, &job.record);
	note_denials(t, &job.record);
	return 0;
}

/* What the plugin sees without a file that was granted. */
static int
prepare_shown(struct traced *t, const struct permissions *given,
	      struct sandbox_spec *shown, struct err *e)
{
	struct program program = setup_program(t->plugin);
	struct permissions programs = { .exec = given->exec };

	program.granted = &programs;
	return launch_prepare(&program, &t->context->setup.runtime, t->params,
			      shown, e);
}

/* TCP sockets, but going nowhere: the address that is tried will be told. */
#define SOME_PORT "tcp:1"

/* All that is wanted and was not known before. */
static void
note_wanted(struct traced *t, size_t n_known, const struct program *given)
{
	/* what was refused was seen at once */
	for (size_t i = n_known; i < t->trace.n_items; i++)
		strv_addf(&t->wanted, "%s %s",
			  trace_key_name(t->trace.items[i].key),
			  t->trace.items[i].text);
	trace_judge(&t->trace, &t->wanted);
	if (t->trace.local_sockets && !given->local_sockets)
		strv_add(&t->wanted, "local sockets");
	if (t->trace.tcp_sockets &&
	    !strv_has(&given->granted->network, SOME_PORT))
		strv_add(&t->wanted, "TCP");
}

static int
run_once(struct traced *t, struct err *e)
{
	_cleanup_(permissions_release) struct permissions given;
	struct program program = setup_program(t->plugin);
	size_t n_known = t->trace.n_items;

	trace_permissions(&t->trace, &given);
	if (t->trace.tcp_sockets)
		strv_add(&given.network, SOME_PORT);
	program.granted = &given;
	program.local_sockets = t->trace.local_sockets;
	strv_release(&t->wanted);
	sandbox_spec_release(&t->shown);
	sandbox_spec_init(&t->shown);
	if (prepare_shown(t, &given, &t->shown, e) < 0)
		return -1;
	trace_begin(&t->trace, &t->shown);
	if (run_job(t, &program, e) < 0)
		return -1;
	t->runs++;
	note_wanted(t, n_known, &program);
	return 0;
}

/* --- Run after run -------------------------------------------------------- */

#define SHOWN_WANTED 6

static void
say_progress(const struct traced *t)
{
	_buf_ struct buf text = { 0 };

	buf_addf(&text, "run %d: %s", t->runs, job_state_name(t->state));
	if (t->message)
		buf_addf(&text, ": %s", t->message);
	for (size_t i = 0; i < t->wanted.n && i < SHOWN_WANTED; i++)
		buf_addf(&text, "%s%s", i ? ", " : "; wants ",
			 t->wanted.items[i]);
	if (t->wanted.n > SHOWN_WANTED)
		buf_addf(&text, " and %zu more", t->wanted.n - SHOWN_WANTED);
	terminal_say(STYLE_DIM, "trace", text.data);
}

/* Until a run finds nothing new. */
static int
run_until_known(struct traced *t, struct err *e)
{
	do {
		if (run_once(t, e) < 0)
			return -1;
		say_progress(t);
		/* one after the other: the folder, or there is no end */
		if (t->runs >= MAX_RUNS / 2)
			trace_fold(&t->trace, MAX_RUNS / 4);
	} while (t->wanted.n && t->runs < MAX_RUNS);
	return 0;
}

/* It fails: does that which seldom matters, matter? */
static int
run_trials(struct traced *t, struct err *e)
{
	for (int trial = 0; trial < TRIALS; trial++) {
		enum job_state state = t->state;
		int code = t->exit_code;

		if (t->state == JOB_SUCCEEDED || t->runs == MAX_RUNS ||
		    !trace_widen(&t->trace, trial))
			continue;
		if (run_until_known(t, e) < 0)
			return -1;
		trace_settle(&t->trace,
			     t->state != state || t->exit_code != code);
	}
	return 0;
}

/* --- What comes of it ----------------------------------------------------- */

static void
print_remarks(const struct traced *t)
{
	for (size_t i = 0; i < t->refused.n; i++)
		terminal_say(STYLE_YELLOW, "no permission allows",
			     t->refused.items[i]);
	for (size_t i = 0; i < t->trace.remarks.n; i++)
		terminal_say(STYLE_YELLOW, "warning",
			     t->trace.remarks.items[i]);
	if (t->wanted.n)
		terminal_say(STYLE_YELLOW, "warning",
			     "every run looked for something new: there may "
			     "be more that it needs");
	else if (t->state != JOB_SUCCEEDED)
		terminal_say(STYLE_YELLOW, "warning",
			     "the plugin fails with these permissions too; "
			     "what it would do after that is not known");
}

static void
print_json(const struct traced *t, const struct permissions *p)
{
	_value_ struct value *v = value_object();
	_buf_ struct buf text = { 0 };
	struct value *refused;

	value_set(v, "name", value_string(t->plugin->name));
	value_set(v, "permissions", trace_value(p));
	value_set(v, "runs", value_int(t->runs));
	value_set(v, "state", value_string(job_state_name(t->state)));
	value_set(v, "complete",
		  value_bool(!t->wanted.n && t->state == JOB_SUCCEEDED));
	refused = value_set(v, "refused", value_array());
	for (size_t i = 0; i < t->refused.n; i++)
		value_append(refused, value_string(t->refused.items[i]));
	json_encode(v, &text);
	buf_addc(&text, '\n');
	fwrite(text.data, 1, text.len, stdout);
}

static void
print_block(const struct traced *t)
{
	_cleanup_(permissions_release) struct permissions p;
	_buf_ struct buf text = { 0 };

	trace_permissions(&t->trace, &p);
	if (t->cli->json) {
		print_json(t, &p);
	} else {
		permissions_write(&p, &text);
		fwrite(text.data, 1, text.len, stdout);
	}
	fflush(stdout);
	print_remarks(t);
}

static int
prepare(struct traced *t, struct err *e)
{
	const struct cli *c = t->cli;
	const struct manifest *m = &t->plugin->manifest;

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
	_cleanup_(traced_release) struct traced t = { .cli = c,
						      .context = &x,
						      .plugin = &p };
	struct err e = ERR_INIT;

	memset(&x, 0, sizeof(x));
	memset(&p, 0, sizeof(p));
	sandbox_spec_init(&t.shown);
	if (context_open(&x, c, &e) < 0 ||
	    setup_find(&x.setup, c->args[0], &p, &e) < 0)
		return cli_fail(&e);
	t.trace.asked = &p.manifest.permissions;
	if (prepare(&t, &e) < 0 || run_until_known(&t, &e) < 0 ||
	    run_trials(&t, &e) < 0)
		return cli_fail(&e);
	trace_finish(&t.trace);
	print_block(&t);
	return t.state == JOB_SUCCEEDED ? 0 : 1;
}
