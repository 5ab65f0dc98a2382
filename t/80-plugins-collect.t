#!/bin/bash
# The bundled plugins: what the bundled collectors report, with fakes and
# against the host itself.
. "$(dirname "$0")/lib/tap.sh"

pytest \
	"$ROOT/t/plugins/test_collect_cpu.py" \
	"$ROOT/t/plugins/test_collect_disk.py" \
	"$ROOT/t/plugins/test_collect_memory.py" \
	"$ROOT/t/plugins/test_collect_network.py" \
	"$ROOT/t/plugins/test_collect_processes.py"
