/*
 * seccomp_words.h: the words that seccomp_rules.c is written in.
 */
#ifndef SANDBOX_SECCOMP_WORDS_H
#define SANDBOX_SECCOMP_WORDS_H

#include "sandbox/seccomp_rules.h"

#define RULE(call, ...)                   \
	{                                 \
		.name = call, __VA_ARGS__ \
	}
#define ALLOW(call, ...) RULE(call, .act = ACT_ALLOW, ##__VA_ARGS__)
#define TRACED(call, ...) RULE(call, .act = ACT_TRACED, ##__VA_ARGS__)
#define ASK(call, ...) RULE(call, .act = ACT_ASK, ##__VA_ARGS__)
#define JUDGE(call, ...) RULE(call, .act = ACT_JUDGE, ##__VA_ARGS__)
#define REFUSE(call, ...) RULE(call, .act = ACT_REFUSE, ##__VA_ARGS__)
#define KILL(call, ...) RULE(call, .act = ACT_KILL, ##__VA_ARGS__)
#define SILENT(call, errnum, ...) \
	RULE(call, .act = ACT_SILENT, .error = errnum, ##__VA_ARGS__)
#define RECENT .recent = 1

/* All of these hold; n is the number of the argument. */
#define IF(...) .when = { __VA_ARGS__ }
#define ANY(n, bits, wanted)                                  \
	{                                                     \
		.arg = (n), .mask = (bits), .value = (wanted) \
	}
/* Integers, by the 32 bits that the kernel reads. */
#define EQ(n, wanted) ANY(n, 0xffffffffu, (uint32_t)(wanted))
#define NONE_OF(n, bits) ANY(n, (uint32_t)(bits), 0)
#define HAS(n, bit) ANY(n, (uint32_t)(bit), (uint32_t)(bit))
#define IS_NULL(n)                                 \
	EQ(n, 0),                                  \
	{                                          \
		.arg = (n), .high = 1, .mask = ~0u \
	}

/* The type of a socket without the flags that socket() takes with it. */
#define TYPE(type) \
	ANY(1, (uint32_t) ~(SOCK_CLOEXEC | SOCK_NONBLOCK), (uint32_t)(type))

/* SOCK_STREAM is 1 and SOCK_SEQPACKET 5. */
#define CONNECTED                                        \
	ANY(1,                                           \
	    ~(uint32_t)(SOCK_CLOEXEC | SOCK_NONBLOCK |   \
			(SOCK_STREAM ^ SOCK_SEQPACKET)), \
	    SOCK_STREAM &SOCK_SEQPACKET)

/* AF_INET is 2 and AF_INET6 10. */
#define INET ANY(0, ~(uint32_t)(AF_INET ^ AF_INET6), AF_INET &AF_INET6)

/* The kernel drops the upper 32 bits of a command, and so does this. */
#define IOCTL(command) REFUSE("ioctl", IF(EQ(1, command)))
#define PRCTL(option) ALLOW("prctl", IF(EQ(0, option)))

/*
 * Set-user-ID and set-group-ID files in a granted folder would be the plugin's
 * account for whoever starts them outside.
 */
#define NO_SET_ID(call, n, ...)                                  \
	SILENT(call, EPERM, IF(HAS(n, S_ISUID), ##__VA_ARGS__)), \
		SILENT(call, EPERM, IF(HAS(n, S_ISGID), ##__VA_ARGS__))
#define NO_NEW_SET_ID(call, flags, n)            \
	NO_SET_ID(call, n, HAS(flags, O_CREAT)), \
		NO_SET_ID(call, n, HAS(flags, TMPFILE))

/* Pid 1 has the plugin's user id, and keeps its deadline and its memory. */
#define NOT_PID_1(call, n) REFUSE(call, IF(EQ(n, 1)))

/* Constants that headers of the oldest supported systems lack. */
#define NEW_NAMESPACES                                                 \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
	 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define LEASE_SET 1024	   /* F_SETLEASE */
#define PIPE_SIZE_SET 1031 /* F_SETPIPE_SZ */
#define PRCTL_SET_MDWE 65
#define PRCTL_GET_MDWE 66
#define PRCTL_SET_VMA 0x53564d41
#define PROTO_MPTCP 262
#define WHO_USER 3 /* IOPRIO_WHO_USER */
#define TMPFILE (O_TMPFILE & ~O_DIRECTORY)

#endif
