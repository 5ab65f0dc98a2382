# /// devops_agent
# name: exfiltrate
# version: 1.0.0
# description: Tries to get out.
# params:
#   type: object
#   properties: {ports: {type: string}}
# limits: {timeout: 5s}
# ///
"""Sends what it knows away: TCP, UDP, DNS, local sockets, a name that an agent
resolves. Nothing arrives."""

import socket


def attempt(f):
    try:
        f()
        return True
    except OSError:
        return False


def send(kind, to):
    with socket.socket(socket.AF_INET, kind) as s:
        s.settimeout(1)
        s.connect(to)
        s.send(b"data")


def local(address):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(address)


def run(job):
    ports = [int(p) for p in job.params["ports"].split()]
    tries = [lambda p=p, k=k: send(k, ("127.0.0.1", p))
             for p in ports + [53] for k in (1, 2)]
    tries += [lambda: socket.gethostbyname("data.example.org"),
              lambda: local("@HOST@/granted.sock"),
              lambda: local("\0@HOST@"),
              lambda: local("/run/systemd/notify"),
              lambda: local("/run/dbus/system_bus_socket")]
    return [attempt(t) for t in tries].count(True)


def register():
    return run
