# /// devops_agent
# name: limits-of-others
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 5s}
# ///
"""The limits of pid 1 and of itself: raised by prlimit(), by a fork, by
setpriority()."""

import ctypes
import os
import resource


def run(job):
    got = []
    for pid in (1, 0, os.getpid()):
        for what in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC,
                     resource.RLIMIT_CORE, resource.RLIMIT_CPU):
            try:
                old = resource.prlimit(pid, what)
                resource.prlimit(pid, what, (old[0], 100000))
                got.append((pid, what, old))
            except (OSError, ValueError):
                pass
    libc = ctypes.CDLL(None)
    for call, args in ((203, (1, 8, b"1" * 8)), (144, (1, 0, b"0" * 8)),
                       (142, (1, b"0" * 8)), (251, (1, 1, 0x6000)),
                       (141, (0, 1, 19)), (141, (2, 0, 19))):
        if libc.syscall(call, *args) == 0:
            got.append(call)
    return [g for g in got if not (isinstance(g, tuple) and g[2][1] < 0)]


def register():
    return run
