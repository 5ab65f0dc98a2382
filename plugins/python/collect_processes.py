# /// devops_agent
# name: collect-processes
# version: 1.0.0
# description: The processes that use the most CPU and memory.
# params:
#   type: object
#   properties:
#     count:
#       type: integer
#       minimum: 1
#       maximum: 1000
#       default: 10
#       description: How many to report in each list.
#     sort:
#       type: string
#       enum: [cpu, memory, both]
#       default: both
#       description: Which list to report; memory alone takes no interval.
#     interval_ms:
#       type: integer
#       minimum: 100
#       maximum: 30000
#       default: 1000
#       description: Time over which CPU use is measured.
#     arguments:
#       type: boolean
#       default: false
#       description: >-
#         Report command lines, as long as there is room for them. Off by
#         default, as they may hold passwords.
#   additionalProperties: false
# permissions:
#   processes: host
#   read: [/etc/passwd]
# limits: {timeout: 60s, memory: 128MiB}
# ///
"""The top processes: two samples of /proc/PID/stat and what lies between.

CPU is in percent of one processor, as top shows it.
"""

import os
import time

MAX_ARGUMENTS = 4096        # bytes of a command line that are kept
ALL_ARGUMENTS = 65536       # characters of all of them
OVERFLOW_UID = 65534
ALL_IDS = (1 << 32) - 1     # user ids that there are
STATES = {b"R": "running", b"S": "sleeping", b"D": "blocked",
          b"Z": "zombie", b"T": "stopped", b"t": "stopped", b"I": "idle",
          b"X": "dead", b"x": "dead", b"P": "parked", b"K": "wakekill",
          b"W": "waking"}


class Process:
    __slots__ = ("pid", "parent", "name", "state", "ticks", "threads",
                 "started", "pages", "cpu")


def register():
    return collect


def collect(job):
    sort = job.params.get("sort", "both")
    processes, unreadable = scan()
    start = time.monotonic()
    elapsed = 0.0
    if sort != "memory":
        wait(job, job.params.get("interval_ms", 1000) / 1000)
        before = processes
        processes, unreadable = scan()
        elapsed = time.monotonic() - start
        measure(processes, before, elapsed)
    complete = unreadable == 0 and 1 in processes
    if not complete:
        job.log.warning("not every process is visible (is /proc mounted "
                        "with hidepid?)")
    states = {}
    for process in processes.values():
        states[process.state] = states.get(process.state, 0) + 1
    result = {
        "interval_ms": round(elapsed * 1000),
        "complete": complete,
        "unreadable": unreadable,
        "processes": len(processes) + unreadable,
        "threads": sum(process.threads for process in processes.values()),
        "states": states,
    }
    add_tops(job, result, processes, sort)
    job.metric("processes", result["processes"])
    job.metric("threads", result["threads"])
    for state, count in states.items():
        job.metric("processes_by_state", count, state=state)
    return result


def add_tops(job, result, processes, sort):
    count = job.params.get("count", 10)
    show = Describer(job.params.get("arguments", False))
    if sort != "memory":
        top = sorted(processes.values(),
                     key=lambda process: (-process.cpu, process.pid))[:count]
        result["by_cpu"] = [show(process) for process in top]
        report(job, processes, top, "process_cpu_ratio", "ratio",
               lambda process: round(process.cpu / 100, 4))
    if sort != "cpu":
        top = sorted(processes.values(),
                     key=lambda process: (-process.pages, process.pid))[:count]
        result["by_memory"] = [show(process) for process in top]
        report(job, processes, top, "process_resident_memory_bytes", "bytes",
               lambda process: process.pages * show.page)


def report(job, processes, top, metric, unit, value):
    """A sum for each program in the list: a series for each pid would never
    end."""
    sums = {process.name: 0 for process in top}
    for process in processes.values():
        if process.name in sums:
            sums[process.name] += value(process)
    for name, total in sums.items():
        job.metric(metric, total, unit=unit, program=text(name))


def wait(job, seconds):
    end = time.monotonic() + seconds
    while True:
        if job.cancelled:
            raise job.Failed("cancelled", code="cancelled")
        left = end - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, 0.25))


def text(raw):
    return raw.decode("utf-8", "backslashreplace")


# Reading /proc


