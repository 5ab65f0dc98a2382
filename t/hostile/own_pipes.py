# /// devops_agent
# name: own-pipes
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 5s}
# ///
"""The agent's ends of its streams, by opening them again: it reads what it
wrote, asks itself for another job, keeps them full and makes them packets.
"""

import fcntl
import os


def run(job):
    os.write(2, b"mine\n")
    try:
        os.read(os.open("/proc/self/fd/2", os.O_RDONLY | os.O_NONBLOCK), 5)
    except OSError:
        pass  # where the agent is another user's
    for fd in (1, 2):
        for call, arg in ((1031, 4096), (fcntl.F_SETFL, 0o40000),
                          (fcntl.F_SETOWN, 1), (fcntl.F_SETFL, os.O_ASYNC)):
            try:
                fcntl.fcntl(fd, call, arg)
            except OSError:
                pass
    return "still heard"


def register():
    return run
