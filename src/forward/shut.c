#include "forward/shut.h"

#include <sys/socket.h>

#include <netdb.h>
#include <string.h>

#include "base/mem.h"
#include "sandbox/confine.h"

#define FILES 256

/* Names, certificates, and how libraries are set up. */
static const char *const always[] = {
	"/etc/ssl",
	"/etc/pki",
	"/etc/crypto-policies",
	"/etc/ca-certificates",
	"/usr/lib/ssl",
	"/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates",
	"/etc/resolv.conf",
	"/run/systemd/resolve",
	"/run/resolvconf",
	"/run/NetworkManager/resolv.conf",
	"/etc/hosts",
	"/etc/host.conf",
	"/etc/gai.conf",
	"/etc/nsswitch.conf",
	"/etc/services",
};

static void
add_folder(struct strv *folders, const char *path)
{
	const char *end = path ? strrchr(path, '/') : NULL;
	_free_ char *folder = NULL;

	if (!end || path[0] != '/')
		return;
	folder = xstrndup(path, end == path ? 1 : (size_t)(end - path));
	strv_add_once(folders, folder);
}

void
shut_add(struct strv *folders, const struct settings *s)
{
	add_folder(folders, s->cert);
	add_folder(folders, s->key);
	add_folder(folders, s->ca);
}

bool
shut_covers(const struct strv *shut, const struct strv *folders)
{
	for (size_t i = 0; i < folders->n; i++)
		if (!strv_has(shut, folders->items[i]))
			return false;
	return true;
}

/* What resolves names is loaded as long as something can be. */
static void
load_resolver(void)
{
	struct addrinfo *found = NULL;

	if (getaddrinfo("localhost", "80", NULL, &found) == 0)
		freeaddrinfo(found);
}

int
shut_in(const struct strv *folders, struct buf *words, struct err *e)
{
	const char *readable[CONFINE_READABLE_MAX + 1] = { 0 };
	size_t n = 0;
	unsigned layers;
	char text[256];

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		readable[n++] = always[i];
	for (size_t i = 0; i < folders->n; i++) {
		if (n == CONFINE_READABLE_MAX)
			return err_set(e, ERR_USAGE,
				       "certificates in more than %zu folders",
				       CONFINE_READABLE_MAX -
					       ARRAY_SIZE(always));
		readable[n++] = folders->items[i];
	}
	load_resolver();
	if (confine_self(&(struct confine){ .list = CONFINE_FORWARD,
					    .readable = readable,
					    .network = true,
					    .files = FILES },
			 &layers, e) < 0)
		return -1;
	buf_addf(words, "confined by %s",
		 confine_layers(layers, text, sizeof(text)));
	return 0;
}
