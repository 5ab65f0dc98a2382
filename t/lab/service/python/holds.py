# /// devops_agent
# name: holds
# version: 1.0.0
# description: Takes its time, and holds something meanwhile.
# params: {type: object}
# limits: {timeout: 10m, memory: 40MiB, processes: 9}
# ///
"""What its control group says can be read as long as it runs."""

import os
import signal
import time


def children(job):
    """As many as there may be, for ever."""
    while not job.cancelled:
        try:
            if os.fork() == 0:
                signal.pause()
        except OSError:
            time.sleep(0.1)


def spins(job):
    """More than one processor's worth, for the seconds that are asked for."""
    end = time.monotonic() + job.params["seconds"]
    parent = os.getpid()
    for _ in range(3):
        if os.fork() == 0:
            break
    while time.monotonic() < end:
        pass
    if os.getpid() != parent:
        os._exit(0)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return None


def family(job):
    """Those who leave: of a session of their own, of no parent, deaf."""
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            if os.fork() == 0:
                os.closerange(0, 64)
                while True:
                    signal.pause()
            os._exit(0)


def run(job):
    """Does that, and stays."""
    does = {"children": children, "spins": spins, "family": family}
    got = does.get(job.params.get("does"), lambda job: None)(job)
    time.sleep(job.params.get("seconds", 0))
    return got


def register():
    return run
