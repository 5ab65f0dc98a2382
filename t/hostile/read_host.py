# /// devops_agent
# name: read-host
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 5s}
# ///
"""Reads what a host keeps secret, by every spelling of a path."""

import errno
import os


def act(f, *args, **kwargs):
    try:
        got = f(*args, **kwargs)
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))
    return "ok" if got is None else got


SECRETS = ["/etc/shadow", "/etc/passwd", "/root/.ssh", "/var/lib", "/home",
           "/proc/1/environ", "/proc/1/root/etc/passwd", "/proc/kcore",
           "/dev/mem", "/dev/vda", "/sys/kernel", "@HOST@/secret/canary",
           "/proc/self/root/etc/passwd", "/proc/self/cwd/etc/passwd",
           "//etc//passwd", "/./etc/./passwd", "/tmp/../etc/passwd",
           "/dev/fd/../../etc/passwd", "/proc/thread-self/root/etc/shadow",
           "/run/devops_agent/ids.lock", "/usr/lib/../../etc/passwd"]


def run(job):
    got = {p: act(open, p) for p in SECRETS}
    os.chdir("/proc/self")
    got["relative"] = act(os.stat, "../../etc/passwd")
    return [p for p, how in got.items() if how not in ("ENOENT", "EACCES")]


def register():
    return run
