#!/bin/sh
# /// devops_agent
# name: requests
# version: 1.0.0
# description: Tries to get out.
# output: rpc
# limits: {timeout: 5s}
# ///
# Requests to the agent without end.

echo '{"jsonrpc":"2.0","method":"ready","params":{"protocol":1}}'
read -r request
id=${request#*'"id":'}
id=${id%%,*}
while :; do
	echo '{"jsonrpc":"2.0","id":1,"method":"agent.shutdown"}'
done
