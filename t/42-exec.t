#!/bin/bash
# Which programs a plugin starts: those that were named, and no other way in.
export TMPDIR=/var/tmp
. "$(dirname "$0")/lib/tap.sh"
. "$ROOT/t/hostile/lib.sh"

mkdir -p "$HOST/bin" "$HOST/write"
cp "$BUILD/t/hostile/probe" "$HOST/bin/probe"
cp "$BUILD/t/hostile/probe" "$HOST/bin/other"
printf '#!%s/bin/probe word\n' "$HOST" >"$HOST/bin/script"
printf '#!%s/bin/script\n' "$HOST" >"$HOST/bin/script2"
printf '#!/usr/bin/id\n' >"$HOST/bin/idscript"
chmod -R a+rx,go-w "$HOST/bin"
chmod 777 "$HOST/write"

# What every plugin of this test can do: run a program, by various calls.
probes() {
	cat <<-'END'
		import ctypes
		import json
		import mmap
		import os
		import subprocess
		libc = ctypes.CDLL(None, use_errno=True)

		def start(*words):
		    p = subprocess.run(words, capture_output=True, text=True)
		    try:
		        return json.loads(p.stdout) or "ok"
		    except ValueError:
		        return (p.stdout or p.stderr or str(p.returncode))[:200]

		def call(nr, *args):
		    ctypes.set_errno(0)
		    got = libc.syscall(nr, *args)
		    if got >= 0:
		        return got
		    return errno.errorcode[ctypes.get_errno()]

		def execveat(fd, path, flags):
		    pid = os.fork()
		    if pid == 0:
		        argv = (ctypes.c_char_p * 2)(b"x", None)
		        got = call(322, fd, path, argv, None, flags)
		        os._exit(getattr(errno, str(got), 255))
		    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
		    return errno.errorcode.get(code, code)
	END
}

