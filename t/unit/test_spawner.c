/* worker/spawner: sandboxes by the privileged half, and either half's death. */
#include "worker_cases.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <sys/file.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <dirent.h>
#include <grp.h>

#include "worker/spawner.h"
#include "worker/spawner_wire.h"

#define MANY 50
#define CYCLES 1000
/* The sanitizer searches the whole of every process that ends for leaks. */
#ifdef __SANITIZE_ADDRESS__
#define ONE_SECOND_MS 4000
#else
#define ONE_SECOND_MS 1000
#endif

#define USER 61234

static int lost;

static void
on_lost(void *arg)
{
	(void)arg;
	lost++;
}

/* --- What a process holds ----------------------------------------------------
 */

static int
count_entries(const char *folder, const char *prefix)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)))
		n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
	if (d)
		closedir(d);
	return n;
}

static int
count_fds(pid_t pid)
{
	_free_ char *path = xasprintf("/proc/%d/fd", (int)pid);

	return count_entries(path, "");
}

/* User ids that are locked just now, by anybody on this host. */
static int
count_locks(void)
{
	struct stat st;
	FILE *f = fopen("/proc/locks", "r");
	char line[256], inode[32];
	int n = 0;

	if (stat("/run/devops_agent/ids.lock", &st) < 0)
		st.st_ino = 0;
	snprintf(inode, sizeof(inode), ":%lu ", (unsigned long)st.st_ino);
	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, inode) != NULL;
	if (f)
		fclose(f);
	return n;
}

/* Control groups that this spawner has made, in any hierarchy. */
static int
count_groups(pid_t spawner)
{
	_free_ char *command = xasprintf(
		"find /sys/fs/cgroup -type d -name 'devops_agent-%d-*' | wc -l",
		(int)spawner);
	FILE *p = popen(command, "r");
	int n = -1;

	if (!p || fscanf(p, "%d", &n) != 1)
		n = -1;
	if (p)
		pclose(p);
	return n;
}

/* --- Many workers
 * ------------------------------------------------------------- */

struct crowd {
	struct bench *bench;
	struct worker *workers[MANY];
	pid_t pids[MANY];
	int idle, gone, faults;
};

static void
crowd_idle(void *arg, struct worker *w)
{
	(void)w;
	((struct crowd *)arg)->idle++;
}

static void
crowd_gone(void *arg, struct worker *w, const struct err *why)
{
	struct crowd *c = arg;

	c->gone++;
	c->faults += why->kind != ERR_NONE;
	for (int i = 0; i < MANY; i++)
		if (c->workers[i] == w)
			c->workers[i] = NULL;
	worker_free(w);
}

static const struct worker_handlers crowd_handlers = { .idle = crowd_idle,
						       .gone = crowd_gone };

static void
crowd_start(struct crowd *c, int n)
{
	for (int i = 0; i < n; i++) {
		c->workers[i] =
			worker_new(c->bench->loop, c->bench->starter,
				   c->bench->launch, &crowd_handlers, c);
		worker_start(c->workers[i]);
	}
}

/* One that only waits for the host's init to reap it does not live. */
static bool
is_alive(pid_t pid)
{
	char path[64], state = 'Z';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 'Z';
	fclose(f);
	return state != 'Z' && state != 'X';
}

static int
crowd_alive(const struct crowd *c)
{
	int n = 0;

	for (int i = 0; i < MANY; i++)
		n += c->pids[i] && is_alive(c->pids[i]);
	return n;
}

/* How long until none is left, in ms; -1: they stay. */
static int64_t
crowd_dies(const struct crowd *c)
{
	int64_t start = clock_mono_ms();

	while (crowd_alive(c)) {
		if (clock_mono_ms() > start + 10000)
			return -1;
		poll(NULL, 0, 5);
	}
	return clock_mono_ms() - start;
}

static const char waits[] = "ready()\nserve()";

/* A launch of the script, by a worker that is ended again. */
static void
crowd_open(struct crowd *c, struct bench *b, struct loop *l, struct starter *s)
{
	memset(c, 0, sizeof(*c));
	c->bench = b;
	bench_open(b, l, s);
	bench_start(b, waits, false);
	WAIT_FOR(b, b->idle == 1);
	worker_end(b->worker);
	WAIT_FOR(b, b->gone);
}

/* --- Cases
 * --------------------------------------------------------------------- */

static struct spawner
fork_it(int keep_fd)
{
	struct spawner s = { -1, -1 };
	struct err e = ERR_INIT;

	if (spawner_fork(&s, keep_fd, &e) < 0) {
		diag("%s", e.msg);
		abort();
	}
	return s;
}

