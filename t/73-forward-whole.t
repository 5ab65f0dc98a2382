#!/bin/bash
# Both halves of forwarding: from a job to a collector.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/agent/test_forward_whole.py"
