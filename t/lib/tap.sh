# shellcheck shell=bash
# tap.sh: what a test in bash needs.  t/lib/README.md is its manual.
#
#	#!/bin/bash
#	. "$(dirname "$0")/lib/tap.sh"
#
#	run "$DEVOPS_AGENT" run greet name=x
#	exits 0 "a plugin runs without any set-up"
#	is "$out" '{"greeting":"hello x"}' "its result is on standard output"
#	done_testing

set -u
export LC_ALL=C.UTF-8
unset NO_COLOR CDPATH

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${DEVOPS_AGENT:=$ROOT/bin/devops_agent}" "${BUILD:=$ROOT/build}"
export ROOT DEVOPS_AGENT BUILD

# How many times slower this machine is than those that the tests' time-outs were
# made for: 1, or more where a processor is emulated (t/lab/vm.sh).
: "${TEST_SLOWNESS:=1}"

# T: this test's own folder; kept, and named, when a check fails.
T=$(mktemp -d "${TMPDIR:-/tmp}/t-$(basename "$0" .t).XXXXXX")
export T

tap_count=0
tap_failed=0
tap_plan=
tap_pid=$BASHPID
status=0 out='' err='' tap_command=''
tap_clean_up=()

# diag TEXT...: a remark on standard error, which prove shows.
diag() {
	printf '%s\n' "$*" | sed 's/^/# /' >&2
}

# at_exit COMMAND: run at the end of the test, last one first.
at_exit() {
	tap_clean_up=("$1" "${tap_clean_up[@]}")
}

tap_exit() {
	local code=$? command

	[ "$BASHPID" = "$tap_pid" ] || exit "$code"
	for command in "${tap_clean_up[@]}"; do
		eval "$command"
	done
	if [ -z "$tap_plan" ]; then
		diag "the test ended before its plan, with status $code"
		tap_failed=$((tap_failed + 1))
	fi
	if [ "$tap_failed" -gt 0 ]; then
		diag "kept: $T"
		exit 1
	fi
	rm -rf "$T"
	exit "$code"
}
trap tap_exit EXIT

# The line of the test itself, whatever functions of its own it went through.
tap_caller() {
	local top=$((${#BASH_SOURCE[@]} - 1))

	diag "    at: ${BASH_SOURCE[top]}:${BASH_LINENO[top - 1]}"
}

# The last lines of a text, each with a prefix.
tap_tail() {
	diag "$(printf '%s\n' "$1" | tail -n 10 | cut -c 1-500 | sed "s/^/$2/")"
}

# What the last `run` did: shown below each failure.
tap_last_run() {
	[ -n "$tap_command" ] || return 0
	diag "   run: $tap_command (status $status)"
	[ -z "$out" ] || tap_tail "$out" "   out: "
	[ -z "$err" ] || tap_tail "$err" "   err: "
}

pass() {
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s\n' "$tap_count" "${1//#/\\#}"
}

fail() {
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	printf 'not ok %d - %s\n' "$tap_count" "${1//#/\\#}"
	diag "not ok: $1"
	tap_caller
	tap_last_run
	return 1
}

# run COMMAND...: runs it; sets status, out and err. Standard input is empty
# unless redirected; a program still running after RUN_TIMEOUT seconds (60, times
# TEST_SLOWNESS) is ended, with status 124. A function of the test runs in a subshell, unlimited.
run() {
	tap_command=$*
	if [ -t 0 ]; then
		exec </dev/null
	fi
	if declare -F "$1" >/dev/null; then
		("$@") >"$T/.out" 2>"$T/.err"
	else
		timeout -k 5 "$((${RUN_TIMEOUT:-60} * TEST_SLOWNESS))" "$@" >"$T/.out" 2>"$T/.err"
	fi
	status=$?
	out=$(tr -d '\0' <"$T/.out")
	err=$(tr -d '\0' <"$T/.err")
	return 0
}

# exits STATUS TITLE: how the last run ended.
exits() {
	if [ "$status" = "$1" ]; then
		pass "$2"
	else
		fail "$2"
		diag "   got: status $status"
		diag "  want: status $1"
		return 1
	fi
}

# ok TITLE COMMAND...: the command succeeds. What it prints is shown if not.
ok() {
	local title=$1 said

	shift
	if said=$("$@" 2>&1); then
		pass "$title"
	else
		fail "$title"
		diag "failed: $*"
		tap_tail "$said" "  said: "
		return 1
	fi
}

# not_ok TITLE COMMAND...: the command fails.
not_ok() {
	local title=$1 said

	shift
	if said=$("$@" 2>&1); then
		fail "$title"
		diag "succeeded: $*"
		tap_tail "$said" "  said: "
		return 1
	else
		pass "$title"
	fi
}

# is GOT WANT TITLE: the two are the same text.
is() {
	if [ "$1" = "$2" ]; then
		pass "$3"
	else
		fail "$3"
		diag "   got: $1"
		diag "  want: $2"
		return 1
	fi
}

isnt() {
	if [ "$1" != "$2" ]; then
		pass "$3"
	else
		fail "$3"
		diag "   got: $1"
		diag "  want: anything else"
		return 1
	fi
}

# like GOT REGEX TITLE: the extended regular expression matches within GOT.
like() {
	if [[ $1 =~ $2 ]]; then
		pass "$3"
	else
		fail "$3"
		diag "   got: $1"
		diag "  want: /$2/"
		return 1
	fi
}

unlike() {
	if [[ $1 =~ $2 ]]; then
		fail "$3"
		diag "   got: $1"
		diag "  want: no match of /$2/"
		return 1
	else
		pass "$3"
	fi
}

# within LEAST NUMBER MOST TITLE: LEAST <= NUMBER <= MOST; integers.
within() {
	if [ "$1" -le "$2" ] && [ "$2" -le "$3" ]; then
		pass "$4"
	else
		fail "$4"
		diag "   got: $2"
		diag "  want: $1 to $3"
		return 1
	fi
}

# wait_until SECONDS COMMAND...: whether COMMAND succeeds within SECONDS, times
# TEST_SLOWNESS. The one place in the tests that waits by time.
wait_until() {
	local end=$((${EPOCHREALTIME/[.,]/} + $1 * TEST_SLOWNESS * 1000000))

	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/[.,]/}" -lt "$end" ] || return 1
		sleep 0.02
	done
}

# skip COUNT REASON: COUNT checks can't be made here. REASON is listed in
# t/lib/skips.allowed, or the run fails.
skip() {
	local i

	for ((i = 0; i < $1; i++)); do
		tap_count=$((tap_count + 1))
		printf 'ok %d # SKIP %s\n' "$tap_count" "$2"
	done
}

# skip_all REASON: nothing of this test can run here.
skip_all() {
	printf '1..0 # SKIP %s\n' "$1"
	tap_plan=0
	exit 0
}

# pytest FILE...: runs tests in Python as the whole of this test.
pytest() {
	PYTHONPATH=$ROOT/t/lib:$ROOT/sdk/python PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/python3 -m pytest -p no:cacheprovider \
		-p pytest_tap --basetemp="$T/pytest" "$@" || tap_failed=1
	tap_plan=pytest
	exit
}

# plan COUNT, at the start, or done_testing, as the last line.
plan() {
	tap_plan=$1
	printf '1..%d\n' "$1"
}

done_testing() {
	plan "$tap_count"
}
