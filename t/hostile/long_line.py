# /// devops_agent
# name: long-line
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 5s}
# ///
"""A line of a GiB, faster than it can be thrown away."""

import os

MESSAGES = 63  # where the loader keeps the agent's end


def run(job):
    for _ in range(1024):
        os.write(MESSAGES, b"x" * (1 << 20))


def register():
    return run
