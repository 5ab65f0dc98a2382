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
# The machine (machine.sh) is slower than this one; TEST_SLOWNESS tells the
# tests. What was built here is copied in at each start, and nothing that a run
# writes is kept but what the tests print, in build/vm/log.
#
# Needs root, and what `packaging/install-deps.sh machine` installs.
set -euo pipefail
cd "$(dirname "$0")/../.."

INSIDE=/built
SLOWNESS=${TEST_SLOWNESS:-8}
TESTS=(t/4?-*.t t/81-run.t)

fail() {
	echo "vm: $*" >&2
	exit 1
}

# shellcheck source=t/lab/machine.sh
. t/lab/machine.sh

# --- What was built here ------------------------------------------------------

make_built() {
	rm -rf "$VM/built"
	mkdir -p "$VM/built/build"
	tar -c --exclude=./build --exclude=./.git . | tar -x -C "$VM/built"
	cp -a build/t "$VM/built/build/"
	chown -R 0:0 "$VM/built"
	machine_make_disk "$VM/built" "$VM/built.img" built 256M
	rm -rf "$VM/built"
}

# --- A run --------------------------------------------------------------------

# boot RELEASE: with what was built; returns once it may be used.
boot() {
	machine_boot "$1" "$1" -snapshot \
		-drive "file=$MACHINE_DISK,if=virtio,format=raw" \
		-drive "file=$VM/built.img,if=virtio,format=raw" ||
		fail "the machine does not start"
	guest "mkdir -p $INSIDE && mount LABEL=built $INSIDE" ||
		fail "what was built can't be mounted in it"
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
	machine_cut || :
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

why=$(machine_lacks) &&
	fail "$why; packaging/install-deps.sh machine installs what it takes"
[ -x bin/devops_agent ] || fail "nothing is built; run make check-vm"
[ -d build/t/hostile ] || fail "no tests are built; run make check-vm"

trap 'machine_cut || :' EXIT
machine_make "${KERNELS[@]}" || fail "no machine can be made"
make_built
failed=''
for release in "${KERNELS[@]}"; do
	run_release "$release" || failed="$failed $release"
done
test -z "$failed" || fail "FAILED with the kernel of:$failed (logs in $LOGS)"
echo "vm: passed"
