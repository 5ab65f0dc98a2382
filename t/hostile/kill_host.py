# /// devops_agent
# name: kill-host
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 5s}
# ///
"""Signals to every number a process may have, by kill(), tgkill() and pidfd;
only its own and pid 1 are there."""

import ctypes
import errno
import os
import signal


def act(f, *args, **kwargs):
    try:
        got = f(*args, **kwargs)
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))
    return "ok" if got is None else got


def run(job):
    libc = ctypes.CDLL(None)
    own = os.getpid()
    found = [p for p in range(2, 70000) if act(os.kill, p, 0) != "ESRCH"]
    threads = [p for p in range(2, 5000) if libc.syscall(234, p, p, 0) == 0]
    fds = [p for p in range(2, 5000) if act(os.pidfd_open, p) != "ESRCH"]
    act(os.kill, -1, signal.SIGKILL)
    return [f == [own] for f in (found, threads, fds)]


def register():
    return run
