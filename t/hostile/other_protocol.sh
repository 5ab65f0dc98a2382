#!/bin/sh
# /// devops_agent
# name: other-protocol
# version: 1.0.0
# description: Tries to get out.
# output: rpc
# limits: {timeout: 5s}
# ///
# Ready for a version that there is none of.

echo '{"jsonrpc":"2.0","method":"ready","params":{"protocol":99}}'
