#include "master/events.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "master/master.h"
#include "model/record.h"
#include "proto/json.h"

/* Ids are of a microsecond, which no agent has an event each of. */
#define IDS_MS 1000

struct stream {
	LIST_ENTRY(stream) link;
	struct request *q;
	int64_t next; /* the id that it is to be sent */
};

/* --- The ring ------------------------------------------------------------ */

static struct event *
at(struct events *all, int64_t id)
{
	return &all->ring[(uint64_t)id % EVENTS_KEPT];
}

static int64_t
oldest(const struct events *all)
{
	return all->next - (int64_t)all->n;
}

static void
drop_oldest(struct events *all)
{
	struct event *e = at(all, oldest(all));

	all->bytes -= e->len;
	all->n--;
	free(e->text);
	*e = (struct event){ NULL, 0 };
}

void
events_add(struct master *m, const char *type, struct value *data)
{
	struct events *all = &m->events;
	_buf_ struct buf text = { 0 };

	if (!all->next) {
		value_free(data);
		return;
	}
	buf_addf(&text,
		 "\"id\":%lld,\"type\":\"%s\",\"data\":", (long long)all->next,
		 type);
	json_encode(data, &text);
	value_free(data);
	buf_addc(&text, '}');
	while (all->n &&
	       (all->n == EVENTS_KEPT || all->bytes + text.len > EVENTS_BYTES))
		drop_oldest(all);
	all->bytes += text.len;
	all->n++;
	*at(all, all->next) = (struct event){ NULL, text.len };
	at(all, all->next)->text = buf_steal(&text);
	all->next++;
	all->behind = all->n_streams > 0;
}

static struct value *
error_value(const struct record *r)
{
	struct value *v;

	if (!r->error_code)
		return value_null();
	v = value_object();
	value_set(v, "code", value_string(r->error_code));
	value_set(v, "message",
		  value_string(r->error_message ? r->error_message : ""));
	return v;
}

void
events_job(struct master *m, const char *type, const struct live_job *j)
{
	const struct record *r = j->detail ? &j->detail->job.record : NULL;
	enum job_state state = j->state;
	struct value *v;

	if (!m->events.next)
		return;
	if (r && j->detail->end)
		state = j->detail->end;
	v = value_object();
	value_set(v, "id", value_int(j->id));
	value_set(v, "name", r ? value_string(r->name) : value_null());
	value_set(v, "plugin", r ? value_string(r->plugin) : value_null());
	value_set(v, "state", value_string(job_state_name(state)));
	value_set(v, "attempt", value_int(j->attempt));
	value_set(v, "trigger",
		  r && r->trigger ? value_string(r->trigger) : value_null());
	value_set(v, "error", r ? error_value(r) : value_null());
	events_add(m, type, v);
}

/* --- Streams -------------------------------------------------------------- */

static void
stream_end(struct request *q)
{
	struct stream *s = q->data;

	LIST_REMOVE(s, link);
	q->master->events.n_streams--;
	free(s);
}

void
events_watch(struct request *q, int64_t after)
{
	struct events *all = &q->master->events;
	struct stream *s = xcalloc(1, sizeof(*s));

	if (!all->next)
		all->first = all->next = clock_real_ms() * IDS_MS;
	s->q = q;
	s->next = after ? after + 1 : all->next;
	q->data = s;
	q->release = stream_end;
	LIST_INSERT_HEAD(&all->streams, s, link);
	all->n_streams++;
	all->behind = true;
}

static void
begin(struct buf *out, const struct request *q)
{
	buf_addf(out,
		 "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":"
		 "{\"request\":%s,",
		 q->id.text);
}

/* What it missed is before the ring; of another agent's life nobody knows how
 * much that is. */
static void
send_gap(struct stream *s, const struct events *all)
{
	struct buf *out = &s->q->channel->out;
	int64_t from = oldest(all);

	begin(out, s->q);
	buf_addf(out, "\"id\":%lld,\"type\":\"gap\",\"data\":{\"missed\":",
		 (long long)from - 1);
	if (s->next >= all->first && s->next < from)
		buf_addf(out, "%lld}}}\n", (long long)(from - s->next));
	else
		buf_adds(out, "null}}}\n");
	s->next = from;
}

static void
send_one(struct stream *s, struct events *all)
{
	struct buf *out = &s->q->channel->out;
	const struct event *e = at(all, s->next);

	begin(out, s->q);
	buf_add(out, e->text, e->len);
	buf_adds(out, "}\n");
	s->next++;
}

/* One event of each in turn, so that none waits for another's many. */
static bool
send_round(struct events *all)
{
	bool more = false;
	struct stream *s;

	LIST_FOREACH(s, &all->streams, link)
	{
		if (channel_backlog(s->q->channel) > EVENTS_OUT)
			return true;
		if (s->next < oldest(all) || s->next > all->next)
			send_gap(s, all);
		else if (s->next < all->next)
			send_one(s, all);
		more = more || s->next < all->next;
	}
	return more;
}

void
events_send(struct master *m)
{
	struct events *all = &m->events;
	struct stream *first = LIST_FIRST(&all->streams);

	while (all->behind && first) {
		all->behind = send_round(all);
		if (channel_backlog(first->q->channel) > EVENTS_OUT)
			return;
	}
}

void
events_release(struct master *m)
{
	while (m->events.n)
		drop_oldest(&m->events);
}
