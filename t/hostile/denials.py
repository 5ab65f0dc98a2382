# /// devops_agent
# name: denials
# version: 1.0.0
# description: Tries to get out.
# permissions: {network: ["tcp:1"]}
# limits: {timeout: 20s}
# ///
"""Refusals without end, each of another path and program and address, so that
the record of them grows."""

import errno
import socket


def act(f, *args, **kwargs):
    try:
        got = f(*args, **kwargs)
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))
    return "ok" if got is None else got


def run(job):
    for i in range(5000):
        act(open, "/root/%d-%s" % (i, "x" * 200))
    for i in range(2000):
        with socket.socket() as s:
            act(s.connect, ("10.0.%d.%d" % (i >> 8, i & 255), 80))
    raise OSError(2, "No such file or directory", "/etc/" + "x" * 5000)


def register():
    return run
