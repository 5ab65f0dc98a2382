#!/bin/bash
# The Debian package, in a Debian that has nothing of it yet: built, looked at
# by lintian, installed, booted, upgraded with a job in the queue, removed,
# purged.  `make check-deb` runs it; needs root, debootstrap, systemd-nspawn.
#
# The minimal tree is kept for 30 days in build/lab/deb; each run unpacks one of
# its own.  What it boots has a network of its own, and no control groups where
# the host's are of version 1.
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=packaging/debian.sh
. "$ROOT/packaging/debian.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root"
for program in debootstrap systemd-nspawn lintian dpkg-deb; do
	command -v "$program" >/dev/null || skip_all "$program is not installed"
done

LAB=$ROOT/build/lab/deb
BASE=$LAB/base.tar
TREE=$LAB/tree.$$
LOG=$T/console
RUN_TIMEOUT=900
MACHINE=''
VERSION=$(<"$ROOT/VERSION")

make_base() {
	local release

	# shellcheck source=/dev/null
	release=$(. /etc/os-release && echo "$VERSION_CODENAME")
	mkdir -p "$LAB"
	rm -rf "$LAB/base"
	# a /proc that it mounts for all to see lets others mount one, too
	unshare --mount --propagation private debootstrap --variant=minbase \
		--include=systemd,systemd-sysv,dbus,udev \
		"$release" "$LAB/base" "$(debian_mirror "$release")" \
		>"$LAB/debootstrap.log" || return
	copy_apt_config "$LAB/base"
	rm -rf "$LAB"/base/var/cache/apt/archives/*.deb "$LAB/base/etc/fstab"
	tar -C "$LAB/base" --xattrs -cf "$BASE.tmp" . && mv "$BASE.tmp" "$BASE"
	rm -rf "$LAB/base"
}

# What of ours is in the tree: files, and the account.  /run is not the tree's
# once it is booted.
traces() {
	(cd "$TREE" && find . -xdev -path ./proc -prune -o -path ./run -prune -o \
		-path ./var/log/journal -prune -o -path ./root -prune -o \
		-iname '*devops?agent*' -print &&
		grep -H devops_agent etc/passwd etc/group etc/shadow etc/gshadow)
}

boot() {
	# no filter of nspawn's: the sandbox is to have what a host gives it
	SYSTEMD_SECCOMP=0 SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 \
		systemd-nspawn -q --register=no --keep-unit -M "deb$$" \
		-D "$TREE" --boot --capability=all --private-network \
		--resolv-conf=off --console=pipe >"$LOG" 2>&1 </dev/null &
	MACHINE=$!
	wait_until 60 is_up
}

is_up() {
	case $(on_host systemctl is-system-running 2>/dev/null) in
	running | degraded) ;;
	*) return 1 ;;
	esac
}

# on_host COMMAND...: in the machine that was booted.
on_host() {
	local first

	first=$(pgrep -P "$MACHINE") || return
	timeout 120 nsenter -t "$first" -a "$@" </dev/null
}

halt() {
	[ -n "$MACHINE" ] || return 0
	on_host systemctl poweroff >/dev/null 2>&1
	wait_until 60 gone || kill -9 "$MACHINE"
	MACHINE=''
}

gone() {
	! kill -0 "$MACHINE" 2>/dev/null
}

# state ID: of a job, as its record says.
state() {
	on_host devops_agent job show "$1" --json | jq -r .state
}

# --- Built ----------------------------------------------------------------------

# DEB: what is to be looked at instead of a new build.
deb=${DEB:-}
if [ -z "$deb" ]; then
	run make -C "$ROOT" --no-print-directory tarball
	exits 0 "the tarball is made" || exit
	run nice "$ROOT/packaging/deb.sh" \
		"$ROOT/build/dist/devops_agent-$VERSION.tar.gz" "$T/new"
	exits 0 "the package builds" || exit
	deb=$(echo "$T"/new/devops-agent_*.deb)
fi
run lintian --allow-root --fail-on error,warning "$deb"
exits 0 "lintian finds nothing"
is "$out" '' "... and says nothing"

# The build before this one: the same files under a lower version.
dpkg-deb -R "$deb" "$T/old"
sed -i 's/^Version: .*/&~previous/' "$T/old/DEBIAN/control"
dpkg-deb --root-owner-group -b "$T/old" "$T/old.deb" >/dev/null

# --- Installed ------------------------------------------------------------------

[ -n "$(find "$BASE" -mtime -30 2>/dev/null)" ] || make_base || {
	fail "a minimal Debian is made; see $LAB/debootstrap.log"
	exit
}
mkdir -p "$TREE"
# shellcheck disable=SC2016 # expanded at the end
at_exit 'halt; rm -rf --one-file-system "$TREE"'
tar -C "$TREE" --xattrs -xf "$BASE"
cp "$T/old.deb" "$TREE/root/old.deb"
cp "$deb" "$TREE/root/new.deb"
is "$(traces)" '' "a Debian that knows nothing of it"

run in_debian "$TREE" sh -c 'apt-get -q update && DEBIAN_FRONTEND=noninteractive \
	apt-get -q install -y --no-install-recommends /root/old.deb'
exits 0 "it installs with what it depends on" || exit
run in_debian "$TREE" devops_agent run collect-disk
exits 0 "devops_agent run collect-disk works, with no service and no set-up"
is "$(jq -r '.filesystems | type' <<<"$out")" array "... with its result"
is "$(in_debian "$TREE" dpkg --verify devops-agent)" '' \
	"no file is other than it was packed"

# parser STATUS: one of AppArmor's that says so of every profile; and installed
# again beside it.
parser() {
	mkdir -p "$TREE/etc/apparmor.d"
	printf '#!/bin/sh\nexit %s\n' "$1" >"$TREE/usr/sbin/apparmor_parser"
	chmod 755 "$TREE/usr/sbin/apparmor_parser"
	run in_debian "$TREE" dpkg -i /root/old.deb
}
parser 1
exits 0 "it installs beside an AppArmor that has no word for its profile"
not_ok "... and leaves the profile out" \
	test -e "$TREE/etc/apparmor.d/devops_agent"
parser 0
exits 0 "... and beside one that has"
ok "... whose profile it is then" cmp "$TREE/etc/apparmor.d/devops_agent" \
	"$ROOT/packaging/apparmor/devops_agent"

# --- Booted -------------------------------------------------------------------

boot || {
	fail "it boots"
	tap_tail "$(<"$LOG")" 'console: '
	exit
}
is "$(on_host systemctl is-active devops_agent.service devops_agent.socket |
	tr '\n' ' ')" 'active active ' "the service runs, and has its socket"
