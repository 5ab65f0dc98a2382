# /// devops_agent
# name: collect-disk
# version: 1.0.0
# description: Usage of every mounted file system, space and inodes.
# params:
#   type: object
#   properties: {min_percent: {type: number, default: 0}}
#   additionalProperties: false
# permissions:
#   read: [/]
# limits: {timeout: 10s, memory: 64MiB}
# ///
"""Usage of every mounted file system, as df shows it.

A call into a network file system whose server is gone may block beyond the
reach of any signal. So every file system that is not known to be local is
asked by a child process, with a time limit; a child that does not answer
costs its own entry ("error") and no other.
"""

import os
import select
import time

# Never asked: they hold no data, and asking autofs would mount something.
PSEUDO = frozenset((
    b"autofs", b"binfmt_misc", b"bpf", b"cgroup", b"cgroup2", b"configfs",
    b"debugfs", b"devpts", b"fusectl", b"mqueue", b"nfsd", b"nsfs", b"proc",
    b"pstore", b"rpc_pipefs", b"securityfs", b"selinuxfs", b"smackfs",
    b"sysfs", b"tracefs"))

# Answer from memory or from a local device; anything else may hang.
LOCAL = frozenset((
    b"bcachefs", b"btrfs", b"devtmpfs", b"efivarfs", b"erofs", b"exfat",
    b"ext2", b"ext3", b"ext4", b"f2fs", b"hfsplus", b"hugetlbfs",
    b"iso9660", b"jfs", b"minix", b"msdos", b"nilfs2", b"ntfs3", b"overlay",
    b"ramfs", b"reiserfs", b"rootfs", b"squashfs", b"tmpfs", b"udf",
    b"vfat", b"xfs", b"zfs"))

OWN_SOURCE = b"devops_agent"    # mount source of the sandbox's own mounts
MOUNTINFO = "/proc/self/mountinfo"
MOUNT_SECONDS = 2.0             # for one file system that may hang
TOTAL_SECONDS = 6.0             # for all of them
KILL_SECONDS = 0.2              # for a killed child to be gone
MAX_CHILDREN = 8                # of the 16 processes that a plugin may have
MAX_SYSTEMS = 1000              # that are asked and reported
OUT_OF_TIME = "not asked: the time for network file systems ran out"


class Mount:
    __slots__ = ("id", "parent", "device", "root", "point", "options",
                 "type", "source", "super_options", "own", "hidden_by",
                 "risky")


def register():
    return collect


def collect(job):
    with open(MOUNTINFO, "rb") as file:
        mounts = parse(file.read())
    resolve(mounts)
    chosen, paths = choose(mounts)
    left_out = max(0, len(chosen) - MAX_SYSTEMS)
    if left_out > 0:
        job.log.warning("%d file systems are left out", left_out)
    chosen = chosen[:MAX_SYSTEMS]
    sandboxed = any(mount.source == OWN_SOURCE for mount in mounts)
    figures = probe_all(chosen, paths, job)
    systems = []
    for mount in chosen:
        system = describe(mount, sandboxed)
        answer = figures[mount.id]
        if isinstance(answer, str):
            system["error"] = answer
            job.log.warning("%s: %s", system["mount"], answer)
        elif answer[2] == 0:
            continue                        # of no size: holds no data
        else:
            system.update(usage(answer))
        report(job, system)
        systems.append(system)
    least = job.params.get("min_percent", 0)
    return {"filesystems": [
        system for system in systems
        if "error" in system or (system["percent"] or 0) >= least],
        "left_out": left_out}


# The mount table


def unescape(field):
    """Undo the kernel's \\ooo for blanks and backslashes."""
    parts = field.split(b"\\")
    out = [parts[0]]
    for part in parts[1:]:
        digits = part[:3]
        if len(digits) == 3 and not digits.strip(b"01234567"):
            out.append(bytes((int(digits, 8) & 255,)) + part[3:])
        else:
            out.append(b"\\" + part)
    return b"".join(out)


