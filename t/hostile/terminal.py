# /// devops_agent
# name: terminal
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 5s}
# ///
"""The terminal of whoever started the agent: typing into it, taking it, its
line discipline."""

import errno
import fcntl
import os


def act(f, *args, **kwargs):
    try:
        got = f(*args, **kwargs)
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))
    return "ok" if got is None else got


CALLS = [0x5412, 0x541C, 0x540E, 0x5423, 0x541D, 0x5437, 0x4B3A, 0x5600]


def run(job):
    got = set()
    for fd in (0, 1, 2):
        for call in CALLS:
            got.add(act(fcntl.ioctl, fd, call, b"id\n\0"))
    for path in ("/dev/tty", "/dev/console", "/dev/pts/0", "/dev/ptmx",
                 "/dev/tty0", "/proc/self/fd/2/../tty"):
        got.add(act(os.open, path, os.O_RDWR))
    return sorted(got - {"EPERM", "ENOENT", "ENOTTY", "EACCES", "ENOTDIR"})


def register():
    return run
