# /// devops_agent
# name: disk
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 10s, tmp: 2MiB, files: 40}
# ///
"""A disk that fills: large files, many files, files that are open and gone,
names of the greatest length."""

import os


def run(job):
    n = 0
    kept = []
    while n < 100000:
        n += 1
        try:
            path = "/tmp/" + "x" * 240 + str(n)
            kept.append(os.open(path, os.O_CREAT | os.O_WRONLY))
            os.write(kept[-1], bytes(1 << 20))
            os.unlink(path)
        except OSError as e:
            if e.errno == 24:
                os.close(kept.pop(0))
            else:
                break
    v = os.statvfs("/tmp")
    return v.f_blocks * v.f_bsize


def register():
    return run
