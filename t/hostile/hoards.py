# /// devops_agent
# name: hoards
# version: 1.0.0
# description: Tries to get out.
# params: {type: object, properties: {how: {type: string}}}
# permissions: {exec: ["*"]}
# limits: {timeout: 20s, memory: 48MiB, tmp: 4MiB}
# ///
"""600 MiB that no page table of its own shows: memory files, open, mapped and
closed, or on their way through a socket; what is left of shared memory when
all of it but a page was unmapped; huge pages that a pipe holds."""

import ctypes
import errno
import mmap
import os
import socket

SIZE = 6 << 20
PIECES = 100
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
kept = []


def check(rc):
    if rc in (-1, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "")
    return rc


def memory_file():
    fd = check(libc.memfd_create(b"x", 0))
    for _ in range(SIZE >> 20):
        os.write(fd, b"x" * (1 << 20))
    return fd


def open_file():
    kept.append(memory_file())


def closed_file():
    fd = memory_file()
    kept.append(mmap.mmap(fd, SIZE))
    os.close(fd)


def passed_file():
    pair = socket.socketpair()
    fd = memory_file()
    socket.send_fds(pair[0], [b"x"], [fd])
    os.close(fd)
    kept.append(pair)


def remnant(fd, flags):
    """A page keeps the whole of what was mapped with it."""
    at = check(libc.mmap(None, ctypes.c_size_t(SIZE), 3, flags, fd,
                         ctypes.c_long(0)))
    for page in range(0, SIZE, 4096):
        ctypes.memset(at + page, 1, 1)
    check(libc.munmap(ctypes.c_void_p(at + 4096),
                      ctypes.c_size_t(SIZE - 4096)))


def shared():
    remnant(-1, 0x21)


def zero():
    fd = os.open("/dev/zero", os.O_RDWR)
    try:
        remnant(fd, 0x01)
    finally:
        os.close(fd)


def spliced():
    """A byte of each huge page in a pipe."""
    if not kept or len(kept[-1]) == 7:
        kept.append(list(os.pipe()))
    huge = 2 << 20
    for _ in range(3):
        at = check(libc.mmap(None, ctypes.c_size_t(2 * huge), 3, 0x22, -1,
                             ctypes.c_long(0)))
        start = (at + huge - 1) // huge * huge
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(huge), 14)
        ctypes.memset(start, 1, huge)
        piece = (ctypes.c_size_t * 2)(start, 1)
        got = libc.vmsplice(kept[-1][1], piece, ctypes.c_size_t(1), 2)
        why = ctypes.get_errno()
        libc.munmap(ctypes.c_void_p(at), ctypes.c_size_t(2 * huge))
        if got < 0:
            raise OSError(why, "")
    kept[-1].append(None)


def run(job):
    for n in range(PIECES):
        try:
            globals()[job.params["how"]]()
        except OSError as e:
            return [n, errno.errorcode.get(e.errno)]
    return "hoarded"


def register():
    return run
