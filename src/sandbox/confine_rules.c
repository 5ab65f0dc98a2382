/* What the agent's own programs may ask the kernel for. */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>

#include "base/mem.h"
#include "sandbox/confine_parts.h"

#define API (1U << CONFINE_API)
#define FORWARD (1U << CONFINE_FORWARD)
#define BOTH (API | FORWARD)

/* Spelled out for kernels' headers that are older. */
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_rseq
#define SYS_rseq 334
#endif
#define VMA_NAME 0x53564d41 /* PR_SET_VMA */

#define ALLOW(name)                                 \
	{                                           \
		SYS_##name, CONFINE_ALLOW, BOTH, 0, \
		{                                   \
			{                           \
				0                   \
			}                           \
		}                                   \
	}
#define ALLOW_IN(in, name)                        \
	{                                         \
		SYS_##name, CONFINE_ALLOW, in, 0, \
		{                                 \
			{                         \
				0                 \
			}                         \
		}                                 \
	}
#define ALLOW_IF(in, name, ...)                   \
	{                                         \
		SYS_##name, CONFINE_ALLOW, in, 0, \
		{                                 \
			__VA_ARGS__               \
		}                                 \
	}
#define FAIL(in, name, with)                        \
	{                                           \
		SYS_##name, CONFINE_FAIL, in, with, \
		{                                   \
			{                           \
				0                   \
			}                           \
		}                                   \
	}
#define KILL(name)                                 \
	{                                          \
		SYS_##name, CONFINE_KILL, BOTH, 0, \
		{                                  \
			{                          \
				0                  \
			}                          \
		}                                  \
	}
#define EQ(a, v)                                      \
	{                                             \
		.arg = (a), .mask = ~0U, .value = (v) \
	}
#define MASKED(a, m, v)                               \
	{                                             \
		.arg = (a), .mask = (m), .value = (v) \
	}
#define LOW_NULL(a) EQ(a, 0)
#define HIGH_NULL(a)                                              \
	{                                                         \
		.arg = (a), .high = true, .mask = ~0U, .value = 0 \
	}
#define OWN_PROCESS(a)                               \
	{                                            \
		.arg = (a), .own = true, .mask = ~0U \
	}

/* A thread of this process, in no new namespace. */
#define THREAD_MASK                                                  \
	(CLONE_THREAD | CLONE_VM | CLONE_NEWNS | CLONE_NEWUSER |     \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | \
	 CLONE_NEWCGROUP)

