#!/bin/bash
# The master dies at random instants under load: CRASH_DEATHS of them (8;
# `make check-crash`: 200), the same ones again by CRASH_SEED.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/agent/test_crash_random.py"
