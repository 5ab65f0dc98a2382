#!/bin/bash
# Records through a collector that does everything wrong, with kill -9.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/forward/test_hostile.py"
