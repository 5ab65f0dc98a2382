#!/bin/bash
# Clocks that jump, plugins that vanish, a spawner that is killed.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/agent/test_faults.py" -k "not disk and not fail and not damaged"
