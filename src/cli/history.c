#include "cli/history.h"

#include <sys/utsname.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/terminal.h"
#include "plugin/digest.h"
#include "proto/json.h"

#define PRUNE_STEP 100
#define UUID_TEXT 37

/*
 * Without a database: the same on every run of this host, and not telling the
 * host's own id, which is to be kept from the network (machine-id(5)).
 */
static char *
host_uuid(void)
{
	struct err ignored = ERR_INIT;
	_buf_ struct buf text;
	char hex[DIGEST_HEX];

	buf_init(&text, 4096);
	if (file_read("/etc/machine-id", &text, &ignored) < 0 || !text.len)
		return NULL;
	buf_adds(&text, "devops_agent");
	digest_text(text.data, text.len, hex);
	/* RFC 9562, version 8: of our own making */
	return xasprintf("%.8s-%.4s-8%.3s-a%.3s-%.12s", hex, hex + 8, hex + 12,
			 hex + 15, hex + 18);
}

/*
 * The installed configuration is everybody's, its database is not: whoever
 * runs a plugin by hand, without having named the file, just runs it.
 */
static bool
is_not_ours(const struct context *x, const struct err *e)
{
	return x->config_found && geteuid() != 0 &&
	       (e->errnum == EACCES || e->errnum == EPERM ||
		e->errnum == EROFS);
}

static int
open_store(struct history *h, const struct context *x, struct err *e)
{
	_free_ char *path = config_storage_path(&x->config);
	_free_ char *set_aside = NULL;
	char id[STORE_AGENT_ID];
	size_t lost = 0;

	if (store_open(path, &h->store, &set_aside, e) < 0) {
		if (is_not_ours(x, e)) {
			terminal_say(STYLE_YELLOW, "warning",
				     "this run is not kept: only the agent's "
				     "own account may write its history");
			h->agent.id = host_uuid();
			return 0;
		}
		err_wrap(e, "open the job history");
		return *e->hint ? -1 :
				  err_hint(e, "--config /dev/null runs "
					      "without keeping anything");
	}
	if (set_aside) {
		_free_ char *text = xasprintf(
			"the database %s was damaged; it is now %s, and a new "
			"one was started",
			path, set_aside);

		terminal_say(STYLE_RED, "warning", text);
	}
	if (store_agent_id(h->store, id, e) < 0 ||
	    store_recover(h->store, clock_real_ms(), &lost, e) < 0)
		return -1;
	h->agent.id = xstrdup(id);
	return 0;
}

int
history_open(struct history *h, const struct context *x, struct err *e)
{
	struct utsname host;

	memset(h, 0, sizeof(*h));
	uname(&host);
	h->agent.host = xstrdup(host.nodename);
	h->agent.labels = x->config.agent.labels ?
				  value_copy(x->config.agent.labels) :
				  NULL;
	if (x->config.file)
		return open_store(h, x, e);
	h->agent.id = host_uuid();
	return 0;
}

void
history_release(struct history *h)
{
	store_close(h->store);
	free(h->agent.id);
	free(h->agent.host);
	value_free(h->agent.labels);
	memset(h, 0, sizeof(*h));
}

/* The texts of a job's JSON columns; NULL where there is nothing. */
struct texts {
	struct value *all; /* the record's outside form */
	struct buf bufs[10];
	size_t n;
};

static void
texts_release(struct texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		buf_release(&t->bufs[i]);
	value_free(t->all);
}

static const char *
text_of(struct texts *t, const char *key)
{
	const struct value *v = value_get(t->all, key);
	struct buf *b = &t->bufs[t->n];

	if (!v || v->type == VALUE_NULL)
		return NULL;
	t->n++;
	json_encode(v, b);
	return b->data;
}

int
history_start(struct history *h, struct record *r, struct err *e)
{
	_cleanup_(texts_release) struct texts t = { .n = 0 };
	struct store_job job;
	struct timespec now;

	r->agent = &h->agent;
	clock_gettime(CLOCK_REALTIME, &now);
	r->id = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	if (!h->store)
		return 0;
	t.all = record_to_value(r);
	job = (struct store_job){
		.name = r->name,
		.plugin = r->plugin,
		.trigger = r->trigger,
		.attempt = r->attempt,
		.scheduled_ms = r->scheduled_ms,
		.started_ms = clock_real_ms(),
		.params = text_of(&t, "params"),
		.agent = text_of(&t, "agent"),
	};
	if (store_job_start(h->store, &job, e) < 0)
		return -1;
	r->id = job.id;
	return 0;
}

/* From the logbook to the store, a line at a time. */
struct pump {
	store_log_fn *add;
	void *arg;
};

static int
pump_line(void *arg, const struct logbook_entry *entry)
{
	struct pump *p = arg;
	struct store_log line = {
		.time_ms = entry->time_ms,
		.level = logbook_level_name(entry->level),
		.stream = logbook_stream_name(entry->stream),
		.message = entry->message,
		.len = entry->len,
		.fields = entry->fields,
		.left_out = entry->left_out,
	};

	return p->add(p->arg, &line);
}

static int
pump_logs(void *arg, store_log_fn *add, void *add_arg)
{
	struct pump p = { add, add_arg };

	return logbook_each(arg, pump_line, &p);
}

int
history_finish(struct history *h, const struct record *r,
	       const struct logbook *logs, struct err *e)
{
	_cleanup_(texts_release) struct texts t = { .n = 0 };
	struct store_job job;

	if (!h->store)
		return 0;
	t.all = record_to_value(r);
	job = (struct store_job){
		.id = r->id,
		.state = r->state,
		.finished_ms =
			r->finished_ms ? r->finished_ms : clock_real_ms(),
		.duration_ms = r->duration_ms,
		.result = text_of(&t, "result"),
		.error = text_of(&t, "error"),
		.exit = text_of(&t, "exit"),
		.usage = text_of(&t, "usage"),
		.metrics = text_of(&t, "metrics"),
		.denials = text_of(&t, "denials"),
		.sandbox = text_of(&t, "sandbox"),
	};
	return store_job_finish(h->store, &job, pump_logs,
				(void *)(uintptr_t)logs, e);
}

int
history_prune(struct history *h, const struct config *config, struct err *e)
{
	int64_t before = clock_real_ms() - config->storage.retention.age_ms;
	size_t pruned = 0;

	if (!h->store)
		return 0;
	/* one step a run keeps up with what runs add */
	return store_prune(h->store, before,
			   config->storage.retention.size_bytes, PRUNE_STEP,
			   &pruned, e) < 0 ?
		       -1 :
		       0;
}
