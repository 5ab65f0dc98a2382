#!/bin/bash
# The master's part of forwarding: cursors, batches, what is kept and dropped.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/agent/test_forward.py"
