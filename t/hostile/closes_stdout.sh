#!/bin/sh
# /// devops_agent
# name: closes-stdout
# version: 1.0.0
# description: Tries to get out.
# output: rpc
# limits: {timeout: 1s}
# ///
# It closes its standard output instead of an answer, and goes on.

echo '{"jsonrpc":"2.0","method":"ready","params":{"protocol":1}}'
read -r request
id=${request#*'"id":'}
id=${id%%,*}
exec >&-
while :; do :; done