def parse(data):
    """The mounts in a mountinfo file, in order; lines of another form are
    skipped."""
    mounts = []
    for line in data.split(b"\n"):
        left, _, right = line.partition(b" - ")
        left = left.split(b" ")
        right = right.split(b" ")
        if len(left) < 6 or len(right) < 3:
            continue
        mount = Mount()
        mount.id, mount.parent, mount.device = left[:3]
        mount.root = unescape(left[3])
        mount.point = unescape(left[4])
        mount.options = left[5].split(b",")
        mount.type = right[0]
        mount.source = unescape(right[1])
        mount.super_options = right[2].split(b",")
        mounts.append(mount)
    return mounts


def resolve(mounts):
    """Find out which mounts a path still leads to (hidden_by is the mount in
    the way, or None), which are the sandbox's own, and which may hang."""
    by_id = {mount.id: mount for mount in mounts}
    covers = {}
    for mount in mounts:
        covers[mount.parent, mount.point] = mount
        mount.own = mount.source == OWN_SOURCE
    for mount in mounts:
        mount.hidden_by = None
        mount.risky = False
        for link in lineage(mount, by_id):
            if link.type not in LOCAL and (
                    link.type not in PSEUDO or link.type == b"autofs"):
                mount.risky = True
            # What is bound into a private folder belongs to the sandbox too.
            if link.source == OWN_SOURCE and link.point != b"/":
                mount.own = True
            if mount.hidden_by is None:
                mount.hidden_by = cover_of(link, covers)
        top = covers.get((mount.id, mount.point))
        if top is not None and top is not mount:
            mount.hidden_by = mount.hidden_by or top


def lineage(mount, by_id):
    """The mount, what it is mounted on, and so on up to the root."""
    seen = set()
    while mount is not None and mount.id not in seen:
        seen.add(mount.id)
        yield mount
        mount = by_id.get(mount.parent)


def cover_of(mount, covers):
    """What was mounted, on the same parent, over a folder above the mount:
    the path to the mount now leads into that."""
    other = covers.get((mount.parent, mount.point))
    if other is not mount:
        return other
    path = mount.point
    while len(path) > 1:
        path = path[:path.rindex(b"/")] or b"/"
        other = covers.get((mount.parent, path))
        if other is not None and other is not mount:
            return other
    return None


def choose(mounts):
    """One mount for each file system, as df does, in the table's order, and
    for each its path to ask it by (absent where none leads to it)."""
    best = {}
    paths = {}
    for mount in mounts:
        if mount.type in PSEUDO or mount.source == OWN_SOURCE:
            continue
        if mount.hidden_by is None:
            known = paths.get(mount.device)
            if known is None or known.risky and not mount.risky:
                paths[mount.device] = mount
        elif not mount.hidden_by.own:
            continue                    # hidden on the host itself
        if mount.own:
            continue
        key = identity(mount)
        if key not in best or rank(mount) < rank(best[key]):
            best[key] = mount
    chosen = set(mount.id for mount in best.values())
    chosen = [mount for mount in mounts if mount.id in chosen]
    return chosen, {mount.id: mount if mount.hidden_by is None
                    else paths.get(mount.device) for mount in chosen}


def identity(mount):
    """Equal for two mounts of one file system. A btrfs counts by subvolume,
    which only stat() tells; a network one by its address too."""
    if mount.risky:
        return mount.device, mount.source
    if mount.type == b"btrfs" and mount.hidden_by is None:
        try:
            return os.stat(mount.point).st_dev
        except OSError:
            pass
    return mount.device


def rank(mount):
    """Of several mounts of one file system the least is the one to show: a
    visible one, of a real device, of its top, at the shortest path."""
    return (mount.hidden_by is not None, b"/" not in mount.source,
            len(mount.root), len(mount.point))


# Asking for the figures: a tuple as of statvfs, or a string saying why not


def probe_all(chosen, paths, job):
    figures = {}
    risky = []
    for mount in chosen:
        path = paths[mount.id]
        if path is None:
            figures[mount.id] = "hidden by the sandbox's own mount at " + \
                text(mount.hidden_by.point)
        elif path.risky:
            risky.append((mount.id, path.point))
        else:
            figures[mount.id] = probe(path.point)
    if risky:
        seconds = max(0.0, min(TOTAL_SECONDS, job.remaining() - 2))
        figures.update(probe_risky(risky, time.monotonic() + seconds))
    return figures


def probe(point):
    try:
        return tuple(os.statvfs(point))
    except OSError as error:
        return error.strerror or str(error)


