/*
 * sandbox.h: start one program in a sandbox and watch over it.
 *
 * The caller's steps:
 *
 *	sandbox_spec_init(&spec);
 *	... fill the spec: what runs, what it sees, what it may, how much ...
 *	sandbox_start(&spec, &box, &e)	forks pid 1 of the sandbox, which
 *					enters every layer and starts argv
 *	poll box.report_fd		sandbox_read_report() gives what pid 1
 *					says: entered, denied, exited, ...
 *	sandbox_arm(&box, ms)		the deadline, from now on
 *	sandbox_begin(&box, ms)		the same for the next of many jobs
 *	sandbox_usage(&box, &r)		... and what it took: REPORT_USAGE
 *	sandbox_stop(&box)		TERM, the grace, then KILL
 *	sandbox_wait(&box, &e)		after REPORT_EXITED: no process of the
 *					sandbox is left when it returns 0
 *	sandbox_release(&box)		kills what is left, closes, cleans up
 *
 * Pid 1 is a process of ours: it reaps, enforces the deadline even when the
 * caller is stalled, and takes every other process down with it.  When the
 * caller dies, the kernel kills pid 1.
 *
 * The layers, their order, and what each holds back: docs/sandbox.md.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "sandbox/meter.h"
#include "sandbox/report.h"

#define SANDBOX_MAX_PORTS 64
#define SANDBOX_MAX_GROUPS 64

struct sandbox_ports {
	uint16_t port[SANDBOX_MAX_PORTS];
	size_t n;
};

struct sandbox_spec {
	/* what runs: argv.items[0] is an absolute path inside */
	struct strv argv;
	struct strv env; /* "NAME=value" */

	/* what it sees: absolute host paths, at the same place inside */
	struct strv read;      /* data: never mapped as code */
	struct strv libraries; /* may be mapped as code */
	struct strv write;
	struct strv exec;    /* may be started */
	struct strv own;     /* those of them that no plugin asked for: links
				of the caller's are followed in these alone */
	bool exec_any;	     /* whatever is visible may be started */
	bool host_processes; /* /proc is the host's */

	/* the network: none of these: an empty network namespace */
	struct sandbox_ports connect; /* TCP ports of any host */
	struct sandbox_ports listen;  /* TCP ports */
	bool udp;
	bool host_network; /* everything */
	bool unix_sockets; /* may make AF_UNIX sockets */

	/* who it is; an id of its own if `user` is not set (root only) */
	bool user_set;
	uid_t uid;
	gid_t gid;
	gid_t groups[SANDBOX_MAX_GROUPS];
	size_t n_groups;
	uint64_t capabilities; /* bit 1 << CAP_x: kept */

	/* how much */
	int64_t timeout_ms;   /* deadline from the start; 0: none */
	int64_t grace_ms;     /* between TERM and KILL */
	int64_t memory_bytes; /* of all processes together */
	int64_t cpu_ms;	      /* CPU time of all; 0: unlimited */
	int64_t processes;
	int64_t files;
	int64_t tmp_bytes;

	bool many_jobs; /* cpu_ms is each one's, from sandbox_begin() on */

	bool trace;	  /* report every path that is used */
	unsigned require; /* LAYER_* that must be enforced */
};

/* Defaults: nothing granted, the limits of docs/plugins.md. */
void sandbox_spec_init(struct sandbox_spec *s);
void sandbox_spec_release(struct sandbox_spec *s); /* cleanup function */

struct sandbox {
	pid_t pid; /* pid 1, as the caller sees it */
	int pidfd;
	int stdin_fd;		  /* write end, non-blocking */
	int stdout_fd, stderr_fd; /* read ends, non-blocking */
	int report_fd;		  /* SOCK_SEQPACKET, non-blocking */
	int id_lock;		  /* holds the user id, -1: none */
	int memory_fd;		  /* readable when memory ran out; -1: none */
	struct cgroup *cgroup;	  /* NULL: no cgroup could be had */
	struct meter meter;
	bool counted; /* the next job is begun and counted by the meter */
	bool waited;
};

void sandbox_init(struct sandbox *box);

/*
 * Where main()'s arguments are.  Plugins can read the command line of their
 * pid 1, which is a copy of ours: it is wiped there.
 */
void sandbox_set_arguments(int argc, char **argv);
/* What ps shows instead, as far as there is room. */
void sandbox_set_title(const char *title);

/*
 * Returns once pid 1 is forked; whether it came in is said by its first
 * report (REPORT_ENTERED or REPORT_FAILED).  Errors before the fork: -1.
 */
int sandbox_start(const struct sandbox_spec *spec, struct sandbox *box,
		  struct err *e);

/*
 * The next report: 1 and *r filled; 0 when there is none now; -1 at the end
 * (pid 1 has gone).  r->text is NUL-terminated, and hostile.
 */
int sandbox_read_report(struct sandbox *box, struct report *r);

void sandbox_arm(struct sandbox *box, int64_t timeout_ms);
void sandbox_begin(struct sandbox *box, int64_t timeout_ms);
/*
 * What it used: 1 and *r as REPORT_USAGE has it, or 0: pid 1 was asked, and
 * its report follows.
 */
int sandbox_usage(struct sandbox *box, struct report *r);
void sandbox_stop(struct sandbox *box);
/* KILL to all but pid 1, which reports what they used. */
void sandbox_abort(struct sandbox *box);
/* KILL at once, everything. */
void sandbox_kill(struct sandbox *box);
/* Was one of its processes killed for the memory of all? */
bool sandbox_out_of_memory(const struct sandbox *box);
/* What they took by their control group, where pid 1 can't say any more. */
int64_t sandbox_cpu_us(const struct sandbox *box);

/*
 * Wait until every process of the sandbox is gone, `timeout_ms` at most
 * (a process in uninterruptible sleep can't be killed): 0, or -1.
 */
int sandbox_wait(struct sandbox *box, int64_t timeout_ms, struct err *e);

void sandbox_release(struct sandbox *box); /* cleanup function */

#endif
