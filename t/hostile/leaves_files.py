# /// devops_agent
# name: leaves-files
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 5s}
# ///
"""Files, FIFOs, locks and a daemon left for the next job to find."""

import fcntl
import os
import signal


def run(job):
    for place in ("/tmp", "/dev/shm", "/var/tmp", "/run/lock"):
        try:
            with open(place + "/hostile-was-here", "w") as f:
                f.write("x")
            os.mkfifo(place + "/hostile-fifo")
        except OSError:
            pass
    lock = os.open(__file__, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    if os.fork() == 0:
        os.setsid()
        for sig in (1, 2, 15):
            signal.signal(sig, signal.SIG_IGN)
        while True:
            signal.pause()
    return "left"


def register():
    return run
