#!/bin/bash
# How much a job takes: each limit holds, and the record says which one it was.
export TMPDIR=/var/tmp
. "$(dirname "$0")/lib/tap.sh"
. "$ROOT/t/hostile/lib.sh"

# ended STATUS CODE MESSAGE TITLE: how the last try came to its end.
ended() {
	is "$status $code: $message" "$1 $2: $3" "$as: $4"
	nothing_left "$as: ... and nothing is left"
}

MEMORY="killed for memory: its processes took more than the limit of 64MiB"
CPU="killed for CPU time: its processes took more than the limit of 1s"

for who in $WHO; do
	as "$who"

	# --- Memory -----------------------------------------------------------------

	plugin enough "limits: {memory: 64MiB}" <<-'END'
		import os

		def run(job):
		    kept = bytearray(os.urandom(1 << 20) * 24)
		    if os.fork() == 0:
		        os._exit(0)
		    os.wait()
		    return len(kept) >> 20
	END
	try
	got . 24 "memory below the limit is to be had"
	within 25000000 "$(field .usage.max_rss_bytes)" 64000000 \
		"$as: ... and the record says how much"

	plugin one "limits: {memory: 64MiB, timeout: 20s}" <<-'END'
		def run(job):
		    kept = []
		    while True:
		        kept.append(b"x" * (1 << 20))
	END
	try
	ended 1 out_of_memory "$MEMORY" "a process that takes more is killed"

	plugin tree "limits: {memory: 64MiB, timeout: 20s}" <<-'END'
		import os
		import signal

		def run(job):
		    for _ in range(8):
		        if os.fork() == 0:
		            kept = b"x" * (12 << 20)
		            while kept:
		                signal.pause()
		    signal.pause()
	END
	try
	ended 1 out_of_memory "$MEMORY" \
		"processes that take more together are killed, all of them"

	plugin shared "limits: {memory: 64MiB, timeout: 20s}" <<-'END'
		import mmap

		def run(job):
		    """Pages that nobody has mapped any more."""
		    step = 4 << 20
		    m = mmap.mmap(-1, 512 << 20)
		    for at in range(0, len(m), step):
		        m[at:at + step] = b"x" * step
		        m.madvise(mmap.MADV_DONTNEED, at, step)
		    while True:
		        pass
	END
	try
	ended 1 out_of_memory "$MEMORY" \
		"shared memory counts, though no page table holds it"

	plugin leader "limits: {memory: 64MiB, timeout: 20s}" <<-'END'
		import ctypes
		import threading
		import time

		def hog():
		    time.sleep(0.2)
		    kept = []
		    while True:
		        kept.append(b"x" * (1 << 20))
		        time.sleep(0.005)

		def run(job):
		    threading.Thread(target=hog).start()
		    ctypes.CDLL(None).syscall(60, 0)
	END
	try
	ended 1 out_of_memory "$MEMORY" \
		"memory counts where the first thread of a process has ended"

	plugin hidden "limits: {memory: 64MiB, timeout: 20s}" <<-'END'
		import ctypes
		import mmap

		def run(job):
		    """A process that lets nobody see its mappings."""
		    ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
		    step = 4 << 20
		    m = mmap.mmap(-1, 512 << 20)
		    for at in range(0, len(m), step):
		        m[at:at + step] = b"x" * step
		        m.madvise(mmap.MADV_DONTNEED, at, step)
		    while True:
		        pass
	END
	try
	ended 1 out_of_memory "$MEMORY" "... and where it may not be looked at"

	# --- CPU time ---------------------------------------------------------------

	plugin cpu "limits: {cpu: 1s, timeout: 30s}" <<-'END'
		def run(job):
		    while True:
		        pass
	END
	try
	ended 1 out_of_cpu "$CPU" "a process that computes for longer is killed"
	within 900 "$(field .usage.cpu_ms)" 2000 "$as: ... in time"

	plugin cputree "limits: {cpu: 1s, timeout: 30s}" <<-'END'
		import os
		import time

		def run(job):
		    """Each child ends long before the limit."""
		    end = time.monotonic() + 20
		    while time.monotonic() < end:
		        if os.fork() == 0:
		            until = time.process_time() + 0.1
		            while time.process_time() < until:
		                pass
		            os._exit(0)
		        os.wait()
		    return "all"
	END
	try
	ended 1 out_of_cpu "$CPU" "the time of children that have ended counts"

	# --- Processes and files ------------------------------------------------------

	plugin processes "limits: {processes: 6, timeout: 20s}" <<-'END'
		import os
		import signal
		import threading

		def fork():
		    pid = os.fork()
		    if pid == 0:
		        signal.pause()
		        os._exit(0)
		    return pid

		def run(job):
		    pids = []
		    got = None
		    while not isinstance(got, str) and len(pids) < 50:
		        got = act(fork)
		        pids.append(got)
		    thread = act(threading.Thread(target=print).start)
		    os.kill(pids[0], 9)
		    os.waitpid(pids[0], 0)
		    return [len(pids), got, thread, isinstance(act(fork), int)]
	END
	try
	got . '[6,"EAGAIN","RuntimeError",true]' \
		"of processes and threads there are as many as the header says"
	nothing_left "$as: ... and nothing is left"

	plugin files "limits: {files: 20}" <<-'END'
		import os
		import resource
		import socket

		def run(job):
		    n = 0
		    while (got := act(os.open, "/dev/null", os.O_RDONLY)) != "EMFILE":
		        n += 1
		        if n > 100:
		            break
		    raised = act(resource.setrlimit, resource.RLIMIT_NOFILE, (21, 21))
		    return [n < 20, got, raised, act(os.dup, 0), act(os.pipe)]
	END
	try
	got . '[true,"EMFILE","ValueError","EMFILE","EMFILE"]' \
		"of open files a process has as many as the header says"

	plugin rlimits <<-'END'
		import resource as r

		def run(job):
		    return {n: r.getrlimit(getattr(r, "RLIMIT_" + n))
		            for n in ("CORE", "MEMLOCK", "MSGQUEUE", "NICE",
		                      "RTPRIO", "SIGPENDING")}
	END
	try
	got 'to_entries | map(select(.key != "SIGPENDING") | .value) | unique' \
		'[[0,0]]' "no core is dumped, no memory locked, no queue made"
	got '.SIGPENDING[1] <= 256' true "... and few signals are pending"

	# --- Output -------------------------------------------------------------------

	plugin result "limits: {output: 10KiB, timeout: 20s}" <<-'END'
		def run(job):
		    return "x" * 20000
	END
	try
	is "$status $state $code" "1 failed protocol" "$as: a result that is too long fails"
	like "$message" "a line of more than 14336 bytes" "$as: ... and is told the limit"

	plugin logs "limits: {output: 10KiB, timeout: 20s}" <<-'END'
		def run(job):
		    for i in range(3000):
		        job.log.info("line %d", i)
		    return "done"
	END
	try
	got . "done" "more logs than fit do no harm"
	like "$err" "line 0"$'\n' "$as: their beginning is kept"
	like "$err" "line 2999" "$as: ... and their end"
	unlike "$err" "line 1500"$'\n' "$as: ... not what lies between"
	like "$err" "[0-9]+ (lines|bytes|messages)|left out" "$as: ... which is counted"
	within 1000 ${#err} 60000 "$as: ... and bounded"

	for mode in json text; do
		cat >"$PLUGINS/shell/print-$mode.sh" <<-END
			#!/bin/sh
			# /// devops_agent
			# name: print-$mode
			# version: 1.0.0
			# description: Prints too much.
			# output: $mode
			# limits: {output: 10KiB, timeout: 20s}
			# ///
			while :; do printf '%01000d' 0; done
		END
		grant "print-$mode"
		name=print-$mode
		try
		ended 1 protocol \
			"standard output is longer than the limit of 10240 bytes" \
			"output: $mode that is too long ends the job"
	done

	# --- Time ---------------------------------------------------------------------

	plugin time "limits: {timeout: 300ms}" <<-'END'
		import time

		def run(job):
		    time.sleep(60)
	END
	try
	ended 124 timed_out "timed out after 300ms" "a job that takes too long is ended"
	cat >"$PLUGINS/shell/answers.sh" <<-'END'
		#!/bin/sh
		# /// devops_agent
		# name: answers
		# version: 1.0.0
		# description: Answers, and computes on.
		# output: rpc
		# limits: {timeout: 10s}
		# ///
		echo '{"jsonrpc":"2.0","method":"ready","params":{"protocol":1}}'
		read -r request
		id=${request#*'"id":'}
		echo '{"jsonrpc":"2.0","id":'"${id%%,*}"',"result":"early"}'
		trap '' TERM
		while :; do :; done
	END
	grant answers
	name=answers
	try
	got . early "an answer counts, though the plugin does not end"
	within 1000 "$(field .duration_ms)" 7000 "$as: ... which is ended soon after"
	nothing_left "$as: ... and nothing is left"
done
done_testing
