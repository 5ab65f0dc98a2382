#!/bin/bash
# How fast stored records leave, by format, compression and batch, beside
# libcurl compressing and posting the same bytes bare.
#
#	forward.sh [RECORDS]
set -eu
cd "$(dirname "$0")/.."

records=${1:-1000000}
agent=${DEVOPS_AGENT:-$PWD/bin/devops_agent}
program=${agent/%devops_agent/devops_agent-forward}
bench=${BUILD:-$PWD/build}/bench/forward

{
	printf '%s\t' format compression batch 'records/s' 'bare/s' ratio \
		'bytes each' 'KiB most'
	echo 'CPU s'
	for compression in zstd gzip none; do
		for batch in 100 500; do
			"$bench" "$program" jsonl $compression "$records" $batch
		done
	done
	for format in elasticsearch loki splunk-hec influx otlp; do
		"$bench" "$program" $format gzip $((records / 5)) 500
	done
} | expand -t 14
