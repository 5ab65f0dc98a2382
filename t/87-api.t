#!/bin/bash
# The HTTP API end to end: the agent, its program, and clients of others.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/agent/test_api.py"
