# /// devops_agent
# name: setuid-programs
# version: 1.0.0
# description: Tries to get out.
# permissions: {exec: ["*"], read: [/etc]}
# limits: {timeout: 20s}
# ///
"""The programs that change who one is, all of which it may start. They have no
effect."""

import os
import subprocess


def run(job):
    got = {}
    for words in (["su", "-c", "id -u"], ["passwd", "-d", "root"],
                  ["newgrp", "root"], ["chsh", "-s", "/bin/sh"],
                  ["unshare", "-Ur", "id", "-u"], ["ping", "-c1", "127.1"]):
        try:
            p = subprocess.run(words, capture_output=True, text=True,
                               stdin=subprocess.DEVNULL, timeout=3)
            got[words[0]] = p.returncode != 0 and "0" != p.stdout.strip()
        except FileNotFoundError:
            got[words[0]] = True
    return [all(got.values()), os.getuid() != 0]


def register():
    return run
