#include "sandbox/sandbox.h"

#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox/handover.h"
#include "sandbox/ids.h"
#include "sandbox/init.h"
#include "sandbox/landlock.h"
#include "sandbox/start.h"
#include "sandbox/view.h"

void
sandbox_spec_init(struct sandbox_spec *s)
{
	*s = (struct sandbox_spec){
		.timeout_ms = 60000,
		.grace_ms = 2000,
		.memory_bytes = 128 << 20,
		.processes = 16,
		.files = 64,
		.tmp_bytes = 16 << 20,
		.require = LAYER_NAMESPACES | LAYER_ROOT | LAYER_CAPABILITIES |
			   LAYER_NO_NEW_PRIVS | LAYER_SECCOMP | LAYER_LIMITS,
	};
}

void
sandbox_spec_release(struct sandbox_spec *s)
{
	strv_release(&s->argv);
	strv_release(&s->env);
	strv_release(&s->read);
	strv_release(&s->libraries);
	strv_release(&s->write);
	strv_release(&s->exec);
	strv_release(&s->own);
}

void
sandbox_init(struct sandbox *box)
{
	*box = (struct sandbox){ .pid = -1,
				 .pidfd = -1,
				 .stdin_fd = -1,
				 .stdout_fd = -1,
				 .stderr_fd = -1,
				 .report_fd = -1,
				 .id_lock = -1,
				 .memory_fd = -1 };
	meter_init(&box->meter);
}

/* The child's ends; all above the fixed numbers of enter.h. */
struct ends {
	int in, out, err, report;
};

static void
close_ends(struct ends *ends)
{
	cleanup_fdp(&ends->in);
	cleanup_fdp(&ends->out);
	cleanup_fdp(&ends->err);
	cleanup_fdp(&ends->report);
}

/* Move a descriptor out of the way of the fixed numbers. */
static int
move_up(int *fd)
{
	int high;

	if (*fd > FD_END)
		return 0;
	high = fcntl(*fd, F_DUPFD_CLOEXEC, FD_END + 1);
	if (high < 0)
		return -1;
	close(*fd);
	*fd = high;
	return 0;
}

static int
make_pipe(int *ours, int *theirs, bool we_write)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	*ours = ends[we_write];
	*theirs = ends[!we_write];
	return fcntl(*ours, F_SETFL, O_NONBLOCK) < 0 || move_up(theirs) < 0 ?
		       -1 :
		       0;
}

static int
make_channels(struct sandbox *box, struct ends *ends, struct err *e)
{
	int pair[2];

	if (make_pipe(&box->stdin_fd, &ends->in, true) < 0 ||
	    make_pipe(&box->stdout_fd, &ends->out, false) < 0 ||
	    make_pipe(&box->stderr_fd, &ends->err, false) < 0)
		return err_errno(e, "make the plugin's pipes");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, "make the report channel");
	box->report_fd = pair[0];
	ends->report = pair[1];
	if (fcntl(box->report_fd, F_SETFL, O_NONBLOCK) < 0 ||
	    move_up(&ends->report) < 0)
		return err_errno(e, "make the report channel");
	return 0;
}

static bool
has_capability(cap_value_t c)
{
	cap_flag_value_t set = CAP_CLEAR;
	cap_t caps = cap_get_proc();

	if (caps) {
		cap_get_flag(caps, c, CAP_EFFECTIVE, &set);
		cap_free(caps);
	}
	return set == CAP_SET;
}

/*
 * Over the host these make a plugin user id 0 at a call: by changing its ids,
 * or by a file that does when it is started.
 */
#define MAKES_ROOT                                               \
	(UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID | \
	 UINT64_C(1) << CAP_SETFCAP)

static int
check_capabilities(const struct sandbox_spec *s, const struct enter *x,
		   struct err *e)
{
	if (!x->privileged || !(s->capabilities & MAKES_ROOT))
		return 0;
	err_set(e, ERR_DENIED,
		"a plugin never runs as root, which setuid, "
		"setgid or setfcap would let it become");
	return err_hint(e, "ask for the account it needs by user:");
}

