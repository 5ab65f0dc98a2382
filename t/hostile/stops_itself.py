# /// devops_agent
# name: stops-itself
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 500ms, processes: 20}
# ///
"""It stops itself and all its processes, so that TERM is not seen."""

import os
import signal


def run(job):
    for _ in range(4):
        os.fork()
    while True:
        os.kill(os.getpid(), signal.SIGSTOP)


def register():
    return run
