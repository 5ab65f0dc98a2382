/* What is said of destinations: to clients, in metrics, as reasons. */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "config/settings.h"
#include "master/forward_parts.h"
#include "master/messages.h"
#include "model/units.h"

#define ASIDE_SHOWN 100

static struct value *
time_value(int64_t ms)
{
	char text[UNITS_TEXT];

	return ms ? value_string(units_format_time(ms, text)) : value_null();
}

/* How long the first job that is owed has waited. */
static int64_t
lag_ms(struct destination *d)
{
	struct progress *p = destination_progress(d);
	struct err ignored = ERR_INIT;
	int64_t ended_ms = 0, lag;

	if (p->jobs <= 0 ||
	    store_owed_time(d->master->store, ranges_first(&p->cursor.owed),
			    &ended_ms, &ignored) < 0 ||
	    ended_ms == 0)
		return 0;
	lag = clock_real_ms() - ended_ms;
	return lag > 0 ? lag : 0;
}

/* Where the program itself is not there, that is how the destination is. */
static const struct peer *
missing_program(struct master *m)
{
	const struct peer *p = peers_find(m, &forward_peer);

	return p && p->state != PEER_READY && p->state != PEER_STARTING ? p :
									  NULL;
}

static void
add_state(struct destination *d, struct value *v)
{
	const struct peer *p = missing_program(d->master);
	const char *error = d->error;

	if (p)
		error = p->trouble.msg;
	value_set(v, "state",
		  value_string(p ? "stopped" : destination_states[d->state]));
	value_set(v, "since", time_value(p ? p->since_ms : d->since_ms));
	value_set(v, "error", *error ? value_string(error) : value_null());
	value_set(v, "status", d->status ? value_int(d->status) : value_null());
	value_set(v, "retry_at", time_value(p ? p->retry_ms : d->retry_at_ms));
}

static struct value *
destination_value(struct destination *d)
{
	const struct store_cursor *c = &d->now.cursor;
	struct value *v = value_object(), *part;
	struct err ignored = ERR_INIT;

	destination_measure(d, &ignored);
	value_set(v, "name", value_string(d->name));
	value_set(v, "format",
		  setting_value(setting_find(&destination_settings, "format"),
				d->config));
	value_set(v, "url", value_string(d->config->url));
	add_state(d, v);
	part = value_set(v, "lag", value_object());
	value_set(part, "records", value_int(destination_progress(d)->jobs));
	value_set(part, "bytes", value_int(destination_progress(d)->bytes));
	value_set(part, "ms", value_int(lag_ms(d)));
	value_set(v, "batches", value_int((int64_t)d->n_batches));
	value_set(v, "accepted", value_int(c->accepted));
	value_set(v, "last_success_at", time_value(c->last_ms));
	value_set(v, "aside", value_int(c->aside));
	part = value_set(v, "dropped", value_object());
	for (int i = 0; i < STORE_DROPS; i++)
		value_set(part, store_drop_names[i], value_int(c->dropped[i]));
	return v;
}

static int
add_aside(void *arg, const struct store_aside *a)
{
	struct value *v = value_append(arg, value_object());

	value_set(v, "time", time_value(a->time_ms));
	value_set(v, "id", value_string(a->record));
	value_set(v, "code", value_string(a->code));
	value_set(v, "reason",
		  a->reason ? value_string(a->reason) : value_null());
	value_set(v, "excerpt",
		  a->excerpt ? value_string(a->excerpt) : value_null());
	return 0;
}

struct value *
forward_value(struct master *m, const char *aside)
{
	struct value *v = value_object();
	struct value *items = value_set(v, "items", value_array());
	struct err ignored = ERR_INIT;
	struct destination *d;

	TAILQ_FOREACH(d, &m->forward.list, link)
	{
		struct value *one;

		if (aside && strcmp(aside, d->name) != 0)
			continue;
		one = value_append(items, destination_value(d));
		if (aside)
			store_aside_list(
				m->store, d->name, ASIDE_SHOWN, add_aside,
				value_set(one, "put_aside", value_array()),
				&ignored);
	}
	return v;
}

const char *
forward_trouble(struct master *m)
{
	const struct destination *d;

	if (m->forward.n && missing_program(m))
		return "forwarding does not run";
	TAILQ_FOREACH(d, &m->forward.list, link)
	if (d->state == DESTINATION_HELD || d->state == DESTINATION_STOPPED)
		return "a destination takes no records";
	return NULL;
}

void
forward_each(struct master *m,
	     void (*fn)(void *arg, const struct forward_figures *f), void *arg)
{
	struct err ignored = ERR_INIT;
	struct destination *d;

	TAILQ_FOREACH(d, &m->forward.list, link)
	{
		destination_measure(d, &ignored);
		fn(arg, &(struct forward_figures){
				.name = d->name,
				.jobs = destination_progress(d)->jobs,
				.bytes = destination_progress(d)->bytes,
				.lag_ms = lag_ms(d),
				.accepted = d->now.cursor.accepted,
				.aside = d->now.cursor.aside,
				.errors = d->errors,
				.last_ms = d->now.cursor.last_ms,
				.ok = d->state == DESTINATION_OK &&
				      !missing_program(m),
				.dropped = d->now.cursor.dropped,
			});
	}
}

/* --- Messages ------------------------------------------------------------- */

int
forward_unknown(const char *name, struct err *e)
{
	err_set(e, ERR_NOT_FOUND, "no destination %s", name);
	return err_hint(e, "`devops_agent forward status` lists them");
}

int
on_forward_status(struct master *m, struct request *q,
		  const struct value *params, struct value **data,
		  struct err *e)
{
	const char *name = value_get_string(params, "name", NULL);

	(void)data;
	if (name && !forward_find(m, name))
		return forward_unknown(name, e);
	request_answer(q, forward_value(m, name));
	return 0;
}
