#include "cli/history.h"

#include <sys/utsname.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/keep.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/terminal.h"
#include "plugin/digest.h"
#include "store/cursor.h"

#define PRUNE_STEP 100

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
	_free_ char *path = config_storage_path(&x->setup.config);
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
	h->agent.labels = x->setup.config.agent.labels ?
				  value_copy(x->setup.config.agent.labels) :
				  NULL;
	if (x->setup.config.file)
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

int
history_start(struct history *h, struct record *r, struct err *e)
{
	_cleanup_(kept_release) struct kept k = { .n = 0 };
	struct timespec now;

	r->agent = &h->agent;
	clock_gettime(CLOCK_REALTIME, &now);
	r->id = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	if (!h->store)
		return 0;
	kept_init(&k, r);
	k.job.started_ms = clock_real_ms();
	if (store_job_start(h->store, &k.job, e) < 0)
		return -1;
	r->id = k.job.id;
	return 0;
}

int
history_finish(struct history *h, const struct record *r,
	       const struct logbook *logs, struct err *e)
{
	_cleanup_(kept_release) struct kept k = { .n = 0 };

	if (!h->store)
		return 0;
	kept_init(&k, r);
	if (!k.job.finished_ms)
		k.job.finished_ms = clock_real_ms();
	return store_job_finish(h->store, &k.job, keep_logs,
				(void *)(uintptr_t)logs, e);
}

/* What destinations are owed stays, as long as their buffers would keep it. */
static int
find_kept(struct history *h, const struct config *config, int64_t now,
	  int64_t *keep, struct err *e)
{
	*keep = 0;
	for (size_t i = 0; i < config->forward.n; i++) {
		const struct config_destination *d = &config->forward.items[i];
		_cleanup_(store_cursor_release) struct store_cursor c = { 0 };
		struct err why = ERR_INIT;
		int64_t first, young = 1;

		if (store_cursor_get(h->store, d->name, &c, &why) < 0) {
			if (why.kind == ERR_NOT_FOUND)
				continue;
			*e = why;
			return -1;
		}
		if (d->buffer.age_ms &&
		    store_owed_since(h->store, now - d->buffer.age_ms, &young,
				     e) < 0)
			return -1;
		first = ranges_first(&c.owed);
		if (first < young)
			first = young;
		if (*keep == 0 || first < *keep)
			*keep = first;
	}
	return 0;
}

int
history_prune(struct history *h, const struct config *config, struct err *e)
{
	int64_t now = clock_real_ms();
	struct store_retention retention = {
		.now_ms = now,
		.before_ms = now - config->storage.retention.age_ms,
		.size_bytes = config->storage.retention.size_bytes,
		.limit = PRUNE_STEP,
	};
	size_t pruned = 0;

	if (!h->store)
		return 0;
	if (find_kept(h, config, now, &retention.keep_seq, e) < 0)
		return -1;
	/* one step a run keeps up with what runs add */
	return store_prune(h->store, &retention, &pruned, e) < 0 ? -1 : 0;
}
