#!/bin/bash
# The agent as a service: schedules.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/agent/test_schedules.py"
