#!/bin/sh
# /// devops_agent
# name: not-utf8
# version: 1.0.0
# description: Tries to get out.
# output: rpc
# limits: {timeout: 5s}
# ///
# JSON with bytes that are no UTF-8.

echo '{"jsonrpc":"2.0","method":"ready","params":{"protocol":1}}'
read -r request
id=${request#*'"id":'}
id=${id%%,*}
printf '{"jsonrpc":"2.0","id":%s,"result":"\377\376"}\n' "$id"
