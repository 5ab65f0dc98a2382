#!/bin/bash
# The agent as a service: commands on what is no agent, and on terminals.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/agent/test_cli_hostile.py"
