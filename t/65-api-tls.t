#!/bin/bash
# The HTTP API: TLS.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/api/test_tls.py"
