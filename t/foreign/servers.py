"""servers.py FILE: what checks of network services talk to.

Listens on 127.0.0.1 and writes a line "NAME PORT" for each service to FILE;
ends when its standard input does."""

import os
import socket
import struct
import sys
import threading
import time
from typing import Callable

EPOCH_1900 = 2208988800


def http(peer: socket.socket) -> None:
    """One answer to one request."""
    peer.recv(4096)
    body = b"hello\n"
    peer.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
                 b"Content-Length: %d\r\n\r\n%s" % (len(body), body))


def ssh(peer: socket.socket) -> None:
    """The banner is all that is looked at."""
    peer.sendall(b"SSH-2.0-test_1.0\r\n")
    peer.recv(4096)


def smtp(peer: socket.socket) -> None:
    """A greeting, and yes to everything."""
    peer.sendall(b"220 test ESMTP\r\n")
    while peer.recv(4096):
        peer.sendall(b"250 yes\r\n")


def listen(serve: Callable[[socket.socket], None]) -> int:
    """Serve each who connects; the port."""
    server = socket.create_server(("127.0.0.1", 0))

    def one(peer: socket.socket) -> None:
        with peer:
            try:
                serve(peer)
            except OSError:
                pass

    def accept() -> None:
        while True:
            peer = server.accept()[0]
            threading.Thread(target=one, args=(peer,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return int(server.getsockname()[1])


def stamp() -> bytes:
    """Now, as NTP has it."""
    now = time.time() + EPOCH_1900
    return struct.pack("!II", int(now), int(now % 1 * 2**32))


def ntp() -> int:
    """A clock of stratum 1 that is always right; the port."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            asked, peer = server.recvfrom(512)
            server.sendto(
                struct.pack("!BBbb", 0x24, 1, 6, -20) + bytes(8) + b"TEST" +
                stamp() + asked[40:48] + stamp() + stamp(), peer)

    threading.Thread(target=answer, daemon=True).start()
    return int(server.getsockname()[1])


def main() -> None:
    """Start all, say where, and wait."""
    ports = {"http": listen(http), "ssh": listen(ssh), "smtp": listen(smtp),
             "ntp": ntp()}
    path = sys.argv[1]
    with open(path + ".new", "w", encoding="ascii") as out:
        for name, port in ports.items():
            out.write("%s %d\n" % (name, port))
    os.rename(path + ".new", path)
    sys.stdin.read()


main()
