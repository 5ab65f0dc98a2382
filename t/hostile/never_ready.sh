#!/bin/sh
# /// devops_agent
# name: never-ready
# version: 1.0.0
# description: Tries to get out.
# output: rpc
# limits: {timeout: 500ms}
# ///
# It is never ready, and never ends.

while :; do :; done
