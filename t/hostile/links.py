# /// devops_agent
# name: links
# version: 1.0.0
# description: Tries to get out.
# permissions: {write: [@HOST@/granted]}
# limits: {timeout: 10s}
# ///
"""Links in a folder that it may write: to the host's secrets, to /proc, to its
own descriptors, through folders that are swapped while they are walked."""

import errno
import os
import threading


def act(f, *args, **kwargs):
    try:
        got = f(*args, **kwargs)
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))
    return "ok" if got is None else got


BASE = "@HOST@/granted/"


def swap(over):
    """A folder and a link to the host's root take turns at one name."""
    while not over:
        os.rename(BASE + "link", BASE + "swap")
        os.rename(BASE + "swap", BASE + "link")
        os.rename(BASE + "folder", BASE + "swap")
        os.rename(BASE + "swap", BASE + "folder")


def run(job):
    for name in ("link", "folder", "swap"):
        try:
            os.unlink(BASE + name)
        except OSError:
            pass
    os.symlink("@HOST@/secret", BASE + "link")
    os.makedirs(BASE + "folder", exist_ok=True)
    over = []
    t = threading.Thread(target=swap, args=(over,))
    t.start()
    got = set()
    for _ in range(2000):
        for name in ("swap/canary", "link/canary", "folder/canary"):
            got.add(act(os.stat, BASE + name))
    over.append(1)
    t.join()
    got.add(act(os.link, "@HOST@/secret/canary", BASE + "hard"))
    got.add(act(os.rename, BASE + "../secret/canary", BASE + "moved"))
    got.add(act(os.stat, BASE + "../secret/canary"))
    got.add(act(os.stat, "/proc/self/fd/0/../../secret"))
    os.unlink(BASE + "link")
    os.rmdir(BASE + "folder")
    return sorted(got - {"ENOENT", "ENOTDIR", "EACCES"})


def register():
    return run
