#include "base/log_parts.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A line said not long ago; message NULL: none. */
struct recent {
	char *component, *plugin, *message;
	int64_t job; /* of all that are held; 0 where they differ */
	int64_t ends_ms;
	enum log_level level;
	unsigned held;
};

static struct recent recent[LOG_RECENT];
static int64_t window_ms;
static log_say_fn *say;
static uint64_t held_ever;

static void
forget(struct recent *r)
{
	free(r->component);
	free(r->plugin);
	free(r->message);
	memset(r, 0, sizeof(*r));
}

void
log_repeat_open(int64_t window, log_say_fn *fn)
{
	for (size_t i = 0; i < LOG_RECENT; i++)
		forget(&recent[i]);
	window_ms = window;
	say = fn;
}

/* Say once what was held. */
static void
tell(struct recent *r)
{
	struct log_entry e = { .level = r->level,
			       .component = r->component,
			       .plugin = r->plugin,
			       .message = r->message,
			       .job = r->job,
			       .repeated = r->held };

	r->held = 0;
	r->job = 0;
	if (e.repeated)
		say(&e);
}

static bool
is_same(const struct recent *r, const struct log_entry *e)
{
	return r->message && r->level == e->level &&
	       strcmp(r->message, e->message) == 0 &&
	       strcmp(r->component, e->component) == 0 &&
	       strcmp(r->plugin, e->plugin) == 0;
}

/* An empty place, or that of the line whose window ends first. */
static struct recent *
oldest(void)
{
	struct recent *found = recent;

	for (struct recent *r = recent; r < recent + LOG_RECENT; r++) {
		if (!r->message)
			return r;
		if (r->ends_ms < found->ends_ms)
			found = r;
	}
	return found;
}

static void
remember(const struct log_entry *e, int64_t mono_ms)
{
	struct recent *r = oldest();

	if (r->message)
		tell(r);
	forget(r);
	*r = (struct recent){ .level = e->level,
			      .component = xstrdup(e->component),
			      .plugin = xstrdup(e->plugin),
			      .message = xstrdup(e->message),
			      .ends_ms = mono_ms + window_ms };
}

static void
count(struct recent *r, const struct log_entry *e)
{
	if (r->held == 0)
		r->job = e->job;
	else if (r->job != e->job)
		r->job = 0;
	if (r->held < UINT_MAX)
		r->held++;
}

bool
log_repeat_hold(struct log_entry *e, int64_t mono_ms)
{
	struct recent *r = recent;

	if (window_ms < 0)
		return false;
	while (r < recent + LOG_RECENT && !is_same(r, e))
		r++;
	if (r == recent + LOG_RECENT) {
		remember(e, mono_ms);
		return false;
	}
	if (mono_ms < r->ends_ms) {
		count(r, e);
		held_ever++;
		return true;
	}
	if (r->held) {
		count(r, e);
		e->repeated = r->held;
		e->job = r->job;
		r->held = 0;
	}
	r->ends_ms = mono_ms + window_ms;
	return false;
}

void
log_repeat_flush(bool all, int64_t mono_ms)
{
	for (struct recent *r = recent; r < recent + LOG_RECENT; r++) {
		if (!r->message || (!all && mono_ms < r->ends_ms))
			continue;
		/* one that goes on is said once a window */
		if (!all && r->held)
			r->ends_ms = mono_ms + window_ms;
		else if (!all)
			forget(r);
		tell(r);
	}
}

int64_t
log_repeat_next_ms(void)
{
	int64_t next = -1;

	for (struct recent *r = recent; r < recent + LOG_RECENT; r++)
		if (r->held && (next < 0 || r->ends_ms < next))
			next = r->ends_ms;
	return next;
}

uint64_t
log_repeat_count(void)
{
	return held_ever;
}
