#!/bin/bash
# The HTTP API: server-sent events.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/api/test_streams.py"
