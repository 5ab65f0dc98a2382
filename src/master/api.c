#include "master/api.h"

#include <string.h>

#include "base/mem.h"
#include "master/master.h"
#include "master/messages.h"
#include "proto/json.h"

static bool
wanted(const struct master *m)
{
	return m->setup->config.agent.listen_addr[0] != '\0';
}

static struct value *
configure(struct master *m)
{
	struct value *v = value_object();

	value_set(v, "listen_addr",
		  value_string(m->setup->config.agent.listen_addr));
	return v;
}

static void
on_request(struct peer *p, const struct rpc_request *r)
{
	const struct caller nobody = { .uid = (uid_t)-1,
				       .anonymous = true,
				       .name = "anonymous" };

	request_take(peer_channel(p), &nobody, r, MESSAGE_API);
}

static void
on_notified(struct peer *p, const struct rpc_request *r)
{
	const struct value *id = value_get(r->params, "request");
	struct request *q;
	_buf_ struct buf text = { .max = RPC_ID_MAX };

	if (strcmp(r->method, "cancel") != 0 || !id)
		return;
	json_encode(id, &text);
	q = text.overflow ? NULL : request_find(peer_channel(p), text.data);
	if (q)
		request_forget(q);
}

const struct peer_kind api_peer = {
	.name = "api",
	.program = "devops_agent-api",
	.line_max = API_LINE_MAX,
	.out_pause = API_OUT_PAUSE,
	.out_max = API_OUT_MAX,
	.wanted = wanted,
	.configure = configure,
	.request = on_request,
	.notified = on_notified,
};
