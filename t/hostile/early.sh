#!/bin/sh
# /// devops_agent
# name: early
# version: 1.0.0
# description: Tries to get out.
# output: rpc
# limits: {timeout: 5s}
# ///
# An answer before it is ready.

read -r request
id=${request#*'"id":'}
echo '{"jsonrpc":"2.0","id":'"${id%%,*}"',"result":1}'
