"""hung_fuse.py FOLDER COMMAND...: run the command in a mount namespace of its
own where a FUSE file system that never answers is mounted on the folder."""

import ctypes
import os
import sys


def main():
    folder, command = os.fsencode(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    clone_newns, ms_rec, ms_private = 0x20000, 0x4000, 0x40000
    fuse = os.open("/dev/fuse", os.O_RDWR)
    os.set_inheritable(fuse, True)
    data = b"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other" % fuse
    if libc.unshare(clone_newns) != 0 or \
            libc.mount(b"none", b"/", None, ms_rec | ms_private, None) != 0 \
            or libc.mount(b"silent:/export", folder, b"fuse.silent", 0,
                          data) != 0:
        sys.exit("mount: " + os.strerror(ctypes.get_errno()))
    os.execv(command[0], command)


main()
