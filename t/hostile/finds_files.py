# /// devops_agent
# name: finds-files
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 5s}
# ///
"""The job after leaves-files: it looks for what that one left."""

import errno
import fcntl
import os


def act(f, *args, **kwargs):
    try:
        got = f(*args, **kwargs)
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))
    return "ok" if got is None else got


def run(job):
    lock = os.open(__file__, os.O_RDONLY)
    return [os.listdir("/tmp"), [p for p in os.listdir("/proc")
                                 if p.isdigit()],
            os.path.exists("/dev/shm"),
            os.path.exists("/var/tmp/hostile-fifo"),
            act(fcntl.flock, lock, fcntl.LOCK_EX | fcntl.LOCK_NB)]


def register():
    return run
