#!/bin/bash
# The Debian package in a virtual machine, under a real systemd with control
# groups of version 2: what its kernel enforces on jobs, as the kernel's own
# files say; the watchdog; reloads; and power cuts under load.  `make check-vm`
# and `make check-power` run it.
#
#	KERNELS		those of these Debian releases (bookworm); bullseye's has no
#			Landlock, bookworm's ABI 2, trixie's ABI 6
#	CUTS		how often the power is cut, with each kernel (3)
#	POWER_SEED	... at the same instants as with that seed
#	DEB		the package, instead of a new build
#
# The machine is machine.sh's, the load and its judge are power.py.  The disk is
# a copy, on which everything stays from one start to the next, and which is
# kept in build/vm when a check fails.
. "$(dirname "$0")/../lib/tap.sh"
# 10.0.2.2, where the collector is, is this machine
MACHINE_NET=restrict=off
MACHINE_TIMEOUT=300
# shellcheck source=t/lab/machine.sh
. "$ROOT/t/lab/machine.sh"

why=$(machine_lacks) && skip_all "$why"
command -v debugfs >/dev/null || skip_all "debugfs is not installed"
if [ -z "${DEB:-}" ]; then
	command -v dh >/dev/null || skip_all "dh is not installed"
fi

read -ra kernels <<<"${KERNELS:-bookworm}"
for kernel in "${kernels[@]}"; do
	case $kernel in
	bullseye | bookworm | trixie) ;;
	*)
		fail "KERNELS: there are bullseye, bookworm, trixie; got $kernel"
		exit
		;;
	esac
done
CUTS=${CUTS:-3}
POWER_SEED=${POWER_SEED:-$RANDOM$RANDOM}
RUN_TIMEOUT=900
DISK=$VM/service.img
VERSION=$(<"$ROOT/VERSION")
UNIT=/sys/fs/cgroup/system.slice/devops_agent.service
# Of each sandbox's own user id (docs/sandbox.md): whoever has one is a job's.
FIRST_ID=2046820352
COLLECTOR=''
PORT=1

# What the kernel of a release has, by its layer in `doctor`; the ABI of
# Landlock; whether it has cgroup.kill.
# shellcheck disable=SC2034 # chosen by the release's name
{
	on_bullseye='landlock=absent landlock-net=absent landlock-scope=absent'
	on_bookworm='landlock=weaker landlock-net=absent landlock-scope=absent'
	on_trixie='landlock=enforced landlock-net=enforced landlock-scope=enforced'
	abi_bullseye=0 abi_bookworm=2 abi_trixie=6
	kill_bullseye=no kill_bookworm=yes kill_trixie=yes
}

# --- In the machine -------------------------------------------------------------

# boot NAME: with the disk as it is.
boot() {
	machine_boot "$kernel" "$kernel-$1" \
		-drive "file=$DISK,if=virtio,format=raw" && return
	fail "$kernel: it boots"
	tap_tail "$(tail -n 20 "$LOGS/$kernel-$1-console.log")" 'console: '
	exit
}

# on_host COMMAND...: words, as they are.
on_host() {
	guest "$(printf '%q ' "$@")" </dev/null
}

agent() {
	on_host devops_agent "$@"
}

property() {
	on_host systemctl show -P "$1" devops_agent
}

is_active() {
	[ "$(property ActiveState)" = active ]
}

# submit NAME PARAM...: a job of the plugin `holds`; its number.
submit() {
	local name=$1 word words=()

	shift
	for word; do
		words+=(--param "$word")
	done
	agent job run --name "$name" --plugin holds "${words[@]}"
}

# record ID EXPRESSION: what jq makes of its record.
record() {
	agent job show "$1" --json | jq -r "$2"
}

# has_state ID STATE
has_state() {
	[ "$(record "$1" .state)" = "$2" ]
}

# groups: the folders of all jobs of the service.
groups() {
	guest "find $UNIT -mindepth 1 -maxdepth 1 -name 'devops_agent-*'" </dev/null
}

