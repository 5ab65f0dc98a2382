# /// devops_agent
# name: write-host
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 5s}
# ///
"""Writes where whoever writes owns the host."""

import errno


def act(f, *args, **kwargs):
    try:
        got = f(*args, **kwargs)
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))
    return "ok" if got is None else got


PLACES = ["/etc/cron.d/x", "/etc/ld.so.preload", "/root/.bashrc", "/x",
          "/usr/lib/x", "/usr/lib/python3/dist-packages/x.pth", "/dev/x",
          "/run/x", "/var/spool/cron/x", "@HOST@/secret/canary", "/proc/x",
          "/proc/sys/kernel/core_pattern", "/proc/self/exe", "/etc/x",
          "/sys/kernel/uevent_helper", "/sys/fs/cgroup/release_agent"]


def put(path):
    with open(path, "a") as f:
        f.write("hostile")


def run(job):
    return [p for p in PLACES if act(put, p) == "ok"]


def register():
    return run
