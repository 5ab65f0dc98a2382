# shellcheck shell=bash
# machine.sh: a Debian with systemd and control groups of version 2 in a virtual
# machine, for the scripts of this folder.
#
#	. t/lab/machine.sh
#	why=$(machine_lacks) && ...	nothing can be made here
#	machine_make bookworm trixie	its disk, and a kernel of each release
#	machine_boot bookworm NAME QEMU-OPTION...	until it may be used
#	guest COMMAND			one shell command in it, as root
#	machine_off			as its button does; or
#	machine_cut			as a power cut does
#
# The processor is emulated instruction by instruction (no /dev/kvm), some five
# to ten times slower than this one. It is made once, below MACHINE_FOLDER
# (build/vm), in two or three minutes: a minimal Debian of this machine's own
# release ($TREE, and $MACHINE_DISK of it), with each kernel beside it. Logs are
# in $LOGS. What fails says why on standard error and returns 1; nothing here
# needs `set -e`.

MACHINE_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=packaging/debian.sh
. "$MACHINE_ROOT/packaging/debian.sh"

VM=${MACHINE_FOLDER:-$MACHINE_ROOT/build/vm}
TREE=$VM/tree
LOGS=$VM/log
MACHINE_DISK=$VM/root.img
MACHINE='' # the emulator's process
# The disk holds the tree and room to work.
MACHINE_SIZE=3G
MACHINE_PACKAGES=systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,\
udev,openssh-server,initramfs-tools,iproute2,procps,kmod,bash,perl,jq,curl,\
openssl,python3,util-linux,libjansson4,libsqlite3-0,libyaml-0-2,libcap2,libmd0,\
libpcre2-8-0,libcurl4,libmicrohttpd12,libgnutls30,libzstd1,zlib1g,\
ca-certificates,strace,psmisc
# shellcheck source=/dev/null
MACHINE_RELEASE=$(. /etc/os-release && echo "$VERSION_CODENAME")
# `restrict=on`: it reaches nobody. Without, 10.0.2.2 is this machine.
MACHINE_NET=${MACHINE_NET:-restrict=on}

machine_says() {
	printf 'machine: %s\n' "$*" >&2
}

# machine_lacks: prints why none can be made here; false where one can.
machine_lacks() {
	local program

	if [ "$(id -u)" != 0 ]; then
		echo "needs root"
		return
	fi
	for program in debootstrap qemu-system-x86_64 ssh mke2fs; do
		if ! command -v "$program" >/dev/null; then
			echo "$program is not installed"
			return
		fi
	done
	return 1
}

# --- Made once ------------------------------------------------------------------

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

