/*
 * The system call filter, by hand: for what matters most, an act that works
 * and one that does not.
 */
#include "seccomp_run.h"

#include <sys/personality.h>
#include <sys/resource.h>

#include <linux/capability.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>

static const struct seccomp_features none,
	exec_any = { .exec_any = true }, counted = { .counted = true },
	memory_file = { .exec_any = true, .counted = true },
	trace = { .trace = true }, init = { .init = true },
	tcp = { .net = SECCOMP_NET_TCP },
	tcp_listen = { .net = SECCOMP_NET_TCP, .listen = true },
	host = { .net = SECCOMP_NET_HOST }, local = { .unix_sockets = true },
	caps = { .capabilities = ~UINT64_C(0) },
	sys_time = { .capabilities = UINT64_C(1) << CAP_SYS_TIME };

enum want {
	WANT_REACHES, /* the kernel, which answers with `error` */
	WANT_ASKED,   /* and then the kernel answers with `error` */
	WANT_JUDGED,  /* the same, and EPERM without a listener */
	WANT_SILENT,  /* fails with `error`, told to nobody */
	WANT_REFUSED, /* told, and EPERM */
	WANT_FOREIGN, /* killed by the kernel, told to nobody */
};

struct expectation {
	const char *title;
	const struct seccomp_features *f;
	enum want want;
	int error;
	uint64_t call[7]; /* number and arguments */
};

#define WANT(want, error, title, features, ...)  \
	{                                        \
		title, &(features), want, error, \
		{                                \
			__VA_ARGS__              \
		}                                \
	}
#define REACHES(error, ...) WANT(WANT_REACHES, error, __VA_ARGS__)
#define ASKED(error, ...) WANT(WANT_ASKED, error, __VA_ARGS__)
#define JUDGED(error, ...) WANT(WANT_JUDGED, error, __VA_ARGS__)
#define SILENT(error, ...) WANT(WANT_SILENT, error, __VA_ARGS__)
#define REFUSED(...) WANT(WANT_REFUSED, EPERM, __VA_ARGS__)
#define FOREIGN(...) WANT(WANT_FOREIGN, -SIGSYS, __VA_ARGS__)

static struct rlimit limit;
static const struct sockaddr_in address = { .sin_family = AF_INET };
static const unsigned long cpus = 1;
static int option;