static int
choose_ids(const struct sandbox_spec *s, struct enter *x, struct sandbox *box,
	   struct err *e)
{
	x->privileged = geteuid() == 0 && has_capability(CAP_SYS_ADMIN) &&
			has_capability(CAP_SETUID);
	/* capabilities over the host mean nothing in a namespace of one's own
	 */
	x->user_namespace = !x->privileged || !s->capabilities;
	if (check_capabilities(s, x, e) < 0)
		return -1;
	if (!x->privileged) {
		x->uid = geteuid();
		x->gid = getegid();
		if (x->uid == 0)
			return err_set(e, ERR_AGENT,
				       "root without CAP_SYS_ADMIN cannot make "
				       "a sandbox");
		if (s->user_set && s->uid != x->uid)
			return err_set(e, ERR_DENIED,
				       "only root may run a plugin as another "
				       "user");
		return 0;
	}
	if (s->user_set) {
		x->uid = s->uid;
		x->gid = s->gid;
		return x->uid == 0 || x->gid == 0 ?
			       err_set(e, ERR_DENIED,
				       "a plugin never runs as root") :
			       0;
	}
	box->id_lock = ids_take(&x->uid, e);
	x->gid = x->uid;
	return box->id_lock < 0 ? -1 : move_up(&box->id_lock);
}

/* A network namespace of its own? */
static bool
wants_net(const struct sandbox_spec *s)
{
	return !s->host_network && !s->udp && !s->connect.n && !s->listen.n;
}

static uint64_t
namespace_flags(const struct sandbox_spec *s, const struct enter *x)
{
	uint64_t flags =
		CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;

	/* an ordinary user's belongs to the user namespace that is made here */
	if (!x->privileged)
		flags |= CLONE_NEWUSER | (wants_net(s) ? CLONE_NEWNET : 0);
	return flags;
}

static enum seccomp_net
filter_network(const struct sandbox_spec *s)
{
	bool tcp = s->connect.n || s->listen.n;

	if (s->host_network)
		return SECCOMP_NET_HOST;
	if (tcp && s->udp)
		return SECCOMP_NET_TCP_UDP;
	if (tcp)
		return SECCOMP_NET_TCP;
	return s->udp ? SECCOMP_NET_UDP : SECCOMP_NET_NONE;
}

void
start_features(const struct sandbox_spec *spec, struct seccomp_features *f)
{
	*f = (struct seccomp_features){
		.net = filter_network(spec),
		.listen = spec->listen.n > 0,
		.unix_sockets = spec->unix_sockets,
		.capabilities = spec->capabilities,
		.exec_any = spec->exec_any,
		.counted = true,
		.trace = spec->trace,
	};
}

static char *arguments;
static size_t arguments_len;

void
sandbox_set_arguments(int argc, char **argv)
{
	if (argc < 1)
		return;
	arguments = argv[0];
	arguments_len =
		(size_t)(argv[argc - 1] + strlen(argv[argc - 1]) - argv[0]);
}

void
sandbox_set_title(const char *title)
{
	size_t len = strlen(title);

	if (!arguments)
		return;
	memset(arguments, 0, arguments_len);
	memcpy(arguments, title, len < arguments_len ? len : arguments_len);
}

static _Noreturn void
child(struct enter *x, const struct ends *ends, const struct sandbox *box)
{
	if (arguments)
		memset(arguments, 0, arguments_len);
	/* whoever started us may not be: our own maps have to be written */
	(void)prctl(PR_SET_DUMPABLE, 1);
	/* the numbers of enter.h; dup2 leaves O_CLOEXEC off, so put it back */
	if (dup2(ends->in, 0) < 0 || dup2(ends->out, 1) < 0 ||
	    dup2(ends->err, 2) < 0 ||
	    dup3(ends->report, FD_REPORT, O_CLOEXEC) < 0 ||
	    (x->id_locked && dup3(box->id_lock, FD_ID_LOCK, O_CLOEXEC) < 0))
		_exit(125);
	init_run(x);
}

static int
explain_fork(struct err *e)
{
	int saved = errno;

	err_errno(e, "make the sandbox's namespaces");
	/* ENOSYS: a container's filter; EINVAL: a kernel without them */
	if (saved == EPERM || saved == ENOSYS || saved == EINVAL)
		err_hint(e, "this host forbids user namespaces to ordinary "
			    "users; devops_agent doctor says how to allow "
			    "them");
	if (saved == ENOSPC || saved == EUSERS)
		err_hint(e, "raise user.max_user_namespaces");
	return -1;
}

static int
fork_init(struct enter *x, struct sandbox *box, struct err *e)
{
	_cleanup_(close_ends) struct ends ends = { -1, -1, -1, -1 };
	uint64_t flags = namespace_flags(x->spec, x);
	sigset_t all, old;
	long pid;

	if (make_channels(box, &ends, e) < 0)
		return -1;
	/* pid 1 must never see a signal before it can take it */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = syscall(SYS_clone, flags | CLONE_PIDFD | SIGCHLD, NULL,
		      &box->pidfd, NULL, 0);
	if (pid == 0)
		child(x, &ends, box);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid < 0)
		return explain_fork(e);
	box->pid = (pid_t)pid;
	return 0;
}