machine_tree() {
	machine_says "making a Debian tree ($MACHINE_RELEASE)"
	rm -rf "$TREE"
	unshare --mount --propagation private \
		debootstrap --variant=minbase --include="$MACHINE_PACKAGES" \
		"$MACHINE_RELEASE" "$TREE" "$1" >"$LOGS/debootstrap.log" 2>&1 || {
		machine_says "debootstrap failed; see $LOGS/debootstrap.log"
		return 1
	}
	rm -rf "$TREE"/var/cache/apt/archives/*.deb "$TREE"/var/lib/apt/lists/*
	machine_set_up || {
		machine_says "the tree can't be set up"
		return 1
	}
}

# Its address, its accounts, and a line on the console once it may be used.
machine_set_up() {
	echo lab >"$TREE/etc/hostname" &&
		echo 127.0.0.1 localhost lab >"$TREE/etc/hosts" &&
		echo LABEL=root / ext4 defaults 0 1 >"$TREE/etc/fstab" &&
		mkdir -p "$TREE/root/.ssh" "$TREE/etc/systemd/network" &&
		printf '[Match]\nType=ether\n[Network]\nDHCP=yes\n' \
			>"$TREE/etc/systemd/network/lab.network" || return
	cat >"$TREE/etc/systemd/system/lab-ready.service" <<-'END' || return
		[Unit]
		After=multi-user.target ssh.service network-online.target
		Wants=network-online.target
		[Service]
		Type=oneshot
		ExecStart=echo lab: ready
		StandardOutput=tty
		TTYPath=/dev/ttyS0
		Restart=on-failure
		RestartSec=1s
		[Install]
		WantedBy=graphical.target multi-user.target
	END
	in_tree sh -euc 'useradd --create-home --shell /bin/bash lab
		mkdir -p /var/lib/systemd/linger
		touch /var/lib/systemd/linger/lab
		systemctl -q enable systemd-networkd lab-ready
		# a login there hangs up on whoever else writes to it
		systemctl -q mask serial-getty@ttyS0.service
		systemctl -q mask apt-daily.timer apt-daily-upgrade.timer \
			dpkg-db-backup.timer e2scrub_all.timer fstrim.timer' ||
		return
	rm -f "$VM/key" "$VM/key.pub"
	ssh-keygen -q -t ed25519 -N '' -f "$VM/key" &&
		cp "$VM/key.pub" "$TREE/root/.ssh/authorized_keys"
}

# The package of a release's kernel, unpacked in $apt/files: its own package
# need not fit this tree.
machine_fetch_kernel() {
	local release=$1 apt=$2 package

	debian_lists "$release" "$apt" "$3" || return
	package=$(apt-cache -c "$apt/apt.conf" depends linux-image-cloud-amd64 |
		sed -n 's/^ *Depends: //p' | head -n 1)
	if [ -z "$package" ]; then
		echo "$release has no linux-image-cloud-amd64"
		return 1
	fi
	(cd "$apt" && apt-get -c apt.conf download "$package") &&
		dpkg-deb -x "$apt/$package"_*.deb "$apt/files"
}

# Its modules into the tree, the bare kernel and an initrd into $VM/kernel-*.
machine_place_kernel() {
	local release=$1 apt=$2 version

	version=$(cd "$apt/files/boot" && echo vmlinuz-*)
	version=${version#vmlinuz-}
	rm -rf "$TREE/lib/modules/$version"
	mkdir -p "$TREE/lib/modules" "$apt/kernel" &&
		cp -a "$apt"/files/boot/config-* "$TREE/boot/" &&
		cp -a "$(find "$apt/files" -path "*/lib/modules/$version")" \
			"$TREE/lib/modules/" &&
		in_tree depmod "$version" &&
		in_tree mkinitramfs -o /boot/initrd "$version" &&
		mv "$TREE/boot/initrd" "$apt/kernel/initrd" &&
		mv "$apt/files/boot/vmlinuz-$version" "$apt/kernel/vmlinuz" &&
		mv "$apt/kernel" "$VM/kernel-$release"
}

machine_add_kernel() {
	local release=$1 apt=$VM/apt-$1 log=$LOGS/kernel-$1.log

	machine_says "fetching the kernel of $release"
	rm -rf "$apt"
	if ! machine_fetch_kernel "$release" "$apt" "$2" >"$log" 2>&1; then
		machine_says "no kernel of $release is to be had; see $log"
		return 1
	fi
	if ! machine_place_kernel "$release" "$apt" >>"$log" 2>&1; then
		machine_says "the kernel of $release can't be set up; see $log"
		return 1
	fi
	rm -rf "$apt" "$MACHINE_DISK"
}

