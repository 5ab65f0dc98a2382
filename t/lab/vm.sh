#!/bin/bash
# vm.sh [-k RELEASE]... [-r ROLE]... [-t SECONDS] [-c COMMAND] [TEST...]:
# the sandbox's tests on another kernel, under systemd and control groups of
# version 2: in a virtual machine, which no kernel of this machine bounds.
#
#	-k RELEASE	the kernel of that Debian release; bookworm, if none is
#			named. bullseye's (5.10) has no Landlock, bookworm's
#			(6.1) ABI 2, trixie's (6.12) ABI 6
#	-r ROLE		who runs the tests; all of them, if none is named
#	    root	root in a session of its own, as over ssh: its group is
#			not delegated
#	    service	root in a unit of the system's with Delegate=yes
#	    user	an ordinary user in `systemd-run --user --scope
#			-p Delegate=yes`
#	-t SECONDS	for all tests of one role (5400)
#	-c COMMAND	run that as each role instead of the tests
#
# The machine is emulated instruction by instruction (no /dev/kvm), some five
# to ten times slower than this one; TEST_SLOWNESS tells the tests. It is
# built once, below build/vm, in two or three minutes: a minimal Debian of this
# machine's own release with each kernel beside it. What was built here is
# copied in at each start, and nothing that a run writes is kept but what the
# tests print, in build/vm/log.
#
# Needs root, debootstrap, qemu-system-x86 and openssh-client.
set -euo pipefail
cd "$(dirname "$0")/../.."

VM=$PWD/build/vm
TREE=$VM/tree
LOGS=$VM/log
INSIDE=/built
SLOWNESS=${TEST_SLOWNESS:-8}
# The disk holds the tree and room to work.
DISK=3G
PACKAGES=systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,udev,\
openssh-server,initramfs-tools,iproute2,procps,kmod,bash,perl,jq,curl,openssl,\
python3,util-linux,libjansson4,libsqlite3-0,libyaml-0-2,libcap2,libmd0,\
libpcre2-8-0,ca-certificates,strace,psmisc
TESTS=(t/4?-*.t t/81-run.t)

fail() {
	echo "vm: $*" >&2
	exit 1
}

# shellcheck source=packaging/debian.sh
. packaging/debian.sh

# --- The machine, once --------------------------------------------------------

# in_tree COMMAND...: as root in the tree, with a /proc.
in_tree() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount --pid --fork --kill-child --propagation private \
		sh -euc '
		tree=$1
		shift
		mount -t proc proc "$tree/proc"
		mount --rbind /dev "$tree/dev"
		exec chroot "$tree" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"' \
		sh "$TREE" "$@" </dev/null
}

