#!/bin/bash
# The agent as a service: control.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/agent/test_control.py"
