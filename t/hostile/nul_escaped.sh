#!/bin/sh
# /// devops_agent
# name: nul-escaped
# version: 1.0.0
# description: Tries to get out.
# output: rpc
# limits: {timeout: 5s}
# ///
# A NUL in a string by its escape, which ends texts in C.

echo '{"jsonrpc":"2.0","method":"ready","params":{"protocol":1}}'
read -r request
id=${request#*'"id":'}
id=${id%%,*}
printf '{"jsonrpc":"2.0","id":%s,"result":"a\\u0000b"}\n' "$id"
