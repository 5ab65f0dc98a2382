#include "sandbox/seccomp_rules.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <linux/vt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>

#include "sandbox/seccomp_words.h"

const struct seccomp_rule seccomp_rules[] = {

	/* --- What every program does --- */

	/* memory; may be executable: libffi and compilers need it */
	ALLOW("brk"),
	/* of the host's pool, which others need and no limit counts */
	SILENT("mmap", ENOMEM, IF(HAS(3, MAP_HUGETLB))),
	/*
	 * What is left of it when most was unmapped shows nowhere, so that pid
	 * 1 counts what is asked for.
	 */
	JUDGE("mmap", .need = NEED_COUNTED,
	      IF(HAS(3, MAP_SHARED | MAP_ANONYMOUS))),
	ALLOW("mmap"),
	ALLOW("munmap"),
	ALLOW("mprotect"),
	ALLOW("mremap"),
	ALLOW("madvise"),
	ALLOW("msync"),
	ALLOW("mincore"),
	ALLOW("membarrier"),
	ALLOW("pkey_alloc"),
	ALLOW("pkey_free"),
	ALLOW("pkey_mprotect"),
	ALLOW("get_mempolicy"),
	ALLOW("map_shadow_stack", RECENT),
	/* bounded by RLIMIT_MEMLOCK */
	ALLOW("mlock"),
	ALLOW("mlock2"),
	ALLOW("munlock"),
	ALLOW("mlockall"),
	ALLOW("munlockall"),

	/* open files */
	ALLOW("read"),
	ALLOW("readv"),
	ALLOW("pread64"),
	ALLOW("preadv"),
	ALLOW("preadv2"),
	ALLOW("write"),
	ALLOW("writev"),
	ALLOW("pwrite64"),
	ALLOW("pwritev"),
	ALLOW("pwritev2"),
	ALLOW("lseek"),
	ALLOW("close"),
	ALLOW("close_range"),
	ALLOW("dup"),
	ALLOW("dup2"),
	ALLOW("dup3"),
	/* a lease holds up whoever opens the file, for 45 seconds */
	SILENT("fcntl", EACCES, IF(EQ(1, LEASE_SET))),
	/* a pipe of the common size is all that a careful program counts on */
	ALLOW("fcntl", .need = NEED_COUNTED, .error = EPERM,
	      IF(EQ(1, PIPE_SIZE_SET))),
	ALLOW("fcntl"),
	ALLOW("flock"),
	ALLOW("fstat"),
	ALLOW("fstatfs"),
	ALLOW("getdents"),
	ALLOW("getdents64"),
	ALLOW("ftruncate"),
	ALLOW("fallocate"),
	ALLOW("fadvise64"),
	ALLOW("readahead"),
	ALLOW("fsync"),
	ALLOW("fdatasync"),
	ALLOW("sync_file_range"),
	ALLOW("syncfs"),
	ALLOW("sync"),
	ALLOW("sendfile"),
	ALLOW("copy_file_range"),
	ALLOW("splice"),
	ALLOW("tee"),
	/* a pipe then holds memory that the process has unmapped */
	ALLOW("vmsplice", .need = NEED_COUNTED, .error = ENOSYS),
	NO_SET_ID("fchmod", 1),
	ALLOW("fchmod"),
	ALLOW("fchown"),
	ALLOW("fchdir"),
	ALLOW("fgetxattr"),
	ALLOW("fsetxattr"),
	ALLOW("flistxattr"),
	ALLOW("fremovexattr"),
	ALLOW("pipe"),
	ALLOW("pipe2"),
	ALLOW("umask"),
	ALLOW("getcwd"),

	/* paths: the view of the mount namespace and Landlock say which */
	NO_NEW_SET_ID("open", 1, 2),
	TRACED("open"),
	NO_NEW_SET_ID("openat", 2, 3),
	TRACED("openat"),
	/* its mode is in memory, where nothing can look at it */
	SILENT("openat2", ENOSYS),
	NO_SET_ID("creat", 1),
	TRACED("creat"),
	TRACED("stat"),
	TRACED("lstat"),
	TRACED("newfstatat"),
	TRACED("statx"),
	TRACED("statfs"),
	TRACED("access"),
	TRACED("faccessat"),
	TRACED("faccessat2"),
	TRACED("readlink"),
	TRACED("readlinkat"),
	TRACED("chdir"),
	TRACED("mkdir"),
	TRACED("mkdirat"),
	TRACED("rmdir"),
	TRACED("unlink"),
	TRACED("unlinkat"),
	TRACED("rename"),
	TRACED("renameat"),
	TRACED("renameat2"),
	TRACED("link"),
	TRACED("linkat"),
	TRACED("symlink"),
	TRACED("symlinkat"),
	NO_SET_ID("chmod", 1),
	TRACED("chmod"),
	NO_SET_ID("fchmodat", 2),
	TRACED("fchmodat"),
	SILENT("fchmodat2", EPERM, IF(HAS(2, S_ISUID)), RECENT),
	SILENT("fchmodat2", EPERM, IF(HAS(2, S_ISGID)), RECENT),
	TRACED("fchmodat2", RECENT),
	TRACED("chown"),
	TRACED("lchown"),
	TRACED("fchownat"),
	TRACED("truncate"),
	TRACED("utime"),
	TRACED("utimes"),
	TRACED("futimesat"),
	TRACED("utimensat"),
	TRACED("getxattr"),
	TRACED("lgetxattr"),
	TRACED("listxattr"),
	TRACED("llistxattr"),
	TRACED("setxattr"),
	TRACED("lsetxattr"),
	TRACED("removexattr"),
	TRACED("lremovexattr"),
	TRACED("inotify_add_watch"),
	/* FIFOs; the kernel wants CAP_MKNOD for a device */
	NO_SET_ID("mknod", 1),
	TRACED("mknod"),
	NO_SET_ID("mknodat", 2),
	TRACED("mknodat"),

	/* waiting */
	ALLOW("poll"),
	ALLOW("ppoll"),
	ALLOW("select"),
	ALLOW("pselect6"),
	ALLOW("epoll_create"),
	ALLOW("epoll_create1"),
	ALLOW("epoll_ctl"),
	ALLOW("epoll_wait"),
	ALLOW("epoll_pwait"),
	ALLOW("epoll_pwait2", RECENT),
	ALLOW("eventfd"),
	ALLOW("eventfd2"),
	ALLOW("signalfd"),
	ALLOW("signalfd4"),
	ALLOW("inotify_init"),
	ALLOW("inotify_init1"),
	ALLOW("inotify_rm_watch"),

	/* time; only CAP_SYS_TIME sets anything by adjtimex, others read */
	ALLOW("time"),
	ALLOW("gettimeofday"),
	ALLOW("clock_gettime"),
	ALLOW("clock_getres"),
	ALLOW("clock_nanosleep"),
	ALLOW("nanosleep"),
	ALLOW("alarm"),
	ALLOW("getitimer"),
	ALLOW("setitimer"),
	ALLOW("timer_create"),
	ALLOW("timer_settime"),
	ALLOW("timer_gettime"),
	ALLOW("timer_getoverrun"),
	ALLOW("timer_delete"),
	ALLOW("timerfd_create"),
	ALLOW("timerfd_settime"),
	ALLOW("timerfd_gettime"),
	ALLOW("times"),
	ALLOW("adjtimex"),
	ALLOW("clock_adjtime"),
	ALLOW("settimeofday", .need = NEED_SYS_TIME),
	ALLOW("clock_settime", .need = NEED_SYS_TIME),

	/* signals: to processes of the pid namespace */
	ALLOW("rt_sigaction"),
	ALLOW("rt_sigprocmask"),
	ALLOW("rt_sigreturn"),
	ALLOW("rt_sigpending"),
	ALLOW("rt_sigsuspend"),
	ALLOW("rt_sigtimedwait"),
	ALLOW("rt_sigqueueinfo"),
	ALLOW("rt_tgsigqueueinfo"),
	ALLOW("sigaltstack"),
	ALLOW("kill"),
	ALLOW("tkill"),
	ALLOW("tgkill"),
	ALLOW("pause"),
	ALLOW("restart_syscall"),
	ALLOW("pidfd_open"),
	ALLOW("pidfd_send_signal"),

	/* threads */
	ALLOW("futex"),
	ALLOW("set_robust_list"),
	ALLOW("get_robust_list"),
	ALLOW("rseq"),
	ALLOW("set_tid_address"),
	ALLOW("gettid"),
	ALLOW("arch_prctl"),
	ALLOW("set_thread_area"),
	ALLOW("get_thread_area"),
	ALLOW("getcpu"),
	/* libraries that know these fall back to futex */
	SILENT("futex_waitv", ENOSYS, RECENT),
	SILENT("futex_wait", ENOSYS, RECENT),
	SILENT("futex_wake", ENOSYS, RECENT),
	SILENT("futex_requeue", ENOSYS, RECENT),

	/* processes: no new namespace; what clone3 wants can't be seen here */
	ALLOW("fork"),
	ALLOW("vfork"),
	ALLOW("wait4"),
	ALLOW("waitid"),
	ALLOW("exit"),
	ALLOW("exit_group"),
	TRACED("execve"),
	TRACED("execveat"),
	ALLOW("clone", IF(NONE_OF(0, NEW_NAMESPACES))),
	REFUSE("clone"),
	SILENT("clone3", ENOSYS),
	ALLOW("unshare",
	      IF(NONE_OF(0, ~(CLONE_FILES | CLONE_FS | CLONE_SYSVSEM)))),
	REFUSE("unshare"),
	REFUSE("setns"),
	ALLOW("getpid"),
	ALLOW("getppid"),
	ALLOW("getpgid"),
	ALLOW("getpgrp"),
	ALLOW("getsid"),
	ALLOW("setpgid"),
	ALLOW("setsid"),

	/* ids and capabilities: without capabilities nothing can be gained */
	ALLOW("getuid"),
	ALLOW("geteuid"),
	ALLOW("getgid"),
	ALLOW("getegid"),
	ALLOW("getresuid"),
	ALLOW("getresgid"),
	ALLOW("getgroups"),
	ALLOW("setuid"),
	ALLOW("setgid"),
	ALLOW("setreuid"),
	ALLOW("setregid"),
	ALLOW("setresuid"),
	ALLOW("setresgid"),
	ALLOW("setfsuid"),
	ALLOW("setfsgid"),
	ALLOW("setgroups"),
	ALLOW("capget"),
	ALLOW("capset"),

	/* the machine */
	ALLOW("uname"),
	ALLOW("sysinfo"),
	ALLOW("getrandom"),

	/* limits and scheduling, but not those of pid 1 */
	ALLOW("getrlimit"),
	ALLOW("setrlimit"),
	ALLOW("getrusage"),
	ALLOW("prlimit64", IF(IS_NULL(2))),
	NOT_PID_1("prlimit64", 0),
	ALLOW("prlimit64"),
	ALLOW("getpriority"),
	REFUSE("setpriority", IF(EQ(0, PRIO_USER))),
	NOT_PID_1("setpriority", 1),
	ALLOW("setpriority"),
	ALLOW("ioprio_get"),
	REFUSE("ioprio_set", IF(EQ(0, WHO_USER))),
	NOT_PID_1("ioprio_set", 1),
	ALLOW("ioprio_set"),
	NOT_PID_1("sched_setaffinity", 0),
	ALLOW("sched_setaffinity"),
	NOT_PID_1("sched_setscheduler", 0),
	ALLOW("sched_setscheduler"),
	NOT_PID_1("sched_setparam", 0),
	ALLOW("sched_setparam"),
	NOT_PID_1("sched_setattr", 0),
	ALLOW("sched_setattr"),
	ALLOW("sched_yield"),
	ALLOW("sched_getaffinity"),
	ALLOW("sched_getscheduler"),
	ALLOW("sched_getparam"),
	ALLOW("sched_getattr"),
	ALLOW("sched_get_priority_max"),
	ALLOW("sched_get_priority_min"),
	ALLOW("sched_rr_get_interval"),

	/* restricting oneself further */
	ALLOW("landlock_create_ruleset", RECENT),
	ALLOW("landlock_add_rule", RECENT),
	ALLOW("landlock_restrict_self", RECENT),
	ALLOW("seccomp", IF(EQ(0, SECCOMP_SET_MODE_STRICT))),
	ALLOW("seccomp", IF(EQ(0, SECCOMP_GET_ACTION_AVAIL))),
	/*
	 * A filter, but no listener and no waiver of Spectre's mitigation:
	 * flags TSYNC, LOG and TSYNC_ESRCH.  Libraries probe for flags: EINVAL
	 * says that the kernel does not know this one.
	 */
	ALLOW("seccomp", IF(EQ(0, SECCOMP_SET_MODE_FILTER), NONE_OF(1, ~0x13))),
	SILENT("seccomp", EINVAL),

	/* --- What depends on its arguments --- */

	/* options of one's own that weaken no limit and no mitigation */
	PRCTL(PR_SET_NAME),
	PRCTL(PR_GET_NAME),
	PRCTL(PR_SET_PDEATHSIG),
	PRCTL(PR_GET_PDEATHSIG),
	PRCTL(PR_SET_DUMPABLE),
	PRCTL(PR_GET_DUMPABLE),
	PRCTL(PR_SET_NO_NEW_PRIVS),
	PRCTL(PR_GET_NO_NEW_PRIVS),
	PRCTL(PR_SET_SECCOMP),
	PRCTL(PR_GET_SECCOMP),
	PRCTL(PRCTL_SET_VMA),
	PRCTL(PR_SET_TIMERSLACK),
	PRCTL(PR_GET_TIMERSLACK),
	PRCTL(PR_SET_THP_DISABLE),
	PRCTL(PR_GET_THP_DISABLE),
	PRCTL(PR_SET_CHILD_SUBREAPER),
	PRCTL(PR_GET_CHILD_SUBREAPER),
	PRCTL(PR_SET_KEEPCAPS),
	PRCTL(PR_GET_KEEPCAPS),
	PRCTL(PR_CAPBSET_READ),
	PRCTL(PR_CAPBSET_DROP),
	PRCTL(PR_CAP_AMBIENT),
	PRCTL(PR_GET_SECUREBITS),
	PRCTL(PR_GET_SPECULATION_CTRL),
	PRCTL(PRCTL_SET_MDWE),
	PRCTL(PRCTL_GET_MDWE),
	/* vector length, pointer authentication and tags of aarch64 */
	PRCTL(PR_SVE_SET_VL),
	PRCTL(PR_SVE_GET_VL),
	PRCTL(PR_PAC_RESET_KEYS),
	PRCTL(PR_SET_TAGGED_ADDR_CTRL),
	PRCTL(PR_GET_TAGGED_ADDR_CTRL),
	REFUSE("prctl"),

	/* the common one, and asking which it is */
	ALLOW("personality", IF(EQ(0, 0))),
	ALLOW("personality", IF(EQ(0, -1))),
	REFUSE("personality"),

	/*
	 * Typing into a terminal for others to run; consoles, their keyboards
	 * and screens (KD and VT commands); line disciplines, which load
	 * modules.
	 */
	IOCTL(TIOCSTI),
	IOCTL(TIOCLINUX),
	IOCTL(TIOCCONS),
	IOCTL(TIOCSETD),
	IOCTL(0x5437 /* TIOCVHANGUP */),
	REFUSE("ioctl", IF(ANY(1, 0xffffff00, 0x4b00))),
	REFUSE("ioctl", IF(ANY(1, 0xffffff00, VT_OPENQRY & 0xff00))),
	ALLOW("ioctl"),

	/* --- Sockets --- */

	/*
	 * Stream sockets of another protocol than TCP (MPTCP, SCTP, SMC)
	 * would pass by Landlock's rules for ports.  MPTCP is tried by Go
	 * programs, which then take TCP: no reason to report it.
	 */
	ALLOW("socket", .need = NEED_TCP,
	      IF(INET, TYPE(SOCK_STREAM), EQ(2, 0))),
	ALLOW("socket", .need = NEED_TCP,
	      IF(INET, TYPE(SOCK_STREAM), EQ(2, IPPROTO_TCP))),
	SILENT("socket", EPROTONOSUPPORT,
	       IF(INET, TYPE(SOCK_STREAM), EQ(2, PROTO_MPTCP))),
	ALLOW("socket", .need = NEED_UDP, IF(INET, TYPE(SOCK_DGRAM), EQ(2, 0))),
	ALLOW("socket", .need = NEED_UDP,
	      IF(INET, TYPE(SOCK_DGRAM), EQ(2, IPPROTO_UDP))),
	ALLOW("socket", .need = NEED_HOST_NET,
	      IF(INET, TYPE(SOCK_DGRAM), EQ(2, IPPROTO_ICMP))),
	ALLOW("socket", .need = NEED_HOST_NET,
	      IF(INET, TYPE(SOCK_DGRAM), EQ(2, IPPROTO_ICMPV6))),
	ALLOW("socket", .need = NEED_HOST_NET, IF(INET, TYPE(SOCK_RAW))),
	/* the C library asks nscd and systemd for names: refused, no news */
	ALLOW("socket", .need = NEED_UNIX, .error = EAFNOSUPPORT,
	      IF(EQ(0, AF_UNIX),
		 EQ(1, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK))),
	ALLOW("socket", .need = NEED_UNIX, IF(EQ(0, AF_UNIX), CONNECTED)),
	/* a datagram names its receiver, where nothing can look at it */
	ALLOW("socket", .need = NEED_HOST_NET, IF(EQ(0, AF_UNIX))),
	/* the C library looks for addresses by it; an empty network has none */
	ALLOW("socket", .need = NEED_NET, .error = EAFNOSUPPORT,
	      IF(EQ(0, AF_NETLINK), EQ(2, NETLINK_ROUTE))),
	ALLOW("socket", .need = NEED_HOST_NET, IF(EQ(0, AF_NETLINK))),
	ALLOW("socket", .need = NEED_HOST_NET, IF(EQ(0, AF_PACKET))),
	/* all others only widen what of the kernel can be attacked */
	REFUSE("socket"),
	/* a datagram socket of a pair can still send to any other */
	ALLOW("socketpair", IF(EQ(0, AF_UNIX), CONNECTED)),
	ALLOW("socketpair", .need = NEED_HOST_NET, IF(EQ(0, AF_UNIX))),
	REFUSE("socketpair"),

	/* unbound, the kernel picks a port and asks no rule of Landlock's */
	JUDGE("listen", .need = NEED_LISTEN),
	/* told, so that a refusal can name the address */
	ASK("connect"),
	ASK("bind"),
	/* TCP Fast Open connects without Landlock's being asked */
	ALLOW("sendto", .need = NEED_HOST_NET, .error = EOPNOTSUPP,
	      IF(HAS(3, MSG_FASTOPEN))),
	ALLOW("sendto", IF(IS_NULL(4))),
	ASK("sendto"),
	ALLOW("sendmsg", .need = NEED_HOST_NET, .error = EOPNOTSUPP,
	      IF(HAS(2, MSG_FASTOPEN))),
	ALLOW("sendmsg"),
	ALLOW("sendmmsg", .need = NEED_HOST_NET, .error = EOPNOTSUPP,
	      IF(HAS(3, MSG_FASTOPEN))),
	ALLOW("sendmmsg"),
	ALLOW("recvfrom"),
	ALLOW("recvmsg"),
	ALLOW("recvmmsg"),
	ALLOW("accept"),
	ALLOW("accept4"),
	ALLOW("shutdown"),
	ALLOW("getsockname"),
	ALLOW("getpeername"),
	ALLOW("getsockopt"),
	/* programs in the kernel, and protocols on top of TCP (its modules) */
	ALLOW("setsockopt", .need = NEED_HOST_NET,
	      IF(EQ(1, SOL_SOCKET), EQ(2, SO_ATTACH_FILTER))),
	ALLOW("setsockopt", .need = NEED_HOST_NET,
	      IF(EQ(1, SOL_SOCKET), EQ(2, SO_ATTACH_REUSEPORT_CBPF))),
	SILENT("setsockopt", ENOENT, IF(EQ(1, IPPROTO_TCP), EQ(2, TCP_ULP))),
	ALLOW("setsockopt"),

	/* --- What a permission opens --- */

	/*
	 * Landlock does not cover memory files: they could run anything.  Only
	 * a control group counts them.
	 */
	SILENT("memfd_create", ENOENT, IF(HAS(1, MFD_HUGETLB))),
	ALLOW("memfd_create", .need = NEED_MEMORY_FILE),
	ALLOW("perf_event_open", .need = NEED_PERFMON),
	ALLOW("chroot", .need = NEED_SYS_CHROOT),
	ALLOW("acct", .need = NEED_SYS_PACCT),
	ALLOW("vhangup", .need = NEED_SYS_TTY_CONFIG),
	ALLOW("syslog", .need = NEED_SYSLOG),
	ALLOW("quotactl", .need = NEED_SYS_ADMIN),
	ALLOW("quotactl_fd", .need = NEED_SYS_ADMIN, RECENT),
	ALLOW("mbind", .need = NEED_SYS_NICE),
	/* libnuma tries it whenever ps or vmstat start */
	ALLOW("set_mempolicy", .need = NEED_SYS_NICE, .error = EPERM),
	ALLOW("migrate_pages", .need = NEED_SYS_NICE),
	ALLOW("move_pages", .need = NEED_SYS_NICE),
	ALLOW("pidfd_getfd", .need = NEED_INIT),

	/* --- What nothing opens --- */

	/* the memory and descriptors of other processes */
	REFUSE("process_vm_readv"),
	REFUSE("process_vm_writev"),
	REFUSE("kcmp"),
	REFUSE("process_madvise"),
	REFUSE("process_mrelease", RECENT),
	/* memory that no limit counts, or not as the process's own */
	REFUSE("shmget"),
	REFUSE("shmat"),
	REFUSE("shmdt"),
	REFUSE("shmctl"),
	REFUSE("msgget"),
	REFUSE("msgsnd"),
	REFUSE("msgrcv"),
	REFUSE("msgctl"),
	REFUSE("semget"),
	REFUSE("semop"),
	REFUSE("semtimedop"),
	REFUSE("semctl"),
	REFUSE("mq_open"),
	REFUSE("mq_unlink"),
	REFUSE("mq_timedsend"),
	REFUSE("mq_timedreceive"),
	REFUSE("mq_notify"),
	REFUSE("mq_getsetattr"),
	REFUSE("memfd_secret", RECENT),
	/* keys of the user, which outlive the sandbox */
	REFUSE("add_key"),
	REFUSE("request_key"),
	REFUSE("keyctl"),
	/* files by number instead of by path, past the mount view */
	REFUSE("name_to_handle_at"),
	REFUSE("open_by_handle_at"),
	/* watching or holding up the whole file system */
	REFUSE("fanotify_init"),
	REFUSE("fanotify_mark"),
	/* calls that no filter sees, and aids for attacks on the kernel */
	REFUSE("io_uring_setup"),
	REFUSE("io_uring_enter"),
	REFUSE("io_uring_register"),
	REFUSE("userfaultfd"),
	REFUSE("modify_ldt"),
	REFUSE("remap_file_pages"),
	/* counted for the whole host; used by databases, not by plugins */
	REFUSE("io_setup"),
	REFUSE("io_destroy"),
	REFUSE("io_submit"),
	REFUSE("io_cancel"),
	REFUSE("io_getevents"),
	REFUSE("io_pgetevents"),
	/* what others have read of a file */
	REFUSE("cachestat", RECENT),
	REFUSE("set_mempolicy_home_node", RECENT),
	REFUSE("sethostname"),
	REFUSE("setdomainname"),
	REFUSE("uselib"),
	REFUSE("ustat"),
	REFUSE("sysfs"),

	/* never by a mistake: the host's kernel, hardware and mounts */
	KILL("ptrace"),
	KILL("bpf"),
	KILL("init_module"),
	KILL("finit_module"),
	KILL("delete_module"),
	KILL("kexec_load"),
	KILL("kexec_file_load"),
	KILL("reboot"),
	KILL("swapon"),
	KILL("swapoff"),
	KILL("iopl"),
	KILL("ioperm"),
	KILL("mount"),
	KILL("umount2"),
	KILL("pivot_root"),
	KILL("move_mount"),
	KILL("open_tree"),
	KILL("fsopen"),
	KILL("fsconfig"),
	KILL("fsmount"),
	KILL("fspick"),
	KILL("mount_setattr", RECENT),

	/* of riscv64 alone */
	ALLOW("riscv_flush_icache", RECENT),
	ALLOW("riscv_hwprobe", RECENT),
};

const size_t seccomp_n_rules = sizeof(seccomp_rules) / sizeof(seccomp_rules[0]);
