#!/bin/sh
# /// devops_agent
# name: duplicate-keys
# version: 1.0.0
# description: Tries to get out.
# output: rpc
# limits: {timeout: 5s}
# ///
# A message whose members come twice, so that two readers read two messages.

echo '{"jsonrpc":"2.0","method":"ready","params":{"protocol":1}}'
read -r request
id=${request#*'"id":'}
id=${id%%,*}
echo '{"jsonrpc":"2.0","id":'"$id"',"id":999,"result":1,"result":2}'
