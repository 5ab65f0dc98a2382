/* The trials of try.h, on this host and where a layer is taken away. */
#include "tap.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "sandbox/try.h"
#include "sandbox/try_parts.h"
#include "worker/program.h"

#define NOBODY 65534
#define SHORT_MS 300

/* --- What comes of a trial that goes wrong -------------------------------- */

static void
crash(struct try_result *r)
{
	(void)r;
	/* not one that a sanitizer takes */
	kill(getpid(), SIGABRT);
}

static int
sit(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

static void
hang(struct try_result *r)
{
	(void)r;
	sit(NULL);
}

/* With a process that it does not wait for. */
static void
leave_behind(struct try_result *r)
{
	if (try_part_start(sit, NULL) > 0)
		try_enforced(r, "started one");
}

static void
leave_and_hang(struct try_result *r)
{
	leave_behind(r);
	sit(NULL);
}

static void
leave_and_crash(struct try_result *r)
{
	leave_behind(r);
	crash(r);
}

static void
say_nothing(struct try_result *r)
{
	try_absent(r, ENOENT, "looked for %s", "it");
}

static int
return_seven(void *arg)
{
	(void)arg;
	return 7;
}

static void
run_parts(struct try_result *r)
{
	int returned = try_part(return_seven, NULL);
	pid_t pid = try_part_start(sit, NULL);

	kill(pid, SIGKILL);
	try_weaker(r, true, "%d, then %d", returned, try_part_end(pid));
	try_hint(r, "none");
}

static const struct {
	const char *title;
	try_fn *fn;
	enum try_state state;
	bool counts;
	const char *detail;
} runs[] = {
	{ "a trial that crashes is an absent layer", crash, TRY_ABSENT, false,
	  "the trial died: killed by signal 6" },
	{ "a trial that hangs is ended, and its layer absent", hang, TRY_ABSENT,
	  false, "did not end within 300 ms" },
	{ "a trial may leave a process behind", leave_behind, TRY_ENFORCED,
	  true, "started one" },
	{ "... and hang", leave_and_hang, TRY_ABSENT, false, "did not end" },
	{ "... or crash", leave_and_crash, TRY_ABSENT, false, "died" },
	{ "an errno is said in words", say_nothing, TRY_ABSENT, false,
	  "looked for it: No such file or directory" },
	{ "a part gives what it returned, or what killed it", run_parts,
	  TRY_WEAKER, true, "7, then 137" },
};

static void
test_runs(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (size_t i = 0; i < TAP_COUNT(runs); i++) {
		struct try_result r = { .layer = LAYER_ROOT };
		int64_t start = clock_mono_ms();

		memset(r.hint, 'x', sizeof(r.hint));
		try_run(runs[i].fn, SHORT_MS, &r);
		ok(r.state == runs[i].state && r.counts == runs[i].counts, "%s",
		   runs[i].title);
		has_str(r.detail, runs[i].detail, "... with its reason");
		ok(r.state == TRY_ENFORCED ? !*r.hint :
					     *r.hint && r.hint[0] != 'x',
		   "... and a hint if there is something to do");
		ok(r.layer == LAYER_ROOT, "... for the layer that was asked");
		ok(clock_mono_ms() - start < 20 * SHORT_MS, "... in time");
		/* orphans come to us as the subreaper */
		while (waitpid(-1, NULL, 0) > 0)
			continue;
		is_int(errno, ECHILD, "... and no process is left");
	}
}

/* --- This host, whole and crippled ---------------------------------------- */

/* Each makes a set of layers absent; false: it can't here. */
static bool
nothing(void)
{
	return true;
}

/* These calls fail with this errno from now on, for all children. */
static bool
forbid(const int *calls, size_t n, int error)
{
	struct sock_filter insns[16] = { BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)) };
	struct sock_fprog prog = { (unsigned short)(2 * n + 2), insns };

	for (size_t i = 0; i < n; i++) {
		insns[1 + 2 * i] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], 0, 1);
		insns[2 + 2 * i] = (struct sock_filter)BPF_STMT(
			BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error);
	}
	insns[1 + 2 * n] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
							SECCOMP_RET_ALLOW);
	if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return false;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0;
}