# value FILE: what that file says of the one job that there is.
value() {
	guest "cat $UNIT/devops_agent-*/$1" </dev/null
}

# counted FILE KEY: the number behind a key in it.
counted() {
	value "$1" | awk -v key="$2" '$1 == key { print $2 }'
}

# at_least NUMBER FILE KEY
at_least() {
	[ "$(counted "$2" "$3")" -ge "$1" ]
}

# in_jobs: the processes that have a sandbox's user id, wherever they stand.
in_jobs() {
	guest 'ps -eo uid=,pid=,comm=' </dev/null |
		awk -v first="$FIRST_ID" '$1 >= first && $1 < first + 65536'
}

nothing_left() {
	[ -z "$(groups)" ] && [ -z "$(in_jobs)" ]
}

# --- The service, and what it says of its kernel ----------------------------------

install_package() {
	cp --sparse=always "$MACHINE_DISK" "$DISK"
	boot install
	guest 'cat >/root/agent.deb' <"$deb"
	run on_host dpkg -i /root/agent.deb
	exits 0 "$kernel: the package installs" || exit
	ok "$kernel: ... and runs" wait_until 60 is_active || exit
	is "$(on_host systemctl is-active devops_agent.socket)" active \
		"$kernel: ... with its socket"
	tar -C "$ROOT/t/lab/service" --owner=0 --group=0 --mode=go-w -c python |
		guest 'mkdir -p /opt/lab && tar -C /opt/lab -x'
	configure </dev/null
	run on_host systemctl restart devops_agent
	exits 0 "$kernel: it starts with plugins of this host" || exit
}

# configure: the settings that are always there, and those of standard input.
configure() {
	{
		cat <<-END
			agent: {data_dir: /var/lib/devops_agent, listen_addr: ""}
			plugins: {path: /opt/lab}
			workers: {max: 6}
		END
		cat
	} | guest 'cat >/etc/devops_agent/config.yaml'
}

# states LAYER...: "layer=state" of these, as $doctor says.
states() {
	jq -rs '[.[] | select(.layer) | "\(.layer)=\(.state)"] | join("\n")' \
		<<<"$doctor" | grep -E "^($(tr ' ' '|' <<<"$*"))=" | tr '\n' ' '
}

check_doctor() {
	local expected=on_$kernel abi=abi_$kernel id

	doctor=$(agent doctor --json)
	is "$(states landlock landlock-net landlock-scope)" "${!expected} " \
		"$kernel: doctor says of Landlock what this kernel has"
	is "$(on_host python3 -c 'import ctypes
print(max(ctypes.CDLL(None).syscall(444, 0, 0, 1), 0))')" "${!abi}" \
		"$kernel: ... which is ABI ${!abi}, as the kernel itself says"
	is "$(states namespaces private-root seccomp seccomp-notify cgroup limits)" \
		"namespaces=enforced private-root=enforced seccomp=enforced \
seccomp-notify=enforced cgroup=enforced limits=enforced " \
		"$kernel: ... and everything else is there"
	like "$(jq -r 'select(.layer == "cgroup").detail' <<<"$doctor")" '^v2' \
		"$kernel: ... with control groups of version 2"
	id=$(submit layers)
	agent job wait "$id" >/dev/null 2>&1
	is "$(record "$id" '.sandbox.layers | sort | join(" ")')" \
		"$(jq -rs '[.[] | select(.layer and .state != "absent").layer] |
			sort | join(" ")' <<<"$doctor")" \
		"$kernel: a job of the service stands in what doctor says"
	is "$(record "$id" .sandbox.landlock_abi)" "${!abi}" \
		"$kernel: ... with that Landlock"
}

# --- Control groups -------------------------------------------------------------

