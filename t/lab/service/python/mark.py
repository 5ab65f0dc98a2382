# /// devops_agent
# name: mark
# version: 1.0.0
# description: Says outside that it runs, then does as it is told.
# params: {type: object}
# permissions: {network: ["tcp:PORT"]}
# limits: {timeout: 2m}
# ///
"""PORT is filled in where the machine is: what keeps the marks is outside."""

import socket
import time


def mark(job):
    """Returns once it is known there that this attempt began."""
    with socket.create_connection(("10.0.2.2", PORT), 60) as end:  # noqa: F821
        end.sendall(b"GET /began/%d/%d HTTP/1.1\r\n\r\n" % (
            job.id, job.attempt))
        if not end.recv(100).startswith(b"HTTP/1.1 200 "):
            raise RuntimeError("nobody noted it")


def run(job):
    """Its one line is a record of its own."""
    mark(job)
    job.log.info("began")
    if job.params.get("do") == "bad":
        raise ValueError("bad")
    time.sleep(job.params.get("seconds", 0))
    return job.attempt


def register():
    return run
