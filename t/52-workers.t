#!/bin/bash
# The agent as a service: workers.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/agent/test_workers.py"
