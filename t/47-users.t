#!/bin/bash
# Who a plugin is: nobody's user id, no capability, and no way to more.
export TMPDIR=/var/tmp
. "$(dirname "$0")/lib/tap.sh"
. "$ROOT/t/hostile/lib.sh"

others=()
mkdir "$HOST/drop"
chmod 777 "$HOST/drop"

identity() {
	cat <<-'END'
		import ctypes
		import os
		import time
		libc = ctypes.CDLL(None, use_errno=True)

		def status(*keys):
		    text = open("/proc/self/status").read().splitlines()
		    return {l.split(":")[0]: l.split()[1:] for l in text
		            if l.split(":")[0] in keys}

		def prctl(*args):
		    ctypes.set_errno(0)
		    got = libc.prctl(*args, 0, 0, 0)
		    return errno.errorcode[ctypes.get_errno()] if got < 0 else got

		SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
	END
}

for who in $WHO; do
	as "$who"

	plugin identity < <(identity; cat <<-'END'
		def capset():
		    head = (ctypes.c_uint32 * 2)(0x20080522, 0)
		    data = (ctypes.c_uint32 * 6)(*[0xffffffff] * 6)
		    if libc.capset(head, data) < 0:
		        raise OSError(ctypes.get_errno(), "")

		def run(job):
		    s = status("Uid", "Gid", "Groups", "NoNewPrivs", "Seccomp", *SETS)
		    return {
		        "caps": [s[n][0] for n in SETS], "uid": s["Uid"],
		        "gid": s["Gid"], "groups": s["Groups"],
		        "nnp": s["NoNewPrivs"], "seccomp": s["Seccomp"],
		        "uid_map": open("/proc/self/uid_map").read().split(),
		        "setgroups": open("/proc/self/setgroups").read().strip(),
		        "root": [act(os.setuid, 0), act(os.setgid, 0),
		                 act(os.setgroups, [0]), act(os.setuid, 65534),
		                 act(os.setresuid, -1, 0, -1)],
		        "set": act(capset),
		        "ambient": prctl(47, 2, 21), "keep": prctl(8, 1),
		        "securebits": prctl(28, 0), "bounding": prctl(24, 21),
		        "nnp_off": prctl(38, 0), "dumpable": prctl(4, 1),
		    }
	END
	)
	try
	got '.caps | unique' '["0000000000000000"]' \
		"no capability is in any set, nor in the bounding set"
	got '[.nnp, .seccomp]' '[["1"],["2"]]' \
		"no_new_privs and a filter of system calls hold"
	got '.uid + .gid | unique | length' 1 "there is one user id and one group id"
	isnt "$(jq -r '.uid[0]' <<<"$result")" 0 "$as: ... which is not root's"
	got .uid_map "$(jq -c '[.uid[0], .uid[0], "1"]' <<<"$result")" \
		"no other one is known inside"
	got .setgroups deny "... nor can groups be set"
	got '.root | unique - ["EPERM", "EINVAL"]' '[]' "it becomes nobody else"
	got '[.set, .ambient, .keep, .securebits, .bounding, .nnp_off] | unique - ["EPERM", "EINVAL"]' \
		'[]' "nothing that was given up comes back"

	if [ "$as" = root ]; then
		within $((0x7a000000)) "$(jq -r '.uid[0]' <<<"$result")" \
			$((0x7a00ffff)) "root: it is of a range of nobody's"
		got .groups '[]' "it is in no group"

		# Beside each other: never the same.
		plugin beside "limits: {timeout: 20s}" "permissions: {write: [$HOST/drop]}" \
			< <(identity; cat <<-END
			def run(job):
			    d = "$HOST/drop"
			    open("%s/%d" % (d, os.getuid()), "x").close()
			    end = time.monotonic() + 15
			    while len(os.listdir(d)) < 6 and time.monotonic() < end:
			        time.sleep(0.05)
			    return [len(os.listdir(d)), [n for n in os.listdir("/proc")
			                                 if n.isdigit()]]
		END
		)
		for i in 1 2 3 4 5 6; do
			"$AGENT" run beside --config "$T/root/config.yaml" \
				</dev/null >"$T/beside.$i" 2>&1 &
		done
		wait
		is "$(sort -u "$T"/beside.*)" '[6,["1","2"]]' \
			"root: plugins beside each other have each their own, and don't meet"
		rm -f "$HOST/drop"/*

		# user:
		plugin named "permissions: {user: nobody}" < <(identity; cat <<-'END'
			def run(job):
			    s = status("Uid", *SETS)
			    return [s["Uid"][0], sorted({s[n][0] for n in SETS}),
			            os.getgroups(), act(os.setuid, 0)]
		END
		)
		try
		got . '["65534",["0000000000000000"],[65534],"EINVAL"]' \
			"user: is the account that it runs as"
		for i in {1..24}; do
			setpriv --reuid=65534 --regid=65534 --clear-groups sleep 60 &
			others+=("$!")
		done
		try
		got '.[0]' 65534 "... however many processes it has on the host"
		kill "${others[@]}"
		plugin isroot "permissions: {user: root}" <<-'END'
			def run(job):
			    return None
		END
		try
		isnt "$status" 0 "root: a plugin never runs as root"
		for capability in setuid setgid setfcap; do
			plugin "by-$capability" \
				"permissions: {capabilities: [$capability]}" <<-'END'
				import os

				def run(job):
				    act(os.setgid, 0)
				    act(os.setuid, 0)
				    return [os.getuid(), os.getgid()]
			END
			try
			is "$status" 3 "root: ... nor becomes it by $capability"
			like "$err$message" "never runs as root" "... which is said"
		done
		plugin nosuch "permissions: {user: nosuchuser}" <<-'END'
			def run(job):
			    return None
		END
		try
		like "$err$message" "no account nosuchuser" \
			"root: an account that there is none of is said"

		# capabilities:
		plugin capable "permissions: {capabilities: [net_raw], network: [host]}" \
			< <(identity; cat <<-'END'
			import socket

			def made(*args):
			    socket.socket(*args).close()

			def run(job):
			    s = status("Uid", *SETS)
			    return {"caps": [int(s[n][0], 16) for n in SETS],
			            "uid": s["Uid"][0],
			            "raw": act(made, socket.AF_INET, socket.SOCK_RAW, 1),
			            "other": [act(os.chroot, "/tmp"), act(os.setuid, 0),
			                      act(os.mknod, "/tmp/x", 0o20666, 259)],
			            "down": act(lambda: __import__("fcntl").ioctl(
			                socket.socket(), 0x8914, b"lo".ljust(40, b"\0")))}
		END
		)
		try
		got '.caps | unique' '[8192]' "a capability that was granted is in every set"
		got .raw ok "... and works"
		isnt "$(jq -r .uid <<<"$result")" 0 "root: ... without being root"
		got '.other + [.down] | unique' '["EPERM"]' "... and no other one does"
		like "$(field '.sandbox.layers | join(" ")')" capabilities \
			"root: the record says what was in force"

		prefix=(setpriv --bounding-set=-net_raw --inh-caps=-net_raw)
		try
		as "$who"
		isnt "$status" 0 "root: one that the agent may not have is not given"
		like "$err$message" "net_raw was granted.*CapabilityBoundingSet" \
			"root: ... which is said, and what to do"

		plugin keeps "permissions: {capabilities: [net_raw]}" \
			< <(identity; cat <<-'END'
			def run(job):
			    before = status("Uid", *SETS)
			    kept = prctl(8, 1)
			    return {"kept": kept, "id": [act(os.setuid, 0),
			                                 act(os.setuid, before["Uid"][0])],
			            "bits": prctl(28, 0x10),
			            "same": status("Uid", *SETS) == before}
		END
		)
		try
		got '[.kept, .same]' '[0,true]' \
			"it may ask to keep its capabilities, as ping does, to no effect"
		got '.id[0]' EPERM "... as there is no other id to change to"
		got .bits EPERM "... nor another secure bit"
		if [ -x /usr/bin/ping ]; then
			plugin pings \
				"permissions: {capabilities: [net_raw], network: [host], exec: [ping]}" \
				<<-'END'
				import subprocess

				def run(job):
				    p = subprocess.run(["ping", "-n", "-c1", "-W5", "127.0.0.1"],
				                       text=True, capture_output=True)
				    return [p.returncode, p.stderr]
			END
			try
			got . '[0,""]' "ping works"
		else
			skip 1 "ping is not installed"
		fi
	else
		is "$(jq -r '.uid[0]' <<<"$result")" "$(by id -u)" \
			"user: it is the user's own"
		plugin other "permissions: {user: daemon}" <<-'END'
			def run(job):
			    return None
		END
		try
		is "$status" 3 "user: only root starts a plugin as somebody else"
		plugin usercap "permissions: {capabilities: [net_raw], network: [host]}" \
			< <(identity; cat <<-'END'
			import socket

			def made(*args):
			    socket.socket(*args).close()

			def run(job):
			    return act(made, socket.AF_INET, socket.SOCK_RAW, 1)
		END
		)
		try
		isnt "$result" '"ok"' "user: a capability means nothing on the host"
	fi
	nothing_left "$as: no process, group or mount is left"
done

# --- The root of a container, whose user namespace has fewer ids ------------------

# in_namespace PID: it has a user namespace of its own.
in_namespace() {
	[ "$(readlink "/proc/$1/ns/user")" != "$(readlink /proc/self/ns/user)" ]
}

# mapped MAP COMMAND...: as root of a user namespace with those ids.
mapped() {
	local map=$1 pid

	shift
	mkfifo "$T/mapped"
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --user --mount --propagation private sh -c '
		read -r go <"$1/mapped" && mount -t tmpfs -o mode=755 none /run &&
		shift && exec "$@"' sh "$T" "$@" &
	pid=$!
	wait_until 10 in_namespace "$pid"
	echo "$map" >"/proc/$pid/uid_map"
	echo "$map" >"/proc/$pid/gid_map"
	echo go >"$T/mapped"
	rm "$T/mapped"
	wait "$pid"
}

if is_root; then
	as root
	plugin who <<-'END'
		import os

		def run(job):
		    return [os.getuid(), os.getgid()]
	END
	run mapped "0 0 65536" "$AGENT" run who --config "$T/root/config.yaml"
	exits 0 "root of a namespace of 65536 ids runs plugins"
	within 20000 "$(jq '.[0]' <<<"$out")" 61183 \
		"... with ids that it has, and no account has"
	is "$(jq '.[0] == .[1]' <<<"$out")" true "... the same for the group"
	run mapped "0 0 65536" "$AGENT" doctor --config "$T/root/config.yaml"
	like "$out" "user-id +enforced .* one of 41184 from 20000 on" \
		"... as doctor says"
	run mapped "0 0 1000" "$AGENT" run who --config "$T/root/config.yaml"
	exits 125 "root of a namespace that has too few runs none"
	like "$err" "no user and group ids from 20000 on.*map 65536 ids" \
		"... and is told what to do"
	run mapped "0 0 1" "$AGENT" run who --config "$T/root/config.yaml"
	exits 125 "... nor does one that has none beside root's"
else
	skip 7 "not root"
fi

# --- The folder of locks ----------------------------------------------------------

if is_root; then
	is "$(stat -c '%U %a' /run/devops_agent /run/devops_agent/ids.lock | xargs)" \
		"root 755 root 600" "ids are locked in a folder of root's alone"
fi

# --- What the configuration requires ---------------------------------------------

as "${WHO##* }"
plugin required <<-'END'
	def run(job):
	    return 1
END
sed 's|^plugins: {|&require: [cgroup, user-id, landlock], |' \
	"$T/$as/config.yaml" >"$T/$as/strict.yaml"
run "${prefix[@]}" "$AGENT" run required --config "$T/$as/strict.yaml"
if [ "$as" = user ]; then
	exits 125 "user: no plugin runs without a layer that is required"
	like "$err" 'requires the layer (cgroup|user-id)' "... which is named"
else
	skip 2 "the address sanitizer needs root"
fi
done_testing
