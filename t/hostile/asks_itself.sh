#!/bin/sh
# /// devops_agent
# name: asks-itself
# version: 1.0.0
# description: Tries to get out.
# output: rpc
# limits: {timeout: 5s}
# ///
# A request into its own standard input, as if from the agent.

echo '{"jsonrpc":"2.0","method":"ready","params":{"protocol":1}}'
read -r request
id=${request#*'"id":'}
id=${id%%,*}
ask() {
	echo '{"jsonrpc":"2.0","id":7,"method":"run","params":{}}' >/proc/self/fd/0 &&
		read -r request
}
# where the agent is another user's, its pipe does not open
(ask) 2>/dev/null
echo '{"jsonrpc":"2.0","id":'"$id"',"result":"asked"}'