static const struct expectation cases[] = {
	/* numbers */
	SILENT(ENOSYS, "a number newer than the rules does not exist", none,
	       600),
	SILENT(ENOSYS, "the number -1 does not exist", none, -1),
	SILENT(ENOSYS, "a negative number does not exist", none, INT32_MIN),
	SILENT(ENOSYS, "clone3 does not exist", none, SYS_clone3),
#ifdef __x86_64__
	FOREIGN("getpid of x32 kills", none, 0x40000000 + SYS_getpid),
	FOREIGN("an unknown number of x32 kills", none, 0x40000000 + 600),
#endif

	/* namespaces */
	REFUSED("clone with a user namespace is refused", none, SYS_clone,
		CLONE_NEWUSER | SIGCHLD),
	REFUSED("clone with a mount namespace is refused", none, SYS_clone,
		CLONE_NEWNS | SIGCHLD),
	REFUSED("clone with a pid namespace is refused", none, SYS_clone,
		CLONE_NEWPID | SIGCHLD),
	REFUSED("clone with a network namespace is refused", none, SYS_clone,
		CLONE_NEWNET | SIGCHLD),
	REFUSED("clone with an ipc namespace is refused", none, SYS_clone,
		CLONE_NEWIPC | SIGCHLD),
	REFUSED("clone with a uts namespace is refused", none, SYS_clone,
		CLONE_NEWUTS | SIGCHLD),
	REFUSED("clone with a cgroup namespace is refused", none, SYS_clone,
		CLONE_NEWCGROUP | SIGCHLD),
	REFUSED("clone's upper half hides no namespace", none, SYS_clone,
		HIGH | CLONE_NEWUSER | SIGCHLD),
	REACHES(EINVAL, "clone for a thread reaches the kernel", none,
		SYS_clone, CLONE_THREAD),
	REFUSED("unshare of a user namespace is refused", none, SYS_unshare,
		CLONE_NEWUSER),
	REFUSED("unshare of a time namespace is refused", none, SYS_unshare,
		0x80),
	REACHES(0, "unshare of one's own descriptors works", none, SYS_unshare,
		CLONE_FILES),
	REFUSED("setns is refused", none, SYS_setns, -1u, 0),

	/* terminals */
	REFUSED("TIOCSTI is refused", none, SYS_ioctl, 0, TIOCSTI),
	REFUSED("TIOCSTI with upper bits is refused", none, SYS_ioctl, 0,
		HIGH | TIOCSTI),
	REFUSED("TIOCLINUX with upper bits is refused", none, SYS_ioctl, 0,
		HIGH | TIOCLINUX),
	REFUSED("TIOCSETD is refused", none, SYS_ioctl, 0, TIOCSETD),
	REFUSED("TIOCCONS is refused", none, SYS_ioctl, 0, TIOCCONS),
	REFUSED("a keyboard command (KDSKBENT) is refused", none, SYS_ioctl, 0,
		0x4b47),
	REFUSED("a console command (VT_ACTIVATE) is refused", none, SYS_ioctl,
		0, HIGH | 0x5606),
	REACHES(EBADF, "TCGETS reaches the kernel", none, SYS_ioctl, -1u,
		TCGETS),

	/* options of the process */
	REACHES(0, "PR_SET_NAME works", none, SYS_prctl, PR_SET_NAME, AT("x")),
	REACHES(0, "PR_SET_NAME with upper bits is the same", none, SYS_prctl,
		HIGH | PR_SET_NAME, AT("x")),
	REFUSED("PR_SET_MM is refused", none, SYS_prctl, PR_SET_MM),
	REFUSED("PR_SET_MM with upper bits is refused", none, SYS_prctl,
		HIGH | PR_SET_MM),
	REFUSED("PR_SET_SPECULATION_CTRL is refused", none, SYS_prctl,
		PR_SET_SPECULATION_CTRL),
	REFUSED("PR_SET_SECUREBITS is refused", none, SYS_prctl,
		PR_SET_SECUREBITS),
	REACHES(0, "asking for the personality works", none, SYS_personality,
		0xffffffff),
	REFUSED("turning off address randomisation is refused", none,
		SYS_personality, ADDR_NO_RANDOMIZE),
	REACHES(EFAULT, "a filter of the plugin's own reaches the kernel", none,
		SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, 0),
	REACHES(EFAULT, "... also by prctl", none, SYS_prctl, PR_SET_SECCOMP,
		SECCOMP_MODE_FILTER, 0),
	SILENT(EINVAL, "a listener of the plugin's own is an unknown flag",
	       none, SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	       HIGH | SECCOMP_FILTER_FLAG_NEW_LISTENER),
	SILENT(EINVAL, "... so is a waiver of Spectre's mitigation", none,
	       SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	       SECCOMP_FILTER_FLAG_SPEC_ALLOW),

	/* pid 1 shares the plugin's user id */
	REACHES(0, "one's own limits may be read and set", none, SYS_prlimit64,
		0, RLIMIT_CORE, AT(&limit)),
	REACHES(ESRCH, "those of another process may be asked for", none,
		SYS_prlimit64, INT32_MAX, RLIMIT_NOFILE),
	REACHES(ESRCH, "those of another process may be set", none,
		SYS_prlimit64, INT32_MAX, RLIMIT_NOFILE, AT(&limit)),
	REFUSED("the limits of pid 1 may not be set", none, SYS_prlimit64,
		HIGH | 1, RLIMIT_NOFILE, AT(&limit)),
	REFUSED("an address of new limits in its upper half counts", none,
		SYS_prlimit64, 1, RLIMIT_NOFILE, HIGH),
	REACHES(0, "one's own priority may be lowered", none, SYS_setpriority,
		PRIO_PROCESS, 0, 19),
	REFUSED("the priority of pid 1 may not be set", none, SYS_setpriority,
		PRIO_PROCESS, HIGH | 1, 19),
	REFUSED("the priority of all of the user may not be set", none,
		SYS_setpriority, HIGH | PRIO_USER, 0, 19),
	REACHES(0, "one's own affinity may be set", none, SYS_sched_setaffinity,
		0, sizeof(cpus), AT(&cpus)),
	REFUSED("the affinity of pid 1 may not be set", none,
		SYS_sched_setaffinity, HIGH | 1, sizeof(cpus), AT(&cpus)),
	REFUSED("the scheduler of pid 1 may not be set", none,
		SYS_sched_setscheduler, HIGH | 1),
	REFUSED("the scheduling parameters of pid 1 may not be set", none,
		SYS_sched_setparam, HIGH | 1),
	REFUSED("the scheduling attributes of pid 1 may not be set", none,
		SYS_sched_setattr, HIGH | 1),
	REFUSED("the priority of pid 1 for disks may not be set", none,
		SYS_ioprio_set, 1, HIGH | 1),
	REACHES(EBADF, "pid 1 may copy descriptors", init, SYS_pidfd_getfd, -1u,
		0, 0),
	REFUSED("the plugin may not copy descriptors", none, SYS_pidfd_getfd,
		-1u, 0, 0),

	/* the network */
	ASKED(EBADF, "connect is asked for", none, SYS_connect, -1u,
	      AT(&address), sizeof(address)),
	ASKED(EBADF, "bind is asked for", none, SYS_bind, -1u, AT(&address),
	      sizeof(address)),
	ASKED(EBADF, "sendto with an address is asked for", none, SYS_sendto,
	      -1u, 0, 0, 0, AT(&address), sizeof(address)),
	ASKED(EBADF, "sendto with an address in its upper half is asked for",
	      none, SYS_sendto, -1u, 0, 0, 0, HIGH, 16),
	REACHES(EBADF, "sendto without an address is nobody's business", none,
		SYS_sendto, -1u, 0, 0, 0, 0, 0),
	SILENT(EOPNOTSUPP, "TCP Fast Open by sendto connects nowhere", none,
	       SYS_sendto, -1u, 0, 0, HIGH | MSG_FASTOPEN, AT(&address),
	       sizeof(address)),
	SILENT(EOPNOTSUPP, "TCP Fast Open by sendmsg connects nowhere", tcp,
	       SYS_sendmsg, -1u, 0, HIGH | MSG_FASTOPEN),
	SILENT(EOPNOTSUPP, "TCP Fast Open by sendmmsg connects nowhere", tcp,
	       SYS_sendmmsg, -1u, 0, 0, HIGH | MSG_FASTOPEN),
	REACHES(EBADF, "with the host's network it is the kernel's", host,
		SYS_sendmsg, -1u, 0, MSG_FASTOPEN),
	JUDGED(EBADF, "listening is asked for where connecting is granted", tcp,
	       SYS_listen, -1u),
	ASKED(EBADF, "... and where a port is", tcp_listen, SYS_listen, -1u),
	REACHES(EBADF, "listening in an empty network", none, SYS_listen, -1u),
	REFUSED("a socket filter is refused", none, SYS_setsockopt, -1u,
		HIGH | SOL_SOCKET, HIGH | SO_ATTACH_FILTER),
	REACHES(EBADF, "a socket filter with the host's network", host,
		SYS_setsockopt, -1u, SOL_SOCKET, SO_ATTACH_FILTER),
	SILENT(ENOENT, "a protocol on top of TCP is not there", host,
	       SYS_setsockopt, -1u, HIGH | IPPROTO_TCP, HIGH | TCP_ULP),
	REACHES(EBADF, "other socket options are the kernel's", none,
		SYS_setsockopt, -1u, SOL_SOCKET, SO_REUSEADDR, AT(&option),
		sizeof(option)),
	REACHES(EFAULT, "a pair of local sockets works", none, SYS_socketpair,
		AF_UNIX, HIGH | SOCK_STREAM | SOCK_CLOEXEC, 0, 0),
	REACHES(EFAULT, "... also of packets", none, SYS_socketpair, AF_UNIX,
		SOCK_SEQPACKET, 0, 0),
	REFUSED("a pair of datagrams, which reach others, is refused", none,
		SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, 0),
	REFUSED("... also called raw", none, SYS_socketpair, AF_UNIX, SOCK_RAW,
		0, 0),
	REFUSED("... even where local sockets are granted", local,
		SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, 0),
	REACHES(EFAULT, "... unless the host's network is granted", host,
		SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, 0),
	REFUSED("a pair of another family is refused", host, SYS_socketpair,
		HIGH | 30, SOCK_STREAM, 0, 0),

	/* what a permission opens */
	REFUSED("memory files are refused", none, SYS_memfd_create, AT("x"), 0),
	REFUSED("... where every program is granted, and nothing counts them",
		exec_any, SYS_memfd_create, AT("x"), 0),
	REFUSED("... and where they are counted alone", counted,
		SYS_memfd_create, AT("x"), 0),
	REACHES(0,
		"memory files that are counted, where every program is "
		"granted",
		memory_file, SYS_memfd_create, AT("x"), 0),
	SILENT(ENOENT, "... but not of the host's huge pages", memory_file,
	       SYS_memfd_create, AT("x"), HIGH | MFD_HUGETLB),

	/* memory */
	REACHES(EBADF, "a file is mapped without a question", none, SYS_mmap, 0,
		4096, PROT_READ, HIGH | MAP_SHARED, -1u, 0),
	REACHES(EINVAL, "so is private memory", none, SYS_mmap, 0, 0, PROT_READ,
		MAP_PRIVATE | MAP_ANONYMOUS, -1u, 0),
	JUDGED(EINVAL, "shared memory is asked for", none, SYS_mmap, 0, 0,
	       PROT_READ, HIGH | MAP_SHARED | MAP_ANONYMOUS, -1u, 0),
	REACHES(EINVAL, "... unless a control group counts it", counted,
		SYS_mmap, 0, 0, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1u, 0),
	SILENT(ENOMEM, "the host's huge pages are used up", counted, SYS_mmap,
	       0, 2 << 20, PROT_READ,
	       HIGH | MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1u, 0),
	SILENT(ENOSYS, "memory can't be put into a pipe", none, SYS_vmsplice,
	       -1u, 0, 0, 0),
	REACHES(EBADF, "... unless a control group counts it", counted,
		SYS_vmsplice, -1u, 0, 0, 0),
	SILENT(EPERM, "a pipe grows no larger", none, SYS_fcntl, -1u,
	       HIGH | F_SETPIPE_SZ, 1 << 20),
	REACHES(EBADF, "... unless a control group counts it", counted,
		SYS_fcntl, -1u, F_SETPIPE_SZ, 1 << 20),
	SILENT(EACCES, "there are no leases of files", counted, SYS_fcntl, -1u,
	       HIGH | F_SETLEASE, F_RDLCK),
	SILENT(EPERM, "libnuma's first call fails in silence", none,
	       SYS_set_mempolicy, 0, 0, 0),
	REFUSED("... and other placement of memory is refused", none, SYS_mbind,
		0, 0, 0),
	REFUSED("setting the clock is refused", none, SYS_clock_settime, 0, 0),
	REACHES(EFAULT, "setting the clock with CAP_SYS_TIME", sys_time,
		SYS_clock_settime, 0, 0),
	REFUSED("chroot with CAP_SYS_TIME is refused", sys_time, SYS_chroot),
	REFUSED("the kernel's log is refused", none, SYS_syslog, 10),
	REFUSED("chroot is refused", none, SYS_chroot),
	REACHES(EFAULT, "chroot with CAP_SYS_CHROOT", caps, SYS_chroot),

	/* paths */
	REACHES(EFAULT, "openat is nobody's business", none, SYS_openat),
	ASKED(EFAULT, "openat is asked for when tracing", trace, SYS_openat),
	ASKED(EFAULT, "execve is asked for when tracing", trace, SYS_execve),
	REACHES(EBADF, "read is nobody's business even then", trace, SYS_read,
		-1u),
};

