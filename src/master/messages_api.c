/* What the HTTP API asks for besides: events, figures, health. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "master/health.h"
#include "master/master.h"
#include "master/messages.h"
#include "master/metrics.h"

/* Digits; what a client sends back as it got it. */
static int
event_id(const char *text, int64_t *id, struct err *e)
{
	size_t n = strspn(text, "0123456789");

	if (!n || text[n] || n > 18) {
		err_set(e, ERR_USAGE, "\"after\" is the id of an event");
		return err_hint(e, "leave it out for what happens from now on");
	}
	*id = strtoll(text, NULL, 10);
	return 0;
}

int
on_events(struct master *m, struct request *q, const struct value *params,
	  struct value **data, struct err *e)
{
	const char *after = value_get_string(params, "after", NULL);
	int64_t id = 0;

	(void)m;
	(void)data;
	if (after && event_id(after, &id, e) < 0)
		return -1;
	request_stream(q);
	events_watch(q, id);
	return 0;
}

int
on_metrics(struct master *m, struct request *q, const struct value *params,
	   struct value **data, struct err *e)
{
	struct value *v;

	(void)params;
	(void)data;
	if (!m->setup->config.metrics.prometheus) {
		err_set(e, ERR_NOT_FOUND, "figures are turned off");
		return err_hint(e, "set metrics.prometheus: true");
	}
	v = value_object();
	value_set(v, "families", metrics_families(m));
	request_answer(q, v);
	return 0;
}

int
on_health(struct master *m, struct request *q, const struct value *params,
	  struct value **data, struct err *e)
{
	(void)params;
	(void)data;
	(void)e;
	request_answer(q, health_value(m));
	return 0;
}
