#include "sandbox/notify.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox/enter.h"
#include "sandbox/proxy.h"
#include "sandbox/seccomp.h"
#include "sandbox/tracepath.h"

#define TRACE_WAIT_MS 500

void
notify_send(struct notify *n, const struct report *r)
{
	struct pollfd p = { .fd = FD_REPORT, .events = POLLOUT };

	/* a trace is to be complete; else nobody is waited for */
	if (n->spec->trace)
		(void)poll(&p, 1, TRACE_WAIT_MS);
	if (send(FD_REPORT, r, sizeof(*r), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		n->dropped++;
}

/* FNV-1a over what makes two reports the same to a reader. */
static uint64_t
hash(const struct report *r)
{
	uint64_t h = 0xcbf29ce484222325u ^ (uint64_t)(uint32_t)r->syscall;

	h = (h ^ r->write) * 0x100000001b3u;
	for (const char *p = r->text; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3u;
	return h ? h : 1;
}

/* Each thing once; when the table wraps, an old one may come again. */
static void
report_once(struct notify *n, const struct report *r)
{
	uint64_t h = hash(r);
	uint64_t *slot = &n->seen[h % NOTIFY_SEEN];

	if (*slot == h)
		return;
	*slot = h;
	notify_send(n, r);
}

/* Copy the memory of the process that asks; -1 where it can't be read. */
static ssize_t
read_memory(const struct notify *n, unsigned pid, uint64_t address, void *to,
	    size_t len)
{
	char path[32];
	_close_ int fd = -1;

	snprintf(path, sizeof(path), "%u/mem", pid);
	fd = openat(n->proc, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -1 : pread(fd, to, len, (off_t)address);
}

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
		char bytes[sizeof(struct sockaddr_storage) + 1];
	} u;
	size_t len;
	int type; /* SOCK_*; 0 where it can't be told */
};

/* The process that a thread is of, which is all that pidfd_open() takes. */
static unsigned
process_of(const struct notify *n, unsigned tid)
{
	char text[512];
	_close_ int fd = -1;
	const char *tgid;
	ssize_t got;

	snprintf(text, sizeof(text), "%u/status", tid);
	fd = openat(n->proc, text, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	text[got < 0 ? 0 : got] = '\0';
	tgid = strstr(text, "\nTgid:");
	return tgid ? (unsigned)strtoul(tgid + strlen("\nTgid:"), NULL, 10) :
		      tid;
}

/* The kind of the socket, from a copy of the descriptor. */
static int
socket_type(const struct notify *n, unsigned tid, int fd)
{
	_close_ int copy = proxy_copy(process_of(n, tid), fd);
	int type = 0;
	socklen_t len = sizeof(type);

	if (copy < 0 || getsockopt(copy, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return 0;
	return type;
}

static bool
read_address(const struct notify *n, const struct seccomp_notif *req,
	     struct address *a)
{
	bool send = req->data.nr == SYS_sendto;
	uint64_t at = req->data.args[send ? 4 : 1];
	uint64_t len = req->data.args[send ? 5 : 2] & 0xffffffffu;
	ssize_t got;

	memset(a, 0, sizeof(*a));
	if (len < sizeof(sa_family_t))
		return false;
	if (len > sizeof(a->u.bytes) - 1)
		len = sizeof(a->u.bytes) - 1;
	got = read_memory(n, req->pid, at, a->u.bytes, len);
	if (got < (ssize_t)sizeof(sa_family_t))
		return false;
	a->len = (size_t)got;
	a->type = send ? SOCK_DGRAM :
			 socket_type(n, req->pid, (int)req->data.args[0]);
	return true;
}

/* "tcp 192.0.2.1:443", "udp [2001:db8::1]:53", "unix /run/x", "family 17". */
static void
format_address(const struct address *a, char *text, size_t size)
{
	const char *proto = a->type == SOCK_DGRAM ? "udp" : "tcp";
	char host[INET6_ADDRSTRLEN];

	switch (a->u.any.sa_family) {
	case AF_INET:
		inet_ntop(AF_INET, &a->u.in.sin_addr, host, sizeof(host));
		snprintf(text, size, "%s %s:%u", proto, host,
			 ntohs(a->u.in.sin_port));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &a->u.in6.sin6_addr, host, sizeof(host));
		snprintf(text, size, "%s [%s]:%u", proto, host,
			 ntohs(a->u.in6.sin6_port));
		break;
	case AF_UNIX:
		snprintf(text, size, "unix %s%.100s",
			 a->u.un.sun_path[0] ? "" : "@",
			 a->u.un.sun_path[0] ? a->u.un.sun_path :
					       a->u.un.sun_path + 1);
		break;
	default:
		snprintf(text, size, "family %d", a->u.any.sa_family);
	}
}

static bool
has_port(const struct sandbox_ports *ports, unsigned port)
{
	for (size_t i = 0; i < ports->n; i++)
		if (ports->port[i] == port)
			return true;
	return false;
}

/* Would the grant let this address through? */
static bool
address_granted(const struct sandbox_spec *s, const struct address *a, int nr)
{
	int family = a->u.any.sa_family;
	unsigned port;

	/* a bind to no family is one to AF_INET (ip(7)) */
	if (nr == SYS_bind && family == AF_UNSPEC)
		family = AF_INET;
	if (s->host_network || (family != AF_INET && family != AF_INET6))
		return true; /* the kind of socket was decided before */
	if (a->type == SOCK_DGRAM)
		return s->udp;
	/* sin_port and sin6_port are at the same place */
	port = ntohs(a->u.in.sin_port);
	return has_port(nr == SYS_bind ? &s->listen : &s->connect, port);
}

/* How a notification is answered. */
enum answer {
	ANSWER_CONTINUE,
	ANSWER_REFUSE,
	ANSWER_MADE,  /* the call was made here */
	ANSWER_PROXY, /* somebody else does */
};

/*
 * Nothing of the kernel's looks again at the socket or the address of a call
 * that is let go on.
 */
static bool
needs_proxy(const struct notify *n, int nr)
{
	return !n->spec->host_network && nr != SYS_sendto &&
	       (n->spec->unix_sockets || !n->ports_held);
}

static enum answer
make_call(struct notify *n, const struct seccomp_notif *req,
	  const struct address *a)
{
	struct proxy_address address = { a->u.bytes, (socklen_t)a->len, -1,
					 a->type };
	bool path = a->u.any.sa_family == AF_UNIX && a->u.un.sun_path[0] &&
		    req->data.nr == SYS_connect;
	enum answer answer = ANSWER_REFUSE;

	if (path && !proxy_granted(n->spec, n->proc, req->pid, a->u.un.sun_path,
				   &address.socket))
		return ANSWER_REFUSE;
	if (proxy_call(n->listener, req, process_of(n, req->pid), &address))
		answer = ANSWER_PROXY;
	if (address.socket >= 0)
		close(address.socket);
	return answer;
}

static enum answer
look_at_address(struct notify *n, const struct seccomp_notif *req)
{
	struct report r = { .type = REPORT_DENIED,
			    .syscall = req->data.nr,
			    .verdict = VERDICT_REFUSED };
	bool proxy = needs_proxy(n, req->data.nr);
	enum answer answer = ANSWER_REFUSE;
	struct address a;

	/* memory that can't be read: let it by where the kernel looks again */
	if (!read_address(n, req, &a))
		return proxy ? ANSWER_REFUSE : ANSWER_CONTINUE;
	format_address(&a, r.text, sizeof(r.text));
	if (address_granted(n->spec, &a, req->data.nr))
		answer = proxy ? make_call(n, req, &a) : ANSWER_CONTINUE;
	if (answer != ANSWER_REFUSE) {
		r.type = REPORT_ACCESS;
		r.verdict = VERDICT_CONTINUED;
	}
	if (answer == ANSWER_REFUSE || n->spec->trace)
		report_once(n, &r);
	return answer;
}

/*
 * No layer of the kernel's looks at the port of listen(): unbound, it would be
 * any.  So the call is made here, on a copy of the descriptor.
 */
/* The address that a socket is bound to; false where that can't be told. */
static bool
own_address(int fd, struct address *a)
{
	socklen_t len = sizeof(a->u.bytes);

	memset(a, 0, sizeof(*a));
	return getsockname(fd, &a->u.any, &len) == 0;
}

static bool
listening_granted(const struct sandbox_spec *s, const struct address *a)
{
	int family = a->u.any.sa_family;

	if (family != AF_INET && family != AF_INET6)
		return true; /* the kind of socket was decided before */
	return a->u.in.sin_port &&
	       has_port(&s->listen, ntohs(a->u.in.sin_port));
}

static enum answer
look_at_listen(struct notify *n, const struct seccomp_notif *req, int *error)
{
	struct report r = { .type = REPORT_DENIED,
			    .syscall = req->data.nr,
			    .verdict = VERDICT_REFUSED };
	_close_ int copy = -1;
	struct address a;

	copy = proxy_copy(process_of(n, req->pid), (int)req->data.args[0]);
	if (copy < 0 || !own_address(copy, &a)) {
		*error = errno;
		return ANSWER_MADE;
	}
	if (!listening_granted(n->spec, &a)) {
		*error = n->spec->listen.n ? EACCES : EPERM;
		if (a.u.in.sin_port || n->spec->listen.n)
			format_address(&a, r.text, sizeof(r.text));
		memcpy(r.args, req->data.args, sizeof(r.args));
		report_once(n, &r);
		return ANSWER_REFUSE;
	}
	*error = listen(copy, (int)req->data.args[1]) < 0 ? errno : 0;
	/* what was bound by connecting could be let go of meanwhile */
	if (*error == 0 &&
	    (!own_address(copy, &a) || !listening_granted(n->spec, &a))) {
		shutdown(copy, SHUT_RDWR);
		*error = EACCES;
	}
	return ANSWER_MADE;
}

/*
 * Shared memory stays as long as a page of it is mapped anywhere, which no
 * later look could tell: so it counts as it is asked for.
 */
static void
count_shared(struct notify *n, const struct seccomp_notif *req)
{
	uint64_t len = req->data.args[1];
	int64_t most = n->spec->memory_bytes;

	/* more than that ends the job at once */
	if (len > (uint64_t)most)
		len = (uint64_t)most + 1;
	n->shared_bytes += (int64_t)(len + 4095) / 4096 * 4096;
}

static void
look_at_path(struct notify *n, const struct seccomp_notif *req)
{
	struct report r = { .type = REPORT_ACCESS,
			    .syscall = req->data.nr,
			    .verdict = VERDICT_CONTINUED };
	struct tracepath t;
	char path[PATH_MAX];
	ssize_t got;

	if (!tracepath_find(req->data.nr, req->data.args, &t))
		return;
	memset(path, 0, sizeof(path));
	/* up to the end of the page that the path may end in */
	got = read_memory(n, req->pid, t.address, path, sizeof(path) - 1);
	if (got <= 0)
		return;
	r.syscall = t.syscall;
	r.write = t.write;
	if (tracepath_resolve(n->proc, req->pid, t.dirfd, path, r.text,
			      sizeof(r.text)))
		report_once(n, &r);
}

static void
report_call(struct notify *n, const struct seccomp_notif *req,
	    enum report_verdict verdict)
{
	struct report r = { .type = REPORT_DENIED,
			    .syscall = req->data.nr,
			    .verdict = verdict };

	memcpy(r.args, req->data.args, sizeof(r.args));
	report_once(n, &r);
}

/* Decide by number; true in *kill: the job ends here. */
static enum answer
decide(struct notify *n, const struct seccomp_notif *req, int *error,
       bool *kill_job)
{
	switch (seccomp_classify(req->data.nr)) {
	case SECCOMP_CLASS_KILL:
		report_call(n, req, VERDICT_KILLED);
		*kill_job = true;
		return ANSWER_REFUSE;
	case SECCOMP_CLASS_ASK:
		if (req->data.nr == SYS_listen)
			return look_at_listen(n, req, error);
		if (req->data.nr == SYS_mmap) {
			count_shared(n, req);
			return ANSWER_CONTINUE;
		}
		if (req->data.nr != SYS_connect && req->data.nr != SYS_bind &&
		    req->data.nr != SYS_sendto) {
			look_at_path(n, req);
			return ANSWER_CONTINUE;
		}
		*error = EACCES;
		return look_at_address(n, req);
	default:
		break;
	}
	report_call(n, req, VERDICT_REFUSED);
	return ANSWER_REFUSE;
}

bool
notify_answer(struct notify *n)
{
	struct seccomp_notif req;
	struct seccomp_notif_resp resp;
	bool kill_job = false;
	int error = EPERM;

	memset(&req, 0, sizeof(req));
	if (ioctl(n->listener, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0)
		return false; /* the caller died meanwhile */
	memset(&resp, 0, sizeof(resp));
	resp.id = req.id;
	switch (decide(n, &req, &error, &kill_job)) {
	case ANSWER_PROXY:
		return false;
	case ANSWER_REFUSE:
	case ANSWER_MADE:
		resp.error = -error;
		break;
	case ANSWER_CONTINUE:
		resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		break;
	}
	/* a caller killed on the spot never sees its call return */
	if (kill_job)
		kill((pid_t)req.pid, SIGKILL);
	(void)ioctl(n->listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
	return kill_job;
}
