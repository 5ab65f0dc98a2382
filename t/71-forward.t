#!/bin/bash
# The program that sends records to collectors, against collectors of ours.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT"/t/forward/test_jsonl.py "$ROOT"/t/forward/test_transport.py \
	"$ROOT"/t/forward/test_formats.py
