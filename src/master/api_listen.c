/* The sockets that the HTTP API listens at. */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "master/api_parts.h"
#include "master/master.h"

#define BACKLOG 1024

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Of a host that config_check() has seen; the length, 0 where it is none. */
static socklen_t
parse(const char *host, uint16_t port, union address *a)
{
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, host, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons(port);
		return sizeof(a->v4);
	}
	if (inet_pton(AF_INET6, host, &a->v6.sin6_addr) == 1) {
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = htons(port);
		return sizeof(a->v6);
	}
	return 0;
}

static int
bind_at(const char *host, uint16_t port, struct err *e)
{
	union address a;
	socklen_t len = parse(host, port, &a);
	_close_ int fd = -1;
	int on = 1;

	if (!len)
		return err_set(e, ERR_USAGE, "%s: is no address", host);
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    0);
	if (fd < 0)
		return err_errno(e, "socket");
	/* one that ended a moment ago does not keep it */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &a.any, len) < 0) {
		err_errno(e, "listen at %s, port %u", host, (unsigned)port);
		if (errno == EADDRINUSE)
			err_hint(e, "another program does; set "
				    "agent.listen_addr");
		if (errno == EACCES)
			err_hint(e, "a port below 1024 is taken at the start "
				    "only, by root");
		return -1;
	}
	return steal_fd(&fd);
}

static int
open_all(struct api *api, const char *address, struct err *e)
{
	static const char *const local[] = { "127.0.0.1", "::1" };
	const char *colon = strrchr(address, ':');
	uint16_t port = (uint16_t)strtoul(colon + 1, NULL, 10);
	_free_ char *host = xstrndup(address, (size_t)(colon - address));
	bool brackets = *host == '[';
	int fd;

	if (strcmp(host, "localhost") == 0) {
		for (size_t i = 0; i < ARRAY_SIZE(local); i++) {
			/* a host may have no IPv6 */
			fd = bind_at(local[i], port, e);
			if (fd < 0 && i == 0)
				return -1;
			if (fd >= 0)
				api->sockets[api->n++] = fd;
		}
		return 0;
	}
	if (brackets)
		host[strlen(host) - 1] = '\0';
	fd = bind_at(host + brackets, port, e);
	if (fd < 0)
		return -1;
	api->sockets[api->n++] = fd;
	return 0;
}

void
api_open(struct master *m, const struct config *c)
{
	if (*c->agent.listen_addr)
		(void)open_all(&m->api, c->agent.listen_addr,
			       &(struct err)ERR_INIT);
}

void
api_close(struct master *m)
{
	while (m->api.n)
		close(m->api.sockets[--m->api.n]);
}

/* Nobody could do anything with it, and others would try. */
static bool
nobody_may(const struct master *m)
{
	const struct config *c = &m->setup->config;

	return !config_api_is_local(c) && !tokens_any(m) &&
	       !c->api.tls.clients->u.object.n;
}

int
api_sockets(struct master *m, int fds[PEER_SOCKETS_MAX], struct err *e)
{
	struct api *api = &m->api;

	if (nobody_may(m)) {
		err_set(e, ERR_UNAVAILABLE,
			"other hosts reach %s, and there is no token",
			m->setup->config.agent.listen_addr);
		return err_hint(e, "`devops_agent token add --name NAME --role "
				   "ROLE` makes one, and the API starts");
	}
	if (!api->n && open_all(api, m->setup->config.agent.listen_addr, e) < 0)
		return -1;
	/* as late as that: what connects before waits for nobody */
	for (size_t i = 0; i < api->n; i++)
		if (listen(api->sockets[i], BACKLOG) < 0)
			return err_errno(e, "listen");
	memcpy(fds, api->sockets, api->n * sizeof(fds[0]));
	return (int)api->n;
}
