/*
 * The system call filter: which sockets can be made with which network.
 */
#include "seccomp_run.h"

#include <netinet/in.h>

#define N_NETS 5
static const char *const net_names[N_NETS] = {
	[SECCOMP_NET_NONE] = "no network",
	[SECCOMP_NET_TCP] = "TCP",
	[SECCOMP_NET_UDP] = "UDP",
	[SECCOMP_NET_TCP_UDP] = "TCP and UDP",
	[SECCOMP_NET_HOST] = "the host's network",
};

/*
 * What becomes of socket() with each network, in the order above: '+' it
 * reaches the kernel, 'r' refused and told, 'a' EAFNOSUPPORT, 'p'
 * EPROTONOSUPPORT and told to nobody.
 */
static const struct {
	const char *title;
	int family, type, protocol;
	const char *want;
} sockets[] = {
	{ "IPv4 stream", AF_INET, SOCK_STREAM, 0, "++r++" },
	{ "IPv4 TCP", AF_INET, SOCK_STREAM, IPPROTO_TCP, "++r++" },
	{ "IPv4 stream with flags", AF_INET,
	  SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, "++r++" },
	{ "IPv4 MPTCP", AF_INET, SOCK_STREAM, 262, "ppppp" },
	{ "IPv4 SCTP", AF_INET, SOCK_STREAM, IPPROTO_SCTP, "rrrrr" },
	{ "IPv4 SCTP packets", AF_INET, SOCK_SEQPACKET, 0, "rrrrr" },
	{ "IPv4 SMC", AF_INET, SOCK_STREAM, 256, "rrrrr" },
	{ "IPv4 datagram", AF_INET, SOCK_DGRAM, 0, "+r+++" },
	{ "IPv4 UDP with flags", AF_INET, SOCK_DGRAM | SOCK_CLOEXEC,
	  IPPROTO_UDP, "+r+++" },
	{ "IPv4 UDP-Lite", AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE, "rrrrr" },
	{ "IPv4 ping", AF_INET, SOCK_DGRAM, IPPROTO_ICMP, "rrrr+" },
	{ "IPv4 raw", AF_INET, SOCK_RAW, IPPROTO_ICMP, "rrrr+" },
	{ "IPv4 DCCP", AF_INET, SOCK_DCCP, IPPROTO_DCCP, "rrrrr" },
	{ "IPv4 type SOCK_PACKET", AF_INET, SOCK_PACKET, 0, "rrrrr" },
	{ "IPv6 stream", AF_INET6, SOCK_STREAM, 0, "++r++" },
	{ "IPv6 MPTCP", AF_INET6, SOCK_STREAM, 262, "ppppp" },
	{ "IPv6 datagram", AF_INET6, SOCK_DGRAM, 0, "+r+++" },
	{ "IPv6 ping", AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, "rrrr+" },
	{ "IPv6 raw", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, "rrrr+" },
	{ "local stream", AF_UNIX, SOCK_STREAM, 0, "rrrr+" },
	{ "local stream of a name service", AF_UNIX,
	  SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, "aaaa+" },
	{ "local datagram", AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, "rrrr+" },
	{ "local datagram called raw", AF_UNIX, SOCK_RAW, 0, "rrrr+" },
	{ "routing netlink", AF_NETLINK, SOCK_RAW, 0, "a++++" },
	{ "socket diagnosis netlink", AF_NETLINK, SOCK_RAW, 4, "rrrr+" },
	{ "audit netlink", AF_NETLINK, SOCK_RAW, 9, "rrrr+" },
	{ "packet", AF_PACKET, SOCK_RAW, 0, "rrrr+" },
};

static char
socket_outcome(const struct result *r)
{
	if (r->notified)
		return 'r';
	return r->error == EAFNOSUPPORT	   ? 'a' :
	       r->error == EPROTONOSUPPORT ? 'p' :
					     '+';
}

/* With garbage in the upper halves, which the kernel does not look at. */
static struct probe
socket_probe(int family, int type, int protocol)
{
	return (struct probe){ .nr = SYS_socket,
			       .args = { HIGH | (uint32_t)family,
					 HIGH | (uint32_t)type,
					 HIGH | (uint32_t)protocol } };
}

static void
test_sockets(bool unix_sockets)
{
	struct probe probes[TAP_COUNT(sockets)];
	char got[TAP_COUNT(sockets)][N_NETS + 1];

	memset(got, 0, sizeof(got));
	for (size_t i = 0; i < TAP_COUNT(sockets); i++)
		probes[i] = socket_probe(sockets[i].family, sockets[i].type,
					 sockets[i].protocol);
	for (int net = 0; net < N_NETS; net++) {
		struct seccomp_features f = { .net = (enum seccomp_net)net,
					      .unix_sockets = unix_sockets };

		run_probes(&f, NOTIFY, probes, TAP_COUNT(sockets));
		for (size_t i = 0; i < TAP_COUNT(sockets); i++)
			got[i][net] = socket_outcome(&shared->results[i]);
	}
	for (size_t i = 0; i < TAP_COUNT(sockets); i++)
		is_str(got[i],
		       unix_sockets && sockets[i].family == AF_UNIX &&
				       (sockets[i].type & 7) == SOCK_STREAM ?
			       "+++++" :
			       sockets[i].want,
		       "a socket for %s with each network%s", sockets[i].title,
		       unix_sockets ? " and local sockets granted" : "");
}

#define N_FAMILIES 64

/* Families that no grant opens: all but those in the table above. */
static void
test_families(void)
{
	struct probe probes[N_FAMILIES];

	for (int i = 0; i < N_FAMILIES; i++)
		probes[i] = socket_probe(i, SOCK_DGRAM, 0);
	for (int net = 0; net < N_NETS; net++) {
		struct seccomp_features f = { .net = (enum seccomp_net)net,
					      .unix_sockets = true };
		int opened = 0;

		run_probes(&f, NOTIFY, probes, N_FAMILIES);
		for (int i = 0; i < N_FAMILIES; i++)
			if (i != AF_UNIX && i != AF_INET && i != AF_INET6 &&
			    i != AF_NETLINK && i != AF_PACKET)
				opened += !shared->results[i].notified;
		is_int(opened, 0, "no other family is opened by %s",
		       net_names[net]);
	}
}

int
main(void)
{
	start();
	if (!have_listener)
		return skip_all(NO_LISTENER);
	test_sockets(false);
	test_sockets(true);
	test_families();
	return tap_done();
}