def probe_risky(waiting, deadline):
    """Ask each (id, path) in a child of its own, some at a time."""
    figures = {key: OUT_OF_TIME for key, _ in waiting}
    waiting = waiting[::-1]
    running = {}            # by pipe: pid, id (None once killed), its end
    stuck = 0               # children that even SIGKILL did not end
    poll = select.poll()
    while True:
        now = time.monotonic()
        while waiting and now < deadline and \
                len(running) + stuck < MAX_CHILDREN:
            key, point = waiting.pop()
            try:
                pipe, pid = start_child(point)
            except OSError as error:
                figures[key] = "not asked: " + (error.strerror or "no child")
                continue
            running[pipe] = pid, key, min(now + MOUNT_SECONDS, deadline)
            poll.register(pipe, select.POLLIN)
        if not running:
            return figures
        wake = min(end for _, _, end in running.values())
        for pipe, _ in poll.poll(max(0, wake - now) * 1000 + 1):
            pid, key, _ = running.pop(pipe)
            poll.unregister(pipe)
            answer = read_answer(pipe, pid)
            if key is not None:
                figures[key] = answer
        stuck += give_up(running, poll, figures)


def give_up(running, poll, figures):
    """Kill the children whose time is up, and forget those that are there
    still a while after that: the number of these."""
    now = time.monotonic()
    stuck = 0
    for pipe, (pid, key, end) in list(running.items()):
        if end > now:
            continue
        if key is not None:
            os.kill(pid, 9)
            figures[key] = "no answer in time"
            running[pipe] = pid, None, now + KILL_SECONDS
        else:
            del running[pipe]
            poll.unregister(pipe)
            os.close(pipe)
            stuck += 1
    return stuck


def start_child(point):
    """A child that writes the figures to a pipe: its read end and pid."""
    reader, writer = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(reader)
        os.close(writer)
        raise
    if pid == 0:
        try:
            # One that hangs for ever must not hold the plugin's channels.
            os.closerange(0, writer)
            os.closerange(writer + 1, 4096)
            os.write(writer, repr(probe(point)).encode("utf-8", "replace"))
        finally:
            os._exit(0)
    os.close(writer)
    return reader, pid


def read_answer(pipe, pid):
    answer = os.read(pipe, 4096)
    os.close(pipe)
    os.waitpid(pid, 0)
    if not answer:
        return "the process that asked died"
    if answer.startswith(b"("):
        return tuple(int(part) for part in answer[1:-1].split(b","))
    return answer[1:-1].decode("utf-8", "replace")


# What is reported


def text(raw):
    """Bytes of the kernel's as text; what is no UTF-8 as \\xNN."""
    return raw.decode("utf-8", "backslashreplace")


def describe(mount, sandboxed):
    # In the sandbox every mount is read-only; the file system knows better.
    return {
        "device": text(mount.source),
        "type": text(mount.type),
        "mount": text(mount.point),
        "read_only": b"ro" in mount.super_options or
                     (not sandboxed and b"ro" in mount.options),
    }


def percent(used, available):
    """As df: of what users may have, rounded up; None where there is none."""
    if used + available <= 0:
        return None
    return -(-used * 100 // (used + available))


def usage(answer):
    block = answer[1] or answer[0]          # f_frsize, else f_bsize
    blocks, free, available, files, files_free = answer[2:7]
    used = max(0, blocks - free)
    files_used = max(0, files - files_free)
    return {
        "size_bytes": blocks * block,
        "used_bytes": used * block,
        "free_bytes": free * block,
        "available_bytes": available * block,
        "percent": percent(used, available),
        "inodes": {
            "total": files,
            "used": files_used,
            "free": files_free,
            "percent": percent(files_used, files_free),
        },
    }


def report(job, system):
    labels = {"mount": system["mount"], "device": system["device"],
              "type": system["type"]}
    failed = "error" in system
    job.metric("disk_error", int(failed), **labels)
    if failed:
        return
    for key in ("size", "used", "free", "available"):
        job.metric("disk_%s_bytes" % key, system[key + "_bytes"],
                   unit="bytes", **labels)
    job.metric("disk_inodes", system["inodes"]["total"], **labels)
    job.metric("disk_inodes_used", system["inodes"]["used"], **labels)
    job.metric("disk_read_only", int(system["read_only"]), **labels)
