#!/bin/bash
# The agent's own programs: executed, watched, started again.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/agent/test_peers.py"
