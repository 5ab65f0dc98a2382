# /// devops_agent
# name: unread
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 1s}
# params:
#   type: object
#   properties: {data: {type: string}}
# ///
"""It never reads what it is asked, though its parameters are of a MiB; the
agent must not wait in a write."""

import signal

signal.pause()
