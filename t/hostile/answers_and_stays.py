# /// devops_agent
# name: answers-and-stays
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 5s}
# ///
"""It answers, then leaves a daemon that keeps on writing answers, and another
that holds the streams."""

import os


def run(job):
    for _ in range(2):
        if os.fork() == 0:
            os.setsid()
            while True:
                pass
    return "answered"


def register():
    return run
