#!/bin/bash
# Disks that fill up, fail, lie and vanish under the running agent.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/agent/test_faults.py" -k "disk or fail or damaged"
