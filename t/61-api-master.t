#!/bin/bash
# The master's half of the HTTP API.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/agent/test_api_master.py"
