#!/bin/bash
# The control group of a job: its limits, beside others, and its end.
export TMPDIR=/var/tmp
. "$(dirname "$0")/lib/tap.sh"
. "$ROOT/t/hostile/lib.sh"

# groups PID: the folders of its jobs, one in version 2, several in version 1.
groups() {
	find /sys/fs/cgroup -maxdepth 7 -type d -name "devops_agent-$1-*"
}

has_group() {
	[ -n "$(groups "$1")" ]
}

gone() {
	! has_group "$1"
}

# start OUTPUT: an agent, which stays until it is killed; $agent.
start() {
	"${prefix[@]}" "$AGENT" run "$name" --config "$T/$as/config.yaml" </dev/null \
		>"$T/$1.out" 2>&1 &
	agent=$!
	wait_until 20 has_group "$agent" || diag "$(cat "$T/$1.out")"
}

# value PID FILE: what a file of its groups says, whichever has it.
value() {
	groups "$1" | sed "s|\$|/$2|" | xargs -r cat 2>/dev/null
}

# pid 1 and the plugin's process, in every group that there is
holds_job() {
	local folder

	for folder in $(groups "$1"); do
		[ "$(wc -l <"$folder/cgroup.procs")" = 2 ] || return
	done
}

for who in $WHO; do
	as "$who"

	plugin sleeps "limits: {memory: 40MiB, processes: 5, timeout: 60s}" <<-'END'
		import time

		def run(job):
		    time.sleep(60)
	END
	run by "$AGENT" doctor --json --config "$T/$as/config.yaml"
	if [ "$(jq -r 'select(.layer == "cgroup").state' <<<"$out")" = absent ]; then
		skip 9 "no control group for this user here"
		continue
	fi
	version=$(jq -r 'select(.layer == "cgroup").detail' <<<"$out" | cut -c 1-2)

	start one
	one=$agent
	ok "$as: the processes of a job are in a group" \
		wait_until 20 holds_job "$one"
	if [ "$version" = v2 ]; then
		is "$(value "$one" memory.max) $(value "$one" memory.swap.max)" \
			"41943040 0" "$as: its memory is bounded, without swap"
		is "$(value "$one" memory.oom.group)" 1 "$as: ... and it dies as one"
		is "$(value "$one" pids.max)" 6 \
			"$as: its processes are bounded, one more for pid 1"
		if [ "$(value "$one" cpu.max)" ]; then
			is "$(value "$one" cpu.max)" "100000 100000" \
				"$as: it takes one core at most"
		else
			skip 1 "no cpu controller for this user here"
		fi
	else
		is "$(value "$one" memory.limit_in_bytes)" 41943040 \
			"$as: its memory is bounded"
		is "$(groups "$one" | wc -l)" 2 \
			"$as: ... and its processes, by a group of their own"
		is "$(value "$one" pids.max)" 6 \
			"$as: ... one more for pid 1"
		skip 1 "only version 2 bounds a job to one core"
	fi

	start two
	isnt "$(groups "$agent")" "$(groups "$one")" \
		"$as: two at a time have each their own"
	by kill -TERM "$agent"
	wait "$agent"
	ok "$as: ... and it goes with its job" gone "$agent"
	ok "$as: ... the other one stays" holds_job "$one"

	by kill -KILL "$one"
	wait "$one" 2>/dev/null
	plugin quick <<-'END'
		def run(job):
		    return 1
	END
	try
	ok "$as: the group of an agent that was killed goes with the next run" \
		gone "$one"
done

# --- Where one only seems to be had -------------------------------------------
# Whether one holds is decided before it is made. Over the host's groups lies a
# folder that looks as if it had them: in it none is made.

pretend() {
	local uid=0

	[ "$as" = root ] || uid=$USER_ID
	# shellcheck disable=SC2016 # the inner shell's
	prefix=(unshare --mount sh -c '
		mount -t tmpfs -o mode=755,uid=$0 none /sys/fs/cgroup &&
		echo memory pids >/sys/fs/cgroup/cgroup.controllers &&
		exec "$@"' "$uid" "${prefix[@]}")
}

for who in $WHO; do
	as "$who"
	if ! is_root; then
		skip 5 "mounts need root"
		continue
	fi
	plugin "memory-$as" 'permissions: {exec: ["*"]}' <<-'END'
		import ctypes, os

		def memory_file():
		    fd = ctypes.CDLL(None, use_errno=True).memfd_create(b"x", 0)
		    if fd < 0:
		        raise OSError(ctypes.get_errno(), "")

		def run(job):
		    return act(memory_file)
	END
	try
	if counted; then
		got . ok "with a control group a memory file may be made"
	else
		skip 1 "no control group for this user here"
	fi
	pretend
	try
	ran "where a group can't be made after all, a plugin runs without"
	is "$(counted && echo claimed)" "" "$as: ... and does not claim one"
	got . EPERM "... and nothing is allowed that needs one"
	sed -i 's/^plugins: {/&require: [cgroup], /' "$T/$as/config.yaml"
	try
	like "$err" "requires the layer cgroup" \
		"$as: ... or not at all, where the configuration says so"
done
done_testing
