#!/bin/sh
# /// devops_agent
# name: other-id
# version: 1.0.0
# description: Tries to get out.
# output: rpc
# limits: {timeout: 5s}
# ///
# An answer to a request that nobody made.

echo '{"jsonrpc":"2.0","method":"ready","params":{"protocol":1}}'
read -r request
id=${request#*'"id":'}
id=${id%%,*}
echo '{"jsonrpc":"2.0","id":'"$id"'1,"result":1}'