make_tree() {
	echo "== making a Debian tree ($OWN)"
	rm -rf "$TREE"
	unshare --mount --propagation private \
		debootstrap --variant=minbase --include="$PACKAGES" "$OWN" "$TREE" \
		"$MIRROR" >"$LOGS/debootstrap.log" 2>&1 ||
		fail "debootstrap failed; see $LOGS/debootstrap.log"
	rm -rf "$TREE"/var/cache/apt/archives/*.deb "$TREE"/var/lib/apt/lists/*
	set_up_tree
}

# Its address, its accounts, and a line on the console once it may be used.
set_up_tree() {
	echo lab >"$TREE/etc/hostname"
	echo 127.0.0.1 localhost lab >"$TREE/etc/hosts"
	cat >"$TREE/etc/fstab" <<-END
		LABEL=root / ext4 defaults 0 1
		LABEL=built $INSIDE ext4 defaults 0 0
	END
	mkdir -p "$TREE$INSIDE" "$TREE/root/.ssh" "$TREE/etc/systemd/network"
	printf '[Match]\nType=ether\n[Network]\nDHCP=yes\n' \
		>"$TREE/etc/systemd/network/lab.network"
	cat >"$TREE/etc/systemd/system/lab-ready.service" <<-'END'
		[Unit]
		After=multi-user.target ssh.service network-online.target
		Wants=network-online.target
		[Service]
		Type=oneshot
		ExecStart=echo lab: ready
		StandardOutput=tty
		TTYPath=/dev/ttyS0
		[Install]
		WantedBy=graphical.target multi-user.target
	END
	in_tree sh -euc 'useradd --create-home --shell /bin/bash lab
		mkdir -p /var/lib/systemd/linger
		touch /var/lib/systemd/linger/lab
		systemctl -q enable systemd-networkd lab-ready
		systemctl -q mask apt-daily.timer apt-daily-upgrade.timer \
			dpkg-db-backup.timer e2scrub_all.timer fstrim.timer'
	rm -f "$VM/key" "$VM/key.pub"
	ssh-keygen -q -t ed25519 -N '' -f "$VM/key"
	cp "$VM/key.pub" "$TREE/root/.ssh/authorized_keys"
}

# The kernel of a release, from its own package lists: bare files, as its
# package need not fit this tree.
add_kernel() {
	local release=$1 apt=$VM/apt-$1 log=$LOGS/kernel-$1.log package version

	echo "== fetching the kernel of $release"
	rm -rf "$apt"
	debian_lists "$release" "$apt" "$MIRROR" >"$log" 2>&1 ||
		fail "no package lists of $release; see $log"
	package=$(apt-cache -c "$apt/apt.conf" depends linux-image-cloud-amd64 |
		sed -n 's/^ *Depends: //p' | head -n 1)
	test -n "$package" || fail "$release has no linux-image-cloud-amd64"
	(cd "$apt" && apt-get -c apt.conf download "$package") >>"$log" 2>&1 ||
		fail "$package can't be had; see $log"
	dpkg-deb -x "$apt/$package"_*.deb "$apt/files"
	version=$(cd "$apt/files/boot" && echo vmlinuz-*)
	version=${version#vmlinuz-}
	mkdir -p "$TREE/lib/modules" "$apt/kernel"
	rm -rf "$TREE/lib/modules/$version"
	cp -a "$apt"/files/boot/config-* "$TREE/boot/"
	cp -a "$(find "$apt/files" -path "*/lib/modules/$version")" \
		"$TREE/lib/modules/"
	in_tree depmod "$version"
	in_tree mkinitramfs -o /boot/initrd "$version" >>"$log" 2>&1 ||
		fail "mkinitramfs failed; see $log"
	mv "$TREE/boot/initrd" "$apt/files/boot/vmlinuz-$version" "$apt/kernel/"
	mv "$apt/kernel/vmlinuz-$version" "$apt/kernel/vmlinuz"
	mv "$apt/kernel" "$VM/kernel-$release"
	rm -rf "$apt" "$VM/root.img"
}

# What is there is taken as it is, unless this script's part in it changed.
make_machine() {
	local release stamp

	stamp="$OWN $INSIDE $PACKAGES $(declare -f make_tree set_up_tree | cksum)"
	if [ "$(cat "$VM/stamp" 2>/dev/null)" != "$stamp" ]; then
		rm -rf "$VM"/kernel-* "$VM/root.img" "$VM/stamp"
		make_tree
		echo "$stamp" >"$VM/stamp"
	fi
	for release; do
		test -e "$VM/kernel-$release" || add_kernel "$release"
	done
	if [ ! -e "$VM/root.img" ]; then
		mke2fs -q -t ext4 -L root -d "$TREE" "$VM/root.tmp" "$DISK" >/dev/null
		mv "$VM/root.tmp" "$VM/root.img"
	fi
}

# --- What was built here ------------------------------------------------------

make_built() {
	rm -rf "$VM/built" "$VM/built.img"
	mkdir -p "$VM/built/build"
	tar -c --exclude=./build --exclude=./.git . | tar -x -C "$VM/built"
	cp -a build/t "$VM/built/build/"
	chown -R 0:0 "$VM/built"
	mke2fs -q -t ext4 -L built -d "$VM/built" "$VM/built.img" 256M >/dev/null
	rm -rf "$VM/built"
}

# --- A run --------------------------------------------------------------------