# shellcheck disable=SC2016 # expanded on the host
is "$(on_host sh -c 'for name in agent-spawner devops_agent; do
	pid=$(grep -lx "$name" /proc/[0-9]*/comm | head -n 1)
	grep ^Uid "${pid%comm}status" | cut -f 2
done' | tr '\n' ' ')" "0 $(on_host id -u devops_agent) " \
	"a spawner of root, and a master that is devops_agent"
run on_host devops_agent job run --name g --plugin greet --wait --json
exits 0 "a job runs in it"
is "$(jq -r '.sandbox.layers | contains(["user-namespace", "namespaces",
	"private-root", "capabilities", "no-new-privs", "landlock", "seccomp",
	"seccomp-notify", "limits", "user-id"])' <<<"$out")" true \
	"... with all that holds a plugin"
is "$(on_host devops_agent job run --name d --plugin collect-disk --wait 2>/dev/null |
	jq -c '[.filesystems[] | [.mount, .read_only]] | sort')" \
	"$(on_host devops_agent run --local collect-disk 2>/dev/null |
		jq -c '[.filesystems[] | [.mount, .read_only]] | sort')" \
	"the unit's hardening does not show in what a plugin sees"

mkdir -p "$TREE/opt/p"
cat >"$TREE/opt/p/swap.py" <<'END'
# /// devops_agent
# name: swap
# ///
def register():
    return run


def run(job):
    import ctypes
    return ctypes.CDLL(None).swapoff(b"/x")
END
run on_host devops_agent job run --name s --command /opt/p/swap.py --wait --json
is "$(jq -r .state <<<"$out")" denied \
	"what the unit's filter ends is denied, as by the agent's own"

run on_host systemctl reload devops_agent
exits 0 "it reloads"
on_host sh -c 'echo "agnet: {}" >>/etc/devops_agent/config.yaml'
run on_host systemctl reload devops_agent
isnt "$status" 0 "a wrong configuration fails the reload"
is "$(on_host systemctl is-active devops_agent)" active "... and it runs on"
sed -i '$d' "$TREE/etc/devops_agent/config.yaml"

# --- Upgraded, with a job in the queue ------------------------------------------

echo '# what the operator wrote' >>"$TREE/etc/devops_agent/config.yaml"
before=$(on_host systemctl show -P MainPID devops_agent)
soon=$(on_host devops_agent job run --name soon --plugin greet \
	--at "$(date -u -d '+20 seconds' +%Y-%m-%dT%H:%M:%SZ)")
late=$(on_host devops_agent job run --name late --plugin greet \
	--at "$(date -u -d '+1 day' +%Y-%m-%dT%H:%M:%SZ)")
like "$soon $late" '^[0-9]+ [0-9]+$' "two jobs wait"
run on_host dpkg -i --force-confold /root/new.deb
exits 0 "it is upgraded"
is "$(on_host systemctl is-active devops_agent)" active "... and runs"
isnt "$(on_host systemctl show -P MainPID devops_agent)" "$before" \
	"... the new program"
is "$(state "$late")" queued "a job that waited still waits"
run on_host devops_agent job wait "$soon"
exits 0 "one whose time came has run"
like "$(tail -n 1 "$TREE/etc/devops_agent/config.yaml")" operator \
	"what the operator wrote is there"
run on_host dpkg -i --force-confold /root/old.deb
exits 0 "it is downgraded"
is "$(state "$late")" queued "... and the job still waits"

# --- Removed, and purged --------------------------------------------------------

run on_host dpkg -r devops-agent
exits 0 "it is removed"
is "$(on_host pidof devops_agent devops_agent-api)" '' "... and nothing of it runs"
ok "... but what it kept" test -e "$TREE/var/lib/devops_agent/agent.db"
ok "... and how it was configured" test -e "$TREE/etc/devops_agent/config.yaml"
run on_host dpkg -P devops-agent
exits 0 "it is purged"
halt
is "$(traces)" '' "... and nothing is left of it"
done_testing