static void
holds_nothing(void)
{
	int keep = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int secret = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	struct spawner s = fork_it(keep);
	struct loop *l = loop_new();
	struct starter *st = starter_spawner(l, &s, on_lost, NULL);
	struct err e = ERR_INIT;
	struct crowd c;
	struct bench b;
	int before;

	crowd_open(&c, &b, l, st);
	/* streams, channel, what is kept, epoll */
	before = count_fds(s.pid);
	/* nobody but root may look into it, who also sees . and .. */
	is_int(before, geteuid() ? 0 : 6 + 2,
	       "the spawner holds six descriptors");
	kill(s.pid, SIGTERM);
	kill(s.pid, SIGINT);
	bench_start(&b, waits, false);
	ok(WAIT_FOR(&b, b.idle == 1), "SIGTERM is the master's business");
	worker_end(b.worker);
	WAIT_FOR(&b, b.gone);
	is_int(count_fds(s.pid), before, "nothing stays of a worker");
	bench_close(&b);
	starter_free(st);
	is_int(spawner_release(&s, 5000, &e), 0, "it ends with its channel");
	loop_free(l);
	close(keep);
	close(secret);
}

static bool
can_lock(const char *path)
{
	_close_ int fd = open(path, O_RDWR | O_CLOEXEC);

	return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static void
keeps_a_lock(void)
{
	char path[] = "/tmp/spawner-lock-XXXXXX";
	int fd = mkstemp(path);
	struct spawner s = fork_it(-1);
	struct err e = ERR_INIT;

	flock(fd, LOCK_EX);
	is_int(spawner_keep(&s, fd, &e), 0, "it is given a lock");
	close(fd);
	ok(!can_lock(path), "... which holds without the master's descriptor");
	is_int(spawner_release(&s, 5000, &e), 0, "... until it ends");
	ok(can_lock(path), "... and no longer");
	unlink(path);
}

static void
cycles(int n)
{
	struct spawner s = fork_it(-1);
	struct loop *l = loop_new();
	struct starter *st = starter_spawner(l, &s, on_lost, NULL);
	struct err e = ERR_INIT;
	struct crowd c;
	struct bench b;
	int ours, theirs;

	crowd_open(&c, &b, l, st);
	ours = count_fds(getpid());
	theirs = count_fds(s.pid);
	for (int i = 0; i < n; i += 10) {
		c.gone = 0;
		crowd_start(&c, 10);
		for (int k = 0; k < 10; k++)
			worker_kill(c.workers[k]);
		if (!WAIT_FOR(&b, c.gone == 10))
			break;
	}
	is_int(c.gone, 10, "%d workers come and go", n);
	is_int(count_fds(getpid()), ours,
	       "the master's descriptors are those "
	       "of before");
	is_int(count_fds(s.pid), theirs, "and so are the spawner's");
	/* other tests run beside this one: theirs are few */
	ok(count_locks() < n / 2, "no user id stays locked");
	is_int(count_groups(s.pid), 0, "no control group is left");
	bench_close(&b);
	starter_free(st);
	spawner_release(&s, 5000, &e);
	loop_free(l);
}

static void
spawner_dies(void)
{
	struct spawner s = fork_it(-1);
	struct loop *l = loop_new();
	struct starter *st = starter_spawner(l, &s, on_lost, NULL);
	struct err e = ERR_INIT;
	struct crowd c;
	struct bench b;
	int64_t ms;

	crowd_open(&c, &b, l, st);
	crowd_start(&c, MANY);
	ok(WAIT_FOR(&b, c.idle == MANY), "%d workers are idle", MANY);
	for (int i = 0; i < MANY; i++)
		c.pids[i] = worker_pid(c.workers[i]);
	is_int(crowd_alive(&c), MANY, "they are processes");
	lost = 0;
	kill(s.pid, SIGKILL);
	ms = crowd_dies(&c);
	ok(ms >= 0 && ms < 1000,
	   "no process is left 1 s after the spawner was killed");
	diag("took %d ms", (int)ms);
	ok(WAIT_FOR(&b, lost == 1), "the master is told");
	ok(WAIT_FOR(&b, c.gone == MANY), "every worker is gone");
	is_int(c.faults, MANY, "for which nobody asked");
	bench_start(&b, waits, false);
	ok(WAIT_FOR(&b, b.gone), "none can be started any more");
	is_int(b.why.kind, ERR_AGENT, "which is the host's fault");
	bench_close(&b);
	starter_free(st);
	spawner_release(&s, 5000, &e);
	loop_free(l);
}

/* The master's part in a process that can be killed; it tells the pids. */
static _Noreturn void
be_master(int out)
{
	struct spawner s = fork_it(-1);
	struct loop *l = loop_new();
	struct starter *st = starter_spawner(l, &s, on_lost, NULL);
	struct crowd c;
	struct bench b;

	crowd_open(&c, &b, l, st);
	crowd_start(&c, MANY - 1);
	WAIT_FOR(&b, c.idle == MANY - 1);
	for (int i = 0; i < MANY - 1; i++)
		c.pids[i] = worker_pid(c.workers[i]);
	c.pids[MANY - 1] = s.pid;
	if (write(out, c.pids, sizeof(c.pids)) != sizeof(c.pids) ||
	    write(out, b.folder, sizeof(b.folder)) != sizeof(b.folder))
		_exit(1);
	loop_run(l);
	_exit(0);
}

static void
master_dies(void)
{
	_free_ char *command = NULL;
	char folder[64] = "";
	struct crowd c = { .idle = 0 };
	int ends[2];
	int64_t ms;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		abort();
	pid = fork();
	if (pid == 0)
		be_master(ends[1]);
	close(ends[1]);
	ok(read(ends[0], c.pids, sizeof(c.pids)) == sizeof(c.pids) &&
		   read(ends[0], folder, sizeof(folder)) == sizeof(folder),
	   "a master has a spawner and %d workers", MANY - 1);
	is_int(crowd_alive(&c), MANY, "all are processes");
	kill(pid, SIGKILL);
	ms = crowd_dies(&c);
	ok(ms >= 0 && ms < ONE_SECOND_MS,
	   "no process is left 1 s after the master was killed");
	diag("took %d ms", (int)ms);
	is_int(count_groups(c.pids[MANY - 1]), 0, "nor a control group");
	waitpid(pid, NULL, 0);
	close(ends[0]);
	command = xasprintf("rm -rf '%s'", folder);
	if (*folder && system(command) != 0)
		diag("%s failed", command);
}

/* Whatever is malformed ends it. */
static void
malformed(void)
{
	static const struct {
		const char *title;
		struct spawner_request request;
		size_t len;
		int fds;
	} cases[] = {
		{ "a request that is too short", { 0 }, 8, 0 },
		{ "a request of no known type",
		  { .type = 99 },
		  sizeof(struct spawner_request),
		  0 },
		{ "a start of an unknown spec",
		  { .type = SPAWNER_START, .spec = 7, .id = 1 },
		  sizeof(struct spawner_request),
		  0 },
		{ "a spec without its file",
		  { .type = SPAWNER_SPEC },
		  sizeof(struct spawner_request),
		  0 },
		{ "a spec in a file without seals",
		  { .type = SPAWNER_SPEC },
		  sizeof(struct spawner_request),
		  1 },
		{ "a descriptor that nobody wants",
		  { .type = SPAWNER_KILL },
		  sizeof(struct spawner_request),
		  1 },
		{ "forgetting what is unknown",
		  { .type = SPAWNER_FORGET },
		  sizeof(struct spawner_request),
		  0 },
		{ "a word where none belongs",
		  { .type = SPAWNER_KILL, .zero = 1 },
		  sizeof(struct spawner_request),
		  0 },
	};

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		struct spawner s = fork_it(-1);
		int file = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
		int status = 0;

		spawner_send(s.fd, &cases[i].request, cases[i].len, &file,
			     (size_t)cases[i].fds);
		waitpid(s.pid, &status, 0);
		ok(WIFEXITED(status) && WEXITSTATUS(status) == 125,
		   "%s ends the spawner", cases[i].title);
		close(s.fd);
		close(file);
	}
}

static void
all(int n)
{
	struct spawner s = fork_it(-1);
	struct loop *l = loop_new();
	struct starter *st = starter_spawner(l, &s, on_lost, NULL);
	struct err e = ERR_INIT;

	holds_nothing();
	keeps_a_lock();
	worker_cases(l, st);
	cycles(n);
	spawner_dies();
	master_dies();
	malformed();
	starter_free(st);
	is_int(spawner_release(&s, 5000, &e), 0, "the spawner ends");
	loop_free(l);
}

/* The same once more by somebody who has no privileges. */
static void
as_user(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 1);
		if (setgroups(0, NULL) < 0 || setresgid(USER, USER, USER) < 0 ||
		    setresuid(USER, USER, USER) < 0)
			_exit(99);
		prctl(PR_SET_DUMPABLE, 1);
		tap_failed_count = 0;
		all(50);
		_exit(tap_failed_count > 90 ? 90 : tap_failed_count);
	}
	waitpid(pid, &status, 0);
	is_int(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0,
	       "all of it holds for an ordinary user");
}

int
main(int argc, char **argv)
{
	sandbox_set_arguments(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	all(CYCLES);
	if (geteuid() == 0)
		as_user();
	return tap_done();
}
