#include "master/api.h"

#include <arpa/inet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/api_parts.h"
#include "master/master.h"
#include "master/messages.h"
#include "model/role.h"
#include "proto/json.h"

/* When somebody whose request was refused for want of room may come again. */
#define BUSY_MS 1000

static const struct log_about about = { .component = "api" };

/* --- How it is configured ------------------------------------------------ */

static bool
wanted(const struct master *m)
{
	return m->setup->config.agent.listen_addr[0] != '\0';
}

static struct value *
limits_value(const struct config *c)
{
	struct value *v = value_object();

	value_set(v, "connections", value_int(c->api.limits.connections));
	value_set(v, "per_address", value_int(c->api.limits.per_address));
	value_set(v, "streams", value_int(c->api.limits.streams));
	value_set(v, "body_bytes", value_int(c->api.limits.body_bytes));
	value_set(v, "header_ms", value_int(c->api.limits.header_ms));
	value_set(v, "idle_ms", value_int(c->api.limits.idle_ms));
	value_set(v, "request_ms", value_int(c->api.limits.request_ms));
	return v;
}

static void
set_pem(struct value *v, const char *key, const char *pem)
{
	value_set(v, key, pem ? value_string(pem) : value_null());
}

static struct value *
tls_value(const struct api_files *f)
{
	struct value *v;

	if (!f->cert)
		return value_null();
	v = value_object();
	set_pem(v, "cert", f->cert);
	set_pem(v, "key", f->key);
	set_pem(v, "client_ca", f->client_ca);
	return v;
}

static struct value *
configure(struct master *m)
{
	const struct config *c = &m->setup->config;
	struct value *v = value_object();

	value_set(v, "listen_addr", value_string(c->agent.listen_addr));
	value_set(v, "anonymous",
		  value_bool(c->api.anonymous == CONFIG_ANONYMOUS_READ));
	value_set(v, "insecure", value_bool(c->api.insecure));
	value_set(v, "hosts", value_copy(c->api.hosts));
	value_set(v, "metrics", value_bool(c->metrics.prometheus));
	value_set(v, "tls", tls_value(&m->api.files));
	value_set(v, "limits", limits_value(c));
	value_set(v, "agent", agent_id_to_value(&m->agent));
	return v;
}

/* --- Who asks ------------------------------------------------------------ */

static void
take_address(const struct value *auth, struct caller *caller)
{
	const char *text = value_get_string(auth, "address", "");
	struct in6_addr address;

	snprintf(caller->address, sizeof(caller->address), "%s",
		 inet_pton(AF_INET, text, &address) == 1 ||
				 inet_pton(AF_INET6, text, &address) == 1 ?
			 text :
			 "unknown");
}

static bool
is_this_host(const char *address)
{
	return strncmp(address, "127.", 4) == 0 ||
	       strcmp(address, "::1") == 0 ||
	       strncmp(address, "::ffff:127.", 11) == 0;
}

/* By the names that the configuration knows; the program has checked it. */
static bool
take_certificate(const struct config *c, const struct value *auth,
		 struct caller *caller)
{
	static const char *const members[] = { "fingerprint", "subject" };
	const struct value *shown = value_get(auth, "certificate");

	for (size_t i = 0; c->api.tls.client_ca && i < ARRAY_SIZE(members);
	     i++) {
		const char *name = value_get_string(shown, members[i], "");
		const char *role =
			value_get_string(c->api.tls.clients, name, NULL);

		if (!role || !role_parse(role, &caller->role))
			continue;
		caller->anonymous = false;
		caller->certificate = true;
		snprintf(caller->name, sizeof(caller->name), "certificate %s",
			 name);
		return true;
	}
	return false;
}

static int
who_asks(struct master *m, const struct value *auth, struct caller *caller,
	 int64_t *retry_ms, struct err *e)
{
	const struct config *c = &m->setup->config;
	const char *token = value_get_string(auth, "token", NULL);

	*caller = (struct caller){ .uid = (uid_t)-1,
				   .anonymous = true,
				   .name = "anonymous" };
	take_address(auth, caller);
	if (token)
		return tokens_find(m, token, caller->address, caller, retry_ms,
				   e);
	if (take_certificate(c, auth, caller))
		return 0;
	if (c->api.anonymous == CONFIG_ANONYMOUS_READ &&
	    is_this_host(caller->address))
		caller->role = ROLE_READER;
	return 0;
}

/* --- What it asks for ---------------------------------------------------- */

/* Large answers, of which many may be asked for at once. */
static int
check_room(const struct peer *p, int64_t *retry_ms, struct err *e)
{
	if (channel_backlog(&p->channel) <= API_OUT_BUSY)
		return 0;
	*retry_ms = BUSY_MS;
	return err_set(e, ERR_UNAVAILABLE,
		       "more was asked for at once than can be answered");
}

