#!/bin/bash
# The bundled plugins: the plugins in shell, and what every plugin says in its
# header.
. "$(dirname "$0")/lib/tap.sh"

pytest \
	"$ROOT/t/plugins/test_headers.py" \
	"$ROOT/t/plugins/test_greet.py" \
	"$ROOT/t/plugins/test_log_grep.py" \
	"$ROOT/t/plugins/test_service_status.py" \
	"$ROOT/t/plugins/test_uptime.py"
