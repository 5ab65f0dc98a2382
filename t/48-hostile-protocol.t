#!/bin/bash
# Hostile plugins: what is said to the agent, and what is shown of it.
export TMPDIR=/var/tmp
. "$(dirname "$0")/lib/tap.sh"
. "$ROOT/t/hostile/lib.sh"

prepare_host

# breaks FILE WHAT: the protocol is broken; the record says how and where.
breaks() {
	attack "$1" 1 failed protocol "$2" null
	like "$message" 'at byte [0-9]+|before' "$as: ... which says where"
}

for who in $WHO; do
	as "$who"

	breaks junk.sh 'JSON'
	breaks junk_first.sh 'JSON'
	breaks not_utf8.sh 'UTF-8'
	breaks twice.sh 'second answer|no request'
	breaks other_id.sh 'no request'
	breaks early.sh 'before .*ready|ready'
	breaks ready_twice.sh 'ready'
	breaks other_protocol.sh 'protocol'
	breaks nan.sh 'JSON'
	breaks duplicate_keys.sh 'twice|duplicate|id|request'
	breaks nul_bytes.sh 'JSON|control'
	breaks surrogate.sh 'surrogate|UTF|JSON'
	attack no_line_feed.sh 1 failed exit 'before it answered' null
	breaks batch.sh 'object'
	breaks both.sh 'both|result|error'
	breaks requests.sh 'requests'
	breaks nesting.py 'deep'
	breaks wide.py 'a line of more than'
	attack numbers.py 1 failed protocol 'a second answer' null
	attack nul_escaped.sh 0 succeeded '' '^$' '"a\u0000b"'
	attack asks_itself.sh 0 succeeded '' '^$' '"asked"'
	attack never_ready.sh 124 timed_out timed_out 'timed out after 500ms'
	attack closes_stdout.sh 124 timed_out timed_out 'timed out after 1s'

	# --- What only the agent says -----------------------------------------------

	for claim in denied timed_out cancelled lost agent out_of_memory exit \
		signal protocol load_failed succeeded Denied; do
		attack claims.py 1 failed "plugin_$claim" '^killed for ptrace' \
			null "code=$claim"
	done
	for claim in 'denied ' $'denied\u200b' ''; do
		attack claims.py 1 failed plugin_error '^killed for ptrace' \
			null "code=$claim"
	done
	attack claims.py 1 failed disk.full-1 '^killed for ptrace' null \
		code=disk.full-1

	# --- What a terminal shows ---------------------------------------------------

	attack escapes.py 0 succeeded '' '^$'
	attack escapes.py 1 failed plugin_error '' null fail=true
	agent run escapes
	unharmed "$as: ... nor is a terminal without --json"
	agent run escapes fail=true
	unharmed "$as: ... nor by an error"
	attack log_spoof.py 1 failed plugin_denied 'bad'
	agent run log-spoof
	is "$(grep -c '^devops_agent: log-spoof succeeded' "$T/.err")" 0 \
		"$as: no line of a plugin's begins like one of the agent's"
	is "$status" 1 "$as: ... and its failure stays one"
done

# What the agent itself took, at the most, while it was attacked.
within 1 "$PEAK" "$MOST" "the agent never took more than $MOST KiB ($PEAK)"
done_testing
