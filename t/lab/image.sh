#!/bin/bash
# The OCI image: built with nothing from a registry, and what its sandbox
# enforces under the options that an engine has.  `make check-image` runs it;
# needs root, podman with runc, debootstrap.
#
# The minimal Debian that it stands on is kept for 30 days in build/lab/image,
# as are the engine's layers, so that a second run builds what changed.
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=packaging/debian.sh
. "$ROOT/packaging/debian.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root"
for program in podman runc debootstrap; do
	command -v "$program" >/dev/null || skip_all "$program is not installed"
done

LAB=$ROOT/build/lab/image
BASE=$LAB/base.tar
BASE_IMAGE=localhost/debian:lab
VERSION=$(<"$ROOT/VERSION")
RUN_TIMEOUT=900

# An engine of this test's own: its storage, and what works on a host whose
# control groups are of both versions, whoever started it.
mkdir -p "$LAB"
cat >"$T/storage.conf" <<END
[storage]
driver = "overlay"
graphroot = "$LAB/storage"
runroot = "$LAB/run"
END
cat >"$T/containers.conf" <<'END'
[containers]
default_ulimits = ["nofile=1024:4096", "nproc=1024:4096"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
END
export CONTAINERS_CONF=$T/containers.conf CONTAINERS_STORAGE_CONF=$T/storage.conf

make_base() {
	local release

	# shellcheck source=/dev/null
	release=$(. /etc/os-release && echo "$VERSION_CODENAME")
	rm -rf "$LAB/base"
	# what it mounts meanwhile is not for others to see
	unshare --mount --propagation private \
		debootstrap --variant=minbase "$release" "$LAB/base" \
		"$(debian_mirror "$release")" >"$LAB/debootstrap.log" || return
	copy_apt_config "$LAB/base"
	rm -rf "$LAB"/base/var/cache/apt/archives/*.deb \
		"$LAB"/base/var/lib/apt/lists/*
	tar -C "$LAB/base" -cf "$BASE.tmp" . && mv "$BASE.tmp" "$BASE"
	rm -rf "$LAB/base"
	podman import -q "$BASE" "$BASE_IMAGE"
}

# --- Built ----------------------------------------------------------------------

# IMAGE: what is to be looked at instead of a new build.
image=${IMAGE:-localhost/devops_agent:lab}
if [ -z "${IMAGE:-}" ]; then
	[ -n "$(find "$BASE" -mtime -30 2>/dev/null)" ] &&
		podman image exists "$BASE_IMAGE" || make_base >/dev/null || {
		fail "a minimal Debian is made; see $LAB/debootstrap.log"
		exit
	}
	run make -C "$ROOT" --no-print-directory tarball
	exits 0 "the tarball is made" || exit
	run env BASE="$BASE_IMAGE" BUILD_ARGS='--network host' ENGINE=podman \
		nice "$ROOT/packaging/image.sh" \
		"$ROOT/build/dist/devops_agent-$VERSION.tar.gz" "$image"
	exits 0 "the image builds" || exit
	podman image prune -f >/dev/null
fi

# about FORMAT: the image.
about() {
	podman image inspect --format "$1" "$image"
}

size=$(about '{{.Size}}')
base=$(podman image inspect --format '{{.Size}}' "$BASE_IMAGE")
diag "the image has $((size >> 20)) MiB, of which Debian has $((base >> 20))"
within 1 "$(((size - base) >> 20))" 120 "it adds little to what it stands on"
is "$(about '{{.Config.User}} {{.Config.StopSignal}}')" 'devops_agent SIGTERM' \
	"it is started as nobody of weight, and stopped by SIGTERM"
is "$(about '{{index .Config.Labels "org.opencontainers.image.version"}}')" \
	"$VERSION" "... and says its version"
like "$(about '{{.Config.Healthcheck.Test}}')" 'devops_agent .*status' \
	"its health is what the agent says"

is "$(podman run --rm --network none --entrypoint find "$image" /bin/ /sbin/ \
	/usr -xdev -type f -perm /6000 2>/dev/null)" '' \
	"nothing in it runs as somebody else than its caller"

# --- What is enforced -----------------------------------------------------------
# A container as it should be, with the options of each row beside that.

mkdir -p "$T/plugins"
chmod 755 "$T" "$T/plugins"
cat >"$T/plugins/attack.py" <<'END'
# /// devops_agent
# name: attack
# version: 1.0.0
# description: Tries what it was not granted.
# ///
import os
import socket


def register():
    return attack


def tried(act, *args):
    try:
        act(*args)
    except OSError as e:
        return os.strerror(e.errno)
    return "done"


def talk():
    socket.create_connection(("127.0.0.1", 8080), 1)


def attack(job):
    return {
        "read": tried(open, "/etc/passwd"),
        "database": tried(open, "/var/lib/devops_agent/agent.db"),
        "write": tried(open, "/var/tmp/x", "w"),
        "start": tried(os.execv, "/bin/true", ["true"]),
        "talk": tried(talk),
        "become": tried(os.setuid, 0),
        "others": [p for p in os.listdir("/proc") if p.isdigit()
                   and int(p) not in (1, os.getpid())],
    }
END
HELD='{"read":"No such file or directory","database":"No such file or directory","write":"No such file or directory","start":"No such file or directory","talk":"Permission denied","become":"Invalid argument","others":[]}'

# contain OPTION... -- ARG...: the program in a container, which is gone then.
contain() {
	local options=()

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	podman run --rm --read-only --cap-drop all --network none \
		--volume "$T/plugins:/plugins:ro" "${options[@]}" "$image" "$@"
}

# states: "LAYER=STATE ..." of what is not enforced, in the last output.
states() {
	jq -r 'select(.layer and .state != "enforced") |
		"\(.layer)=\(.state)"' <<<"$out" | tr '\n' ' '
}

# holds WHO LESS OPTION...: plugins run there, and doctor says that of all
# layers LESS are not enforced; and so it is.
holds() {
	local who=$1 less=$2

	shift 2
	run contain "$@" -- doctor --json
	exits 0 "$who: what the configuration requires is there"
	is "$(states)" "$less" "... and what doctor says is missing"
	is "$(jq -c 'select(.sandbox) | .differ' <<<"$out")" '[]' \
		"... as a whole sandbox does"
	run contain "$@" -- run collect-disk
	exits 0 "... a plugin works"
	is "$(jq -r '.filesystems | type' <<<"$out")" array "... with its result"
	run contain "$@" -- run /plugins/attack.py
	is "$out" "$HELD" "... and gets nothing that it was not granted"
}

# refuses WHO LAYER HINT OPTION...: for want of that layer no plugin runs, and a
# hint says what would give it.
refuses() {
	local who=$1 layer=$2 hint=$3

	shift 3
	run contain "$@" -- doctor --json
	exits 1 "$who: what the configuration requires is not there"
	like "$(jq -r 'select(.minimum) | .missing | join(" ")' <<<"$out")" \
		"(^| )$layer( |\$)" "... for want of $layer"
	like "$(jq -r 'select(.state == "absent") | .hint' <<<"$out")" "$hint" \
		"... and doctor says what would give it"
	run contain "$@" -- run /plugins/attack.py
	exits 125 "... so nothing is run"
	is "$out" '' "... and nothing comes of it"
	like "$err" 'hint: ' "... with a word of what to do"
}

# As Docker's: no namespaces but for who has CAP_SYS_ADMIN, and no pivot_root.
# 0x7e020000 are the flags of clone that make some.
jq '.defaultErrnoRet = 1 | del(.defaultErrno) |
	["clone", "clone3", "fsconfig", "fsmount", "fsopen", "fspick", "mount",
	"mount_setattr", "move_mount", "open_tree", "pidfd_getfd", "pivot_root",
	"sethostname", "setns", "umount", "umount2", "unshare"] as $made |
	.syscalls |= map(.names -= $made | select(.names != [])) + [
	{names: ($made - ["pidfd_getfd", "pivot_root"]),
	 action: "SCMP_ACT_ALLOW", includes: {caps: ["CAP_SYS_ADMIN"]}},
	{names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38,
	 excludes: {caps: ["CAP_SYS_ADMIN"]}},
	{names: ["clone"], action: "SCMP_ACT_ALLOW",
	 excludes: {caps: ["CAP_SYS_ADMIN"]}, args: [{index: 0,
	 value: 2114060288, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ"}]}]' \
	/usr/share/containers/seccomp.json >"$T/docker.json"

LESS='cgroup=absent user-id=weaker '
OWN=seccomp=$ROOT/packaging/image/seccomp.json
ROOTS=(--user 0
	--cap-add 'sys_admin,setuid,setgid,setpcap,dac_override,chown,kill')

refuses "podman's own options" private-root 'unmask=ALL'
holds "with /proc unmasked" "namespaces=weaker $LESS" \
	--security-opt unmask=ALL
holds "... and no new privileges" "namespaces=weaker $LESS" \
	--security-opt unmask=ALL --security-opt no-new-privileges
holds "with the filter that comes with it" "$LESS" \
	--security-opt unmask=ALL --security-opt "$OWN"
holds "without a filter" "$LESS" \
	--security-opt unmask=ALL --security-opt seccomp=unconfined
refuses "under Docker's filter" namespaces 'seccomp=PROFILE' \
	--security-opt unmask=ALL --security-opt "seccomp=$T/docker.json"
refuses "... with CAP_SYS_ADMIN" private-root 'pivot_root' --cap-add sys_admin \
	--security-opt unmask=ALL --security-opt "seccomp=$T/docker.json"
refuses "root without capabilities" namespaces 'cap-add' --user 0
holds "root with those that it needs" 'cgroup=absent ' "${ROOTS[@]}"

# --- A service ------------------------------------------------------------------

NAME=lab-agent
VOLUME=lab-data
podman rm -f "$NAME" >/dev/null 2>&1
podman volume rm -f "$VOLUME" >/dev/null 2>&1
# shellcheck disable=SC2016 # expanded at the end
at_exit 'podman rm -f "$NAME" >/dev/null 2>&1
	podman volume rm -f "$VOLUME" >/dev/null 2>&1'

# serve OPTION...: the agent as the image starts it.
serve() {
	podman run --detach --name "$NAME" --read-only --cap-drop all \
		--network none --security-opt unmask=ALL --security-opt "$OWN" \
		--stop-timeout 45 --volume "$T/plugins:/plugins:ro" \
		--volume "$VOLUME:/var/lib/devops_agent" "$@" "$image"
}

inside() {
	podman exec "$NAME" "$@"
}

run serve
exits 0 "the agent starts" || exit
ok "it is healthy" wait_until 20 podman healthcheck run "$NAME"
is "$(podman inspect --format '{{.State.Health.Status}}' "$NAME")" healthy \
	"... as the engine says too"
run inside devops_agent job run --name disk --plugin collect-disk --wait
exits 0 "a job goes through it"
is "$(jq -r '.filesystems | type' <<<"$out")" array "... with its result"
run inside devops_agent job run --name attack --command /plugins/attack.py \
	--wait --json
exits 0 "a hostile one as well"
is "$(jq -c .result <<<"$out")" "$HELD" "... which gets nothing"
cat >"$T/plugins/fails.sh" <<'END'
#!/bin/sh
# /// devops_agent
# name: fails
# output: text
# ///
echo "cannot open /etc/nowhere: Permission denied" >&2
exit 1
END
run inside devops_agent job run --name fails --command /plugins/fails.sh --wait
exits 1 "one that fails is looked into"
# the next command is the turn at which it reaps
inside devops_agent status >/dev/null
is "$(inside sh -c 'grep -c State:.Z /proc/[0-9]*/status | grep -v :0')" '' \
	"... which leaves no process behind"

# Waits until tomorrow.
late=$(inside devops_agent job run --name late --plugin greet \
	--at "$(date -u -d '+1 day' +%Y-%m-%dT%H:%M:%SZ)")
run inside devops_agent job run --name greet --plugin greet
before=$EPOCHSECONDS
run podman stop "$NAME"
exits 0 "it is stopped by SIGTERM"
within 0 $((EPOCHSECONDS - before)) 40 "... before the engine kills it"
is "$(podman inspect --format '{{.State.ExitCode}}' "$NAME")" 0 \
	"... and ends with status 0"
like "$(podman logs "$NAME" 2>&1 | tail -n 1)" 'stopped' \
	"... which it says last"
isnt "$(podman healthcheck run "$NAME" >/dev/null 2>&1; echo $?)" 0 \
	"one that does not run is not healthy"

podman rm "$NAME" >/dev/null
run serve
exits 0 "another one starts on its data"
ok "... and is healthy" wait_until 20 podman healthcheck run "$NAME"
is "$(inside devops_agent job show "$late" --json | jq -r .state)" queued \
	"what waited still waits"
is "$(inside devops_agent job list --json | jq -r 'select(.name == "greet").state')" \
	succeeded "... and what ran is remembered"

podman rm -f "$NAME" >/dev/null 2>&1
run serve "${ROOTS[@]}"
exits 0 "one that is started by root starts on it, too"
ok "... and is healthy" wait_until 20 podman healthcheck run "$NAME"
is "$(inside sed -n 's/^Uid:\t\([0-9]*\).*/\1/p' /proc/1/status)" \
	"$(inside id -u devops_agent)" "... and becomes devops_agent"
run inside devops_agent job run --name attack --command /plugins/attack.py \
	--wait --json
is "$(jq -c .result <<<"$out")" "$HELD" "... a hostile job gets nothing"
is "$(jq '.sandbox.layers | contains(["user-id", "user-namespace"])' <<<"$out")" \
	true "... and has a user id of its own"
done_testing