check_limits() {
	local id

	id=$(submit limits seconds=600)
	ok "$kernel: a job is in a group of its own" wait_until 60 has_members 2
	is "$(for file in memory.max memory.swap.max memory.oom.group pids.max \
		cpu.max; do value $file; done | tr '\n' ' ')" \
		"41943040 0 1 10 100000 100000 " \
		"$kernel: the group of a job bounds memory, processes and processor"
	agent job cancel "$id" >/dev/null
	ok "$kernel: ... and goes with it" wait_until 30 nothing_left
}

# has_members COUNT: pid 1 among them.
has_members() {
	[ "$(value cgroup.procs | wc -l)" -ge "$1" ]
}

# The hostile ones of the sandbox's own tests.
copy_hostile() {
	guest 'mkdir -p /opt/lab/shell'
	guest 'cat >/opt/lab/python/memory.py' <"$ROOT/t/hostile/memory.py"
	guest 'cat >/opt/lab/shell/fork_bomb.sh' <"$ROOT/t/hostile/fork_bomb.sh"
}

check_memory() {
	local beside before id

	beside=$(submit beside seconds=600)
	before=$(property MainPID)
	run agent job run --name memory --plugin memory --wait --json
	is "$(jq -r '.state + " " + .error.code' <<<"$out")" "failed out_of_memory" \
		"$kernel: a job that takes too much memory fails, and says why"
	like "$(guest 'dmesg | grep oom-kill:' </dev/null)" \
		'oom_memcg=/system.slice/devops_agent.service/devops_agent-' \
		"$kernel: ... killed by the kernel, for its own group's limit"
	ok "$kernel: ... alone: another one runs on" has_state "$beside" running
	is "$(property MainPID) $(property NRestarts)" "$before 0" \
		"$kernel: ... and so does the service"
	agent job cancel "$beside" >/dev/null
	ok "$kernel: ... and its group is gone" wait_until 30 nothing_left
}

check_processes() {
	local id

	id=$(submit children does=children)
	ok "$kernel: a job that forks without end has as many as it may have" \
		wait_until 60 has_members 10
	# the limit of its user id comes first, but is not the only one
	guest "for pid in \$(cat $UNIT/devops_agent-*/cgroup.procs)
		do prlimit --pid=\$pid --nproc=1000; done" </dev/null
	ok "$kernel: ... and is refused more by pids.max alone" \
		wait_until 60 at_least 1 pids.events max
	is "$(value pids.current)" 10 "$kernel: ... however often it tries"
	agent job cancel "$id" >/dev/null
	ok "$kernel: ... which all go with it" wait_until 30 nothing_left
	run agent job run --name bomb --plugin fork-bomb --wait --json
	is "$(jq -r .state <<<"$out")" timed_out \
		"$kernel: a fork bomb comes to its time limit"
	ok "$kernel: ... and nothing of it is left" wait_until 30 nothing_left
}

check_processor() {
	local id

	id=$(submit spins does=spins seconds=5)
	ok "$kernel: a job that wants more than one processor is throttled" \
		wait_until 60 at_least 1 cpu.stat nr_throttled
	agent job wait "$id" >/dev/null 2>&1
	# 5 s of one processor, and its start
	within 3000 "$(record "$id" .usage.cpu_ms)" 7500 \
		"$kernel: ... and has had the time of one"
}

# A job with three grandchildren that left it: of their own sessions, without a
# parent, deaf to every signal but one.
check_family() {
	local has=kill_$kernel id

	id=$(agent job run --name family --plugin holds --timeout 12s \
		--param does=family --param seconds=600)
	ok "$kernel: grandchildren that leave are in the group of their job" \
		wait_until 60 has_members 5
	is "$(guest "test -e $UNIT/devops_agent-*/cgroup.kill && echo yes ||
		echo no" </dev/null)" "${!has}" \
		"$kernel: ... which has cgroup.kill where the kernel does"
	run agent job wait "$id"
	exits 124 "$kernel: the job times out"
	ok "$kernel: ... no process of it is left, nor its group" \
		wait_until 30 nothing_left
}

