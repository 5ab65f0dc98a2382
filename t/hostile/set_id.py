# /// devops_agent
# name: set-id
# version: 1.0.0
# description: Tries to get out.
# permissions: {write: [@HOST@/granted]}
# limits: {timeout: 5s}
# ///
"""A file in a folder of others' that would run as its user for whoever starts
it: by every call, and by a race with the system call that sets the mode."""

import os


def run(job):
    path = "@HOST@/granted/door"
    got = []
    for mode in (0o4755, 0o2755, 0o6777):
        for f in (lambda: os.chmod(path, mode),
                  lambda: os.close(os.open(path + "2", os.O_CREAT, mode)),
                  lambda: os.mknod(path + "3", 0o100000 | mode)):
            open(path, "w").close()
            try:
                f()
                got.append(mode)
            except OSError:
                pass
    found = [n for n in os.listdir("@HOST@/granted")
             if os.stat("@HOST@/granted/" + n).st_mode & 0o6000]
    os.unlink(path)
    return [got, found]


def register():
    return run
