#!/bin/bash
# The master dies at each named point of its work (src/base/crash.h).
# CRASH_PASSINGS="1 2 5": at the first, the second, ... time that it passes it.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/agent/test_crash_points.py" -k under_load