static int
prepare_view(const struct sandbox_spec *spec, struct enter *x, struct err *e)
{
	const struct view_user user = { x->uid, x->gid, x->user_namespace };

	return view_prepare(spec, x->privileged ? &user : NULL, x->counted,
			    &x->view, e);
}

/* Before the fork: all that pid 1 and the plugin's process are to need. */
static int
prepare(struct enter *x, struct sandbox *box, struct seccomp_program *filter,
	struct seccomp_program *own_filter, struct err *e)
{
	struct seccomp_features features;
	struct seccomp_features own = { .net = SECCOMP_NET_NONE, .init = true };

	start_features(x->spec, &features);
	features.counted = x->counted;
	x->landlock_abi = landlock_abi();
	if (choose_ids(x->spec, x, box, e) < 0 ||
	    prepare_view(x->spec, x, e) < 0 || enter_prepare(x, e) < 0 ||
	    seccomp_prepare(&features, filter, e) < 0)
		return -1;
	x->id_locked = box->id_lock >= 0;
	x->net = x->privileged && wants_net(x->spec);
	return seccomp_prepare(&own, own_filter, e);
}

/* 1 where there is no control group after all. */
static int
hand_over_group(const struct enter *x, struct sandbox *box, struct handover *h)
{
	const struct sandbox_spec *s = x->spec;
	struct cgroup_limits limits = { s->memory_bytes, s->processes,
					s->cpu_ms > 0 || s->many_jobs };
	const char *why;

	if (!x->counted)
		return 0;
	box->cgroup = cgroup_new(&limits, &why);
	if (!box->cgroup)
		return 1;
	box->memory_fd = cgroup_memory_event(box->cgroup);
	h->n_groups = cgroup_doors(box->cgroup, h->groups);
	h->cpu = cgroup_cpu_fd(box->cgroup);
	if (s->many_jobs && !s->cpu_ms)
		meter_open(&box->meter, box->cgroup);
	h->deadline = box->meter.deadline;
	return 0;
}

/*
 * While pid 1 comes up: what it waits for once its view stands.  As
 * start_once().
 */
static int
hand_over(const struct enter *x, struct sandbox *box, struct err *e)
{
	_close_ int net = -1;
	struct handover h;
	int rc;

	handover_init(&h);
	if (x->net && (net = handover_make_net(e)) < 0)
		return -1;
	h.net = net;
	rc = hand_over_group(x, box, &h);
	/* one that failed has gone, and its report says why */
	if (rc == 0 && handover_send(&h, box->report_fd) < 0 &&
	    errno != EPIPE && errno != ECONNRESET)
		rc = err_errno(e, "hand over the sandbox's namespaces");
	return rc;
}

/*
 * 0, or -1; 1: it was made for a control group, `counted`, and there is none.
 * Unless 0, nothing is left.
 */
static int
start_once(const struct sandbox_spec *spec, bool counted, struct sandbox *box,
	   struct err *e)
{
	_cleanup_(seccomp_program_release) struct seccomp_program filter;
	_cleanup_(seccomp_program_release) struct seccomp_program own_filter;
	struct enter x = { .spec = spec,
			   .counted = counted,
			   .filter = &filter,
			   .own_filter = &own_filter };
	int rc;

	memset(&filter, 0, sizeof(filter));
	memset(&own_filter, 0, sizeof(own_filter));
	rc = prepare(&x, box, &filter, &own_filter, e);
	if (rc == 0)
		rc = fork_init(&x, box, e);
	if (rc == 0)
		rc = hand_over(&x, box, e);
	view_free(x.view);
	enter_release(&x);
	if (rc != 0)
		sandbox_release(box);
	return rc;
}

/*
 * What a plugin may do depends on whether a control group will hold, which
 * only making it can tell: that comes last, beside pid 1, and where it fails
 * all is made again for a sandbox without.
 */
int
sandbox_start(const struct sandbox_spec *spec, struct sandbox *box,
	      struct err *e)
{
	int rc;

	sandbox_init(box);
	rc = start_once(spec, cgroup_possible(), box, e);
	return rc > 0 ? start_once(spec, false, box, e) : rc;
}
