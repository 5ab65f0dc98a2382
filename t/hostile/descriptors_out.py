# /// devops_agent
# name: descriptors-out
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 1s, processes: 8}
# ///
"""Descriptors without end, in many processes: files, pipes of a MiB, timers,
events."""

import fcntl
import os
import select


def run(job):
    kept = []
    for _ in range(6):
        try:
            os.fork()
            while True:
                r, w = os.pipe()
                kept += [r, w]
                try:
                    fcntl.fcntl(w, 1031, 1 << 20)
                except OSError:
                    pass
                os.set_blocking(w, False)
                os.write(w, bytes(1 << 20))
                kept.append(select.epoll())
        except OSError:
            pass
    while True:
        pass


def register():
    return run
