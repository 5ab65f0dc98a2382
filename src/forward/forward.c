#include "forward/forward.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "forward/channel.h"
#include "forward/destination.h"
#include "forward/shut.h"
#include "forward/transport.h"
#include "proto/json.h"

/* Of all records that are held as text, two batches a destination. */
#define TEXT_MAX (6UL << 20)
#define TEXT_MIN (32UL << 10)

#define MEMORY_KEPT (4 << 20)

struct forward {
	struct forward_context context;
	struct destination **destinations;
	size_t n;
	struct value *agent;
	bool shut;
	struct strv folders; /* that it was shut in with */
	int status;
};

static void
say(struct forward *f, const char *level, const char *name, const char *text)
{
	_value_ struct value *p = value_object();

	value_set(p, "level", value_string(level));
	value_set(p, "message", value_string(text));
	if (*name)
		value_set(p, "destination", value_string(name));
	channel_tell(f->context.channel, "log", p);
}

/* --- Configuration -------------------------------------------------------- */

static void
take_agent(struct forward *f, const struct value *agent)
{
	struct buf text = { 0 };

	value_free(f->agent);
	free(f->context.agent.text);
	f->agent = agent ? value_copy(agent) : value_object();
	json_encode(f->agent, &text);
	f->context.agent = (struct forward_agent){
		.id = value_get_string(f->agent, "id", ""),
		.host = value_get_string(f->agent, "host", ""),
		.version = value_get_string(f->agent, "version", ""),
		.labels = value_get(f->agent, "labels"),
		.text = buf_steal(&text),
	};
}

/* The destination of that name, taken out of the old ones. */
static struct destination *
take_old(struct destination **old, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (old[i] &&
		    strcmp(destination_wanted(old[i])->name, name) == 0)
			return steal_ptr(&old[i]);
	return NULL;
}

/* What can't be used is stopped, and says why. */
static void
refuse(struct forward *f, const struct value *v, const struct err *e)
{
	const char *name = value_get_string(v, "name", "");
	_value_ struct value *p = value_object();

	say(f, "error", name, e->msg);
	value_set(p, "name", value_string(name));
	value_set(p, "state", value_string("stopped"));
	value_set(p, "error", value_string(e->msg));
	value_set(p, "status", value_int(0));
	channel_tell(f->context.channel, "destination", p);
}

static void
take_destination(struct forward *f, const struct value *v,
		 struct destination **old, size_t n_old)
{
	_cleanup_(settings_release) struct settings s = { 0 };
	struct destination *d;
	struct err e = ERR_INIT;

	if (settings_read(&s, v, &e) < 0) {
		refuse(f, v, &e);
		return;
	}
	d = take_old(old, n_old, s.name);
	if (!d)
		d = destination_new(&f->context, &s);
	else if (strcmp(destination_wanted(d)->text, s.text) != 0)
		destination_change(d, &s);
	f->destinations[f->n++] = d;
}

/*
 * Nothing from outside is read before. Where other folders are needed later,
 * it ends, and is started anew. False: it is not to go on.
 */
static bool
shut(struct forward *f, const struct value *list, size_t n)
{
	_strv_ struct strv folders = { 0 };
	_buf_ struct buf words = { 0 };
	struct err e = ERR_INIT;

	for (size_t i = 0; i < n; i++) {
		_cleanup_(settings_release) struct settings s = { 0 };
		struct err ignored = ERR_INIT;

		if (settings_read(&s, list->u.array.items[i], &ignored) == 0)
			shut_add(&folders, &s);
	}
	if (f->shut) {
		if (shut_covers(&f->folders, &folders))
			return true;
		say(f, "info", "", "other certificates: starting anew");
		loop_stop(f->context.loop);
		return false;
	}
	if (shut_in(&folders, &words, &e) < 0) {
		say(f, "error", "", e.msg);
		f->status = 125;
		loop_stop(f->context.loop);
		return false;
	}
	say(f, "debug", "", words.data);
	f->shut = true;
	strv_copy(&f->folders, &folders);
	return true;
}

static void
configure(struct forward *f, const struct value *params)
{
	const struct value *list = value_get(params, "destinations");
	size_t n = list && list->type == VALUE_ARRAY ? list->u.array.n : 0;
	struct destination **old = f->destinations;
	size_t n_old = f->n;

	if (!shut(f, list, n))
		return;
	take_agent(f, value_get(params, "agent"));
	f->context.batch_bytes = TEXT_MAX / 2 / (n ? n : 1);
	if (f->context.batch_bytes < TEXT_MIN)
		f->context.batch_bytes = TEXT_MIN;
	f->destinations = xcalloc(n + 1, sizeof(struct destination *));
	f->n = 0;
	for (size_t i = 0; i < n; i++)
		take_destination(f, list->u.array.items[i], old, n_old);
	for (size_t i = 0; i < n_old; i++)
		destination_free(old[i]);
	free(old);
}

/* --- The process ---------------------------------------------------------- */

static void
on_notice(void *arg, const char *method, const struct value *params)
{
	struct forward *f = arg;

	if (strcmp(method, "configure") == 0)
		configure(f, params);
	else if (strcmp(method, "ping") == 0)
		channel_tell(f->context.channel, "pong", params);
}

static void
on_end(void *arg, const struct err *e)
{
	struct forward *f = arg;

	if (e) {
		log_error("%s", e->msg);
		f->status = 125;
	}
	loop_stop(f->context.loop);
}

int
forward_main(int fd)
{
	struct forward f = { 0 };
	struct forward_context *c = &f.context;
	_value_ struct value *ready = value_object();

	/* one arena: what threads of the resolver free is used again; and
	 * the memory of a batch is kept for the next one */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, MEMORY_KEPT);
	mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT);
	transport_global_init();
	c->loop = loop_new();
	c->compressor = compressor_new();
	take_agent(&f, NULL);
	c->channel = channel_new(c->loop, fd, on_notice, on_end, &f);
	value_set(ready, "ping", value_bool(true));
	channel_tell(c->channel, "ready", ready);
	loop_run(c->loop);
	for (size_t i = 0; i < f.n; i++)
		destination_free(f.destinations[i]);
	free(f.destinations);
	channel_free(c->channel);
	compressor_free(c->compressor);
	loop_free(c->loop);
	strv_release(&f.folders);
	value_free(f.agent);
	free(c->agent.text);
	transport_global_release();
	return f.status;
}
