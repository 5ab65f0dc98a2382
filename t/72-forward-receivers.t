#!/bin/bash
# What is sent, to receivers that nobody here wrote: InfluxDB, VictoriaMetrics,
# and @elastic/mockotlpserver, which decodes OTLP by OpenTelemetry's definitions
# ($MOCKOTLPSERVER, or on the PATH).
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/forward/test_receivers.py"
