# /// devops_agent
# name: memory
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 10s, memory: 32MiB}
# ///
"""Memory without end, by many processes."""

import os


def run(job):
    for _ in range(3):
        try:
            os.fork()
        except OSError:
            pass
    kept = []
    while True:
        kept.append(bytearray(1 << 20))


def register():
    return run
