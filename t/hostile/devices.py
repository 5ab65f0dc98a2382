# /// devops_agent
# name: devices
# version: 1.0.0
# description: Tries to get out.
# permissions: {write: [@HOST@/granted]}
# limits: {timeout: 5s}
# ///
"""Device nodes of its own: memory, disks, the kernel's log; in /tmp and where
it may write."""

import errno
import os
import stat


def act(f, *args, **kwargs):
    try:
        got = f(*args, **kwargs)
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))
    return "ok" if got is None else got


def made(path, kind, *numbers):
    os.mknod(path, kind | 0o666, os.makedev(*numbers))
    return os.open(path, os.O_RDWR)


NODES = [(stat.S_IFCHR, 1, 1), (stat.S_IFCHR, 1, 2), (stat.S_IFCHR, 1, 11),
         (stat.S_IFBLK, 8, 0), (stat.S_IFBLK, 7, 0), (stat.S_IFCHR, 10, 1),
         (stat.S_IFCHR, 5, 0)]


def run(job):
    got = set()
    for place in ("/tmp", "@HOST@/granted"):
        for kind, major, minor in NODES:
            path = "%s/node%d-%d" % (place, major, minor)
            got.add(act(made, path, kind, major, minor))
    return sorted(got)


def register():
    return run
