#!/bin/sh
# /// devops_agent
# name: stderr-flood
# version: 1.0.0
# description: Tries to get out.
# output: rpc
# limits: {timeout: 1s}
# ///
# Standard error without end and without a line feed.

echo '{"jsonrpc":"2.0","method":"ready","params":{"protocol":1}}'
read -r request
id=${request#*'"id":'}
id=${id%%,*}
while :; do printf '%01000d' 0 >&2; done