static bool
without_landlock(void)
{
	return forbid((int[]){ SYS_landlock_create_ruleset }, 1, EOPNOTSUPP);
}

static bool
without_namespaces(void)
{
	return forbid((int[]){ SYS_unshare, SYS_clone3 }, 2, EPERM);
}

static bool
without_filters(void)
{
	return forbid((int[]){ SYS_seccomp }, 1, EINVAL);
}

static bool
without_open_tree(void)
{
	return forbid((int[]){ SYS_open_tree }, 1, ENOSYS);
}

static bool
without_no_new_privs(void)
{
	return forbid((int[]){ SYS_prctl }, 1, EINVAL);
}

/* An outer container's listener, which the kernel allows once. */
static bool
with_listener(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { 1, &allow };

	if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return false;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		       SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog) >= 0;
}

static bool
without_limits(void)
{
	return forbid((int[]){ SYS_prlimit64, SYS_setrlimit }, 2, EPERM);
}

static bool
without_groups(void)
{
	return forbid((int[]){ SYS_mkdir, SYS_mkdirat }, 2, EROFS);
}

static const struct {
	const char *title;
	bool (*cripple)(void);
	unsigned root, user; /* what is absent then, beside what always is */
	const char *detail, *hint; /* of the first of them */
} hosts[] = {
	{ "this host as it is", nothing, 0, 0, "", "" },
	{ "a host without Landlock", without_landlock,
	  LAYER_LANDLOCK | LAYER_LANDLOCK_NET | LAYER_LANDLOCK_SCOPE,
	  LAYER_LANDLOCK | LAYER_LANDLOCK_NET | LAYER_LANDLOCK_SCOPE,
	  "no Landlock: Operation not supported", "lsm=" },
	{ "a host without namespaces", without_namespaces,
	  LAYER_USER_NS | LAYER_NAMESPACES | LAYER_ROOT,
	  LAYER_USER_NS | LAYER_NAMESPACES | LAYER_ROOT | LAYER_CAPABILITIES,
	  "Operation not permitted", "system call filter" },
	{ "a host without filters", without_filters,
	  LAYER_SECCOMP | LAYER_SECCOMP_NOTIFY,
	  LAYER_SECCOMP | LAYER_SECCOMP_NOTIFY, "no system call filter",
	  "filter" },
	{ "a host without detached mounts", without_open_tree, LAYER_ROOT,
	  LAYER_ROOT, "can't bind a folder read-only: Function not implemented",
	  "Linux 5.2" },
	{ "a host that has a listener", with_listener, LAYER_SECCOMP_NOTIFY,
	  LAYER_SECCOMP_NOTIFY, "no listener", "has a listener" },
	{ "a host without limits", without_limits, LAYER_LIMITS, LAYER_LIMITS,
	  "the limit of open files", "setrlimit" },
};

static void
become_nobody(void)
{
	if (geteuid() == 0 &&
	    (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	     setresuid(NOBODY, NOBODY, NOBODY) < 0 ||
	     /* as after a program's start: its /proc is its own */
	     prctl(PR_SET_DUMPABLE, 1) < 0))
		_exit(99);
}

struct findings {
	bool crippled;
	struct try_result layers[TRY_LAYERS];
	struct try_whole whole;
	struct try_fact facts[TRY_MAX_FACTS];
	size_t n_facts;
};

static void
start_shell(struct try_whole *w)
{
	struct sandbox_spec spec;

	sandbox_spec_init(&spec);
	spec.require = 0;
	strv_add(&spec.argv, "/bin/sh");
	strv_add(&spec.argv, "-c");
	strv_add(&spec.argv, ":");
	program_needs("/bin/sh", &spec.exec, &spec.libraries);
	try_whole(&spec, w);
	sandbox_spec_release(&spec);
}