# --- The watchdog, and reloads ----------------------------------------------------

restarted() {
	[ "$(property NRestarts)" = 1 ] && is_active
}

check_watchdog() {
	local again once before pid

	configure <<-'END'
		jobs: {once: {plugin: holds, on_crash: fail, params: {seconds: 600}}}
	END
	run on_host systemctl reload devops_agent
	exits 0 "$kernel: a reload with another job succeeds"
	again=$(submit again seconds=600)
	once=$(agent schedule trigger once)
	wait_until 60 has_state "$again" running
	wait_until 60 has_state "$once" running
	pid=$(property MainPID)
	before=$(in_jobs | awk '{ print $2 }')
	isnt "$before" '' "$kernel: each job has a user id of its own"
	on_host kill -STOP "$pid"
	ok "$kernel: an agent that hangs is started again by the watchdog" \
		wait_until 150 restarted
	like "$(on_host journalctl -q -u devops_agent -o cat)" 'Watchdog timeout' \
		"$kernel: ... and the journal says so"
	isnt "$(property MainPID)" "$pid" "$kernel: ... as another process"
	ok "$kernel: ... the job that ran runs again" \
		wait_until 60 has_state "$again" running
	is "$(record "$again" .attempt)" 2 "$kernel: ... as its second attempt"
	is "$(record "$once" .state)" lost \
		"$kernel: ... one with on_crash: fail is lost"
	# shellcheck disable=SC2086 # pids, a word each
	is "$(on_host ps -o pid= -p "$(echo $before | tr ' ' ,)")" '' \
		"$kernel: ... and no process of theirs is left"
	agent job cancel "$again" >/dev/null
	ok "$kernel: ... nor a group, once that one is cancelled" \
		wait_until 30 nothing_left
}

check_reload() {
	local pid

	pid=$(property MainPID)
	configure <<-'END'
		jobs: {later: {plugin: holds, every: 1h}}
	END
	run on_host systemctl reload devops_agent
	exits 0 "$kernel: a reload succeeds"
	is "$(agent schedule list --json | jq -r .name)" later \
		"$kernel: ... and what is new in it is in force"
	configure <<<'jbos: {}'
	run on_host systemctl reload devops_agent
	isnt "$status" 0 "$kernel: a reload of a wrong configuration fails"
	# commands read it as well; this one is not in force
	configure </dev/null
	is "$(agent schedule list --json | jq -r .name)" later \
		"$kernel: ... and the one before stays in force"
	is "$(property MainPID) $(property ActiveState)" "$pid active" \
		"$kernel: ... in the same process"
}

# --- Power cuts -----------------------------------------------------------------

# power COMMAND WORD...: a check for each line of what it says.
power() {
	local verdict title

	run /usr/bin/python3 -B "$ROOT/t/lab/power.py" "$1" "$T/$kernel" "${@:2}"
	while read -r verdict title; do
		case $verdict in
		ok) pass "$kernel: $title" ;;
		no) fail "$kernel: $title" ;;
		so) diag "$kernel: $title" ;;
		esac
	done <<<"$out"
	[ "$(tail -n 1 <<<"$out")" = end ] ||
		fail "$kernel: power.py $1 comes to its end"
}

start_collector() {
	mkdir -p "$T/$kernel"
	/usr/bin/python3 -B "$ROOT/t/lab/power.py" collect "$T/$kernel" \
		>"$T/$kernel/port" 2>"$T/$kernel/collector.log" </dev/null &
	COLLECTOR=$!
	wait_until 20 test -s "$T/$kernel/port"
	PORT=$(<"$T/$kernel/port")
}

stop_collector() {
	[ -z "$COLLECTOR" ] || kill "$COLLECTOR"
	COLLECTOR=''
}

