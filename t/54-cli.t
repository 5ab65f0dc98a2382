#!/bin/bash
# The agent as a service: its commands.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/agent/test_cli.py"