static void
on_request(struct peer *p, const struct rpc_request *r)
{
	struct value *data = NULL;
	struct err e = ERR_INIT;
	struct caller caller;
	int64_t retry_ms = 0;

	if (who_asks(p->master, r->auth, &caller, &retry_ms, &e) == 0 &&
	    check_room(p, &retry_ms, &e) == 0) {
		request_take(peer_channel(p), &caller, r, MESSAGE_API);
		return;
	}
	if (retry_ms) {
		data = value_object();
		value_set(data, "retry_after_ms", value_int(retry_ms));
	}
	request_fail(request_new(peer_channel(p), &caller, &r->id), &e, data);
}

static void
on_notified(struct peer *p, const struct rpc_request *r)
{
	const struct value *id = value_get(r->params, "request");
	_buf_ struct buf text = { .max = RPC_ID_MAX };
	struct request *q;

	if (strcmp(r->method, "cancel") != 0 || !id)
		return;
	json_encode(id, &text);
	q = text.overflow ? NULL : request_find(peer_channel(p), text.data);
	if (q)
		request_forget(q);
}

static void
turn(struct peer *p)
{
	events_send(p->master);
}

const struct peer_kind api_peer = {
	.name = "api",
	.program = "devops_agent-api",
	.line_max = API_LINE_MAX,
	.out_pause = API_OUT_PAUSE,
	.out_max = API_OUT_MAX,
	.wanted = wanted,
	.configure = configure,
	.sockets = api_sockets,
	.request = on_request,
	.notified = on_notified,
	.turn = turn,
};

/* --- Who asked may not any more ------------------------------------------ */

static void
end_requests(struct master *m, bool (*of)(const struct caller *c, int64_t arg),
	     int64_t arg, const struct err *e)
{
	struct peer *p = peers_find(m, &api_peer);
	struct request *q, *next;

	if (!p || p->state != PEER_READY)
		return;
	for (q = LIST_FIRST(&peer_channel(p)->requests); q; q = next) {
		next = LIST_NEXT(q, by_channel);
		if (of(&q->caller, arg))
			request_fail(q, e, NULL);
	}
}

static bool
has_token(const struct caller *c, int64_t id)
{
	return c->token == id;
}

void
api_end_token(struct master *m, int64_t token, const struct err *e)
{
	end_requests(m, has_token, token, e);
}

static bool
has_none(const struct caller *c, int64_t ignored)
{
	(void)ignored;
	return !c->token && c->role > ROLE_NONE;
}

/* --- Files, and a new configuration --------------------------------------- */

void
api_files_release(struct api_files *f)
{
	char **const all[] = { &f->cert, &f->key, &f->client_ca };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (*all[i])
			explicit_bzero(*all[i], strlen(*all[i]));
		free(*all[i]);
		*all[i] = NULL;
	}
}

static int
read_pem(const char *path, const char *setting, char **out, struct err *e)
{
	_buf_ struct buf text = { .max = API_PEM_MAX };

	if (!path)
		return 0;
	if (file_read(path, &text, e) < 0) {
		err_wrap(e, "%s", setting);
		e->kind = ERR_USAGE;
		return err_hint(e, "the account that the agent runs as must be "
				   "able to read it; of a renewed one as well");
	}
	if (!text.data || !strstr(text.data, "-----BEGIN ") ||
	    strlen(text.data) != text.len)
		return err_set(e, ERR_USAGE, "%s: %s: is no PEM", setting,
			       path);
	*out = buf_steal(&text);
	return 0;
}

int
api_files_read(const struct config *c, struct api_files *f, struct err *e)
{
	if (!*c->agent.listen_addr)
		return 0;
	if (read_pem(c->api.tls.cert, "api.tls.cert", &f->cert, e) < 0 ||
	    read_pem(c->api.tls.key, "api.tls.key", &f->key, e) < 0 ||
	    read_pem(c->api.tls.client_ca, "api.tls.client_ca", &f->client_ca,
		     e) < 0) {
		api_files_release(f);
		return -1;
	}
	return 0;
}

void
api_reload(struct master *m, const struct config *old, struct api_files *files)
{
	const struct config *now = &m->setup->config;
	struct err e = ERR_INIT;

	api_files_release(&m->api.files);
	m->api.files = *files;
	*files = (struct api_files){ NULL, NULL, NULL };
	if (old->api.anonymous != now->api.anonymous ||
	    !value_equal(old->api.tls.clients, now->api.tls.clients)) {
		err_set(&e, ERR_UNAUTHORIZED,
			"what is allowed without a token was changed");
		end_requests(m, has_none, 0, &e);
	}
	if (strcmp(old->agent.listen_addr, now->agent.listen_addr) == 0)
		return;
	api_close(m);
	if (*now->agent.listen_addr && peers_find(m, &api_peer))
		peer_replace(peers_find(m, &api_peer));
	log_event(LOG_LEVEL_INFO, &about, "listens at %s from now on",
		  *now->agent.listen_addr ? now->agent.listen_addr :
					    "no address");
}
