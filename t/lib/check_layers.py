#!/usr/bin/python3
"""check_layers.py ROOT [OBJECTS]: does src/ keep to its layers?

Prints a line for each violation below ROOT/src and, where OBJECTS is the
folder of its compiled objects, for each symbol that a folder takes from one
that it must not know; exits 1 if there is any.
"""

import os
import re
import subprocess
import sys
from typing import Dict, Iterator, List, Tuple

# The folders of src/, lowest layer first. Folders of one layer do not know
# each other; the files of src/ itself stand above all.
LAYERS = [
    ["base"],
    ["model"],
    ["config", "pack", "proto", "sandbox", "store", "plugin"],
    ["worker"],
    ["agent"],
    ["cli", "master", "api", "forward"],
]

# Each third-party header, and the only folder that may name it.
THIRD_PARTY = {
    "sqlite3.h": "store",
    "yaml.h": "config",
    "jansson.h": "proto",
    "sys/capability.h": "sandbox",
    "seccomp.h": "sandbox",
    "md5.h": "plugin",
    "sha2.h": "plugin",
    "sha256.h": "plugin",
    "sha512.h": "plugin",
    "pcre2.h": "plugin",
    "microhttpd.h": "api",
    "gnutls/gnutls.h": "api",
    "gnutls/crypto.h": "api",
    "gnutls/x509.h": "api",
    "curl/curl.h": "forward",
    "zlib.h": "pack",
    "zstd.h": "pack",
}

# The C library's and the kernel's headers; any other is a third party's.
LIBC = re.compile(
    r"""(sys|linux|asm|arpa|net|netinet|netpacket)/[\w/-]+\.h$ |
    (assert|ctype|dirent|elf|endian|errno|fcntl|float|fnmatch|ftw|getopt|glob|
     grp|inttypes|libgen|limits|link|locale|malloc|math|mntent|netdb|paths|poll|
     pthread|pwd|regex|sched|setjmp|signal|spawn|stdarg|stdatomic|stdbool|
     stddef|stdint|stdio|stdlib|stdnoreturn|string|strings|syslog|termios|
     time|uchar|ucontext|unistd|wchar|wctype)\.h$""",
    re.VERBOSE,
)
INCLUDE = re.compile(r'\s*#\s*include\s*(["<])([^">]+)[">]')
LEVEL = {name: n for n, names in enumerate(LAYERS) for name in names}
TOP = len(LAYERS)


def folder_of(path: str) -> str:
    """The folder of src/ that a path below src/ is in; "" for src/ itself."""
    return path.split("/")[0] if "/" in path else ""


def may_know(user: str, used: str) -> bool:
    """Whether a folder may use what another one offers."""
    return user == used or LEVEL.get(used, TOP) < LEVEL.get(user, TOP)


def below(top: str, ends: Tuple[str, ...]) -> Iterator[str]:
    """The files below a folder by the ends of their names, relative to it."""
    for folder, _, names in sorted(os.walk(top)):
        for name in sorted(names):
            if name.endswith(ends):
                yield os.path.relpath(os.path.join(folder, name), top)


def check_include(user: str, kind: str, header: str) -> str:
    """What is wrong with one include, or ""."""
    if kind == '"':
        used = folder_of(header)
        if ".." in header.split("/") or (user and not used):
            return 'is not written as "folder/name.h"'
        if not may_know(user, used):
            return f"points from {user or 'main'} to {used}"
    elif header in THIRD_PARTY:
        if user != THIRD_PARTY[header]:
            return f"belongs in {THIRD_PARTY[header]}/ only"
    elif not LIBC.match(header):
        return "is of no library that THIRD_PARTY names"
    return ""


def check_sources(src: str) -> Iterator[str]:
    """Folders without a layer, and includes that cross the layers."""
    for name in sorted(os.listdir(src)):
        if os.path.isdir(os.path.join(src, name)) and name not in LEVEL:
            yield f"src/{name}/: in no layer"
    for path in below(src, (".c", ".h")):
        with open(os.path.join(src, path), encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                found = INCLUDE.match(line)
                if not found:
                    continue
                wrong = check_include(folder_of(path), *found.groups())
                if wrong:
                    yield f"src/{path}:{number}: {found[2]} {wrong}"


def symbols(src: str, top: str) -> Iterator[Tuple[str, str, str]]:
    """Each object that still has a source, with a symbol's type and name."""
    objects = [
        path for path in below(top, (".o",))
        if os.path.exists(os.path.join(src, path[:-1] + "c"))
    ]
    if not objects:
        return
    said = subprocess.run(
        ["nm", "-A", "--", *objects],
        cwd=top, check=True, stdout=subprocess.PIPE, universal_newlines=True,
    ).stdout
    for line in said.splitlines():
        path, rest = line.split(":", 1)
        kind, name = rest.split()[-2:]
        yield path, kind, name


def check_objects(src: str, top: str) -> Iterator[str]:
    """Symbols that an object takes from a folder that it must not know."""
    home: Dict[str, str] = {}
    wanted: List[Tuple[str, str]] = []
    for path, kind, name in symbols(src, top):
        if kind in "UwW":
            wanted.append((path, name))
        elif kind.isupper():
            home[name] = folder_of(path)
    for path, name in wanted:
        used = home.get(name)
        if used is not None and not may_know(folder_of(path), used):
            yield f"{path}: takes {name} from {used or 'main'}"


def main() -> int:
    """Check what the command line names."""
    src = os.path.join(sys.argv[1], "src")
    found = list(check_sources(src))
    if len(sys.argv) > 2:
        found += check_objects(src, sys.argv[2])
    print("\n".join(found))
    return 1 if found else 0


sys.exit(main())
