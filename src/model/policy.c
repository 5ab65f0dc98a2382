#include "model/policy.h"

#include <stdlib.h>

#include "base/mem.h"

void
policy_init(struct policy *p)
{
	*p = (struct policy){ .retries = -1,
			      .backoff_ms = POLICY_BACKOFF_MS,
			      .max_backoff_ms = POLICY_MAX_BACKOFF_MS,
			      .rerun = true };
}

void
policy_release(struct policy *p)
{
	free(steal_ptr(&p->source));
	free(steal_ptr(&p->method));
}

static void
set_int(struct value *v, const char *key, int64_t i, int64_t usual)
{
	if (i != usual)
		value_set(v, key, value_int(i));
}

static void
set_true(struct value *v, const char *key, bool is)
{
	if (is)
		value_set(v, key, value_bool(true));
}

struct value *
policy_to_value(const struct policy *p)
{
	struct value *v = value_object();

	if (p->source)
		value_set(v, "source", value_string(p->source));
	if (p->method)
		value_set(v, "method", value_string(p->method));
	set_int(v, "retries", p->retries, -1);
	set_int(v, "backoff_ms", p->backoff_ms, POLICY_BACKOFF_MS);
	set_int(v, "max_backoff_ms", p->max_backoff_ms, POLICY_MAX_BACKOFF_MS);
	set_int(v, "timeout_ms", p->timeout_ms, 0);
	set_true(v, "lose", !p->rerun);
	set_true(v, "path", p->by_path);
	set_true(v, "memory_secrets", p->memory_secrets);
	return v;
}

static bool
is_true(const struct value *v, const char *key)
{
	const struct value *b = value_get(v, key);

	return b && b->type == VALUE_BOOL && b->u.boolean;
}

static char *
own(const struct value *v, const char *key)
{
	const char *s = value_get_string(v, key, NULL);

	return s ? xstrdup(s) : NULL;
}

void
policy_from_value(struct policy *p, const struct value *v)
{
	policy_init(p);
	p->source = own(v, "source");
	p->method = own(v, "method");
	p->retries = value_get_int(v, "retries", p->retries);
	p->backoff_ms = value_get_int(v, "backoff_ms", p->backoff_ms);
	p->max_backoff_ms =
		value_get_int(v, "max_backoff_ms", p->max_backoff_ms);
	p->timeout_ms = value_get_int(v, "timeout_ms", 0);
	p->rerun = !is_true(v, "lose");
	p->by_path = is_true(v, "path");
	p->memory_secrets = is_true(v, "memory_secrets");
}

bool
policy_retries(const struct policy *p, int64_t attempt, bool asked)
{
	if (p->retries >= 0)
		return attempt <= p->retries;
	return asked && attempt <= POLICY_ASKED_RETRIES;
}

int64_t
policy_delay(const struct policy *p, int64_t attempt, uint64_t random)
{
	int64_t delay = p->backoff_ms;

	for (int64_t i = 1; i < attempt && delay < p->max_backoff_ms; i++)
		delay = delay > p->max_backoff_ms / 2 ? p->max_backoff_ms :
							delay * 2;
	if (delay > p->max_backoff_ms)
		delay = p->max_backoff_ms;
	if (delay < 2)
		return delay;
	return delay - delay / 2 + (int64_t)(random % (uint64_t)(delay / 2));
}
