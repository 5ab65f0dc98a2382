/* How the agent is, and what plugins it has. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "master/master.h"
#include "master/messages.h"
#include "master/metrics.h"
#include "model/units.h"

static struct value *
time_value(int64_t ms)
{
	char text[UNITS_TEXT];

	return value_string(units_format_time(ms, text));
}

static struct value *
jobs_value(struct master *m)
{
	struct value *v = value_object(), *states;
	struct store_stats stats = { 0 };
	struct err ignored = ERR_INIT;

	value_set(v, "queued", value_int((int64_t)m->jobs.queued));
	value_set(v, "running", value_int((int64_t)m->jobs.running));
	value_set(v, "queue_max", value_int(m->setup->config.queue.max));
	states = value_set(v, "by_state", value_object());
	if (store_stats(m->store, &stats, &ignored) < 0)
		return v;
	for (int i = 0; i < JOB_STATES; i++)
		value_set(states, job_state_name((enum job_state)i),
			  value_int(stats.jobs[i]));
	return v;
}

static struct value *
store_value(struct master *m)
{
	const struct changes *c = &m->changes;
	struct value *v = value_object();
	struct store_stats stats = { 0 };
	struct err ignored = ERR_INIT;

	value_set(v, "path", value_string(m->storage_path));
	value_set(v, "writable", value_bool(c->trouble.kind == ERR_NONE));
	if (c->trouble.kind != ERR_NONE) {
		value_set(v, "trouble", value_string(c->trouble.msg));
		value_set(v, "since", time_value(c->trouble_since_ms));
	}
	value_set(v, "set_aside", value_bool(m->set_aside));
	if (store_stats(m->store, &stats, &ignored) == 0) {
		value_set(v, "size_bytes", value_int(stats.file_bytes));
		value_set(v, "wal_bytes", value_int(stats.wal_bytes));
	}
	return v;
}

static struct value *
pools_value(const struct master *m)
{
	struct value *all = value_array();
	const struct pool *p;

	TAILQ_FOREACH(p, &m->pools.list, link)
	{
		struct value *v = value_object();

		value_set(v, "plugin", value_string(p->source));
		value_set(v, "queued", value_int((int64_t)p->queue.n));
		value_set(v, "busy", value_int((int64_t)p->busy));
		value_set(v, "idle", value_int((int64_t)p->idle));
		value_set(v, "starting", value_int((int64_t)p->starting));
		value_set(v, "failures", value_int(p->failures));
		value_append(all, v);
	}
	return all;
}

int
on_status(struct master *m, struct request *q, const struct value *params,
	  struct value **data, struct err *e)
{
	struct value *v = value_object();

	(void)params;
	(void)data;
	(void)e;
	value_set(v, "agent", agent_id_to_value(&m->agent));
	value_set(v, "pid", value_int(getpid()));
	value_set(v, "phase", value_string(phase_name(m->phase)));
	value_set(v, "started_at", time_value(m->started_ms));
	value_set(v, "uptime_ms", value_int(clock_real_ms() - m->started_ms));
	value_set(v, "config",
		  m->config_file ? value_string(m->config_file) : value_null());
	value_set(v, "jobs", jobs_value(m));
	value_set(v, "workers_max", value_int(m->setup->config.workers.max));
	value_set(v, "pools", pools_value(m));
	value_set(v, "schedules", value_int((int64_t)m->schedules.n));
	value_set(v, "services", value_int((int64_t)m->services.running));
	value_set(v, "store", store_value(m));
	value_set(v, "peers", peers_value(m));
	value_set(v, "metrics", metrics_value(m));
	request_answer(q, v);
	return 0;
}

/* --- Plugins ------------------------------------------------------------ */

static struct value *
version_value(const struct version *v)
{
	const struct plugin *p = &v->plugin;
	const struct manifest *m = &p->manifest;
	struct value *o = value_object();

	value_set(o, "name", value_string(p->name));
	value_set(o, "version",
		  m->version ? value_string(m->version) : value_null());
	value_set(o, "description",
		  m->description ? value_string(m->description) : value_null());
	value_set(o, "kind", value_string(plugin_kind_name(p->kind)));
	value_set(o, "path", value_string(p->path));
	value_set(o, "sha256", value_string(p->sha256));
	value_set(o, "allowed", value_bool(v->refused.kind == ERR_NONE));
	value_set(o, "reason",
		  v->refused.kind == ERR_NONE ? value_null() :
						value_string(v->refused.msg));
	value_set(o, "params",
		  m->params ? value_copy(m->params) : value_null());
	return o;
}

static struct value *
broken_value(const struct plugin_entry *entry)
{
	struct value *o = value_object();

	value_set(o, "name", value_string(entry->name));
	value_set(o, "path", value_string(entry->path));
	value_set(o, "allowed", value_bool(false));
	value_set(o, "reason", value_string(entry->err.msg));
	return o;
}

static void
add_plugin(struct master *m, const struct plugin_entry *entry,
	   struct value *items)
{
	_version_ struct version *v = NULL;
	struct err ignored = ERR_INIT;

	if (entry->broken ||
	    plugins_get(&m->plugins, entry->name, &v, &ignored) < 0)
		value_append(items, broken_value(entry));
	else
		value_append(items, version_value(v));
}

int
on_plugin_list(struct master *m, struct request *q, const struct value *params,
	       struct value **data, struct err *e)
{
	struct plugin_entry *list = NULL;
	struct value *v, *items;
	size_t n = 0;

	(void)params;
	(void)data;
	if (library_list(&m->setup->library, &list, &n, e) < 0)
		return -1;
	v = value_object();
	items = value_set(v, "items", value_array());
	for (size_t i = 0; i < n; i++)
		add_plugin(m, &list[i], items);
	library_free_list(list, n);
	request_answer(q, v);
	return 0;
}

int
on_plugin_get(struct master *m, struct request *q, const struct value *params,
	      struct value **data, struct err *e)
{
	_version_ struct version *v = NULL;

	(void)data;
	if (plugins_get(&m->plugins, value_get_string(params, "name", ""), &v,
			e) < 0)
		return -1;
	request_answer(q, version_value(v));
	return 0;
}
