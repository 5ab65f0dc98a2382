#!/bin/sh
# /// devops_agent
# name: junk-first
# version: 1.0.0
# description: Tries to get out.
# output: rpc
# limits: {timeout: 5s}
# ///
# What is no JSON, before it is ready.

echo hello