static void
check_case(const struct expectation *c, enum mode mode)
{
	const struct result *r = &shared->results[0];
	bool told = mode == NOTIFY &&
		    (c->want == WANT_ASKED || c->want == WANT_JUDGED ||
		     c->want == WANT_REFUSED);
	int error = c->want == WANT_JUDGED && mode != NOTIFY ? EPERM : c->error;
	struct probe probe = { .nr = (long)c->call[0] };
	int status, got;

	memcpy(probe.args, c->call + 1, sizeof(probe.args));
	status = run_probes(c->f, mode, &probe, 1);
	/* in one number: a signal is negative, a notification adds 1000 */
	got = WIFSIGNALED(status) ? -WTERMSIG(status) : r->error;
	is_int(got + (r->notified ? 1000 : 0), error + (told ? 1000 : 0),
	       "%s%s", c->title,
	       mode == NOTIFY ? "" : ", without a listener too");
}

static void
test_cases(void)
{
	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		check_case(&cases[i], PLAIN);
		if (have_listener)
			check_case(&cases[i], NOTIFY);
		else
			skip(NO_LISTENER, "%s", cases[i].title);
	}
}

/* --- Calls that end the job --- */

static const int killers[] = {
	SYS_ptrace,
	SYS_bpf,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_move_mount,
	SYS_open_tree,
	SYS_fsopen,
	SYS_fsconfig,
	SYS_fsmount,
	SYS_fspick,
	SYS_mount_setattr,
#ifdef SYS_kexec_file_load
	SYS_kexec_file_load,
#endif
#ifdef SYS_iopl
	SYS_iopl,
	SYS_ioperm,
#endif
};