# A port that nobody has: where there is one just now is all one can know.
free_port() {
	/usr/bin/python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

guest() {
	ssh -F none -i "$VM/key" -p "$PORT" -o BatchMode=yes \
		-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
		-o ConnectTimeout=60 -o LogLevel=ERROR root@127.0.0.1 "$@"
}

# boot RELEASE: returns once it may be used; $QEMU.
boot() {
	local release=$1 console=$LOGS/$1-console.log

	PORT=$(free_port)
	: >"$console"
	qemu-system-x86_64 -machine q35 -accel tcg,thread=multi -cpu max \
		-m 1024 -smp 2 -display none -no-reboot -snapshot \
		-serial "file:$console" -kernel "$VM/kernel-$release/vmlinuz" \
		-initrd "$VM/kernel-$release/initrd" \
		-append "root=LABEL=root console=ttyS0 quiet panic=1" \
		-drive "file=$VM/root.img,if=virtio,format=raw" \
		-drive "file=$VM/built.img,if=virtio,format=raw" \
		-netdev "user,id=n0,restrict=on,hostfwd=tcp:127.0.0.1:$PORT-:22" \
		-device virtio-net-pci,netdev=n0 -device virtio-rng-pci \
		2>"$LOGS/$release-qemu.log" &
	QEMU=$!
	grep -aqm 1 'lab: ready' \
		< <(timeout 600 tail --pid="$QEMU" -n +1 -f "$console") ||
		fail "it did not start; see $console and $LOGS/$release-qemu.log"
	guest true || fail "no way in by ssh; see $console"
}

# as_role ROLE COMMAND: one shell command, in the guest, as that role.
as_role() {
	local role=$1 command

	command="cd $INSIDE && export DEVOPS_AGENT=$INSIDE/bin/devops_agent \
BUILD=$INSIDE/build TEST_SLOWNESS=$SLOWNESS PERL5LIB=t/lib && $2"
	case $role in
	root) guest "$command" ;;
	service)
		guest "systemd-run --quiet --wait --pipe --collect \
-p Delegate=yes bash -c $(printf %q "$command")"
		;;
	user)
		guest "runuser -u lab -- env HOME=/home/lab \
XDG_RUNTIME_DIR=/run/user/\$(id -u lab) systemd-run --user --quiet --scope \
-p Delegate=yes bash -c $(printf %q "$command")"
		;;
	esac
}

# What the README begins with, and then the tests.
run_role() {
	local release=$1 role=$2

	echo "== $release, $role"
	if [ -n "$COMMAND" ]; then
		as_role "$role" "$COMMAND"
		return
	fi
	as_role "$role" "bin/devops_agent doctor && \
bin/devops_agent run collect-disk" || return
	as_role "$role" "timeout $SECONDS_OF_ROLE prove --harness Totals \
--timer -j2 --exec '' ${TESTS[*]}"
}

run_release() {
	local release=$1 role failed=0

	echo "== starting $release"
	boot "$release"
	for role in "${ROLES[@]}"; do
		run_role "$release" "$role" 2>&1 |
			tee "$LOGS/$release-$role.log" || failed=1
	done
	kill "$QEMU"
	wait "$QEMU" 2>/dev/null || :
	return "$failed"
}

KERNELS=() ROLES=() COMMAND=
SECONDS_OF_ROLE=5400
while getopts k:r:t:c: option; do
	case $option in
	k) KERNELS+=("$OPTARG") ;;
	r) ROLES+=("$OPTARG") ;;
	t) SECONDS_OF_ROLE=$OPTARG ;;
	c) COMMAND=$OPTARG ;;
	*) fail "see the head of t/lab/vm.sh" ;;
	esac
done
shift $((OPTIND - 1))
[ $# -eq 0 ] || TESTS=("$@")
[ ${#KERNELS[@]} -gt 0 ] || KERNELS=(bookworm)
[ ${#ROLES[@]} -gt 0 ] || ROLES=(root service user)
for role in "${ROLES[@]}"; do
	case $role in
	root | service | user) ;;
	*) fail "no role $role; there are root, service, user" ;;
	esac
done

need() {
	command -v "$1" >/dev/null || fail "needs $1 (Debian: apt-get install $2)"
}

[ "$(id -u)" = 0 ] || fail "needs root, as debootstrap does"
need debootstrap debootstrap
need qemu-system-x86_64 qemu-system-x86
need ssh openssh-client
need mke2fs e2fsprogs
[ -x bin/devops_agent ] || fail "nothing is built; run make check-vm"
[ -d build/t/hostile ] || fail "no tests are built; run make check-vm"

# shellcheck source=/dev/null
OWN=$(. /etc/os-release && echo "$VERSION_CODENAME")
MIRROR=$(debian_mirror "$OWN")
test -n "$MIRROR" || fail "no package source of $OWN here; run apt-get update"
QEMU=
trap '[ -z "$QEMU" ] || kill "$QEMU" 2>/dev/null' EXIT
mkdir -p "$LOGS"
make_machine "${KERNELS[@]}"
make_built
failed=''
for release in "${KERNELS[@]}"; do
	run_release "$release" || failed="$failed $release"
done
test -z "$failed" || fail "FAILED with the kernel of:$failed (logs in $LOGS)"
echo "vm: passed"
