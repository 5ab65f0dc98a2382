/* What satisfies the needs of the rules, and how a header asks for it. */
#include "sandbox/seccomp_rules.h"

#include <linux/capability.h>

#define NETS(...) (uint8_t)(__VA_ARGS__), false, 0
#define ONLY_NETS(...) (uint8_t)(__VA_ARGS__), true, 0
#define CAPABILITY(cap) 0, false, cap
#define NONE (1 << SECCOMP_NET_NONE)
#define TCP (1 << SECCOMP_NET_TCP)
#define UDP (1 << SECCOMP_NET_UDP)
#define BOTH (1 << SECCOMP_NET_TCP_UDP)
#define HOST (1 << SECCOMP_NET_HOST)

const struct seccomp_grant seccomp_grants[] = {
	[NEED_NOTHING] = { ONLY_NETS(~0), "" },
	[NEED_TCP] = { ONLY_NETS(NONE | TCP | BOTH | HOST),
		       "network: [tcp:PORT]" },
	[NEED_UDP] = { ONLY_NETS(NONE | UDP | BOTH | HOST), "network: [udp]" },
	[NEED_NET] = { ONLY_NETS(TCP | UDP | BOTH | HOST), "network: [host]" },
	[NEED_HOST_NET] = { ONLY_NETS(HOST), "network: [host]" },
	[NEED_LISTEN] = { NETS(NONE | UDP | HOST), "network: [listen:PORT]" },
	[NEED_UNIX] = { NETS(HOST), "network: [host]" },
	[NEED_COUNTED] = { NETS(0), "" },
	[NEED_MEMORY_FILE] = { NETS(0), "exec: [\"*\"]" },
	[NEED_INIT] = { NETS(0), "" },
	[NEED_PERFMON] = { CAPABILITY(38), "capabilities: [perfmon]" },
	[NEED_SYS_ADMIN] = { CAPABILITY(CAP_SYS_ADMIN),
			     "capabilities: [sys_admin]" },
	[NEED_SYS_CHROOT] = { CAPABILITY(CAP_SYS_CHROOT),
			      "capabilities: [sys_chroot]" },
	[NEED_SYS_NICE] = { CAPABILITY(CAP_SYS_NICE),
			    "capabilities: [sys_nice]" },
	[NEED_SYS_PACCT] = { CAPABILITY(CAP_SYS_PACCT),
			     "capabilities: [sys_pacct]" },
	[NEED_SYS_TIME] = { CAPABILITY(CAP_SYS_TIME),
			    "capabilities: [sys_time]" },
	[NEED_SYS_TTY_CONFIG] = { CAPABILITY(CAP_SYS_TTY_CONFIG),
				  "capabilities: [sys_tty_config]" },
	[NEED_SYSLOG] = { CAPABILITY(CAP_SYSLOG), "capabilities: [syslog]" },
};
