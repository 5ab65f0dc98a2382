#!/usr/bin/python3
"""check_style.py ROOT: what no compiler and no linter checks in ROOT/src.

Prints a line for each violation, then, as a comment, how long the functions
are; exits 1 if there is any violation.
"""

import os
import re
import statistics
import sys
from typing import Iterator, List, Tuple

FILE_LINES = 600
FUNCTION_LINES = 100

# Calls that have no place in src/, and why.
BANNED = {
    "sleep usleep nanosleep clock_nanosleep":
        "waits by time; wait for an event with a deadline",
    "sprintf vsprintf strcpy strcat stpcpy gets":
        "writes without a bound",
    "strncpy strncat": "may leave text without its end",
    "strtok": "keeps hidden state",
    "system popen": "starts a shell",
    "alloca": "has no bound on the stack",
    "atoi atol atoll atof": "can't tell an error",
    "tmpnam tempnam mktemp": "can be raced",
    "pipe dup accept epoll_create inotify_init":
        "can't set close-on-exec; use its newer form",
    "signal": "is not portable; use sigaction",
}
REASONS = {name: why for names, why in BANNED.items()
           for name in names.split()}

# Calls that make a descriptor must say close-on-exec in their arguments.
MAKES_FD = """open openat open64 socket socketpair pipe2 accept4 dup3
    epoll_create1 eventfd timerfd_create signalfd inotify_init1 memfd_create
    open_tree fsopen fsmount fspick userfaultfd mkostemp""".split()

WORD = re.compile(r"(?<![\w.>])(\w+)\s*\(")
MARKER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
NOISE = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""",
    re.DOTALL | re.VERBOSE,
)


def code_of(text: str) -> str:
    """The text with comments and strings blanked, its lines kept."""
    return NOISE.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def arguments(code: str, start: int) -> str:
    """From an opening parenthesis to the one that closes it."""
    depth = 0
    for end in range(start, len(code)):
        depth += {"(": 1, ")": -1}.get(code[end], 0)
        if depth == 0:
            return code[start:end + 1]
    return code[start:]


def is_call(code: str, start: int) -> bool:
    """Not a declaration: no type stands before the name."""
    before = code[:start].rstrip(" \t")
    if before.endswith("\n"):
        return not code[start - 1:start] == "\n"
    return re.search(r"(?:[=(,;{}!&|?:)<>+-]|\breturn)$", before) is not None


def calls(code: str) -> Iterator[Tuple[int, str, str]]:
    """Each call: its line, its name, its arguments."""
    for found in WORD.finditer(code):
        if is_call(code, found.start()):
            line = code.count("\n", 0, found.start()) + 1
            yield line, found[1], arguments(code, found.end() - 1)


def functions(code: str) -> Iterator[Tuple[int, int]]:
    """The first line and the number of lines of each function's body."""
    start = 0
    for number, line in enumerate(code.split("\n"), 1):
        if line.rstrip() == "{":
            start = number
        elif line.startswith("}") and start:
            yield start, number - start - 1
            start = 0


def check_calls(code: str) -> Iterator[Tuple[int, str]]:
    """Calls that are banned, and descriptors that an exec would inherit."""
    for number, name, args in calls(code):
        if name in REASONS:
            yield number, f"{name}() {REASONS[name]}"
        elif name in MAKES_FD and "CLOEXEC" not in args:
            yield number, f"{name}() without close-on-exec"
    for number, line in enumerate(code.split("\n"), 1):
        if re.search(r"\bgoto\b", line):
            yield number, "goto; use a cleanup attribute"


def check_file(text: str, lengths: List[int]) -> Iterator[Tuple[int, str]]:
    """Everything about one file; adds the lengths of its functions."""
    code = code_of(text)
    lines = text.count("\n")
    if lines >= FILE_LINES:
        yield lines, f"{lines} lines; {FILE_LINES} is too many"
    for start, length in functions(code):
        lengths.append(length)
        if length > FUNCTION_LINES:
            yield start, f"a function of {length} lines"
    yield from check_calls(code)
    for number, line in enumerate(text.split("\n"), 1):
        if MARKER.search(line):
            yield number, "a note to finish it; finish it"


def main() -> int:
    """Check what the command line names."""
    lengths: List[int] = []
    bad = 0
    for folder, _, names in sorted(os.walk(os.path.join(sys.argv[1], "src"))):
        for name in sorted(names):
            if not name.endswith((".c", ".h")):
                continue
            path = os.path.join(folder, name)
            with open(path, encoding="utf-8") as source:
                for line, wrong in check_file(source.read(), lengths):
                    print(f"{os.path.relpath(path, sys.argv[1])}:{line}: "
                          f"{wrong}")
                    bad += 1
    if lengths:
        lengths.sort()
        print(f"# {len(lengths)} functions, median "
              f"{statistics.median(lengths):.0f} lines, 90th percentile "
              f"{lengths[len(lengths) * 9 // 10]}, longest {lengths[-1]}")
    return 1 if bad else 0


sys.exit(main())
