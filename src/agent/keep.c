#include "agent/keep.h"

#include "base/mem.h"
#include "proto/json.h"

/* NULL where there is nothing. */
static const char *
text_of(struct kept *k, const char *key)
{
	const struct value *v = value_get(k->form, key);
	struct buf *b = &k->texts[k->n];

	if (!v || v->type == VALUE_NULL)
		return NULL;
	k->n++;
	json_encode(v, b);
	return b->data;
}

void
kept_init(struct kept *k, const struct record *r)
{
	*k = (struct kept){ .form = record_to_value(r) };
	k->job = (struct store_job){
		.id = r->id,
		.name = r->name,
		.plugin = r->plugin,
		.state = r->state,
		.trigger = r->trigger,
		.attempt = r->attempt,
		.scheduled_ms = r->scheduled_ms,
		.started_ms = r->started_ms,
		.finished_ms = r->finished_ms,
		.duration_ms = r->duration_ms,
		.params = text_of(k, "params"),
		.result = text_of(k, "result"),
		.error = text_of(k, "error"),
		.exit = text_of(k, "exit"),
		.usage = text_of(k, "usage"),
		.metrics = text_of(k, "metrics"),
		.denials = text_of(k, "denials"),
		.sandbox = text_of(k, "sandbox"),
		.agent = text_of(k, "agent"),
	};
}

void
kept_release(struct kept *k)
{
	for (size_t i = 0; i < k->n; i++)
		buf_release(&k->texts[i]);
	value_free(k->form);
	*k = (struct kept){ .n = 0 };
}

struct store_log
keep_line(const struct logbook_entry *entry)
{
	return (struct store_log){
		.time_ms = entry->time_ms,
		.level = logbook_level_name(entry->level),
		.stream = logbook_stream_name(entry->stream),
		.message = entry->message,
		.len = entry->len,
		.fields = entry->fields,
		.left_out = entry->left_out,
	};
}

/* From the logbook to the store, a line at a time. */
struct pump {
	store_log_fn *add;
	void *arg;
};

static int
pump_line(void *arg, const struct logbook_entry *entry)
{
	const struct pump *p = arg;
	const struct store_log line = keep_line(entry);

	return p->add(p->arg, &line);
}

int
keep_logs(void *arg, store_log_fn *add, void *add_arg)
{
	struct pump p = { add, add_arg };

	return logbook_each(arg, pump_line, &p);
}
