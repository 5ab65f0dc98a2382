/*
 * Real programs under the system call filter: they work, and nothing of what
 * they do is refused.
 */
#include "seccomp_run.h"

#include <netinet/in.h>

#define PYTHON "/usr/bin/python3"
#define PRELUDE "set -e; export LC_ALL=C; "

static const struct seccomp_features none,
	trace = { .trace = true }, host = { .net = SECCOMP_NET_HOST },
	tcp = { .net = SECCOMP_NET_TCP }, local = { .unix_sockets = true };

static const struct {
	const char *title;
	const struct seccomp_features *f;
	const char *argv[6];
	const char *want; /* on standard output */
} programs[] = {
	{ "Python imports what pulls in the most",
	  &none,
	  { PYTHON, "-I", "-c",
	    "import asyncio, ctypes, hashlib, json, multiprocessing, select,"
	    "sqlite3, ssl, subprocess, tempfile, threading, uuid, zlib\n"
	    "print('ok')" },
	  "ok\n" },
	{ "Python's threads, subprocesses and pipes",
	  &none,
	  { PYTHON, "-I", "-c",
	    "import subprocess, threading, os, queue\n"
	    "q = queue.Queue()\n"
	    "ts = [threading.Thread(target=q.put, args=(i,))\n"
	    "      for i in range(8)]\n"
	    "[t.start() for t in ts]; [t.join() for t in ts]\n"
	    "print(sorted(q.queue), flush=True)\n"
	    "subprocess.run(['/bin/echo', 'a'], check=True)\n"
	    "print(subprocess.check_output('echo b | cat; echo c', shell=True,"
	    "      preexec_fn=os.setsid, close_fds=True))\n"
	    "pid = os.posix_spawn('/bin/true', ['true'], {})\n"
	    "print(os.waitpid(pid, 0)[1], os.system('exit 3') >> 8)\n" },
	  "[0, 1, 2, 3, 4, 5, 6, 7]\na\nb'b\\nc\\n'\n0 3\n" },
	{ "Python's event loop with subprocesses and a thread pool",
	  &none,
	  { PYTHON, "-I", "-c",
	    "import asyncio\n"
	    "async def main():\n"
	    "    p = await asyncio.create_subprocess_exec('/bin/echo', 'x',\n"
	    "        stdout=asyncio.subprocess.PIPE)\n"
	    "    print((await p.communicate())[0],\n"
	    "          await asyncio.to_thread(sum, [1, 2]))\n"
	    "asyncio.run(main())\n" },
	  "b'x\\n' 3\n" },
	{ "Python's multiprocessing",
	  &none,
	  { PYTHON, "-I", "-c",
	    "import multiprocessing as m\n"
	    "q = m.SimpleQueue()\n"
	    "p = m.Process(target=q.put, args=('child',))\n"
	    "p.start(); print(q.get()); p.join(); print(p.exitcode)\n" },
	  "child\n0\n" },
	{ "Python's sockets in loopback, with select and TLS",
	  &local,
	  { PYTHON, "-I", "-c",
	    "import socket, selectors, ssl\n"
	    "a = socket.create_server(('127.0.0.1', 0))\n"
	    "b = socket.create_connection(a.getsockname())\n"
	    "c, _ = a.accept()\n"
	    "b.sendall(b'x'); print(c.recv(1))\n"
	    "u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
	    "u.bind(('127.0.0.1', 0)); u.sendto(b'y', u.getsockname())\n"
	    "s = selectors.DefaultSelector()\n"
	    "s.register(u, selectors.EVENT_READ)\n"
	    "print(len(s.select(5)), u.recv(1))\n"
	    "ssl.create_default_context()\n" },
	  "b'x'\n1 b'y'\n" },
	{ "Python reads, writes and maps files",
	  &none,
	  { PYTHON, "-I", "-c",
	    "import os, mmap, shutil, tempfile, fcntl, glob\n"
	    "d = tempfile.mkdtemp()\n"
	    "open(d + '/a', 'wb').write(b'x' * 4096)\n"
	    "shutil.copy2(d + '/a', d + '/b'); os.rename(d + '/b', d + '/c')\n"
	    "f = open(d + '/c', 'r+b'); fcntl.lockf(f, fcntl.LOCK_EX)\n"
	    "m = mmap.mmap(f.fileno(), 0); m[0:1] = b'y'; m.close()\n"
	    "os.symlink('c', d + '/l'); os.link(d + '/c', d + '/h')\n"
	    "os.chmod(d + '/c', 0o600); os.utime(d + '/c'); os.sync()\n"
	    "os.fsync(f.fileno()); os.statvfs(d); os.mkfifo(d + '/f')\n"
	    "print(len(glob.glob(d + '/*')), open(d + '/l').read(2))\n"
	    "shutil.rmtree(d)\n" },
	  "5 yx\n" },
	{ "a program under tracing is asked for its paths and runs",
	  &trace,
	  { PYTHON, "-I", "-c",
	    "import subprocess\n"
	    "print(subprocess.check_output(['/bin/ls', '/dev/null']))" },
	  "b'/dev/null\\n'\n" },
	{ "pipelines, traps and here-documents of sh",
	  &none,
	  { "/bin/sh", "-c",
	    PRELUDE "trap 'echo bye' EXIT; seq 5 | sort -rn | head -n 2 | tr "
		    "'\\n' ' '; cat <<X\n$(echo 1; (echo 2) & wait)\nX\n"
		    "sleep 0; kill -0 $$; ulimit -n >/dev/null; umask 077" },
	  "5 4 1\n2\nbye\n" },
	{ "process substitution and job control of bash",
	  &none,
	  { "/bin/bash", "-c",
	    PRELUDE "set -m; paste <(echo a) <(echo b); sleep 60 & kill %1; "
		    "wait %1 2>/dev/null || echo $?; coproc cat; "
		    "echo c >&${COPROC[1]}; read -r x <&${COPROC[0]}; "
		    "echo $x; kill $COPROC_PID" },
	  "a\tb\n143\nc\n" },
	{ "awk, find, grep, sed, xargs, date and stat",
	  &none,
	  { "/bin/sh", "-c",
	    PRELUDE "echo 1 2 | awk '{ print $1 + $2; \"echo x\" | getline y; "
		    "print y }'; find /usr/bin/env -type f -o -type l | sed "
		    "s/env/ENV/ | grep -c ENV; echo a b | xargs -n 1 -P 2 "
		    "echo | sort; date >/dev/null; stat -c %F /dev/null; "
		    "df / >/dev/null; timeout 5 nice -n 5 env echo z" },
	  "3\nx\n1\na\nb\ncharacter special file\nz\n" },
	{ "perl with processes, pipes, signals and sockets",
	  &none,
	  { "/usr/bin/perl", "-e",
	    "$| = 1; use Socket; use Time::HiRes 'alarm';"
	    "open my $p, '-|', 'echo', 'piped' or die; print <$p>; close $p;"
	    "my $pid = fork; exit 7 if !$pid; waitpid $pid, 0;"
	    "print $? >> 8, qq(\\n); $SIG{ALRM} = sub { print qq(alarm\\n) };"
	    "alarm 0.01; select undef, undef, undef, 5;"
	    "socketpair A, B, AF_UNIX, SOCK_STREAM, 0 or die;"
	    "syswrite A, 'x'; sysread B, my $x, 1; print qq($x\\n)" },
	  "piped\n7\nalarm\nx\n" },
	{ "openssl's digests, keys and random numbers",
	  &none,
	  { "/bin/sh", "-c",
	    PRELUDE "printf x | openssl dgst -sha256 -r | cut -c 1-8; "
		    "openssl rand -hex 4 | wc -c; openssl genpkey -algorithm "
		    "ed25519 | head -n 1" },
	  "2d711642\n9\n-----BEGIN PRIVATE KEY-----\n" },
	{ "curl with a file",
	  &none,
	  { "/usr/bin/curl", "-sS", "file:///proc/sys/kernel/ostype" },
	  "Linux\n" },
	{ "curl that nobody listens to, with TCP granted",
	  &tcp,
	  { "/bin/sh", "-c", "curl -s http://127.0.0.1:1/ || echo $?" },
	  "7\n" },
	{ "curl that nobody listens to, with the host's network",
	  &host,
	  { "/bin/sh", "-c", "curl -s http://localhost:1/ || echo $?" },
	  "7\n" },
	{ "Python looks up names and interfaces in the host's network",
	  &host,
	  { PYTHON, "-I", "-c",
	    "import socket, pwd, os\n"
	    "socket.getaddrinfo('localhost', 80); pwd.getpwuid(0)\n"
	    "print('lo' in [n for _, n in socket.if_nameindex()])\n" },
	  "True\n" },
};

