#!/bin/bash
# Measure: a cold run against the same script by hand and in other sandboxes,
# what the sandbox itself adds, and memory. Prints a table and writes
# RESULTS.md beside this file. Installs nothing: a peer that is missing, or
# that can't run here, is reported as such.
#
#	run.sh [ROUNDS [RUNS]]	each command RUNS times in each round
set -eu
cd "$(dirname "$0")/.."

rounds=${1:-8} runs=${2:-12}
agent=${DEVOPS_AGENT:-$PWD/bin/devops_agent}
share=${BUILD:-$PWD/build}/bench/share
python=/usr/bin/python3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

by_hand=("$python" "$PWD/bench/greet_by_hand.py" name=x)
start=("$python" -I -S -c pass)

if ! command -v hyperfine >/dev/null; then
	echo 'run.sh: hyperfine is missing (Debian: hyperfine)' >&2
	exit 1
fi

# offer GROUP NAME COMMAND...: take part in the group, where it works here.
offer() {
	local group=$1 name=$2 line

	shift 2
	if ! command -v "$1" >/dev/null; then
		printf '%s\tnot installed\n' "$name" >>"$work/$group.missing"
	elif "$@" >"$work/out" 2>&1; then
		printf -v line '%q ' "$@"
		printf '%s\n' "$name" >>"$work/$group.names"
		printf '%s\n' "$line" >>"$work/$group.commands"
	else
		printf '%s\t%s\n' "$name" "$(tail -n 1 "$work/out")" \
			>>"$work/$group.missing"
	fi
}

# An OCI bundle of the host's root, read-only, in namespaces of its own.
make_bundle() {
	command -v crun >/dev/null || return 0
	mkdir "$work/$1.bundle"
	(cd "$work/$1.bundle" && crun spec >/dev/null 2>&1) || return 0
	"$python" bench/bundle.py "$work/$1.bundle/config.json" "${@:2}"
}

# offer_all GROUP COMMAND...: bare, and in each of the other sandboxes.
offer_all() {
	local group=$1

	shift
	offer "$group" bare "$@"
	offer "$group" bubblewrap bwrap --unshare-all --die-with-parent \
		--new-session --ro-bind / / --proc /proc --dev /dev \
		--tmpfs /tmp "$@"
	make_bundle "$group" "$@"
	offer "$group" crun crun run --bundle "$work/$group.bundle" "bench-$$"
	offer "$group" firejail firejail --quiet --noprofile --net=none \
		--ipc-namespace --hostname=sandbox --private-tmp "$@"
}

# All in turn, so that what disturbs the machine disturbs each of them.
measure() {
	local group=$1 commands round

	mapfile -t commands <"$work/$group.commands"
	for ((round = 0; round < rounds; round++)); do
		printf '\r%s: round %d of %d ' "$group" $((round + 1)) \
			"$rounds" >&2
		hyperfine --shell=none --style=none --warmup 2 --runs "$runs" \
			--export-json "$work/$group.$round.json" \
			"${commands[@]}" >/dev/null 2>&1
		[ "$group" = cold ] || "$share" $((runs * 2)) "${start[@]}" \
			>>"$work/share" 2>/dev/null
	done
	printf '\r\033[K' >&2
}

version() {
	local name=$1

	shift
	command -v "$1" >/dev/null || return 0
	printf '%s\t%s\n' "$name" "$("$@" 2>&1 | grep -m 1 '[0-9]')"
}

{
	version devops_agent "$agent" --version
	version python3 "$python" --version
	version hyperfine hyperfine --version
	version bubblewrap bwrap --version
	version crun crun --version
	version firejail firejail --version
} >"$work/versions"

offer cold devops_agent "$agent" run --local greet name=x
offer_all cold "${by_hand[@]}"
offer_all start "${start[@]}"
offer start 'an empty program' /bin/true
offer start 'devops_agent --version' "$agent" --version
cut -d ' ' -f 1-3 /proc/loadavg >"$work/load"
measure cold
measure start
"$python" bench/memory.py "$agent" run --local collect-cpu \
	>"$work/memory" 2>"$work/memory.error" || rm "$work/memory"
"$python" bench/report.py "$work" "$rounds" "$runs" >bench/RESULTS.md
cat bench/RESULTS.md
