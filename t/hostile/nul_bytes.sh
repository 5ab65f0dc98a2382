#!/bin/sh
# /// devops_agent
# name: nul-bytes
# version: 1.0.0
# description: Tries to get out.
# output: rpc
# limits: {timeout: 5s}
# ///
# NUL bytes in a message, and in its strings.

echo '{"jsonrpc":"2.0","method":"ready","params":{"protocol":1}}'
read -r request
id=${request#*'"id":'}
id=${id%%,*}
printf '{"jsonrpc":"2.0","id":%s,"result":"a\000b"}\n' "$id"
