# /// devops_agent
# name: kills-pid-1
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 10s, memory: 48MiB}
# ///
"""Memory that pid 1 needs, so that the kernel takes pid 1 for it: many small
processes, each smaller than pid 1."""

import mmap
import os
import signal


def run(job):
    shared = mmap.mmap(-1, 256 << 20)
    for _ in range(12):
        if os.fork() == 0:
            signal.pause()
    step = 1 << 16
    for at in range(0, len(shared), step):
        shared[at:at + step] = b"x" * step
        shared.madvise(mmap.MADV_DONTNEED, at, step)
    signal.pause()


def register():
    return run
