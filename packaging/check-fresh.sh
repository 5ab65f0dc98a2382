#!/bin/bash
# check-fresh.sh [ROLE...]: do the two commands of the README work on a machine
# that has nothing but git and make?  Clones HEAD into a minimal tree of this
# machine's own Debian release and runs `make run` and `make check` there, as
# root ("root") and, in another new tree, as an ordinary user with sudo
# ("user").  Needs root and debootstrap.  The tree gets its packages from where
# this machine gets its own.  Nothing stays mounted and nothing keeps running:
# each run has mount and pid namespaces of its own.
set -euo pipefail
cd "$(dirname "$0")/.."

FRESH=$PWD/build/fresh
BASE=$FRESH/base.tar
TREE=$FRESH/tree

fail() {
	echo "check-fresh: $*" >&2
	exit 1
}

# shellcheck source=packaging/debian.sh
. packaging/debian.sh

make_base() {
	local release url

	# shellcheck source=/dev/null
	release=$(. /etc/os-release && echo "$VERSION_CODENAME")
	url=$(debian_mirror "$release")
	test -n "$url" || fail "no package source of $release here;" \
		"run apt-get update"
	rm -rf "$TREE"
	unshare --mount --propagation private \
		debootstrap --variant=minbase --include=git,make "$release" "$TREE" \
		"$url" >"$FRESH/debootstrap.log" ||
		fail "debootstrap failed; see $FRESH/debootstrap.log"
	copy_apt_config "$TREE"
	rm -rf "$TREE"/var/cache/apt/archives/*.deb "$TREE"/var/lib/apt/lists/*
	tar -C "$TREE" --xattrs -cf "$BASE.tmp" .
	mv "$BASE.tmp" "$BASE"
}

new_tree() {
	rm -rf "$TREE"
	mkdir -p "$TREE"
	tar -C "$TREE" --xattrs -xf "$BASE"
	git bundle create -q "$TREE/devops_agent.bundle" HEAD
}

# The two commands, as someone types them.
steps() {
	cat <<-'END'
		set -eu
		cd
		git -c advice.detachedHead=false clone -q /devops_agent.bundle devops_agent
		cd devops_agent
		start=$(date +%s)
		make run
		end=$(date +%s)
		echo "== make run: passed in $((end - start)) s"
		make check
		echo "== make check: passed in $(($(date +%s) - end)) s"
		test -z "$(git status --porcelain)" || {
			git status --short
			echo "== the build left files that git does not ignore"
			exit 1
		}
	END
}

try_root() {
	new_tree
	in_debian "$TREE" sh -c "$(steps)"
}

try_user() {
	new_tree
	in_debian "$TREE" sh -euc 'apt-get -q update
		apt-get -q install -y --no-install-recommends sudo
		useradd --create-home --shell /bin/bash someone
		echo "someone ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/someone' \
		>"$FRESH/sudo.log" 2>&1 || fail "see $FRESH/sudo.log"
	# sh is process 1 and reaps what tests leave behind; su would not
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_debian "$TREE" sh -c 'su - someone -c "$1"; exit "$?"' sh "$(steps)"
}

test "$(id -u)" = 0 || fail "needs root"
command -v debootstrap >/dev/null || fail "needs debootstrap"
mkdir -p "$FRESH"
trap 'rm -rf "$TREE"' EXIT
git diff --quiet HEAD ||
	echo "check-fresh: only what is committed is tried" >&2

if [ -z "$(find "$BASE" -mtime -30 2>/dev/null)" ]; then
	echo "== making the base tree"
	make_base
fi
failed=''
test $# -gt 0 || set -- root user
for role; do
	echo "== $role"
	if ! "try_$role" 2>&1 | tee "$FRESH/$role.log"; then
		failed="$failed $role"
	fi
done
test -z "$failed" || fail "FAILED for:$failed (logs in $FRESH)"
echo "check-fresh: passed"
