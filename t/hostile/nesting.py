# /// devops_agent
# name: nesting
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 5s}
# ///
"""JSON that is 500,000 deep."""

import os

MESSAGES = 63  # where the loader keeps the agent's end


def run(job):
    text = b'{"jsonrpc":"2.0","id":%d,"result":' % job.id
    text += b"[" * 500000 + b"]" * 500000 + b"}\n"
    while text:
        text = text[os.write(MESSAGES, text):]


def register():
    return run
