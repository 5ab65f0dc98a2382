#!/bin/bash
# The bundled plugins: the check of web servers, against good, broken and
# hostile ones.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/plugins/test_check_http.py"
