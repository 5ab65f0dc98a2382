#!/bin/sh
# /// devops_agent
# name: ready-twice
# version: 1.0.0
# description: Tries to get out.
# output: rpc
# limits: {timeout: 5s}
# ///
# Ready twice.

echo '{"jsonrpc":"2.0","method":"ready","params":{"protocol":1}}'
read -r request
id=${request#*'"id":'}
id=${id%%,*}
echo '{"jsonrpc":"2.0","method":"ready","params":{"protocol":1}}'