static void
test_killers(void)
{
	for (size_t i = 0; i < TAP_COUNT(killers); i++) {
		struct probe probe = { .nr = killers[i] };
		const char *name = seccomp_name(killers[i]);
		int status = run_probes(&caps, PLAIN, &probe, 1);

		is_int(WTERMSIG(status), SIGSYS, "%s is killed by the kernel",
		       name);
		if (!have_listener) {
			skip(NO_LISTENER, "%s", name);
			continue;
		}
		status = run_probes(&caps, NOTIFY, &probe, 1);
		ok(WTERMSIG(status) == SIGKILL && shared->results[0].notified,
		   "%s is told to pid 1, which kills", name);
	}
}

#ifdef __x86_64__
static void
call_32_bit(const void *context)
{
	const int *nr = context;
	int rc = *nr;

	/* a sanitizer's handler would make an exit of it */
	signal(SIGSEGV, SIG_DFL);
	__asm__ volatile("int $0x80" : "+a"(rc) : : "memory");
	_exit(rc < 0);
}

static void
test_32_bit(void)
{
	/* getpid, ptrace and unshare of i386 */
	static const int numbers[] = { 20, 26, 310 };

	for (size_t i = 0; i < TAP_COUNT(numbers); i++) {
		int status = run_child(&none, PLAIN, call_32_bit, &numbers[i],
				       NULL, 0);

		/* SIGSEGV: the kernel has no 32-bit calls */
		ok(WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV,
		   "32-bit call %d kills", numbers[i]);
	}
}
#else
static void
test_32_bit(void)
{
}
#endif

