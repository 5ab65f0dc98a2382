/* Tokens of the HTTP API; on the agent's own socket alone. */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "master/master.h"
#include "master/messages.h"
#include "master/tokens_parts.h"
#include "model/units.h"

#define EXPIRES_LEAST_MS 1000

int
on_token_add(struct master *m, struct request *q, const struct value *params,
	     struct value **data, struct err *e)
{
	const char *name = value_get_string(params, "role", "");
	int64_t ms = value_get_int(params, "expires_ms", 0);
	enum role role;

	(void)data;
	if (!role_parse(name, &role)) {
		err_set(e, ERR_USAGE, "no role \"%.32s\"", name);
		return err_hint(e, "reader, operator or admin");
	}
	if (ms && (ms < EXPIRES_LEAST_MS || ms > UNITS_MAX_MS))
		return err_set(e, ERR_USAGE,
			       "\"expires_ms\" is the time that it lives, 1 s "
			       "at least");
	return tokens_add(m, q, value_get_string(params, "name", ""), role,
			  ms ? clock_real_ms() + ms : 0, e);
}

int
on_token_list(struct master *m, struct request *q, const struct value *params,
	      struct value **data, struct err *e)
{
	struct value *v = value_object();
	struct value *items = value_set(v, "items", value_array());
	const struct token *t;

	(void)params;
	(void)data;
	(void)e;
	TAILQ_FOREACH(t, &m->tokens.list, link)
	if (!t->adding && !t->removing)
		value_append(items, token_value(t));
	request_answer(q, v);
	return 0;
}

int
on_token_revoke(struct master *m, struct request *q, const struct value *params,
		struct value **data, struct err *e)
{
	(void)data;
	return tokens_revoke(m, q, value_get_string(params, "name", ""), e);
}
