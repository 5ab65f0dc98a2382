#!/bin/bash
# Other processes, signals, terminals, and what is left when a job ends.
export TMPDIR=/var/tmp
. "$(dirname "$0")/lib/tap.sh"
. "$ROOT/t/hostile/lib.sh"

# A process of the host's that nobody may end; the user may, from outside.
sleep 300 &
VICTIM=$!
at_exit "kill $VICTIM"
if is_root; then
	"${USER_PREFIX[@]}" sleep 300 &
	at_exit "kill $!"
	OWN=$!
else
	OWN=$VICTIM
fi

gone() {
	! grep -qsF "$T/" /proc/[0-9]*/mountinfo
}

alive() {
	kill -0 "$VICTIM" && kill -0 "$OWN" && ! grep -q '^State:.*[TZ]' \
		"/proc/$VICTIM/status" "/proc/$OWN/status"
}

# files_of PID: that it has open, but for what pid 1 is to have: the lock of the
# user id, and what the control group tells of CPU time.
files_of() {
	readlink /proc/"$1"/fd/* | grep '^/' |
		grep -vE '/(ids\.lock|cpu\.stat|cpuacct\.usage)$' | sort | xargs
}

for who in $WHO; do
	as "$who"

	# --- Signals and the host's processes ------------------------------------

	plugin signals "limits: {timeout: 5s}" <<-END
		import ctypes
		import os
		import signal
		libc = ctypes.CDLL(None, use_errno=True)
		HOST = [$VICTIM, $OWN, os.getppid() + 40000]

		def queue(pid, sig):
		    """With a made-up sender: none, as if from outside."""
		    info = (ctypes.c_int * 32)(sig, 0, -1, 0, 0, 0)
		    return libc.syscall(129, pid, sig, info)

		def run(job):
		    child = os.fork()
		    if child == 0:
		        signal.pause()
		    r = {"pid": os.getpid(), "parent": os.getppid(),
		         "child": act(os.kill, child, 9),
		         "reaped": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]),
		         "host": [act(os.kill, pid, s) for pid in HOST
		                  for s in (0, 9, 19)]}
		    r["groups"] = [act(os.killpg, pid, 9) for pid in HOST]
		    r["one"] = [act(os.kill, 1, s) for s in (0, 9, 15, 19, 11, 31)]
		    r["queued"] = [queue(1, s) for s in (15, 9, 40)]
		    fd = os.pidfd_open(1)
		    r["pidfd"] = act(signal.pidfd_send_signal, fd, 9)
		    signal.signal(15, signal.SIG_IGN)
		    r["all"] = act(os.kill, -1, 15)
		    r["alive"] = open("/proc/1/stat").read().split()[2]
		    return r
	END
	try
	ran "a plugin that sends signals to all it can ends by itself"
	got '[.child, .reaped]' '["ok",-9]' "it ends a child of its own"
	got '[.pid, .parent]' '[2,1]' "its parent is pid 1 of the sandbox"
	got '.host + .groups | unique' '["ESRCH"]' \
		"the host's processes have no number for it"
	got '.one + [.pidfd] | unique' '["ok"]' "pid 1 may be sent any signal"
	like "$(jq -r .alive <<<"$result")" '^[SR]$' "$as: ... and lives on"
	got .queued '[0,0,0]' "... even if none seems to have sent it"
	ok "$as: the host's processes live, too" alive

	plugin list "permissions: {processes: host}" <<-END
		import os

		def run(job):
		    host = [act(os.kill, pid, 9) for pid in ($VICTIM, $OWN)]
		    base = "/proc/$OWN/"
		    def read(path):
		        with open(path, "rb") as f:
		            return f.read(16).decode("latin-1")

		    return {"seen": os.path.exists(base + "stat"),
		            "name": open(base + "comm").read().strip(),
		            "kill": host,
		            "files": [act(read, base + n) for n in
		                      ("environ", "maps", "mem", "io", "auxv")],
		            "links": [act(os.readlink, base + n) for n in
		                      ("root", "cwd", "exe", "fd/0", "ns/mnt")],
		            "root": act(os.listdir, base + "root/"),
		            "write": act(open, base + "oom_score_adj", "w"),
		            "sys": act(open, "/proc/sys/kernel/core_pattern", "w"),
		            "trigger": act(open, "/proc/sysrq-trigger", "w")}
	END
	try
	got '[.seen, .name]' '[true,"sleep"]' \
		"with the host's list granted its processes are seen"
	got .kill '["ESRCH","ESRCH"]' "... but not reached by signals"
	got '.files + .links + [.root] | unique - ["EACCES","ENOENT"]' '[]' \
		"... nor their memory, environment, files and roots"
	got '[.write, .sys, .trigger] | unique - ["EACCES","EROFS","ENOENT"]' '[]' \
		"... and nothing there is written"
	plugin nolist <<-END
		import os

		def run(job):
		    return os.path.exists("/proc/$OWN")
	END
	try
	got . false "without that grant they are not seen"
	ok "$as: the host's processes live" alive

	# --- Sessions and terminals ------------------------------------------------

	plugin session <<-'END'
		import fcntl
		import os
		import socket

		def run(job):
		    host = socket.gethostname()
		    return {"sid": os.getsid(0) == os.getpid(),
		            "tty": act(open, "/dev/tty"),
		            "ctty": act(os.ctermid) and act(os.tcgetpgrp, 0),
		            "sti": [act(fcntl.ioctl, fd, n, b"x")
		                    for fd in (0, 1, 2)
		                    for n in (0x5412, 0x541C, 0x541D, 0x5423)],
		            "ctl": act(fcntl.ioctl, 0, 0x540E, 0),
		            "pty": act(os.openpty),
		            "host": host, "sethost": act(socket.sethostname, "x"),
		            "umask": os.umask(0o22), "cwd": os.getcwd(),
		            "nice": os.nice(0), "priority": act(
		                os.setpriority, os.PRIO_PROCESS, 0, -5),
		            "one": [act(os.setpriority, os.PRIO_PROCESS, 1, 19),
		                    act(os.setpriority, os.PRIO_USER, 0, 19),
		                    act(os.sched_setaffinity, 1, {0})],
		            "real": act(os.sched_setscheduler, 0, os.SCHED_FIFO,
		                        os.sched_param(1))}
	END
	# as a service that hides what it writes
	umask 077
	try
	umask 022
	got .sid true "a plugin leads a session of its own"
	got '[.tty, .ctty, .ctl, .pty]' '["ENOENT","EACCES","EACCES","ENOENT"]' \
		"... which has no terminal, and can't get one"
	got '.sti | unique' '["EPERM"]' "nothing is typed into one: TIOCSTI, TIOCLINUX"
	got '[.host, .sethost]' '["sandbox","EPERM"]' \
		"the host's name is hidden, and can't be changed"
	got .cwd / "it starts in /"
	got .umask 18 "... with the usual umask"
	like "$(jq -r .priority <<<"$result")" '^(EACCES|EPERM)$' \
		"$as: no priority is raised"
	got '.one | unique' '["EPERM"]' "... nor that of pid 1 lowered"
	got .real EPERM "no process becomes real-time"

	# --- What is left -------------------------------------------------------------

	plugin daemon "limits: {timeout: 5s}" <<-'END'
		import os
		import signal

		def run(job):
		    for sig in (1, 2, 15):
		        signal.signal(sig, signal.SIG_IGN)
		    for _ in range(5):
		        if os.fork() == 0:
		            os.setsid()
		            if os.fork():
		                os._exit(0)
		            for fd in range(3):
		                os.close(fd)
		            while True:
		                signal.pause()
		    return "done"
	END
	try
	got . "done" "a plugin that leaves daemons behind succeeds"
	nothing_left "$as: ... and takes them with it"

	plugin holds "limits: {timeout: 5s}" <<-'END'
		import os
		import signal

		def run(job):
		    if os.fork() == 0:
		        os.setsid()
		        while True:
		            signal.pause()
		    return "done"
	END
	try
	got . "done" "... with its streams still open, too"
	within 0 "$(field .duration_ms)" 4000 "$as: ... which keeps nobody waiting"
	nothing_left "$as: no process, group or mount is left"

	# ends NAME TITLE: the deadline ends it; these run beside each other.
	names=()
	declare -A titles
	ends() {
		plugin "$1" "limits: {timeout: 500ms}"
		titles[$1]=$2
		names+=("$1")
		by "$AGENT" run "$1" --json --config "$T/$as/config.yaml" \
			</dev/null >"$T/ends.$1" 2>/dev/null &
		pids[$1]=$!
	}
	declare -A pids

	ends ignores "a plugin that ignores TERM" <<-'END'
		import signal

		def run(job):
		    for sig in range(1, 65):
		        try:
		            signal.signal(sig, signal.SIG_IGN)
		        except (OSError, ValueError):
		            pass
		    while True:
		        pass
	END
	ends stopped "a plugin that stopped itself" <<-'END'
		import os
		import signal

		def run(job):
		    signal.signal(15, signal.SIG_IGN)
		    while True:
		        os.kill(os.getpid(), signal.SIGSTOP)
	END
	ends blocked "a plugin that blocks every signal" <<-'END'
		import signal

		def run(job):
		    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
		    while True:
		        signal.sigwait({signal.SIGUSR1})
	END
	ends vforked "a plugin stuck in vfork" <<-'END'
		import ctypes
		import os

		def run(job):
		    libc = ctypes.CDLL(None)
		    # CLONE_VM | CLONE_VFORK: the parent waits in the kernel
		    if os.fork() == 0:
		        while True:
		            libc.pause()
		    libc.syscall(56, 0x4100 | 17, 0, 0, 0, 0)
		    libc.pause()
	END
	ends forks "a plugin whose processes follow each other" <<-'END'
		import os
		import signal

		def run(job):
		    signal.signal(15, signal.SIG_IGN)
		    for _ in range(6):
		        if os.fork() == 0:
		            while True:
		                if os.fork():
		                    os._exit(0)
		    while True:
		        signal.pause()
	END
	ends loads "a plugin that never loads" <<-'END'
		while True:
		    pass
	END
	for one in "${names[@]}"; do
		wait "${pids[$one]}"
		status=$?
		record=$(cat "$T/ends.$one")
		is "$status $(field .state) $(field .error.message)" \
			"124 timed_out timed out after 500ms" \
			"$as: ${titles[$one]} is timed out"
		within 500 "$(field .duration_ms)" 6000 "$as: ... within its grace"
	done
	nothing_left "$as: ... and nothing is left of them"
	ok "$as: the host's processes live" alive

	plugin trapped "limits: {timeout: 500ms}" <<-'END'
		import os
		import signal
		import time

		def run(job):
		    def clean_up(*_):
		        print("cleaning up", flush=True)
		        time.sleep(0.1)
		        print("clean", flush=True)
		        os._exit(0)
		    signal.signal(signal.SIGTERM, clean_up)
		    while True:
		        time.sleep(1)
	END
	try
	is "$status $state" "124 timed_out" "$as: TERM comes first, to clean up"
	like "$err"$'\n' $'clean\n' "$as: ... for which there is time" || diag "$err"

	plugin keeps "permissions: {write: [$HOST/keep.sock]}" "limits: {timeout: 20s}" <<-END
		import array
		import socket

		def run(job):
		    """The agent's streams, given to a process outside."""
		    s = socket.socket(socket.AF_UNIX)
		    s.connect("$HOST/keep.sock")
		    fds = array.array("i", [1, 2, 63])
		    s.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
		    s.recv(1)
		    return "done"
	END
	rm -f "$HOST/keep.sock"
	/usr/bin/python3 - "$HOST/keep.sock" <<-'END' &
		import os, signal, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.bind(sys.argv[1])
		os.chmod(sys.argv[1], 0o777)
		s.listen()
		c, _ = s.accept()
		kept = socket.recv_fds(c, 1, 9)
		c.send(b"x")
		signal.pause()
	END
	keeper=$!
	chmod 755 "$HOST"
	wait_until 10 test -S "$HOST/keep.sock"
	try
	got . "done" "a plugin that gave its streams to somebody outside succeeds"
	within 0 "$(field .duration_ms)" 8000 "$as: ... and the agent does not wait"
	kill "$keeper"

	# --- The agent goes ----------------------------------------------------------

	plugin orphan "limits: {timeout: 60s}" <<-'END'
		import os
		import time

		def run(job):
		    os.fork()
		    print("running", flush=True)
		    time.sleep(60)
	END
	"${prefix[@]}" "$AGENT" run orphan --config "$T/$as/config.yaml" >/dev/null 2>"$T/orphan" &
	agent=$!
	wait_until 20 grep -q running "$T/orphan"
	if is_root; then
		is "$(files_of "$(pgrep -P "$agent")")" \
			"/dev/null /dev/null /dev/null /proc" \
			"$as: pid 1 has no file open but its own /proc"
	else
		skip 1 "needs root"
	fi
	kill -KILL "$agent"
	wait "$agent" 2>/dev/null
	ok "$as: when the agent is killed, its jobs go with it" wait_until 5 gone

	plugin stalled "limits: {timeout: 1s}" <<-'END'
		def run(job):
		    print("running", flush=True)
		    while True:
		        pass
	END
	"${prefix[@]}" "$AGENT" run stalled --config "$T/$as/config.yaml" >/dev/null 2>"$T/orphan" &
	wait_until 20 grep -q running "$T/orphan"
	kill -STOP $!
	ok "$as: when it is stopped, the deadline holds all the same" \
		wait_until 10 gone
	kill -CONT $!
	wait $!
	is $? 124 "$as: ... and it says so once it goes on"
done
done_testing