# machine_make RELEASE...: what is there is taken as it is, unless what is said
# here of the tree has changed.
machine_make() {
	local release stamp mirror

	mirror=$(debian_mirror "$MACHINE_RELEASE")
	if [ -z "$mirror" ]; then
		machine_says "no package source of $MACHINE_RELEASE here;" \
			"run apt-get update"
		return 1
	fi
	mkdir -p "$LOGS"
	stamp="$MACHINE_RELEASE $MACHINE_PACKAGES $(
		declare -f machine_tree machine_set_up | cksum)"
	if [ "$(cat "$VM/stamp" 2>/dev/null)" != "$stamp" ]; then
		rm -rf "$VM"/kernel-* "$MACHINE_DISK" "$VM/stamp"
		machine_tree "$mirror" || return
		echo "$stamp" >"$VM/stamp"
	fi
	for release; do
		test -e "$VM/kernel-$release" ||
			machine_add_kernel "$release" "$mirror" || return
	done
	test -e "$MACHINE_DISK" || machine_make_disk "$TREE" "$MACHINE_DISK" \
		root "$MACHINE_SIZE"
}

# machine_make_disk FOLDER FILE LABEL SIZE: a disk with that in it.
machine_make_disk() {
	rm -f "$2"
	if ! mke2fs -q -t ext4 -L "$3" -d "$1" "$2.tmp" "$4" >/dev/null; then
		machine_says "no disk can be made of $1"
		return 1
	fi
	mv "$2.tmp" "$2"
}

# --- A run ----------------------------------------------------------------------

# A port that nobody has: where there is one just now is all one can know.
machine_port() {
	/usr/bin/python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# MACHINE_TIMEOUT: the most seconds for each command in it.
machine_ssh() {
	timeout "${MACHINE_TIMEOUT:-0}" ssh -F none -i "$VM/key" -p "$MACHINE_PORT" -S "$VM/ssh" \
		-o BatchMode=yes -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=/dev/null -o ConnectTimeout=60 \
		-o LogLevel=ERROR "$@"
}

guest() {
	machine_ssh root@127.0.0.1 "$@"
}

# One connection for all that is said to it: the handshake takes a second.
machine_connect() {
	rm -f "$VM/ssh"
	machine_ssh -M -N -f root@127.0.0.1 </dev/null >/dev/null \
		2>>"$LOGS/ssh.log"
}

# machine_boot RELEASE NAME QEMU-OPTION...: with that kernel, its logs called
# NAME; the options say which disks. $MACHINE is the emulator's process.
machine_boot() {
	local kernel=$VM/kernel-$1 console=$LOGS/$2-console.log
	local log=$LOGS/$2-qemu.log

	shift 2
	MACHINE_PORT=$(machine_port)
	: >"$console"
	qemu-system-x86_64 -machine q35 -accel tcg,thread=multi -cpu max \
		-m 1024 -smp 2 -display none -no-reboot \
		-serial "file:$console" -kernel "$kernel/vmlinuz" \
		-initrd "$kernel/initrd" \
		-append "root=LABEL=root console=ttyS0 quiet panic=1" \
		-netdev "user,id=n0,$MACHINE_NET,hostfwd=tcp:127.0.0.1:$MACHINE_PORT-:22" \
		-device virtio-net-pci,netdev=n0 -device virtio-rng-pci "$@" \
		</dev/null >"$log" 2>&1 &
	MACHINE=$!
	disown # its death is no news
	grep -aqm 1 'lab: ready' \
		< <(timeout 600 tail --pid="$MACHINE" -n +1 -f "$console") || {
		machine_says "it did not start; see $console and $log"
		return 1
	}
	machine_connect || {
		machine_says "no way in by ssh; see $console"
		return 1
	}
}

# All at once: what was not on its disk is lost.
machine_cut() {
	[ -n "$MACHINE" ] || return 0
	kill -9 "$MACHINE" 2>/dev/null
	tail --pid="$MACHINE" -f /dev/null
	MACHINE=''
}

# In order, for as long as that takes, up to two minutes.
machine_off() {
	[ -n "$MACHINE" ] || return 0
	guest systemctl poweroff >/dev/null 2>&1 </dev/null
	timeout 120 tail --pid="$MACHINE" -f /dev/null || {
		machine_says "it did not go off"
		machine_cut
		return 1
	}
	machine_cut
}