/* --- Kernels and containers that offer less --- */

/* What seccomp() says of these flags, before our filter is installed. */
struct offer {
	const char *title;
	unsigned flags;
	int error;
	bool listener; /* can be had nevertheless */
	int want;      /* exit status: 0 filter installed, else 98 */
};

static const struct offer offers[] = {
	{ "a kernel of today gives a listener", 0, 0, true, 0 },
	{ "a kernel without WAIT_KILLABLE_RECV gives a listener", 1u << 5,
	  EINVAL, true, 0 },
	{ "a kernel without listeners takes the filter",
	  SECCOMP_FILTER_FLAG_NEW_LISTENER, EINVAL, false, 0 },
	{ "a container with a listener of its own lets us have the filter",
	  SECCOMP_FILTER_FLAG_NEW_LISTENER, EBUSY, false, 0 },
	{ "no memory for a listener is an error",
	  SECCOMP_FILTER_FLAG_NEW_LISTENER, ENOMEM, false, 98 },
};

static void
install_offer(const struct offer *o)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, o->flags, 0, 1),
		BPF_STMT(BPF_RET | BPF_K,
			 SECCOMP_RET_ERRNO | (unsigned)o->error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { TAP_COUNT(insns), insns };

	become_nobody();
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		_exit(99);
}

static void
try_offer(const struct offer *o, const struct seccomp_program *prog)
{
	struct err e = ERR_INIT;
	int listener = -2;

	install_offer(o);
	if (seccomp_install(prog, &listener, &e) < 0)
		_exit(e.errnum == o->error ? 98 : 97);
	shared->listener = listener >= 0;
	/* refused by whichever filter it was; nobody would answer */
	if (listener < 0 && (syscall(SYS_setns, -1, 0) != -1 || errno != EPERM))
		_exit(96);
	_exit(listener == -2 ? 95 : 0);
}

