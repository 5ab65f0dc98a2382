# /// devops_agent
# name: wide
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 10s}
# ///
"""JSON of a million members and a million numbers, which fits the limit of
bytes."""

import os

MESSAGES = 63  # where the loader keeps the agent's end


def run(job):
    members = b",".join(b'"%d":0' % i for i in range(200000))
    text = b'{"jsonrpc":"2.0","id":%d,"result":{%s}}\n' % (job.id, members)
    while text:
        text = text[os.write(MESSAGES, text):]


def register():
    return run
