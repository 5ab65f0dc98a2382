# /// devops_agent
# name: numbers
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 5s}
# ///
"""Numbers at the ends of what there is, and beyond."""

import os

MESSAGES = 63  # where the loader keeps the agent's end


def run(job):
    text = b'{"jsonrpc":"2.0","id":%d,"result":[1e400]}\n' % job.id
    os.write(MESSAGES, text)


def register():
    return run
