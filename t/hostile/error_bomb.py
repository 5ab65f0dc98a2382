# /// devops_agent
# name: error-bomb
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 20s, memory: 256MiB}
# ///
"""An error of many MiB, deep, with a trace to match."""


class Bomb(Exception):
    def __str__(self):
        return "x" * (8 << 20)


def deep(n):
    if n == 0:
        raise Bomb()
    try:
        deep(n - 1)
    except Bomb as e:
        raise RuntimeError("y" * 100000) from e


def run(job):
    deep(200)


def register():
    return run