/* All of it, in a child that may be crippled. */
static void
find_all(bool (*cripple)(void), bool user, struct findings *f)
{
	char name[] = "/tmp/test_try.XXXXXX";
	int fd = mkostemp(name, O_CLOEXEC);
	pid_t pid = fork();

	if (pid == 0) {
		if (user)
			become_nobody();
		f->crippled = cripple();
		for (int i = 0; f->crippled && i < TRY_LAYERS; i++)
			try_layer(1u << i, &f->layers[i]);
		if (f->crippled)
			start_shell(&f->whole);
		f->n_facts = try_facts(f->facts);
		_exit(write(fd, f, sizeof(*f)) != sizeof(*f));
	}
	waitpid(pid, NULL, 0);
	memset(f, 0, sizeof(*f));
	if (pread(fd, f, sizeof(*f), 0) != sizeof(*f))
		f->crippled = false;
	close(fd);
	unlink(name);
}

static unsigned
layers_in(const struct findings *f, enum try_state state)
{
	unsigned set = 0;

	for (int i = 0; i < TRY_LAYERS; i++)
		if (f->layers[i].state == state)
			set |= 1u << i;
	return set;
}

static unsigned
counted(const struct findings *f)
{
	unsigned set = 0;

	for (int i = 0; i < TRY_LAYERS; i++)
		set |= f->layers[i].counts ? 1u << i : 0;
	return set;
}

static void
diag_layers(const struct findings *f)
{
	for (int i = 0; i < TRY_LAYERS; i++)
		diag("%s: %s: %s (%s)", layer_name(1u << i),
		     try_state_name(f->layers[i].state), f->layers[i].detail,
		     f->layers[i].hint);
	diag("whole: %d 0x%x %s", f->whole.started, f->whole.layers,
	     f->whole.error);
}

static bool
words_are_whole(const struct findings *f)
{
	for (int i = 0; i < TRY_LAYERS; i++) {
		const struct try_result *r = &f->layers[i];

		if (r->layer != 1u << i || !*r->detail ||
		    strchr(r->detail, '\n') || strchr(r->hint, '\n') ||
		    (r->state == TRY_ENFORCED) != !*r->hint ||
		    (r->state == TRY_ENFORCED && !r->counts) ||
		    (r->state == TRY_ABSENT && r->counts))
			return false;
	}
	return true;
}

static void
test_host(size_t i, bool user, unsigned always)
{
	static struct findings f;
	const char *who = user ? "a user" : "root";
	unsigned want = (user ? hosts[i].user : hosts[i].root) | always;
	unsigned only = want & ~always;
	bool right;

	find_all(hosts[i].cripple, user, &f);
	if (!ok(f.crippled, "%s, for %s", hosts[i].title, who))
		return;
	right = is_int(layers_in(&f, TRY_ABSENT), want,
		       "... lacks just the layers that it has to lack");
	right &= ok(words_are_whole(&f),
		    "... every layer is explained, and a lack has a hint");
	if (only) {
		const struct try_result *r = &f.layers[__builtin_ctz(only)];

		right &= has_str(r->detail, hosts[i].detail,
				 "... says what is lacking");
		right &= has_str(r->hint, hosts[i].hint,
				 "... and what would bring it");
	}
	if (f.whole.started)
		right &= is_int(f.whole.layers, counted(&f),
				"... a whole sandbox has just these layers");
	else
		right &= ok(*f.whole.error && only,
			    "... a whole sandbox says why it can't start");
	if (!right)
		diag_layers(&f);
}

/* What this host lacks by itself, which the cases above add to. */
static unsigned
lacking(bool user)
{
	static struct findings f;

	find_all(nothing, user, &f);
	return layers_in(&f, TRY_ABSENT);
}

