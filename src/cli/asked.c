#include "cli/asked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/table.h"

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

void
asked_print(const struct cli *c, const struct value *answer,
	    const struct column *columns,
	    void (*add)(struct table *t, const struct value *item))
{
	_cleanup_(table_release) struct table t = { .columns = columns };
	const struct value *items;
	size_t n;

	items = asked_items(answer, &n);
	if (c->limit && (size_t)c->limit < n)
		n = (size_t)c->limit;
	for (size_t i = 0; i < n; i++) {
		if (c->json)
			table_print_json(items->u.array.items[i]);
		else
			add(&t, items->u.array.items[i]);
	}
	if (!c->json)
		table_print(&t);
}
