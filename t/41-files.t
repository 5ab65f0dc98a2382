#!/bin/bash
# What a plugin sees of the host's files: what was granted, in that way.
export TMPDIR=/var/tmp
. "$(dirname "$0")/lib/tap.sh"
. "$ROOT/t/hostile/lib.sh"

# A host: a folder of everything, which every user may read and write.
mkdir -p "$HOST/read/deep/er" "$HOST/write/sub" "$HOST/other" "$HOST/both/ro"
echo data >"$HOST/read/file"
echo data >"$HOST/read/deep/er/file"
echo hidden >"$HOST/read/deep/sibling"
echo secret >"$HOST/other/secret"
echo data >"$HOST/both/ro/file"
printf '#!/bin/sh\necho started\n' >"$HOST/read/program"
cp /bin/true "$HOST/read/true"
mkfifo "$HOST/read/fifo"
chmod 755 "$HOST/read/program" "$HOST/read/true"
chmod 666 "$HOST/read/file" "$HOST/read/fifo" "$HOST/other/secret" \
	"$HOST/both/ro/file"
chmod 777 "$HOST" "$HOST"/*
ln -s "$HOST/read" "$HOST/link-of-root"
mkdir "$HOST/planted"
chmod 777 "$HOST/planted"

refresh() {
	rm -rf "$HOST/write" "$HOST/both/made" "$HOST/both/ro/made"
	mkdir -p "$HOST/write/sub"
	echo old >"$HOST/write/old"
	chmod -R a+rwX "$HOST/write"
	chmod 777 "$HOST"
}

for who in $WHO; do
	as "$who"
	refresh

	# --- Nothing without a grant -------------------------------------------

	plugin nothing <<-END
		import os
		PATHS = """/etc/passwd /etc/shadow /etc/hostname /home /root /var/log
		    /sys /run /boot /srv /mnt /opt /dev/shm /dev/pts /dev/tty
		    /dev/mem /dev/kmsg /dev/console /usr/bin/id /usr/share
		    /proc/sys /proc/meminfo /proc/cpuinfo /proc/kcore
		    /proc/kallsyms /proc/sysrq-trigger /proc/keys /proc/version
		    /proc/mounts.x /lost+found $HOST $HOST/read/file""".split()

		def run(job):
		    return {
		        "seen": [p for p in PATHS if os.path.lexists(p)],
		        "beside": os.path.lexists(os.path.dirname(__file__)
		                                  + "/beside.txt"),
		        "folder": act(os.listdir, os.path.dirname(__file__)),
		        "self": open(__file__).read(1),
		        "write": act(open, __file__, "a"),
		        "chmod": act(os.chmod, __file__, 0o777),
		        "root": [act(os.mkdir, "/x"), act(os.listdir, "/")],
		        "tmp": os.listdir("/tmp"),
		        "dev": sorted(os.listdir("/dev")),
		    }
	END
	echo x >"$PLUGINS/python/beside.txt"
	try
	ran "a plugin without any permission runs"
	got .seen '[]' "no file of the host is visible"
	got .beside false "its own file is, and no other of the folder"
	got .folder EACCES "... which can't be listed"
	got .self '#' "its own file can be read"
	like "$(jq -r .write <<<"$result")" '^(EACCES|EROFS)$' \
		"$as: ... and not written"
	got .chmod EROFS "... nor its mode changed"
	got .root '["EROFS","EACCES"]' "the root can't be written or listed"
	got .tmp '[]' "/tmp is private and empty"
	got .dev '["fd","full","null","random","stderr","stdin","stdout","urandom","zero"]' \
		"/dev has the five harmless devices"

	plugin devices <<-'END'
		import fcntl
		import os

		def run(job):
		    full = os.open("/dev/full", os.O_WRONLY)
		    zero = os.open("/dev/zero", os.O_RDONLY)
		    random = os.open("/dev/urandom", os.O_RDWR)
		    return {
		        "null": act(os.write, os.open("/dev/null", os.O_WRONLY), b"x"),
		        "full": act(os.write, full, b"x"),
		        "zero": os.read(zero, 2) == bytes(2),
		        "random": len(os.read(random, 8)),
		        # RNDADDTOENTCNT, RNDCLEARPOOL
		        "ioctl": [act(fcntl.ioctl, random, 0x40045201, bytes(4)),
		                  act(fcntl.ioctl, random, 0x5206)],
		        "mknod": [act(os.mknod, "/tmp/" + n, 0o20666,
		                      os.makedev(*d)) for n, d in
		                  (("mem", (1, 1)), ("kmsg", (1, 11)),
		                   ("sda", (8, 0)))],
		    }
	END
	try
	got .null 1 "/dev/null can be written"
	got .full ENOSPC "/dev/full says that it is full"
	got .zero true "/dev/zero gives zeros"
	got .random 8 "/dev/urandom gives random bytes"
	got '.ioctl | unique' '["EACCES"]' "devices obey no command"
	got .mknod '["EPERM","EPERM","EPERM"]' "a device can't be made"

	# --- /proc ---------------------------------------------------------------

	plugin proc <<-'END'
		import os

		def run(job):
		    r = {"pids": sorted(n for n in os.listdir("/proc")
		                        if n.isdigit()),
		         "files": sorted(n for n in os.listdir("/proc")
		                         if not n.isdigit()),
		         "self": os.readlink("/proc/self") == str(os.getpid())}
		    r["one"] = {n: act(open, "/proc/1/" + n, mode) for n, mode in (
		        ("environ", "r"), ("maps", "r"), ("mem", "r+"),
		        ("auxv", "r"), ("io", "r"), ("oom_score_adj", "w"),
		        ("comm", "w"), ("autogroup", "w"), ("syscall", "r"),
		        ("stack", "r"), ("uid_map", "w"))}
		    r["links"] = {n: act(os.readlink, "/proc/1/" + n)
		                  for n in ("root", "cwd", "exe", "ns/mnt")}
		    r["fds"] = act(os.listdir, "/proc/1/fd")
		    r["maps"] = [act(open, "/proc/self/" + n, "w")
		                 for n in ("uid_map", "gid_map", "setgroups")]
		    r["oom"] = act(open, "/proc/self/oom_score_adj", "w")
		    return r
	END
	try
	got .pids '["1","2"]' "/proc shows pid 1 and the plugin"
	got .files '["self","thread-self"]' "... and nothing of the system"
	got .self true "/proc/self is itself"
	got '.one | to_entries | map(select(.value |
		IN("EACCES", "EPERM", "EROFS") | not))' \
		'[]' "no file of pid 1 opens: memory, environment, limits"
	got '[.links[], .fds] | unique' '["EACCES"]' \
		"... and its root, descriptors and namespaces lead nowhere"
	unlike "$(jq -c .maps <<<"$result")" ok "$as: ids can't be mapped anew"
	like "$(jq -r .oom <<<"$result")" '^(EACCES|EROFS)$' \
		"$as: ... nor its place in the queue of the OOM killer changed"

	plugin procfile "permissions: {read: [/proc/meminfo, /proc/sys/kernel]}" <<-'END'
		import os

		def run(job):
		    paths = ("/proc/kcore", "/proc/sysrq-trigger", "/proc/keys",
		             "/proc/timer_list", "/proc/sched_debug", "/proc/stat",
		             "/proc/cmdline", "/proc/kallsyms", "/proc/version")
		    folders = ("/proc/fs", "/proc/irq", "/proc/bus", "/proc/acpi")

		    def size(p):
		        return len(open(p, "rb").read(64))

		    return {
		        "mem": size("/proc/meminfo") > 0,
		        "files": [p for p in paths
		                  if os.path.exists(p) and act(size, p) != 0],
		        "folders": [p for p in folders
		                    if os.path.exists(p) and os.listdir(p)],
		        "core": [act(open, "/proc/sys/kernel/" + n, "w") for n in
		                 ("core_pattern", "hostname", "panic",
		                  "printk", "randomize_va_space")],
		        "vm": act(open, "/proc/sys/vm/drop_caches", "w"),
		    }
	END
	try
	got .mem true "a granted file of /proc can be read"
	got .files '[]' "... and every other one is masked"
	got .folders '[]' "... as is every folder"
	got '.core | unique - ["EACCES", "EROFS"]' '[]' \
		"settings of the kernel can't be written: core_pattern"

	# --- read -----------------------------------------------------------------

	plugin reads "permissions: {read: [$HOST/read, $HOST/other/none]}" <<-END
		import ctypes
		import mmap
		import os
		import subprocess
		B = "$HOST/read/"
		libc = ctypes.CDLL(None, use_errno=True)

		def code(path):
		    fd = os.open(path, os.O_RDONLY)
		    mmap.mmap(fd, 4096, mmap.MAP_PRIVATE,
		              mmap.PROT_READ | mmap.PROT_EXEC)

		def run(job):
		    fd = os.open(B + "file", os.O_RDONLY)
		    own = "/proc/self/fd/%d" % fd
		    return {
		        "read": open(B + "file").read()[:4],
		        "deep": open(B + "deep/er/file").read()[:4],
		        "list": sorted(os.listdir(B)),
		        "up": act(os.listdir, B + ".."),
		        "write": act(open, B + "file", "r+"),
		        "reopen": act(open, own, "r+"),
		        "create": act(open, B + "new", "w"),
		        "truncate": act(os.truncate, B + "file", 0),
		        "chmod": [act(os.chmod, B + "file", 0o777),
		                  act(os.fchmod, fd, 0o777)],
		        "chown": act(os.chown, B + "file", os.getuid(), -1),
		        "utime": [act(os.utime, B + "file"), act(os.utime, fd)],
		        "xattr": [act(os.setxattr, B + "file", "user.a", b"b"),
		                  act(os.setxattr, fd, "user.a", b"b")],
		        "unlink": act(os.unlink, B + "file"),
		        "rename": act(os.rename, B + "file", B + "file2"),
		        "link": act(os.link, B + "file", B + "file2"),
		        "link_out": act(os.link, B + "file", "/tmp/file"),
		        "mkdir": act(os.mkdir, B + "folder"),
		        "fifo": act(os.open, B + "fifo",
		                    os.O_WRONLY | os.O_NONBLOCK),
		        "fifo_rw": act(os.open, B + "fifo",
		                       os.O_RDWR | os.O_NONBLOCK),
		        "exec": act(subprocess.run, [B + "program"]),
		        "elf": act(subprocess.run, [B + "true"]),
		        "code": act(code, B + "true"),
		        "allocate": act(os.posix_fallocate, fd, 0, 9),
		        "handle": libc.syscall(304, -100, b"x", 0),
		    }
	END
	try
	ran "a granted folder that does not exist is left out"
	got .read data "a granted folder's file can be read"
	got .deep data "... and one deep in it"
	got .list '["deep","fifo","file","program","true"]' "... and it lists"
	got .up EACCES "the folder above lists nothing"
	got '[.write, .reopen, .create, .truncate] | unique' '["EROFS"]' \
		"nothing there can be written, whatever its mode"
	got '[.chmod, .chown, .utime, .xattr] | flatten | unique' '["EROFS"]' \
		"... nor its mode, owner, times and attributes changed"
	unlike "$(jq -c '[.unlink, .rename, .link, .link_out, .mkdir]' \
		<<<"$result")" ok "$as: ... nor removed, renamed, linked"
	got .fifo EACCES "a FIFO there can't be written to"
	got .fifo_rw EACCES "... even when opened for both"
	got '[.exec, .elf] | unique' '["EACCES"]' "no program there starts"
	got .code EPERM "... nor is one mapped as code"
	ok "$as: the host's file is as it was" grep -qx data "$HOST/read/file"

	plugin nested "permissions: {read: [$HOST/read/deep/er/file]}" <<-END
		import os

		def run(job):
		    return [open("$HOST/read/deep/er/file").read(),
		            act(os.listdir, "$HOST/read/deep/er"),
		            act(os.stat, "$HOST/read/deep/sibling"),
		            act(os.stat, "$HOST/read/file")]
	END
	try
	got . '["data\n","EACCES","ENOENT","ENOENT"]' \
		"of a granted file nothing beside it is visible"

	if [ "$as" = root ]; then
		plugin rootlink "permissions: {read: [$HOST/link-of-root/file]}" <<-END
			import os

			def run(job):
			    return [open("$HOST/link-of-root/file").read(),
			            act(os.stat, "$HOST/other")]
		END
		chmod 755 "$HOST"
		try
		got . '["data\n","ENOENT"]' "a symbolic link of root's is followed"
		chmod 777 "$HOST"
		try
		is "$status" 3 "root: ... not where others may swap it"
		like "$message" "link-of-root is a symbolic link" "... which is said"
	fi

	# A link planted in advance by the plugin itself, or by another user.
	rm -f "$HOST/planted/x"
	plugin planted "permissions: {write: [$HOST/planted], read: [$HOST/planted/x]}" <<-END
		import os

		def run(job):
		    return [act(os.symlink, "$HOST/other", "$HOST/planted/x"),
		            act(os.listdir, "$HOST/other")]
	END
	by mkdir -p "$HOST/planted"
	[ "$as" = root ] || ! is_root || chown "$USER_ID" "$HOST/planted"
	chmod 755 "$HOST/planted"
	[ "$as" = user ] || chmod 777 "$HOST/planted"
	try
	got . '["ok","ENOENT"]' "a plugin may make a link where it may write"
	try
	is "$status" 3 "$as: which does not widen its next run"
	like "$message" "/planted/x is a symbolic link" "$as: ... as is said"
	rm -f "$HOST/planted/x"

	# ... or by one plugin for another, which its grant never named.
	plugin plants "permissions: {write: [$HOST/planted]}" <<-END
		import os

		def run(job):
		    return act(os.symlink, "$HOST/other", "$HOST/planted/x")
	END
	try
	got . ok "a plugin makes a link where another one reads"
	for asks in "read: [$HOST/planted/x]" "read: [$HOST/planted/x/secret]" \
		"write: [$HOST/planted/x]" "exec: [$HOST/planted/x/secret]"; do
		plugin harvests "permissions: {$asks}" <<-END
			def run(job):
			    return [act(open, "$HOST/other/secret"),
			            act(open, "$HOST/planted/x/secret")]
		END
		try
		is "$status" 3 "$as: it does not widen $asks of the other"
		like "$message" "/planted/x is a symbolic link" "$as: ... as is said"
	done
	plugin harvests "venv: $HOST/planted/x" <<-END
		def run(job):
		    return act(open, "$HOST/other/secret")
	END
	try
	is "$status" 3 "$as: ... nor its virtual environment"
	rm -f "$HOST/planted/x"

	# --- write ------------------------------------------------------------------

	refresh
	plugin writes "permissions: {write: [$HOST/write, $HOST/both], read: [$HOST/both/ro]}" \
		"limits: {output: 4MiB}" <<-END
		import ctypes
		import errno as errors
		import mmap
		import os
		import subprocess
		B = "$HOST/write/"
		C = "$HOST/both/"
		libc = ctypes.CDLL(None, use_errno=True)

		def put(path, data="new\n", mode="w"):
		    with open(path, mode) as f:
		        f.write(data)

		def call(*args):
		    libc.syscall(*args)
		    return errors.errorcode.get(ctypes.get_errno(), "ok")

		def code(path):
		    fd = os.open(path, os.O_RDONLY)
		    mmap.mmap(fd, 4096, mmap.MAP_PRIVATE,
		              mmap.PROT_READ | mmap.PROT_EXEC)

		def create(path, mode, flags=0):
		    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | flags, mode))

		def run(job):
		    r = {"create": act(put, B + "new"),
		         "change": act(put, B + "old", "more\n", "a"),
		         "mkdir": act(os.mkdir, B + "folder"),
		         "rename": act(os.rename, B + "new", B + "sub/new"),
		         "link": act(os.link, B + "sub/new", B + "second"),
		         "chmod": act(os.chmod, B + "sub/new", 0o600),
		         "fifo": act(os.mkfifo, B + "fifo"),
		         "unlink": act(os.unlink, B + "second")}
		    put(B + "program", "#!/bin/sh\n")
		    os.chmod(B + "program", 0o755)
		    r["exec"] = act(subprocess.run, [B + "program"])
		    put(B + "page", "x" * 4096)
		    r["code"] = act(code, B + "page")
		    r["device"] = act(os.mknod, B + "mem", 0o20666, os.makedev(1, 1))
		    # set-id bits by every call that sets a mode
		    put(B + "suid")
		    fd = os.open(B + "suid", os.O_RDONLY)
		    folder = os.open(B, os.O_RDONLY)
		    r["set_id"] = [
		        act(os.chmod, B + "suid", 0o4755),
		        act(os.chmod, B + "suid", 0o2755),
		        act(os.fchmod, fd, 0o6755),
		        act(os.chmod, "suid", 0o4755, dir_fd=folder),
		        act(create, B + "s1", 0o4755),
		        act(create, B + "s2", 0o2755),
		        act(os.mknod, B + "s3", 0o104755),
		        act(os.mknod, "s4", 0o102755, dir_fd=folder),
		        act(os.open, B, os.O_TMPFILE | os.O_WRONLY, 0o4755),
		        call(85, (B + "s5").encode(), 0o4755),
		        call(2, (B + "s6").encode(), 0o101, 0o4755),
		        call(452, -100, (B + "suid").encode(), 0o4755, 0),
		    ]
		    how = (ctypes.c_uint64 * 3)(0o101, 0o4755, 0)
		    r["openat2"] = call(437, -100, (B + "s7").encode(), how, 24)
		    # a link to what is not granted reaches nothing
		    for n, target in (("l1", "/etc/shadow"), ("l2", "/proc/1/root"),
		                      ("l3", "$HOST/other/secret"),
		                      ("l4", "../other/secret")):
		        os.symlink(target, B + n)
		    r["links"] = [act(open, B + n) for n in ("l1", "l3", "l4")]
		    r["one"] = act(os.listdir, B + "l2/etc")
		    r["hard"] = [act(os.link, "/usr/bin/python3", B + "h1"),
		                 act(os.link, __file__, B + "h2"),
		                 act(os.link, "/proc/self/exe", B + "h3")]
		    put("/tmp/mine")
		    r["out"] = [act(os.rename, B + "old", "/tmp/old"),
		                act(os.link, B + "old", "/tmp/old"),
		                act(os.rename, "/tmp/mine", B + "mine")]
		    # a read-only folder in a writable one
		    r["nested"] = [act(put, C + "made"), act(put, C + "ro/made"),
		                   act(put, C + "ro/file"),
		                   act(os.rename, C + "ro", C + "gone"),
		                   act(os.rmdir, C + "ro"), open(C + "ro/file").read()]
		    return r
	END
	try
	ran "a plugin with a folder to write runs"
	got '[.create, .change, .mkdir, .rename, .link, .chmod, .fifo, .unlink] | unique' \
		'["ok"]' "there it creates, changes, renames, links and removes"
	ok "$as: ... on the host" grep -qx more "$HOST/write/old"
	got '[.exec, .code]' '["EACCES","EPERM"]' \
		"nothing there starts or is mapped as code"
	got .device EPERM "no device is made there"
	got '.set_id | unique' '["EPERM"]' "no file becomes set-user-ID or set-group-ID"
	got .openat2 ENOSYS "... nor by openat2, whose mode nothing can see"
	is "$(find "$HOST/write" -perm /6000)" "" "$as: ... and the host has none"
	got '.links | unique' '["ENOENT"]' \
		"a link to what was not granted leads nowhere"
	got .one EACCES "... nor one to the root of pid 1"
	unlike "$(jq -c .hard <<<"$result")" ok \
		"$as: what is shown for reading can't be linked in"
	got '.out | unique' '["EXDEV"]' "nothing is moved out or in"
	got .nested '["ok","EROFS","EROFS","EBUSY","EBUSY","data\n"]' \
		"a folder in it that is granted for reading stays read-only"
	nothing_left "$as: no process, group or mount is left"

	# --- /tmp ---------------------------------------------------------------------

	plugin tmp "limits: {tmp: 1MiB, files: 64}" <<-'END'
		import os
		import subprocess

		def fill():
		    with open("/tmp/big", "wb", 0) as f:
		        for _ in range(64):
		            f.write(bytes(65536))

		def many():
		    for i in range(100000):
		        os.mkdir("/tmp/%d" % i)

		def run(job):
		    r = {"home": os.environ["HOME"], "mode": os.stat("/tmp").st_mode}
		    with open("/tmp/x", "w") as f:
		        f.write("#!/bin/sh\n")
		    os.chmod("/tmp/x", 0o755)
		    r["exec"] = act(subprocess.run, ["/tmp/x"])
		    r["fill"] = act(fill)
		    r["size"] = os.stat("/tmp/big").st_size
		    os.unlink("/tmp/big")
		    r["many"] = act(many)
		    r["count"] = len(os.listdir("/tmp"))
		    v = os.statvfs("/tmp")
		    r["total"] = v.f_blocks * v.f_bsize
		    return r
	END
	try
	got .exec EACCES "nothing in /tmp starts"
	got .fill ENOSPC "/tmp has the size that the header says"
	got .total 1048576 "... to the byte"
	got .many ENOSPC "... and a bounded number of files"
	within 100 "$(jq .count <<<"$result")" 272 "$as: ... of a few hundred"
	plugin tmpafter <<-'END'
		import os

		def run(job):
		    return os.listdir("/tmp")
	END
	try
	got . '[]' "nothing of it is left for the next job"
	nothing_left "$as: no process, group or mount is left"

	# --- / --------------------------------------------------------------------------

	plugin all "permissions: {read: [/]}" <<-END
		import os
		import subprocess

		def run(job):
		    return {
		        "passwd": open("/etc/passwd").read()[:5],
		        "shadow": act(open, "/etc/shadow"),
		        "write": [act(open, "$HOST/other/secret", "a"),
		                  act(open, "/etc/x", "w"),
		                  act(open, "/dev/shm/x", "w"),
		                  act(open, "/var/tmp/x", "w")],
		        "tmp": os.listdir("/tmp"),
		        "devices": [act(open, p, "rb") for p in
		                    ("/dev/mem", "/dev/kmsg", "/dev/tty",
		                     "/dev/vda", "/dev/ptmx")
		                    if os.path.exists(p)],
		        "pids": sorted(n for n in os.listdir("/proc")
		                       if n.isdigit()),
		        "sys": act(open, "/sys/kernel/mm/ksm/run", "w"),
		        "exec": act(subprocess.run, ["/usr/bin/id"]),
		        "su": act(subprocess.run, ["/usr/bin/su", "-c", "id"]),
		    }
	END
	try
	ran "a plugin that may read all of the host runs"
	got .passwd root: "it reads what its user id may"
	got .shadow EACCES "... and not what it may not"
	unlike "$(jq -c '[.write, .sys]' <<<"$result")" ok "$as: it writes nothing"
	got '.devices | unique' '["EACCES"]' "no device opens"
	got .pids '["1","2"]' "it sees no process of the host"
	got '[.exec, .su] | unique' '["EACCES"]' "no program starts"
done
done_testing
