#!/bin/bash
# The bundled plugins: the checks of ports and certificates, against servers
# good, broken and hostile.
. "$(dirname "$0")/lib/tap.sh"

pytest \
	"$ROOT/t/plugins/test_check_tcp.py" \
	"$ROOT/t/plugins/test_check_cert.py"
