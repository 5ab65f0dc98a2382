#include "cli/asked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int
asked_open(struct asked *a, const struct cli *c, struct err *e)
{
	*a = (struct asked){ .client = { .fd = -1 } };
	return context_open(&a->context, c, e) < 0 ?
		       -1 :
		       client_open(&a->client, &a->context.setup.config, e);
}

void
asked_release(struct asked *a)
{
	client_release(&a->client);
	context_release(&a->context);
}

int
asked_id(const struct cli *c, int64_t *id, struct err *e)
{
	const char *text = c->args[0];
	char *end;

	errno = 0;
	*id = strtoll(text, &end, 10);
	if (errno == 0 && !*end && text[0] >= '0' && text[0] <= '9' && *id > 0)
		return 0;
	err_set(e, ERR_USAGE, "%s is no job's id", text);
	return err_hint(e, "devops_agent job list shows them");
}

struct value *
asked_id_params(int64_t id)
{
	struct value *v = value_object();

	value_set(v, "id", value_int(id));
	return v;
}

struct value *
asked_name_params(const struct cli *c)
{
	struct value *v = value_object();

	value_set(v, "name", value_string(c->args[0]));
	return v;
}

int
asked_call(const struct cli *c, const char *method, struct value *params,
	   struct value **answer)
{
	_cleanup_(asked_release) struct asked a;
	struct err e = ERR_INIT;

	if (asked_open(&a, c, &e) == 0)
		return client_call(&a.client, method, params, answer, &e) < 0 ?
			       cli_fail(&e) :
			       0;
	value_free(params);
	return cli_fail(&e);
}

const struct value *
asked_items(const struct value *answer, size_t *n)
{
	const struct value *items = value_get(answer, "items");

	*n = items && items->type == VALUE_ARRAY ? items->u.array.n : 0;
	return items;
}
