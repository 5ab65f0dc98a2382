#include "sandbox/explain.h"

#include <sys/capability.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sandbox/seccomp.h"
#include "sandbox/start.h"

struct word {
	uint64_t number;
	const char *name;
};

static const struct word families[] = {
	{ AF_UNIX, "AF_UNIX" },		  { AF_INET, "AF_INET" },
	{ AF_INET6, "AF_INET6" },	  { AF_NETLINK, "AF_NETLINK" },
	{ AF_PACKET, "AF_PACKET" },	  { AF_ALG, "AF_ALG" },
	{ AF_VSOCK, "AF_VSOCK" },	  { AF_KEY, "AF_KEY" },
	{ AF_BLUETOOTH, "AF_BLUETOOTH" },
};

static const struct word types[] = {
	{ SOCK_STREAM, "SOCK_STREAM" }, { SOCK_DGRAM, "SOCK_DGRAM" },
	{ SOCK_RAW, "SOCK_RAW" },	{ SOCK_SEQPACKET, "SOCK_SEQPACKET" },
	{ SOCK_PACKET, "SOCK_PACKET" },
};

static void
name_of(const struct word *words, size_t n, uint64_t number, char text[24])
{
	for (size_t i = 0; i < n; i++) {
		if (words[i].number == number) {
			snprintf(text, 24, "%s", words[i].name);
			return;
		}
	}
	snprintf(text, 24, "%llu", (unsigned long long)number);
}

static void
describe_socket(const struct report *r, char *text, size_t size)
{
	char family[24], type[24];

	name_of(families, ARRAY_SIZE(families), r->args[0] & 0xffffffffu,
		family);
	name_of(types, ARRAY_SIZE(types),
		r->args[1] & 0xfu & ~(uint64_t)(SOCK_CLOEXEC | SOCK_NONBLOCK),
		type);
	snprintf(text, size, "%s %s, protocol %u", family, type,
		 (unsigned)r->args[2]);
}

/* For all others: the first arguments, as numbers. */
static void
describe_call(const struct report *r, char *text, size_t size)
{
	snprintf(text, size, "%s(0x%llx, 0x%llx, 0x%llx)",
		 seccomp_name(r->syscall), (unsigned long long)r->args[0],
		 (unsigned long long)r->args[1],
		 (unsigned long long)r->args[2]);
}

/* "network: [tcp:443]" for an address as notify.c writes it. */
static void
allow_address(const struct report *r, char *allow, size_t size)
{
	const char *port = strrchr(r->text, ':');

	/* any port: none that a header could name */
	if (strncmp(r->text, "unix /", 6) == 0)
		snprintf(allow, size, "write: [%s]", r->text + 5);
	else if (port && strcmp(port, ":0") == 0)
		snprintf(allow, size, "network: [host]");
	else if (strncmp(r->text, "udp ", 4) == 0)
		snprintf(allow, size, "network: [udp]");
	else if (strncmp(r->text, "tcp ", 4) == 0 && port)
		snprintf(allow, size, "network: [%s:%.5s]",
			 r->syscall == SYS_connect ? "tcp" : "listen",
			 port + 1);
}

/*
 * Local sockets come with the path of one, SOCKET, which the call does not
 * tell; raw ones need a capability as well.
 */
static void
allow_socket(const struct report *r, char *allow, size_t size)
{
	uint64_t family = r->args[0] & 0xffffffffu, type = r->args[1] & 0xfu;

	if (family == AF_UNIX && r->syscall == SYS_socket &&
	    type != SOCK_DGRAM && type != SOCK_RAW)
		snprintf(allow, size, "write: [SOCKET]");
	else if (family == AF_PACKET ||
		 (type == SOCK_RAW &&
		  (family == AF_INET || family == AF_INET6)))
		snprintf(allow, size,
			 "network: [host], capabilities: [net_raw]");
}

void
explain_denial(const struct sandbox_spec *spec, const struct report *r,
	       struct denial *d)
{
	struct seccomp_features features;
	const char *permission;

	memset(d, 0, sizeof(*d));
	snprintf(d->access, sizeof(d->access), "%s", seccomp_name(r->syscall));
	if (r->text[0]) {
		snprintf(d->object, sizeof(d->object), "%s", r->text);
		allow_address(r, d->allow, sizeof(d->allow));
		return;
	}
	if (r->syscall == SYS_socket || r->syscall == SYS_socketpair)
		describe_socket(r, d->object, sizeof(d->object));
	else
		describe_call(r, d->object, sizeof(d->object));
	start_features(spec, &features);
	permission = seccomp_permission(r->syscall, r->args, &features);
	if (!permission)
		return;
	snprintf(d->allow, sizeof(d->allow), "%s", permission);
	if (r->syscall == SYS_socket)
		allow_socket(r, d->allow, sizeof(d->allow));
}

int
explain_capability(const char *name)
{
	char full[64];
	cap_value_t value;

	snprintf(full, sizeof(full), "cap_%s", name);
	return cap_from_name(full, &value) < 0 ? -1 : value;
}
