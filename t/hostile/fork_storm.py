# /// devops_agent
# name: fork-storm
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 1s, processes: 16}
# ///
"""Processes without end that nobody waits for, each in a session of its own.
"""

import os


def run(job):
    while True:
        try:
            if os.fork() == 0:
                os.setsid()
        except OSError:
            pass


def register():
    return run
