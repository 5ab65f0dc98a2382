/* What the settings of the HTTP API have to do with each other. */
#include <arpa/inet.h>

#include <string.h>

#include "base/mem.h"
#include "config/parts.h"

/* HOST of HOST:PORT, without brackets; false where it is too long. */
static bool
host_of(const char *address, char *host, size_t size)
{
	size_t n = (size_t)(strrchr(address, ':') - address);
	bool brackets = *address == '[';

	if (n >= size)
		return false;
	memcpy(host, address + brackets, n - 2 * (size_t)brackets);
	host[n - 2 * (size_t)brackets] = '\0';
	return true;
}

static bool
is_numeric(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	return inet_pton(AF_INET, host, &v4) == 1 ||
	       inet_pton(AF_INET6, host, &v6) == 1;
}

bool
config_api_is_local(const struct config *c)
{
	char host[256];
	struct in_addr v4;

	if (!*c->agent.listen_addr ||
	    !host_of(c->agent.listen_addr, host, sizeof(host)))
		return !*c->agent.listen_addr;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0;
}

/* "FILE:3:5: api.insecure: ..."; where it is not in the file, without 3:5. */
static int
fail(const struct config *c, const char *path, struct err *e, const char *what)
{
	const struct value *at = value_get(c->given, path);
	const char *name = c->name ? c->name : "built-in defaults";

	if (at)
		return err_set(e, ERR_USAGE, "%s:%d:%d: %s: %s", name, at->line,
			       at->col, path, what);
	return err_set(e, ERR_USAGE, "%s: %s: %s", name, path, what);
}

static int
check_address(const struct config *c, struct err *e)
{
	char host[256];

	if (!host_of(c->agent.listen_addr, host, sizeof(host)) ||
	    (!is_numeric(host) && strcmp(host, "localhost") != 0)) {
		fail(c, "agent.listen_addr", e,
		     "a name is not looked up, as it may come to mean another "
		     "host");
		return err_hint(e, "write the address of this host, 0.0.0.0 "
				   "or [::] for all that it has, or localhost");
	}
	return 0;
}

static int
check_reach(const struct config *c, struct err *e)
{
	if (config_api_is_local(c))
		return 0;
	if (c->api.anonymous != CONFIG_ANONYMOUS_NONE) {
		fail(c, "api.anonymous", e,
		     "goes with an address of this host's own only");
		return err_hint(e,
				"make tokens by `devops_agent token add`, "
				"or set agent.listen_addr to 127.0.0.1:8080");
	}
	if (c->api.tls.cert || c->api.insecure)
		return 0;
	fail(c, "agent.listen_addr", e,
	     "other hosts reach it, and without TLS tokens can be read on "
	     "the way");
	return err_hint(e, "set api.tls.cert and api.tls.key; or api.insecure: "
			   "true where something else encrypts");
}

static int
check_tls(const struct config *c, struct err *e)
{
	if (!c->api.tls.cert != !c->api.tls.key)
		return fail(c, c->api.tls.cert ? "api.tls.cert" : "api.tls.key",
			    e,
			    c->api.tls.cert ? "api.tls.key is missing" :
					      "api.tls.cert is missing");
	if (c->api.tls.client_ca && !c->api.tls.cert)
		return fail(c, "api.tls.client_ca", e,
			    "takes api.tls.cert and api.tls.key");
	if (c->api.tls.clients->u.object.n && !c->api.tls.client_ca)
		return fail(c, "api.tls.clients", e,
			    "takes api.tls.client_ca, or anybody could call "
			    "himself so");
	return 0;
}

int
config_check_api(const struct config *c, struct err *e)
{
	if (!*c->agent.listen_addr)
		return 0;
	return check_address(c, e) < 0 || check_reach(c, e) < 0 ||
			       check_tls(c, e) < 0 ?
		       -1 :
		       0;
}
