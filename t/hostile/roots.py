# /// devops_agent
# name: roots
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 5s}
# ///
"""The roots and working folders of other processes in /proc, as ways out of
its own."""

import errno
import os


def act(f, *args, **kwargs):
    try:
        got = f(*args, **kwargs)
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))
    return "ok" if got is None else got


def run(job):
    found = []
    for pid in ["1", "self", "thread-self", str(os.getppid())]:
        for name in ("root", "cwd"):
            path = "/proc/%s/%s/../../../etc/passwd" % (pid, name)
            for p in (path, "/proc/%s/%s/etc/passwd" % (pid, name)):
                if os.path.exists(p):
                    found.append(p)
        base = "/proc/%s/" % pid
        for name in ("ns/mnt", "ns/pid", "ns/user"):
            if pid in ("1",) and isinstance(act(os.open, base + name,
                                                os.O_RDONLY), int):
                found.append(base + name)
    return found


def register():
    return run
