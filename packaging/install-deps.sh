#!/bin/sh
# install-deps.sh [build|test|lint|package|machine]...: installs what is missing of
# what these steps need, by apt, dnf or apk, as root or through sudo. Does nothing, needs
# no root and takes a few milliseconds when everything is there.
set -eu

# A row a need: the step, how to tell that it is there, and the package that
# brings it on Debian, Fedora and Alpine; "-" is none: the step does without.
# cmd: a command; lib: a pkg-config module; file: a path; py: modules of
# /usr/bin/python3; clang: a runtime library of clang.
needs() {
	cat <<'END'
build cmd:gcc                                  gcc gcc gcc
build file:/usr/include/stdio.h                libc6-dev glibc-devel musl-dev
build file:/usr/include/linux/landlock.h       linux-libc-dev kernel-headers linux-headers
build cmd:make                                 make make make
build cmd:pkg-config                           pkg-config pkgconf-pkg-config pkgconf
build lib:jansson                              libjansson-dev jansson-devel jansson-dev
build lib:sqlite3                              libsqlite3-dev sqlite-devel sqlite-dev
build lib:yaml-0.1                             libyaml-dev libyaml-devel yaml-dev
build lib:libcap                               libcap-dev libcap-devel libcap-dev
build lib:libmd                                libmd-dev libmd-devel libmd-dev
build lib:libpcre2-8                           libpcre2-dev pcre2-devel pcre2-dev
build lib:libseccomp                           libseccomp-dev libseccomp-devel libseccomp-dev
build lib:libmicrohttpd                        libmicrohttpd-dev libmicrohttpd-devel libmicrohttpd-dev
build lib:gnutls                               libgnutls28-dev gnutls-devel gnutls-dev
build lib:libcurl                              libcurl4-openssl-dev libcurl-devel curl-dev
build lib:libzstd                              libzstd-dev libzstd-devel zstd-dev
build lib:zlib                                 zlib1g-dev zlib-devel zlib-dev
build py:asyncio,ssl,_json                     python3 python3 python3
test  cmd:bash                                 bash bash bash
test  cmd:prove                                perl perl-Test-Harness perl-utils
test  cmd:nm                                   binutils binutils binutils
test  cmd:jq                                   jq jq jq
test  cmd:curl                                 curl curl curl
test  cmd:openssl                              openssl openssl openssl
test  cmd:ps                                   procps procps-ng procps
test  cmd:ip                                   iproute2 iproute iproute2
test  cmd:strace                               strace strace strace
test  cmd:unshare                              util-linux util-linux util-linux
test  py:pytest                                python3-pytest python3-pytest py3-pytest
test  py:croniter                              python3-croniter python3-croniter py3-croniter
test  file:/usr/share/zoneinfo/Europe/Berlin   tzdata tzdata tzdata
test  py:jsonschema                             python3-jsonschema python3-jsonschema py3-jsonschema
test  cmd:promtool                             prometheus golang-github-prometheus prometheus
test  cmd:zstd                                 zstd zstd zstd
test  cmd:man                                  man-db man-db mandoc
test  cmd:col                                  bsdextrautils util-linux util-linux-misc
test  py:ansible                               ansible-core ansible-core ansible-core
test  py:yaml                                  python3-yaml python3-pyyaml py3-yaml
test  file:/usr/lib/nagios/plugins/check_disk  monitoring-plugins-basic - -
test  file:/usr/share/munin/plugins/cpu        munin-plugins-core - -
test  file:/usr/share/munin/plugins/apc_nis    munin-plugins-extra - -
lint  cmd:clang                                clang clang clang
lint  clang:fuzzer                             libclang-rt-dev compiler-rt compiler-rt
lint  cmd:clang-tidy                           clang-tidy clang-tools-extra clang-extra-tools
lint  cmd:clang-format                         clang-format clang-tools-extra clang-extra-tools
lint  cmd:cppcheck                             cppcheck cppcheck cppcheck
lint  cmd:shellcheck                           shellcheck ShellCheck shellcheck
lint  file:/usr/bin/flake8                     flake8 python3-flake8 py3-flake8
lint  file:/usr/bin/mypy                       mypy python3-mypy mypy
package cmd:dpkg-buildpackage                  dpkg-dev - -
package cmd:dh                                 debhelper - -
package cmd:lintian                            lintian - -
package cmd:rpmbuild                           rpm rpm-build rpm-build
package cmd:podman                             podman podman podman
package cmd:runc                               runc runc runc
package cmd:debootstrap                        debootstrap debootstrap debootstrap
package cmd:apparmor_parser                    apparmor - apparmor
package cmd:checkmodule                        checkpolicy checkpolicy -
package cmd:semodule_package                   semodule-utils policycoreutils -
package file:/usr/share/selinux/devel/Makefile selinux-policy-dev selinux-policy-devel -
machine cmd:debootstrap                        debootstrap debootstrap debootstrap
machine cmd:qemu-system-x86_64                 qemu-system-x86 qemu-system-x86-core qemu-system-x86_64
machine cmd:ssh                                openssh-client openssh-clients openssh-client-default
machine cmd:mke2fs                             e2fsprogs e2fsprogs e2fsprogs
machine cmd:debugfs                            e2fsprogs e2fsprogs e2fsprogs-extra
END
}

