#!/bin/bash
# The master dies where no job runs: at its start, in recovery, in retention.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/agent/test_crash_points.py" -k "not under_load"
