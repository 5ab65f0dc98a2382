/* What is sent again because somebody asked for it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "master/forward_parts.h"
#include "master/messages.h"
#include "model/units.h"

/* One that is answered once every destination of it is on disk. */
struct replay {
	struct change change;
	struct request *q; /* NULL: whoever asked is gone */
	struct value *answer;
};

static void
forget_asker(struct request *q)
{
	((struct replay *)q->data)->q = NULL;
}

/* The destinations were written before it: one may have been refused. */
static int
write_replay(struct master *m, struct change *c, struct err *e)
{
	struct replay *r = container_of(c, struct replay, change);
	const struct value *items = value_get(r->answer, "items");

	for (size_t i = 0; i < items->u.array.n; i++) {
		const char *name =
			value_get_string(items->u.array.items[i], "name", "");
		const struct destination *d = forward_find(m, name);

		if (d && d->change.refused && d->change.error) {
			*e = *d->change.error;
			return -1;
		}
	}
	return 0;
}

static void
replay_done(struct master *m, struct change *c, const struct err *failed)
{
	struct replay *r = container_of(c, struct replay, change);

	(void)m;
	if (r->q) {
		r->q->release = NULL;
		if (failed)
			request_fail(r->q, failed, NULL);
		else
			request_answer(r->q, steal_ptr(&r->answer));
	}
	value_free(r->answer);
	free(r);
}

static int
replay_all(struct master *m, const char *name, int64_t since_ms,
	   struct value *items, struct err *e)
{
	struct destination *d;

	TAILQ_FOREACH(d, &m->forward.list, link)
	{
		int64_t jobs = 0;
		struct value *one;

		if (name && strcmp(name, d->name) != 0)
			continue;
		if (destination_replay(d, since_ms, &jobs, e) < 0)
			return -1;
		one = value_append(items, value_object());
		value_set(one, "name", value_string(d->name));
		value_set(one, "jobs", value_int(jobs));
	}
	return 0;
}

int
on_forward_replay(struct master *m, struct request *q,
		  const struct value *params, struct value **data,
		  struct err *e)
{
	const char *name = value_get_string(params, "name", NULL);
	const char *since = value_get_string(params, "since", "");
	_value_ struct value *answer = value_object();
	int64_t since_ms = 0;
	struct replay *r;

	(void)data;
	if (name && !forward_find(m, name))
		return forward_unknown(name, e);
	if (!units_parse_time(since, &since_ms))
		return err_set(e, ERR_USAGE, "\"since\" is no time");
	if (replay_all(m, name, since_ms,
		       value_set(answer, "items", value_array()), e) < 0)
		return -1;
	r = xcalloc(1, sizeof(*r));
	r->q = q;
	r->answer = steal_ptr(&answer);
	q->data = r;
	q->release = forget_asker;
	change_add(m, &r->change, false, write_replay, replay_done);
	return 0;
}