static void
test_hosts(bool user)
{
	unsigned always = lacking(user);

	for (size_t i = 0; i < TAP_COUNT(hosts); i++)
		test_host(i, user, always);
}

static void
test_root_alone(void)
{
	static struct findings f;
	struct sysinfo host;

	find_all(nothing, false, &f);
	ok(f.layers[__builtin_ctz(LAYER_USER_ID)].state == TRY_ENFORCED,
	   "root gives each sandbox a user id of its own");
	ok(sysinfo(&host) < 0 || host.totalswap ||
		   try_sysctl("vm.panic_on_oom") == 2 ||
		   f.layers[__builtin_ctz(LAYER_CGROUP)].state != TRY_WEAKER,
	   "without swap, a control group bounds memory or is none");
	ok(f.whole.landlock_abi < 3 ||
		   f.layers[__builtin_ctz(LAYER_LANDLOCK)].state ==
			   TRY_ENFORCED,
	   "Landlock from ABI 3 on is no weaker than it is meant to be");
	ok(f.whole.started && f.whole.entered_us > 0 &&
		   f.whole.gone_us > f.whole.entered_us,
	   "a whole sandbox is timed");
	find_all(without_groups, false, &f);
	ok(f.layers[__builtin_ctz(LAYER_CGROUP)].state == TRY_ABSENT,
	   "where no group can be made, there is none");
	find_all(without_no_new_privs, false, &f);
	ok(f.layers[__builtin_ctz(LAYER_NO_NEW_PRIVS)].state == TRY_ABSENT,
	   "where prctl fails, there is no no_new_privs");
}

static void
test_user_alone(void)
{
	static struct findings f;
	const struct try_result *id = &f.layers[__builtin_ctz(LAYER_USER_ID)];

	find_all(nothing, true, &f);
	ok(id->state == TRY_WEAKER && !id->counts,
	   "a user's sandboxes share the user's id, which is weaker");
	ok(!(f.whole.layers & LAYER_USER_ID),
	   "... and no whole sandbox claims otherwise");
}

/* --- What is left --------------------------------------------------------- */

static int
count_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
test_leftovers(void)
{
	int before = count_descriptors();
	char host[64] = "", after[64] = "";
	struct try_whole w;

	gethostname(host, sizeof(host) - 1);
	for (int i = 0; i < TRY_LAYERS; i++) {
		struct try_result r;

		try_layer(1u << i, &r);
	}
	start_shell(&w);
	gethostname(after, sizeof(after) - 1);
	is_str(after, host, "the host keeps its name");
	is_int(count_descriptors(), before, "no descriptor is left open");
	ok(access("/tmp/from", F_OK) < 0, "no folder is left in /tmp");
	ok(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD,
	   "no process is left");
}

static void
test_facts(void)
{
	struct try_fact facts[TRY_MAX_FACTS];
	size_t n = try_facts(facts);
	bool whole = n > 0;

	for (size_t i = 0; i < n; i++)
		whole &= *facts[i].name && *facts[i].value &&
			 !strchr(facts[i].value, '\n');
	ok(whole, "every fact has a name and a value");
	is_str(facts[0].name, "machine", "the machine comes first");
	has_str(facts[0].value, sizeof(void *) == 8 ? "64-bit" : "32-bit",
		"... with its word size");
	is_int(try_sysctl("kernel.no_such_setting"), -1,
	       "a setting that the kernel lacks is -1");
	ok(try_sysctl("kernel.pid_max") > 0, "a setting is a number");
}

int
main(void)
{
	bool root = geteuid() == 0;

	test_runs();
	test_facts();
	test_leftovers();
	if (root) {
		test_hosts(false);
		test_root_alone();
	} else {
		skip("not root", "what root finds");
	}
	test_hosts(true);
	test_user_alone();
	return tap_done();
}
