#!/bin/sh
# /// devops_agent
# name: stdout-flood
# version: 1.0.0
# description: Tries to get out.
# output: rpc
# limits: {timeout: 1s}
# ///
# Messages without end.

echo '{"jsonrpc":"2.0","method":"ready","params":{"protocol":1}}'
read -r request
id=${request#*'"id":'}
id=${id%%,*}
while :; do
	echo '{"jsonrpc":"2.0","method":"x","params":{"y":[1,2,3,4,5,6,7,8,9]}}'
done
