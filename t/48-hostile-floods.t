#!/bin/bash
# Hostile plugins: processes, memory, files, logs without end.
export TMPDIR=/var/tmp
. "$(dirname "$0")/lib/tap.sh"
. "$ROOT/t/hostile/lib.sh"

prepare_host

MEMORY='^killed for memory: its processes took more than the limit of'
CPU='^killed for CPU time: its processes took more than the limit of'

# burnt: the last count that unwaited has shown.
burnt() {
	sed -n 's/.*burnt \([0-9]*\)$/\1/p' "$T/.err" | tail -n 1
}

# hoards HOW: a control group counts it; elsewhere it can't be had.
hoards() {
	local -A refused=([open_file]=EPERM [closed_file]=EPERM
		[passed_file]=EPERM [zero]=ENODEV [spliced]=ENOSYS)

	if counted || [ -z "${refused[$1]-}" ]; then
		attack hoards.py 1 failed out_of_memory "$MEMORY 48MiB" null \
			"how=$1"
	else
		attack hoards.py 0 succeeded '' '^$' "[0,\"${refused[$1]}\"]" \
			"how=$1"
	fi
}

for who in $WHO; do
	as "$who"

	attack fork_bomb.sh 124 timed_out timed_out 'timed out after 1s'
	attack fork_storm.py 124 timed_out timed_out 'timed out after 1s'
	attack memory.py 1 failed out_of_memory "$MEMORY 32MiB"
	attack kills_pid_1.py 1 failed out_of_memory "$MEMORY 48MiB"
	for how in open_file closed_file passed_file shared zero spliced; do
		hoards $how
	done
	attack disk.py 0 succeeded '' '^$' 2097152
	attack descriptors_out.py 124 timed_out timed_out 'timed out after 1s'
	attack log_flood.py 124 timed_out timed_out 'timed out after 1s'
	within 100000 "$(wc -c <"$T/.err")" 2500000 "$as: ... and its log is bounded"
	attack progress_flood.py 124 timed_out timed_out 'timed out after 1s'
	attack metrics.py 0 succeeded '' '^$' '"done"'
	within 1 "$(jq '.metrics | length' <<<"$record")" 1000 \
		"$as: ... and of metrics there are a thousand at the most"
	attack error_bomb.py 1 failed plugin_error ''
	within 1000 "$(wc -c <"$T/.out")" 400000 "$as: ... which is cut"
	attack denials.py 1 failed plugin_error 'No such file'
	within 1 "$(jq '.denials | length' <<<"$record")" 50 \
		"$as: ... and the record of refusals is bounded"
	attack stderr_flood.sh 124 timed_out timed_out 'timed out after 1s'
	within 60000 "$(wc -c <"$T/.err")" 2500000 "$as: ... and its log is bounded"
	attack stdout_flood.sh 124 timed_out timed_out 'timed out after 1s'
	attack long_line.py 1 failed protocol 'a line of more than 1052672 bytes'

	# What was burnt, by its own account; it is looked at every 50 ms.
	for life in 300000 20000 3000; do
		attack unwaited 1 failed out_of_cpu "$CPU 1s" '' "life_us=$life"
		within 0 "$(burnt)" 2000 \
			"$as: ... when it had used little more, $life us at a time"
		within 900 "$(field .usage.cpu_ms)" 8000 \
			"$as: ... which the record says"
	done
done

# What the agent itself took, at the most, while it was attacked.
within 1 "$PEAK" "$MOST" "the agent never took more than $MOST KiB ($PEAK)"
done_testing
