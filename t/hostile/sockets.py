# /// devops_agent
# name: sockets
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 20s}
# ///
"""Sockets of every family, type and some protocols; none but those that lead
nowhere come about."""

import socket


def run(job):
    made = set()
    for family in range(1, 46):
        for kind in (1, 2, 3, 4, 5, 6, 10):
            for protocol in (0, 1, 6, 17, 58, 132, 255, 262):
                try:
                    socket.socket(family, kind, protocol).close()
                    made.add((family, kind, protocol))
                except OSError:
                    pass
    return sorted(made)


def register():
    return run