static void
test_offers(void)
{
	struct seccomp_program prog = { .notify.len = 0 };
	struct err e = ERR_INIT;

	ok(seccomp_prepare(&none, &prog, &e) == 0, "a filter is prepared");
	for (size_t i = 0; i < TAP_COUNT(offers); i++) {
		int status;
		pid_t pid;

		if (offers[i].listener && !have_listener) {
			skip(NO_LISTENER, "%s", offers[i].title);
			continue;
		}
		shared->listener = false;
		fflush(NULL);
		pid = fork();
		if (pid == 0)
			try_offer(&offers[i], &prog);
		waitpid(pid, &status, 0);
		is_int(WEXITSTATUS(status), offers[i].want, "%s",
		       offers[i].title);
		is_int(shared->listener, offers[i].listener,
		       "... and the caller knows whether it has a listener");
	}
	seccomp_program_release(&prog);
	ok(!prog.notify.filter && !prog.plain.filter, "it is released");
	seccomp_program_release(&prog);
}

/* --- What is said of calls --- */

static void
test_explanations(void)
{
	const struct {
		const char *title, *want;
		const struct seccomp_features *f;
		int nr;
		uint64_t args[6];
	} rows[] = {
		{ "a datagram",
		  "network: [udp]",
		  &tcp,
		  SYS_socket,
		  { AF_INET, SOCK_DGRAM | SOCK_CLOEXEC } },
		{ "a datagram that is granted",
		  NULL,
		  &none,
		  SYS_socket,
		  { AF_INET, SOCK_DGRAM } },
		{ "a raw socket",
		  "network: [host]",
		  &none,
		  SYS_socket,
		  { AF_INET, SOCK_RAW } },
		{ "a socket of an obscure family",
		  NULL,
		  &none,
		  SYS_socket,
		  { 38, SOCK_SEQPACKET } },
		{ "listen", "network: [listen:PORT]", &tcp, SYS_listen, { 0 } },
		{ "a memory file",
		  "exec: [\"*\"]",
		  &none,
		  SYS_memfd_create,
		  { 0 } },
		{ "a memory file that nothing counts",
		  NULL,
		  &memory_file,
		  SYS_memfd_create,
		  { 0 } },
		{ "shared memory", NULL, &none, SYS_mmap, { 0 } },
		{ "the clock",
		  "capabilities: [sys_time]",
		  &none,
		  SYS_clock_settime,
		  { 0 } },
		{ "the clock with every capability",
		  NULL,
		  &caps,
		  SYS_clock_settime,
		  { 0 } },
		{ "ptrace", NULL, &caps, SYS_ptrace, { 0 } },
		{ "an unknown call", NULL, &none, 600, { 0 } },
	};

	for (size_t i = 0; i < TAP_COUNT(rows); i++)
		is_str(seccomp_permission(rows[i].nr, rows[i].args, rows[i].f),
		       rows[i].want, "the permission that allows %s",
		       rows[i].title);
	is_str(seccomp_name(SYS_openat), "openat", "a call has its name");
	is_str(seccomp_name(SYS_mount_setattr), "mount_setattr",
	       "a recent call has its name");
	is_str(seccomp_name(-1), "unknown", "a number below all is unknown");
	is_str(seccomp_name(600), "unknown", "a number above all is unknown");
	is_int(seccomp_classify(SYS_connect), SECCOMP_CLASS_ASK,
	       "connect is a question");
	is_int(seccomp_classify(SYS_openat), SECCOMP_CLASS_ASK,
	       "a path is a question");
	is_int(seccomp_classify(SYS_mount), SECCOMP_CLASS_KILL,
	       "mount is fatal");
	is_int(seccomp_classify(SYS_keyctl), SECCOMP_CLASS_REFUSE,
	       "keyctl is refused");
	is_int(seccomp_classify(600), SECCOMP_CLASS_REFUSE,
	       "an unknown call is refused");
}

int
main(void)
{
	start();
	test_cases();
	test_killers();
	test_32_bit();
	test_offers();
	test_explanations();
	return tap_done();
}