# Each kind of probe asks for all of a step's needs at once where that costs a
# process; only when that fails is each asked for alone.
python_has() {
	/usr/bin/python3 -I -S -c 'import sys
sys.path += ["/usr/lib/python3/dist-packages"]
sys.path += ["/usr/lib/python3.%d/site-packages" % sys.version_info[1]]
from importlib.util import find_spec
sys.exit(not all(map(find_spec, sys.argv[1].split(","))))' "$1" 2>/dev/null
}

is_there() {
	case $1 in
	cmd:*) command -v "${1#*:}" >/dev/null ;;
	file:*) test -e "${1#*:}" ;;
	lib:*) pkg-config --exists "${1#*:}" 2>/dev/null ;;
	py:*) python_has "${1#*:}" ;;
	clang:*)
		test -e "$(clang -print-file-name="libclang_rt.${1#*:}-$(uname -m).a" \
			2>/dev/null)"
		;;
	esac
}

all_there() {
	libs='' modules=''
	while read -r step probe _; do
		case " $steps " in *" $step "*) ;; *) continue ;; esac
		case $probe in
		lib:*) libs="$libs ${probe#*:}" ;;
		py:*) modules="$modules${modules:+,}${probe#*:}" ;;
		*) is_there "$probe" || return 1 ;;
		esac
	done <<-END
		$(needs)
	END
	# shellcheck disable=SC2086 # the list is meant to be split
	{ test -z "$libs" || pkg-config --exists $libs 2>/dev/null; } &&
		{ test -z "$modules" || python_has "$modules"; }
}

# The packages of the needs that are missing, by column: 1 apt, 2 dnf, 3 apk.
missing() {
	needs | while read -r step probe apt dnf apk; do
		case " $steps " in *" $step "*) ;; *) continue ;; esac
		is_there "$probe" && continue
		case $1 in 1) echo "$apt" ;; 2) echo "$dnf" ;; 3) echo "$apk" ;; esac
	done | grep -vx -e - | sort -u | tr '\n' ' '
}

fail() {
	echo "install-deps.sh: $*" >&2
	exit 1
}

# as_root COMMAND...: by sudo unless this is root already.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "not root, and there is no sudo; as root run: $*"
		return 1
	fi
}

steps=${*:-build}
for step in $steps; do
	case $step in
	build | test | lint | package | machine) ;;
	*) fail "want: build, test, lint, package, machine; got: $step" ;;
	esac
done
all_there && exit 0

if command -v apt-get >/dev/null; then
	column=1 update='apt-get -q update'
	install='apt-get -q -o DPkg::Lock::Timeout=300 install -y
		--no-install-recommends'
elif command -v dnf >/dev/null; then
	column=2 update=''
	install='dnf install -y --setopt=install_weak_deps=False'
elif command -v apk >/dev/null; then
	column=3 update='apk update' install='apk add'
else
	fail "neither apt-get, dnf nor apk here; install by hand:" \
		"$(missing 1) (as Debian calls them)"
fi
packages=$(missing "$column")
test -n "$packages" || exit 0 # what is missing has no package here

echo "installing for $steps: $packages"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A package source that can't be reached need not matter: whether it does, the
# installation tells.
# shellcheck disable=SC2086 # the commands and the list are meant to be split
{
	test -z "$update" || as_root $update >"$log" 2>&1 ||
		echo "install-deps.sh: not all package lists are fresh" >&2
	as_root env DEBIAN_FRONTEND=noninteractive $install $packages \
		</dev/null >>"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		fail "could not install $packages"
	}
}
packages=$(missing "$column")
test -z "$packages" || fail "installed, but still not found: $packages"
