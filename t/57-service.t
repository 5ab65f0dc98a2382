#!/bin/bash
# The agent as a unit of systemd.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/agent/test_service.py"