def read(path, limit=4096):
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, limit)
    finally:
        os.close(fd)


def scan():
    """Every process by its pid, and how many could not be read. One that
    ends meanwhile is neither."""
    processes = {}
    unreadable = 0
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            process = parse(read("/proc/%s/stat" % name))
        except (FileNotFoundError, ProcessLookupError):
            continue
        except PermissionError:
            unreadable += 1
            continue
        if process is not None:
            processes[process.pid] = process
    return processes, unreadable


def parse(line):
    """A line of /proc/PID/stat. The name stands in parentheses and may hold
    anything, parentheses and newlines included."""
    left = line.find(b"(")
    right = line.rfind(b")")
    fields = line[right + 1:].split()
    if left < 0 or right < left or len(fields) < 22:
        return None
    process = Process()
    process.pid = int(line[:left])
    process.name = line[left + 1:right]
    process.state = STATES.get(fields[0], "other")
    process.parent = int(fields[1])
    process.ticks = int(fields[11]) + int(fields[12])
    process.threads = int(fields[17])
    process.started = int(fields[19])
    process.pages = max(0, int(fields[21]))
    process.cpu = 0.0
    return process


def measure(processes, before, elapsed):
    scale = 100 / os.sysconf("SC_CLK_TCK") / elapsed
    for pid, process in processes.items():
        old = before.get(pid)
        # A new process has used all its time in the interval; so has one
        # that got the number of another.
        known = old is not None and old.started == process.started
        ticks = process.ticks - (old.ticks if known else 0)
        process.cpu = round(max(0, ticks) * scale, 2)


class Describer:
    """Turns a process into what is reported of it."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.room = ALL_ARGUMENTS
        self.page = os.sysconf("SC_PAGE_SIZE")
        self.users = None
        self.memory = None
        try:
            # By sysinfo(2); needs no file.
            self.memory = os.sysconf("SC_PHYS_PAGES") * self.page
        except (OSError, ValueError):
            pass

    def __call__(self, process):
        rss = process.pages * self.page
        uid = self.owner(process.pid)
        shown = {
            "pid": process.pid,
            "parent_pid": process.parent,
            "name": text(process.name),
            "state": process.state,
            "uid": uid,
            "user": self.user(uid),
            "threads": process.threads,
            "cpu_percent": process.cpu,
            "memory_bytes": rss,
            "memory_percent":
                round(rss * 100 / self.memory, 2) if self.memory else None,
        }
        if self.arguments:
            shown["arguments"] = self.command_line(process.pid)
        return shown

    def owner(self, pid):
        """The owner as the host numbers it; None if a user namespace hides
        it (the kernel then shows every foreign owner as OVERFLOW_UID)."""
        try:
            uid = os.stat("/proc/%d" % pid).st_uid
        except OSError:
            return None
        if self.users is None:
            self.ids = uid_map()
            self.users = passwd()
        if uid == OVERFLOW_UID and sum(row[2] for row in self.ids) < ALL_IDS:
            return None
        for inside, outside, count in self.ids:
            if inside <= uid < inside + count:
                return outside + uid - inside
        return None

    def user(self, uid):
        return None if uid is None else self.users.get(uid)

    def command_line(self, pid):
        try:
            raw = read("/proc/%d/cmdline" % pid, MAX_ARGUMENTS)
        except OSError:
            return None
        # None, too, for kernel threads and zombies, which have none, and
        # where there is no room left.
        line = text(raw.rstrip(b"\0").replace(b"\0", b" "))[:self.room]
        self.room -= len(line)
        return line or None


def uid_map():
    """The (inside, outside, count) rows of this user namespace."""
    try:
        rows = read("/proc/self/uid_map").split(b"\n")
    except FileNotFoundError:       # a kernel without user namespaces
        return [(0, 0, ALL_IDS)]
    return [tuple(int(field) for field in row.split())
            for row in rows if row.strip()]


def passwd():
    """Names by user id; empty where the file can't be read."""
    names = {}
    try:
        with open("/etc/passwd", "rb") as file:
            for line in file:
                fields = line.split(b":")
                if len(fields) > 2 and fields[2].isdigit():
                    names.setdefault(int(fields[2]), text(fields[0]))
    except OSError:
        pass
    return names
