#!/bin/bash
# The HTTP API: every route, over a double of the master.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/api/test_routes.py"
