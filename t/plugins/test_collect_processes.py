import os
import pwd
import subprocess
import sys

import pytest

STAT = (b"%d (%s) %s 1 1 1 0 -1 4194304 100 0 0 0 %d %d 0 0 20 0 %d 0 %d "
        b"4096000 %d 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 "
        b"0 0 0 0 0 0 0 0 0 0 0\n")
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root")


def line(pid=10, name=b"cat", state=b"S", user=5, system=2, threads=1,
         started=77, pages=3):
    return STAT % (pid, name, state, user, system, threads, started, pages)


def start(*command, **more):
    """A process that has certainly begun to run its program."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, **more)
    assert process.stdout.readline() == b"ready\n"
    return process


@pytest.fixture
def eater():
    code = ("import sys; block = bytearray(b'x') * 300000000; "
            "print('ready', flush=True); sys.stdin.read()")
    process = start(sys.executable, "-I", "-S", "-c", code,
                    stdin=subprocess.PIPE)
    yield process.pid
    process.kill()
    process.wait()
    process.stdout.close()
    process.stdin.close()


def test_the_biggest_comes_first(python, eater):
    outcome = python("collect_processes", {"sort": "memory", "count": 3})
    assert outcome.error is None
    result = outcome.result
    assert "by_cpu" not in result and result["interval_ms"] == 0
    assert outcome.seconds < 5
    sizes = [one["memory_bytes"] for one in result["by_memory"]]
    assert len(sizes) == 3 and sizes == sorted(sizes, reverse=True)
    found, = [one for one in result["by_memory"] if one["pid"] == eater]
    with open("/proc/%d/statm" % eater, encoding="ascii") as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert abs(found["memory_bytes"] - resident) < 2 << 20
    assert found["uid"] == os.getuid()
    assert found["user"] == pwd.getpwuid(os.getuid()).pw_name
    assert found["parent_pid"] == os.getpid()
    assert "arguments" not in found


def test_the_busiest_comes_first(python):
    busy = subprocess.Popen(["/bin/sh", "-c", "while :; do :; done"])
    try:
        result = python("collect_processes", {
            "sort": "cpu", "interval_ms": 700, "count": 1000}).result
    finally:
        busy.kill()
        busy.wait()
    found, = [one for one in result["by_cpu"] if one["pid"] == busy.pid]
    # Its share is small where the machine has more to do.
    assert 2 < found["cpu_percent"] <= 130
    used = [one["cpu_percent"] for one in result["by_cpu"]]
    assert used == sorted(used, reverse=True)
    assert found["state"] == "running"
    assert "by_memory" not in result


def test_counts_agree_with_proc(python):
    outcome = python("collect_processes", {"interval_ms": 100})
    result = outcome.result
    pids = [name for name in os.listdir("/proc") if name.isdigit()]
    assert abs(result["processes"] - len(pids)) < 20
    assert result["complete"] is True
    assert sum(result["states"].values()) == result["processes"]
    most = min(10, result["processes"])
    assert len(result["by_cpu"]) == len(result["by_memory"]) == most
    assert outcome.metric("processes") == result["processes"]


def test_hostile_names_and_arguments(python, tmp_path):
    name = os.fsencode(str(tmp_path)) + b"/) R 1 (\n\xff"
    os.symlink("/bin/sh", name)
    process = start(name, "-c", "echo ready; read x", b"\xfe\xff", b"a\nb",
                    stdin=subprocess.PIPE)
    try:
        outcome = python("collect_processes", {
            "sort": "memory", "count": 1000, "arguments": True})
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stdin.close()
    found, = [one for one in outcome.result["by_memory"]
              if one["pid"] == process.pid]
    assert found["name"] == ") R 1 (\n\\xff"
    assert found["state"] == "sleeping"
    assert found["arguments"].endswith("echo ready; read x \\xfe\\xff a\nb")


def test_arguments_have_a_bound_together(module, monkeypatch):
    plugin = module("collect_processes")
    show = plugin.Describer(True)
    monkeypatch.setattr(plugin, "read", lambda path, limit: b"\x01" * limit)
    lines = [show.command_line(pid) for pid in range(1, 1001)]
    assert len(lines[0]) == plugin.MAX_ARGUMENTS and lines[-1] is None
    assert sum(len(line or "") for line in lines) == plugin.ALL_ARGUMENTS


@needs_root
def test_an_unprivileged_user_sees_all_and_their_users(python, eater):
    outcome = python(
        "collect_processes", {"sort": "memory", "count": 1000},
        prefix=["setpriv", "--reuid=65534", "--regid=65534",
                "--clear-groups"])
    found, = [one for one in outcome.result["by_memory"]
              if one["pid"] == eater]
    assert found["user"] == "root"
    assert outcome.result["complete"] is True


@needs_root
def test_a_user_namespace_hides_owners_and_that_is_said(python, eater):
    outcome = python(
        "collect_processes", {"sort": "memory", "count": 1000},
        prefix=["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups",
                "unshare", "-U", "--map-user=5000"])
    found, = [one for one in outcome.result["by_memory"]
              if one["pid"] == eater]
    assert found["uid"] is None and found["user"] is None


@needs_root
def test_hidepid_is_said(python):
    # In a pid namespace of its own, since on older kernels the option holds
    # for every mount of one; the shell stays, as the pid 1 not to be seen.
    script = "mount -t proc -o hidepid=2 proc /proc; \"$@\"; exit $?"
    outcome = python(
        "collect_processes", {"sort": "memory"},
        prefix=["unshare", "-m", "-p", "-f", "--propagation", "private",
                "/bin/sh", "-ec", script, "sh", "setpriv", "--reuid=65534",
                "--regid=65534", "--clear-groups"])
    assert outcome.result["processes"] == 1         # itself
    assert outcome.result["complete"] is False
    assert "hidepid" in outcome.logs[0]["message"]


def test_unreadable_and_vanishing_processes(module, job, monkeypatch):
    plugin = module("collect_processes")
    files = {"/proc/1/stat": line(1, b"init"),
             "/proc/2/stat": PermissionError(13, "Permission denied"),
             "/proc/3/stat": FileNotFoundError(2, "No such file"),
             "/proc/4/stat": ProcessLookupError(3, "No such process"),
             "/proc/5/stat": b"", "/proc/6/stat": b"6 (short) S 1\n",
             "/proc/self/uid_map": b"0 0 4294967295\n"}

    def read(path, limit=4096):
        content = files[path]
        if isinstance(content, Exception):
            raise content
        return content

    monkeypatch.setattr(plugin, "read", read)
    monkeypatch.setattr(plugin.os, "listdir", lambda path: [
        "1", "2", "3", "4", "5", "6", "self", "net"])
    fake = job({"sort": "memory"})
    result = plugin.collect(fake)
    assert result["processes"] == 2 and result["unreadable"] == 1
    assert result["complete"] is False
    assert "hidepid" in fake.log.lines[0]


def test_a_reused_number_is_another_process(module):
    plugin = module("collect_processes")
    before = {10: plugin.parse(line(10, user=1000, started=1)),
              11: plugin.parse(line(11, user=100, system=0))}
    after = {10: plugin.parse(line(10, user=30, system=0, started=2)),
             11: plugin.parse(line(11, user=150, system=0)),
             12: plugin.parse(line(12, user=20, system=0))}
    plugin.measure(after, before, 1.0)
    hertz = os.sysconf("SC_CLK_TCK")
    assert [after[pid].cpu * hertz / 100 for pid in (10, 11, 12)] == \
        [30, 50, 20]


@pytest.mark.parametrize("text, want", [
    (b"         0          0 4294967295\n", (0, 1000, 65534)),
    (b"      5000       1000          1\n", (None, None, None)),
    (b"         0     100000      65536\n", (100000, 101000, None)),
])
def test_owners_are_the_hosts(module, monkeypatch, text, want):
    plugin = module("collect_processes")
    monkeypatch.setattr(plugin, "read", lambda path: text)
    for uid, expected in zip((0, 1000, 65534), want):
        monkeypatch.setattr(plugin.os, "stat", lambda path, uid=uid:
                            os.stat_result((0, 0, 0, 0, uid, 0, 0, 0, 0, 0)))
        assert plugin.Describer(False).owner(1) == expected
