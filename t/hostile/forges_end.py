# /// devops_agent
# name: forges-end
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 5s}
# ///
"""A signal to pid 1 that seems to come from the agent: a made-up sender, SIGIO
from the kernel. Pid 1 does not believe it."""

import ctypes
import fcntl
import os
import socket
import time


def run(job):
    libc = ctypes.CDLL(None)
    for code in (-1, -2, -3, -60):
        libc.syscall(129, 1, 15, (ctypes.c_int * 32)(15, 0, code, 0, 0, 0))
    a, b = socket.socketpair()
    fcntl.fcntl(a, fcntl.F_SETOWN, 1)
    fcntl.fcntl(a, 10, 15)
    fcntl.fcntl(a, fcntl.F_SETFL, os.O_ASYNC)
    b.send(b"x")
    time.sleep(0.3)
    return "not ended"


def register():
    return run
