/* What a program of the agent's own can do once it has confined itself. */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "model/layer.h"
#include "sandbox/confine.h"
#include "tap.h"

#define KILLED (128 + SIGSYS)
#define ANY (-2) /* fails, with whatever errno */
/* Of address space; a sanitizer's shadow takes terabytes of it. */
#ifdef __SANITIZE_ADDRESS__
#define MEMORY_MAX 0
#else
#define MEMORY_MAX (256 << 20)
#endif

static char folder[] = "/tmp/t-confine-XXXXXX";
static char shown[64], hidden[64];
static int listener = -1; /* made before */
static const char *readable[] = { shown, "/nonexistent/x", NULL };
static pid_t parent;
static bool drop_first; /* of capabilities */

/* An attempt: 0 it worked, or the errno. */
static int
as_errno(long rc)
{
	return rc < 0 ? errno : 0;
}

static int
open_shown(void)
{
	char text[8] = "";
	int fd = open(shown, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? errno : read(fd, text, sizeof(text)) == 3 ? 0 : EIO;
}

static int
open_hidden(void)
{
	return as_errno(open(hidden, O_RDONLY | O_CLOEXEC));
}

static int
open_passwd(void)
{
	return as_errno(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int
open_proc(void)
{
	return as_errno(open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
}

static int
open_to_write(void)
{
	return as_errno(open(shown, O_WRONLY | O_CLOEXEC));
}

static int
make_file(void)
{
	return as_errno(open("/x", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int
make_nameless(void)
{
	return as_errno(open("/", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
}

static int
stat_passwd(void)
{
	struct stat st;

	return as_errno(stat("/etc/passwd", &st));
}

static int
list_root(void)
{
	return as_errno(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int
unlink_shown(void)
{
	return as_errno(unlink(shown));
}

static int
execute(void)
{
	char name[] = "true", *const argv[] = { name, NULL };

	return as_errno(execve("/bin/true", argv, NULL));
}

static int
execute_fd(void)
{
	char name[] = "true", *const argv[] = { name, NULL };

	return as_errno(
		syscall(SYS_execveat, listener, "", argv, NULL, AT_EMPTY_PATH));
}

static int
fork_one(void)
{
	return as_errno(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static int
trace(void)
{
	return as_errno(ptrace(PTRACE_ATTACH, parent, NULL, NULL));
}

static int
read_other(void)
{
	char text[8];
	struct iovec mine = { text, sizeof(text) }, its = { folder, 8 };

	return as_errno(process_vm_readv(parent, &mine, 1, &its, 1, 0));
}

static int
kill_other(void)
{
	return as_errno(kill(parent, 0));
}

static int
tgkill_other(void)
{
	return as_errno(syscall(SYS_tgkill, parent, parent, 0));
}

static int
tgkill_self(void)
{
	return as_errno(syscall(SYS_tgkill, getpid(), getpid(), 0));
}

static int
write_and_execute(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ?
		       errno :
		       0;
}

static int
make_executable(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ?
		       EIO :
		       as_errno(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int
tcp_socket(void)
{
	return as_errno(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int
unix_socket(void)
{
	return as_errno(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int
raw_socket(void)
{
	return as_errno(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
}

static int
packet_socket(void)
{
	return as_errno(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int
netlink_socket(void)
{
	return as_errno(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int
vsock_socket(void)
{
	return as_errno(socket(40, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int
tcp_connect(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || getsockname(listener, (struct sockaddr *)&a, &len) < 0)
		return errno;
	return as_errno(connect(fd, (struct sockaddr *)&a, len));
}

/* What came in before by a socket of before. */
static int
accept_one(void)
{
	return as_errno(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
}

static int
listen_anew(void)
{
	return as_errno(listen(listener, 5));
}

static int
raise_limit(void)
{
	struct rlimit l = { 4096, 4096 };

	return as_errno(setrlimit(RLIMIT_NOFILE, &l));
}

static int
many_files(void)
{
	for (int i = 0; i < 40; i++)
		if (fcntl(0, F_DUPFD_CLOEXEC, 0) < 0)
			return errno;
	return 0;
}

static int
new_namespace(void)
{
	return as_errno(unshare(CLONE_NEWUSER));
}

static int
mount_something(void)
{
	return as_errno(syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL));
}

static int
become_root(void)
{
	return as_errno(setuid(0));
}

static int
be_dumpable(void)
{
	return as_errno(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int
make_keys(void)
{
	return as_errno(syscall(SYS_add_key, "user", "x", "y", 1, -3));
}

static int
load_program(void)
{
	return as_errno(syscall(SYS_bpf, 0, NULL, 0));
}

static int
rings(void)
{
	return as_errno(syscall(425, 1, NULL));
}

static int
from_the_future(void)
{
	return as_errno(syscall(1000));
}

static int
control_a_terminal(void)
{
	char c = 'x';

	return as_errno(syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, &c));
}

static void *
touch(void *arg)
{
	*(int *)arg = 7;
	return NULL;
}

static int
start_thread(void)
{
	pthread_t t;
	int seen = 0;
	int rc = pthread_create(&t, NULL, touch, &seen);

	return rc ? rc : pthread_join(t, NULL) || seen != 7 ? EIO : 0;
}

static int
allocate(void)
{
	char *p = malloc(8 << 20);

	if (!p)
		return ENOMEM;
	memset(p, 1, 8 << 20);
	free(p);
	return 0;
}

#if MEMORY_MAX
static int
allocate_all(void)
{
	void *volatile p = malloc(1UL << 30); /* not to be optimised away */
	bool got = p;

	free(p);
	return got ? 0 : ENOMEM;
}
#endif

static int
wait_a_moment(void)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };

	return as_errno(poll(&p, 1, 1));
}

/* What comes of it, by what may: -1 where the list has no say. */
static const struct {
	const char *title;
	int (*try)(void);
	int api, forward;
} cases[] = {
	{ "read a file that was named", open_shown, EACCES, 0 },
	{ "read one beside it", open_hidden, EACCES, ANY },
	{ "read /etc/passwd", open_passwd, EACCES, ANY },
	{ "read /proc", open_proc, EACCES, ANY },
	{ "write to a file that was named", open_to_write, EACCES, EACCES },
	{ "make a file", make_file, EACCES, EACCES },
	{ "make a nameless one", make_nameless, EACCES, EACCES },
	{ "look at /etc/passwd", stat_passwd, EACCES, ANY },
	{ "remove a file", unlink_shown, EPERM, EPERM },
	{ "list the root", list_root, EACCES, ANY },
	{ "execute a program", execute, KILLED, KILLED },
	{ "execute a descriptor", execute_fd, KILLED, KILLED },
	{ "make a process", fork_one, EPERM, EPERM },
	{ "trace another process", trace, KILLED, KILLED },
	{ "read another's memory", read_other, KILLED, KILLED },
	{ "signal another process", kill_other, EPERM, EPERM },
	{ "signal a thread of another", tgkill_other, EPERM, EPERM },
	{ "signal itself", tgkill_self, 0, 0 },
	{ "map memory to write and execute", write_and_execute, EACCES,
	  EACCES },
	{ "make memory executable", make_executable, EACCES, EACCES },
	{ "make a TCP socket", tcp_socket, EACCES, 0 },
	{ "connect", tcp_connect, EACCES, 0 },
	{ "make a UNIX socket", unix_socket, EACCES, EACCES },
	{ "make a raw socket", raw_socket, EACCES, EACCES },
	{ "make a packet socket", packet_socket, EACCES, EACCES },
	{ "make a netlink socket", netlink_socket, EACCES, EACCES },
	{ "make a socket of virtual machines", vsock_socket, EACCES, EACCES },
	{ "accept on a socket that it has", accept_one, 0, EPERM },
	{ "listen anew", listen_anew, EPERM, EPERM },
	{ "raise a limit", raise_limit, EPERM, EPERM },
	{ "have more files open than it said", many_files, EMFILE, EMFILE },
	{ "make a namespace", new_namespace, KILLED, KILLED },
	{ "mount something", mount_something, KILLED, KILLED },
	{ "become root", become_root, KILLED, KILLED },
	{ "become dumpable", be_dumpable, EINVAL, EINVAL },
	{ "keep a key in the kernel", make_keys, KILLED, KILLED },
	{ "load a program into the kernel", load_program, KILLED, KILLED },
	{ "make an io_uring", rings, KILLED, KILLED },
	{ "type into a terminal", control_a_terminal, ENOTTY, ENOTTY },
	{ "do what is newer", from_the_future, ENOSYS, ENOSYS },
	{ "start a thread", start_thread, 0, 0 },
	{ "allocate memory", allocate, 0, 0 },
#if MEMORY_MAX
	{ "allocate more than it said", allocate_all, ENOMEM, ENOMEM },
#endif
	{ "wait", wait_a_moment, 0, 0 },
};

/* As the agent does where root started it and it has no account. */
static void
drop_capabilities(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
						 0 };
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	if (syscall(SYS_capset, &head, none) < 0)
		_exit(97);
}

static void
confine(enum confine_list list, unsigned *layers)
{
	struct err e = ERR_INIT;

	if (drop_first)
		drop_capabilities();
	if (confine_self(&(struct confine){ .list = list,
					    .readable = list == CONFINE_API ?
								NULL :
								readable,
					    .network = list == CONFINE_FORWARD,
					    .files = 32,
					    .memory_bytes = MEMORY_MAX },
			 layers, &e) == 0)
		return;
	fprintf(stderr, "# %s\n", e.msg);
	_exit(99);
}

static int
result_of(enum confine_list list, int (*try)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		unsigned layers;

		confine(list, &layers);
		_exit(try());
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

static void
check(const char *who, enum confine_list list, const char *title,
      int (*try)(void), int want)
{
	int got = result_of(list, try);

	if (want == ANY)
		ok(got > 0 && got < 99, "%s can't %s (%s)", who, title,
		   strerror(got));
	else
		is_int(got, want, "%s %s %s", who, want ? "can't" : "can",
		       title);
}

static unsigned
layers_of(enum confine_list list)
{
	unsigned layers = 0;
	int pair[2], status;
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return 0;
	pid = fork();
	if (pid == 0) {
		confine(list, &layers);
		_exit(write(pair[1], &layers, sizeof(layers)) < 0);
	}
	close(pair[1]);
	if (read(pair[0], &layers, sizeof(layers)) != sizeof(layers))
		layers = 0;
	close(pair[0]);
	waitpid(pid, &status, 0);
	return layers;
}

/*
 * User id 0 without capabilities can't have a root of its own with files in
 * it, and Landlock does not hide that a file is there.
 */
static int
wanted(size_t i)
{
	return drop_first && cases[i].try == stat_passwd ? 0 : cases[i].forward;
}

static void
test_layers(const char *who, enum confine_list list)
{
	unsigned want = LAYER_NO_NEW_PRIVS | LAYER_CAPABILITIES |
			LAYER_SECCOMP | LAYER_LIMITS;
	unsigned layers = layers_of(list);
	char text[256];

	is_int(layers & want, want, "%s: %s", who,
	       confine_layers(layers, text, sizeof(text)));
}

static void
connect_to_listener(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);
	int fd;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&a, len) < 0 ||
	    listen(listener, 128) < 0 ||
	    getsockname(listener, (struct sockaddr *)&a, &len) < 0)
		_exit(98);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&a, len) < 0)
		_exit(98);
}

static void
make_files(void)
{
	struct err e = ERR_INIT;

	if (!mkdtemp(folder) || chmod(folder, 0755) < 0)
		_exit(98);
	snprintf(shown, sizeof(shown), "%s/shown", folder);
	snprintf(hidden, sizeof(hidden), "%s/hidden", folder);
	if (file_replace(shown, "abc", 3, 0644, &e) < 0 ||
	    file_replace(hidden, "abc", 3, 0644, &e) < 0)
		_exit(98);
	/* who is to remove it at the end */
	if (geteuid() == 0 && chown(folder, 61234, 61234) < 0)
		_exit(98);
}

static void
remove_files(void)
{
	unlink(shown);
	unlink(hidden);
	rmdir(folder);
}

/* Root and an ordinary user are confined by different ways of the kernel. */
static void
test_as(const char *who)
{
	char name[64];

	parent = getppid();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(name, sizeof(name), "%s: the api", who);
		check(name, CONFINE_API, cases[i].title, cases[i].try,
		      cases[i].api);
		snprintf(name, sizeof(name), "%s: the forwarder", who);
		check(name, CONFINE_FORWARD, cases[i].title, cases[i].try,
		      wanted(i));
	}
	test_layers(who, CONFINE_API);
	test_layers(who, CONFINE_FORWARD);
}

int
main(void)
{
	make_files();
	connect_to_listener();
	test_as(geteuid() == 0 ? "root" : "user");
	if (geteuid() == 0) {
		drop_first = true;
		test_as("root without capabilities");
		drop_first = false;
	}
	if (geteuid() == 0 && setresgid(61234, 61234, 61234) == 0 &&
	    setresuid(61234, 61234, 61234) == 0) {
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
		test_as("uid 61234");
	}
	remove_files();
	return tap_done();
}
