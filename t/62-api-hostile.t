#!/bin/bash
# The HTTP API: clients that mean ill, or are merely slow.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/api/test_hostile.py"
