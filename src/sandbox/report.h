/*
 * report.h: what pid 1 of a sandbox tells the agent, and is told.
 *
 * Fixed-size messages on a SOCK_SEQPACKET pair.  The plugin has no
 * descriptor of it; the texts in it (paths, addresses) may still be chosen
 * by the plugin.
 */
#ifndef SANDBOX_REPORT_H
#define SANDBOX_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/layer.h"

enum report_type {
	REPORT_ENTERED, /* every layer stands; layers, detail = ABI */
	REPORT_FAILED,	/* could not start: text */
	REPORT_DENIED,	/* an act was refused: syscall, text = object */
	REPORT_ACCESS,	/* trace: a path or an address was used */
	REPORT_USAGE,	/* the answer to ORDER_USAGE */
	REPORT_EXITED,	/* the last one: status and usage */
};

/* How an act that was reported ended. */
enum report_verdict {
	VERDICT_REFUSED,
	VERDICT_KILLED,
	VERDICT_CONTINUED, /* the kernel's other layers decide */
};

/* Why the processes were ended, where it was not by themselves. */
enum report_reason {
	REASON_NONE,
	REASON_DEADLINE,
	REASON_STOPPED, /* the agent said so */
	REASON_MEMORY,
	REASON_CPU,
	REASON_SYSCALL, /* a system call of the kill class */
};

#define REPORT_TEXT 1024

struct report {
	uint32_t type;
	uint32_t layers;  /* ENTERED: LAYER_* (model/layer.h) */
	int32_t detail;	  /* ENTERED: Landlock ABI */
	int32_t syscall;  /* DENIED, ACCESS: its number */
	uint64_t args[6]; /* of that call; never trusted */
	uint32_t verdict;
	uint32_t write;		/* ACCESS: 1 where it would change something */
	int32_t status;		/* EXITED: of the plugin, as from waitpid() */
	uint32_t reason;	/* EXITED; USAGE: it is being ended already */
	uint64_t cpu_us;	/* EXITED, USAGE: of all, since ORDER_BEGIN */
	uint64_t total_us;	/* the same, since the plugin's start */
	uint64_t max_rss_bytes; /* the same: of the largest process */
	uint64_t dropped;	/* EXITED: reports that did not fit */
	char text[REPORT_TEXT];
};

enum order_type {
	ORDER_ARM, /* deadline in ms from now; 0: none */
	/* the same, and a job begins: CPU time counts from here */
	ORDER_BEGIN,
	ORDER_USAGE, /* the job is over: deadline as ARM; what was used? */
	ORDER_STOP,
	ORDER_KILL,
};

struct order {
	uint32_t type;
	int64_t ms;
};

#endif