# The load's plugins, schedules and destination; and all of that on the disk.
load_machine() {
	local name extra

	for name in mark warm; do
		extra=$([ "$name" = mark ] ||
			echo '# workers: {min_idle: 1, max: 2, max_jobs: 50}')
		sed "s/PORT/$PORT/; s/^# name: mark/# name: $name/
			s/^# limits: .*/&${extra:+\\n$extra}/" \
			"$ROOT/t/lab/service/python/mark.py" |
			guest "cat >/opt/lab/python/$name.py"
	done
	configure <<-END
		jobs:
		  frail: {plugin: mark, on_crash: fail, params: {seconds: 2}}
		  tick: {plugin: mark, every: 2s}
		  turns: {plugin: warm, every: 5s, overlap: queue, missed: all, missed_max: 5}
		forward:
		  - name: outside
		    url: http://10.0.2.2:$PORT/v1/results
		    batch: {records: 10, wait: 500ms}
	END
	run guest 'cd / && devops_agent plugin allow mark &&
		devops_agent plugin allow warm && systemctl restart devops_agent' \
		</dev/null
	exits 0 "$kernel: the service takes the load's configuration" || exit
	ok "$kernel: the machine goes off in order" machine_off
}

# tunnel: the agent's socket, out here.
tunnel() {
	rm -f "$T/agent.sock"
	machine_ssh -O forward -L "$T/agent.sock:/run/devops_agent/agent.sock" \
		root@127.0.0.1
}

# started N: the service runs again, without anybody's doing.
started() {
	ok "$kernel: start $1: the service runs by itself" \
		wait_until 120 is_active || exit
	is "$(property NRestarts)" 0 "$kernel: start $1: ... at the first attempt"
	tunnel || fail "$kernel: its socket can be reached from outside"
}

# The database as it lies on a copy of the disk, whose own journal is done first.
read_disk() {
	local file

	rm -f "$DISK.look" "$T"/agent.db*
	cp --sparse=always "$DISK" "$DISK.look"
	e2fsck -p "$DISK.look" >"$T/fsck" 2>&1
	[ $? -le 1 ] || return # 1: the journal was done
	for file in agent.db agent.db-wal; do
		debugfs -R "dump /var/lib/devops_agent/$file $T/$file" \
			"$DISK.look" >>"$T/fsck" 2>&1
	done
	rm -f "$DISK.look"
	test -s "$T/agent.db"
}

cut_power() {
	local cut

	start_collector
	load_machine
	for ((cut = 1; cut <= CUTS; cut++)); do
		boot "cut-$cut"
		started "$cut"
		power load "$T/agent.sock" "$POWER_SEED" "$cut" "$MACHINE"
		machine_cut
		ok "$kernel: cut $cut: the database can be read from the disk" \
			read_disk || exit
		power look "$T/agent.db"
	done
	boot "cut-$cut"
	started "$cut"
	power judge "$T/agent.sock"
	ok "$kernel: and once more it goes off in order" machine_off
	stop_collector
}

# --- All of it --------------------------------------------------------------------

deb=${DEB:-}
if [ -z "$deb" ]; then
	run make -C "$ROOT" --no-print-directory tarball
	exits 0 "the tarball is made" || exit
	run nice "$ROOT/packaging/deb.sh" \
		"$ROOT/build/dist/devops_agent-$VERSION.tar.gz" "$T/deb"
	exits 0 "the package builds" || exit
	deb=$(echo "$T"/deb/devops-agent_*.deb)
fi
ok "the machine is made" machine_make "${kernels[@]}" || exit
# shellcheck disable=SC2016 # expanded at the end
at_exit 'machine_cut; stop_collector; [ "$tap_failed" -gt 0 ] || rm -f "$DISK"'
diag "POWER_SEED=$POWER_SEED CUTS=$CUTS"

for kernel in "${kernels[@]}"; do
	install_package
	check_doctor
	copy_hostile
	check_limits
	check_memory
	check_processes
	check_processor
	check_family
	check_watchdog
	check_reload
	cut_power
done
done_testing
