#!/bin/sh
# /// devops_agent
# name: both
# version: 1.0.0
# description: Tries to get out.
# output: rpc
# limits: {timeout: 5s}
# ///
# A result and an error in one answer.

echo '{"jsonrpc":"2.0","method":"ready","params":{"protocol":1}}'
read -r request
id=${request#*'"id":'}
id=${id%%,*}
echo '{"jsonrpc":"2.0","id":'"$id"',"result":1,"error":{"code":1,"message":"x"}}'