/* Reading: nothing is made, emptied or written. */
#define READ_ONLY_MASK \
	(O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

const struct confine_rule confine_rules[] = {

	/* --- What it does all day --- */

	ALLOW(read),
	ALLOW(write),
	ALLOW(recvfrom),
	ALLOW(sendto),
	ALLOW(epoll_pwait),
#ifdef SYS_epoll_wait
	ALLOW(epoll_wait),
#endif
	ALLOW(epoll_ctl),
	ALLOW(futex),
	ALLOW(clock_gettime),
	ALLOW(close),
	ALLOW(recvmsg),
	ALLOW(sendmsg),
	ALLOW(readv),
	ALLOW(writev),
	ALLOW_IN(API, accept4),
	ALLOW(setsockopt),
	ALLOW(getsockopt),
	ALLOW(shutdown),
	ALLOW(getsockname),
	ALLOW(getpeername),
	ALLOW(ppoll),
	ALLOW(pselect6),
#ifdef SYS_poll
	ALLOW(poll),
#endif
#ifdef SYS_select
	ALLOW(select),
#endif
	ALLOW(epoll_create1),
	ALLOW(eventfd2),
	ALLOW(pipe2),
#ifdef SYS_pipe
	ALLOW(pipe),
#endif
	ALLOW(timerfd_create),
	ALLOW(timerfd_settime),
	ALLOW(timerfd_gettime),
	ALLOW(getrandom),

	/* --- Memory, and none of it both written and executed --- */

	ALLOW(brk),
	ALLOW(munmap),
	ALLOW(mremap),
	ALLOW(madvise),
	ALLOW(membarrier),
	ALLOW_IF(BOTH, mmap, MASKED(2, PROT_EXEC, 0)),
	FAIL(BOTH, mmap, EACCES),
	ALLOW_IF(BOTH, mprotect, MASKED(2, PROT_EXEC, 0)),
	FAIL(BOTH, mprotect, EACCES),

	/* --- Threads, signals, the clock --- */

	ALLOW_IF(BOTH, clone, MASKED(0, THREAD_MASK, CLONE_THREAD | CLONE_VM)),
	/* its flags are in memory, where nothing can look at them */
	FAIL(BOTH, clone3, ENOSYS),
	ALLOW(set_robust_list),
	ALLOW(set_tid_address),
	ALLOW(rseq),
	ALLOW(sched_yield),
	ALLOW(sched_getaffinity),
	ALLOW(gettid),
	ALLOW(getpid),
	ALLOW(getppid),
	ALLOW(rt_sigaction),
	ALLOW(rt_sigprocmask),
	ALLOW(rt_sigreturn),
	ALLOW(sigaltstack),
	ALLOW(restart_syscall),
	ALLOW_IF(BOTH, tgkill, OWN_PROCESS(0)),
	ALLOW(exit),
	ALLOW(exit_group),
	ALLOW(nanosleep),
	ALLOW(clock_nanosleep),
	ALLOW(clock_getres),
	ALLOW(gettimeofday),
#ifdef SYS_time
	ALLOW(time),
#endif

	/* --- What libraries ask about --- */

	ALLOW_IF(BOTH, fcntl, EQ(1, F_GETFL)),
	ALLOW_IF(BOTH, fcntl, EQ(1, F_SETFL)),
	ALLOW_IF(BOTH, fcntl, EQ(1, F_GETFD)),
	ALLOW_IF(BOTH, fcntl, EQ(1, F_SETFD)),
	ALLOW_IF(BOTH, fcntl, EQ(1, F_DUPFD_CLOEXEC)),
	FAIL(BOTH, fcntl, EINVAL),
	ALLOW_IF(BOTH, ioctl, EQ(1, FIONBIO)),
	ALLOW_IF(BOTH, ioctl, EQ(1, FIONREAD)),
	FAIL(BOTH, ioctl, ENOTTY),
	ALLOW_IF(BOTH, prlimit64, LOW_NULL(2), HIGH_NULL(2)),
#ifdef SYS_getrlimit
	ALLOW(getrlimit),
#endif
	ALLOW_IF(BOTH, prctl, EQ(0, PR_SET_NAME)),
	FAIL(BOTH, prctl, EINVAL),
	ALLOW(getrusage),
	ALLOW(times),
	ALLOW(sysinfo),
	ALLOW(uname),
	ALLOW(getuid),
	ALLOW(geteuid),
	ALLOW(getgid),
	ALLOW(getegid),
	ALLOW(fstat),
	ALLOW(lseek),

	/* --- Files: the root and Landlock say which --- */

	ALLOW_IF(FORWARD, openat, MASKED(2, READ_ONLY_MASK, 0)),
	FAIL(BOTH, openat, EACCES),
	/* fstat() of newer C libraries is one of these */
	ALLOW_IF(API, newfstatat, MASKED(3, AT_EMPTY_PATH, AT_EMPTY_PATH)),
	FAIL(API, newfstatat, EACCES),
	ALLOW_IN(FORWARD, newfstatat),
	ALLOW_IN(FORWARD, statx),
	FAIL(API, statx, EACCES),
	ALLOW_IN(FORWARD, pread64),
	ALLOW_IN(FORWARD, getdents64),
	ALLOW_IN(FORWARD, faccessat),
	ALLOW_IN(FORWARD, readlinkat),
	FAIL(API, faccessat, EACCES),
	FAIL(API, readlinkat, EACCES),
#ifdef SYS_open
	ALLOW_IF(FORWARD, open, MASKED(1, READ_ONLY_MASK, 0)),
	FAIL(BOTH, open, EACCES),
	ALLOW_IN(FORWARD, stat),
	FAIL(API, stat, EACCES),
	ALLOW_IN(FORWARD, lstat),
	FAIL(API, lstat, EACCES),
	ALLOW_IN(FORWARD, access),
	FAIL(API, access, EACCES),
	ALLOW_IN(FORWARD, readlink),
	FAIL(API, readlink, EACCES),
#endif

	/* --- Connections of its own --- */

	ALLOW_IF(FORWARD, socket, EQ(0, AF_INET), MASKED(1, 0xf, SOCK_STREAM)),
	ALLOW_IF(FORWARD, socket, EQ(0, AF_INET), MASKED(1, 0xf, SOCK_DGRAM)),
	ALLOW_IF(FORWARD, socket, EQ(0, AF_INET6), MASKED(1, 0xf, SOCK_STREAM)),
	ALLOW_IF(FORWARD, socket, EQ(0, AF_INET6), MASKED(1, 0xf, SOCK_DGRAM)),
	FAIL(BOTH, socket, EACCES),
	ALLOW_IF(FORWARD, socketpair, EQ(0, AF_UNIX)),
	ALLOW_IN(FORWARD, connect),
	ALLOW_IN(FORWARD, sendmmsg),
	ALLOW_IN(FORWARD, recvmmsg),
	/* of its own address alone: what comes in is asked for */
	ALLOW_IN(FORWARD, bind),

	/* --- What it never does --- */

	KILL(execve),
	KILL(execveat),
#ifdef SYS_fork
	KILL(fork),
	KILL(vfork),
#endif
	KILL(ptrace),
	KILL(process_vm_readv),
	KILL(process_vm_writev),
	KILL(kcmp),
	KILL(bpf),
	KILL(perf_event_open),
	KILL(userfaultfd),
	KILL(unshare),
	KILL(setns),
	KILL(mount),
	KILL(umount2),
	KILL(pivot_root),
	KILL(chroot),
	KILL(init_module),
	KILL(finit_module),
	KILL(delete_module),
	KILL(kexec_load),
	KILL(add_key),
	KILL(request_key),
	KILL(keyctl),
	KILL(memfd_create),
	KILL(open_by_handle_at),
	KILL(personality),
	KILL(seccomp),
	KILL(setuid),
	KILL(setresuid),
	KILL(capset),
	KILL(reboot),
#ifdef SYS_io_uring_setup
	KILL(io_uring_setup),
#endif
#ifdef SYS_pidfd_getfd
	KILL(pidfd_getfd),
#endif
};

const size_t confine_n_rules = ARRAY_SIZE(confine_rules);

/* openat2 and faccessat2 came with 5.6 and 5.8 */
const int confine_newest = 439;