for who in $WHO; do
	as "$who"

	# --- Nothing granted ------------------------------------------------------

	plugin none "limits: {timeout: 5s}" < <(probes; cat <<-END
		import shutil
		import sys

		def copied():
		    shutil.copyfile(sys.executable, "/tmp/python")
		    os.chmod("/tmp/python", 0o755)
		    return start("/tmp/python", "-c", "print(1)")

		def own_code():
		    m = mmap.mmap(-1, 4096, prot=7)
		    m.write(b"\\xb8\\x07\\x00\\x00\\x00\\xc3")
		    at = ctypes.addressof(ctypes.c_char.from_buffer(m))
		    return ctypes.CFUNCTYPE(ctypes.c_int)(at)()

		def from_fd():
		    shutil.copyfile(sys.executable, "/tmp/python")
		    os.chmod("/tmp/python", 0o755)
		    return execveat(os.open("/tmp/python", os.O_RDONLY), b"", 0x1000)

		LD = "/lib64/ld-linux-x86-64.so.2"

		def run(job):
		    open("/tmp/script", "w").write("#!/usr/bin/python3\nprint(1)\n")
		    os.chmod("/tmp/script", 0o755)
		    return {
		        "names": [act(start, p) for p in ("id", "sh", "/bin/sh",
		                  "/usr/bin/id", "$HOST/bin/probe", "perl", "su")],
		        "copied": act(copied),
		        "fd": from_fd(),
		        "loader": act(start, LD, "/tmp/python", "-c", "print(1)"),
		        "script": act(start, "/tmp/script"),
		        "memfd": [call(319, b"x", 0), call(447, 0)],
		        "uselib": call(134, b"/tmp/python"),
		        "self": act(start, "/proc/self/exe", "-c", "print(1)"),
		        "self_by_script": act(start, sys.executable, "/tmp/script"),
		        "one": act(start, "/proc/1/exe"),
		        "own_code": own_code(),
		        "system": os.system("id"),
		    }
	END
	)
	try
	ran "a plugin that may start nothing runs"
	got '.names | unique' '["ENOENT"]' "no program is there"
	got .copied EACCES "a copy of one in /tmp does not start"
	got .fd EACCES "... nor by its descriptor"
	like "$(jq -r .loader <<<"$result")" "cannot|failed|EACCES|denied" \
		"$as: ... nor by the dynamic loader"
	got .script EACCES "... nor does a script there"
	got .memfd '["EPERM","EPERM"]' "no memory file can be made"
	got .uselib EPERM "uselib is refused"
	got .self 1 "its own interpreter starts"
	got .self_by_script 1 "... and reads what it likes"
	got .one EACCES "the program of pid 1 does not"
	got .own_code 7 "memory may hold code, as compilers need"
	isnt "$(jq .system <<<"$result")" 0 "$as: system() finds no shell"
	nothing_left "$as: no process, group or mount is left"

	# --- One program ----------------------------------------------------------

	plugin one "permissions: {exec: [$HOST/bin/probe], read: [$HOST/bin/other], write: [$HOST/write]}" \
		< <(probes; cat <<-END
		B = "$HOST/bin/"
		LD = "/lib64/ld-linux-x86-64.so.2"

		def replaced():
		    os.rename(B + "probe", B + "probe2")

		def run(job):
		    return {
		        "named": act(start, B + "probe", "a", "b"),
		        "fd": execveat(os.open(B + "probe", os.O_RDONLY), b"", 0x1000),
		        "other": act(start, B + "other"),
		        "loader": act(start, LD, B + "other"),
		        "loader_tmp": act(start, LD, "/tmp/x"),
		        "linked": [act(os.symlink, B + "other", "/tmp/x"),
		                   act(start, "/tmp/x")],
		        "script": act(start, B + "script"),
		        "id": act(start, "/usr/bin/id"),
		        "write": act(open, B + "probe", "r+"),
		        "moved": act(replaced),
		    }
	END
	)
	rm -f "$HOST/write"/*
	try
	got '.named | [.words, .first, .caps, .nnp]' '[2,"a",0,1]' \
		"a program that was named starts"
	got .fd 0 "... and by its descriptor"
	got .other EACCES "another beside it does not"
	like "$(jq -r .loader <<<"$result")" "cannot|failed|denied|permitted" \
		"$as: ... nor by the dynamic loader"
	got '.linked[1]' EACCES "... nor by a link that leads to it"
	got '[.script, .id] | unique' '["ENOENT"]' "what was not named is not there"
	unlike "$(jq -c '[.write, .moved]' <<<"$result")" '"ok"|[0-9]' \
		"$as: it can't be changed or replaced"

	# --- A script by name -------------------------------------------------------

	plugin script "permissions: {exec: [$HOST/bin/script2]}" < <(probes; cat <<-END
		B = "$HOST/bin/"

		def run(job):
		    return {"script": act(start, B + "script2", "x"),
		            "through": act(start, B + "probe"),
		            "id": act(start, B + "idscript"),
		            "sh": act(start, "/bin/sh")}
	END
	)
	try
	got .script.words 4 "a script starts through the interpreters that it names"
	got .through.words 0 "... which may then be started themselves"
	got '[.id, .sh] | unique' '["ENOENT"]' "... and no other program"

	plugin shell "permissions: {exec: [sh, cat]}" < <(probes; cat <<-'END'
		def run(job):
		    open("/tmp/s", "w").write("echo 1; cat /tmp/s; id\n")
		    return {"sh": start("sh", "/tmp/s"),
		            "exec": act(start, "/tmp/s"),
		            "id": start("sh", "-c", "id || echo gone"),
		            "ls": start("sh", "-c", "ls / || echo gone"),
		            "path": start("sh", "-c", "PATH=/tmp:$PATH s || echo gone")}
	END
	)
	try
	like "$(jq -r .sh <<<"$result")" '^1
echo 1' "$as: a shell that was named runs what it is given"
	got '[.id, .ls, .path] | unique' '["gone\n"]' \
		"... but starts only what was named"

	# --- Everything, and set-user-ID ----------------------------------------------

	plugin any "permissions: {exec: [\"*\"], read: [$HOST/bin], write: [$HOST/write]}" \
		< <(probes; cat <<-END
		import shutil
		B = "$HOST/bin/"

		def memory():
		    fd = call(319, b"x", 0)
		    if isinstance(fd, str):
		        return fd
		    with open(B + "probe", "rb") as f:
		        os.write(fd, f.read())
		    return execveat(fd, b"", 0x1000)

		def copied(to):
		    shutil.copyfile(B + "probe", to)
		    os.chmod(to, 0o755)
		    return start(to)["words"]

		def run(job):
		    return {
		        "id": start("id", "-u"), "uid": os.getuid(),
		        "granted": start(B + "probe")["words"],
		        "tmp": copied("/tmp/probe"),
		        "write": act(copied, "$HOST/write/probe"),
		        "memory": memory(),
		        "shadow": act(open, "/etc/shadow"),
		    }
	END
	)
	rm -f "$HOST/write"/*
	try
	ran "a plugin that may start everything runs"
	is "$(jq .id <<<"$result")" "$(jq .uid <<<"$result")" \
		"$as: it starts a program of the host's"
	got '[.granted, .tmp]' '[0,0]' "... of its grants, and of its own"
	if counted; then
		got .memory 0 "... and of memory files"
	else
		got .memory EPERM "... but no memory file, which nothing counts"
	fi
	unlike "$(jq -r .shadow <<<"$result")" ok "$as: it sees no more of files"

	if is_root; then
		cp "$BUILD/t/hostile/probe" "$HOST/bin/suid"
		chmod 4755 "$HOST/bin/suid"
		cp "$BUILD/t/hostile/probe" "$HOST/bin/sgid"
		chmod 2755 "$HOST/bin/sgid"
		cp "$BUILD/t/hostile/probe" "$HOST/bin/capable"
		chmod 755 "$HOST/bin/capable"
		setcap cap_sys_admin,cap_setuid+ep "$HOST/bin/capable"
		is "$(setpriv --reuid=61235 --clear-groups "$HOST/bin/suid" |
			jq .euid)" 0 "$as: outside the set-user-ID program is root"
		isnt "$(setpriv --reuid=61235 --clear-groups "$HOST/bin/capable" |
			jq .caps)" 0 "$as: ... and the capable one has capabilities"
		plugin suid "permissions: {exec: [$HOST/bin/suid, $HOST/bin/sgid, $HOST/bin/capable]}" \
			< <(probes; cat <<-END
			def run(job):
			    me = os.getuid(), os.getgid()
			    r = {n: start("$HOST/bin/" + n)
			         for n in ("suid", "sgid", "capable")}
			    for got in r.values():
			        got["same"] = (got["euid"], got["egid"]) == me
			    return r
		END
		)
		try
		got '[.[] | [.same, .caps, .nnp]] | unique' '[[true,0,1]]' \
			"inside they gain nothing: no id, no capability"
	else
		skip 3 "only root can make a set-user-ID program"
	fi
done
done_testing