static void
start_program(const void *context)
{
	const char *const *argv = context;

	execv(argv[0], (char *const *)(uintptr_t)argv);
}

static bool
is_installed(const char *const *argv)
{
	bool curl = strstr(argv[0], "curl") ||
		    (argv[2] && strstr(argv[2], "curl "));

	return !curl || access("/usr/bin/curl", X_OK) == 0;
}

static void
test_program(size_t i, enum mode mode)
{
	const char *told = mode == NOTIFY ? "" : ", without a listener";
	char text[4096];
	int status;

	if (!is_installed(programs[i].argv)) {
		skip("curl is not installed", "%s", programs[i].title);
		return;
	}
	status = run_child(programs[i].f, mode, start_program, programs[i].argv,
			   text, sizeof(text));
	is_str(text, programs[i].want, "%s%s", programs[i].title, told);
	is_int(status, 0, "... and ends well");
	if (mode == NOTIFY &&
	    !is_int(shared->refused, 0, "... and nothing of it is refused"))
		diag("%s was refused", seccomp_name(shared->last_refused));
}

int
main(void)
{
	start();
	for (size_t i = 0; i < TAP_COUNT(programs); i++) {
		test_program(i, PLAIN);
		if (have_listener)
			test_program(i, NOTIFY);
		else
			skip(NO_LISTENER, "%s", programs[i].title);
	}
	return tap_done();
}
