"""Disks that fill up, fail, lie and vanish; clocks that jump; plugins and
processes that go: what runs goes on, what was acknowledged is kept, and the
agent is well again by itself when the fault is over."""

import ctypes
import os
import signal
import sqlite3
import subprocess
import time

import pytest

from conftest import Client, RpcError, wait_until
from crashes import CRASHING, alive
from test_jobs import slow, state

HOUR = 3600000
CLONE_NEWNS = 0x20000


def job(agent, id):
    return agent.call("job.get", id=id)


def store(agent):
    return agent.call("status")["store"]


def refused(agent, word=None):
    """New work is refused; the message says why."""
    try:
        agent.call("job.submit", plugin="noop")
    except RpcError as error:
        assert word is None or word in str(error), error
        return str(error)
    return None


def own_mounts():
    """What is mounted from here on is seen by this test's processes alone,
    and goes with them: a check elsewhere may be listing mounts."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


@pytest.fixture
def disk(agent):
    """The agent's data_dir is a small file system of its own."""
    if os.geteuid():
        pytest.skip("mounts need root")
    data = agent.folder / "data"
    data.mkdir()
    own_mounts()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2M,mode=0700", "t",
                    data], check=True)
    yield data
    if agent.process is not None:
        agent.kill()
        wait_until(lambda: subprocess.run(["umount", data]).returncode == 0)
    else:
        subprocess.run(["umount", data], check=True)


class Injected:
    """Every system call of these of the master's fails, as long as it is."""

    def __init__(self, agent, calls, error):
        if os.geteuid():
            pytest.skip("needs root")
        self.log = agent.folder / "strace"
        self.process = subprocess.Popen(
            ["strace", "-qq", "-o", self.log, "-e", "trace=" + calls,
             "-e", "inject=%s:error=%s" % (calls, error),
             "-p", str(agent.process.pid)], stderr=subprocess.DEVNULL)
        pid = agent.process.pid
        wait_until(lambda: "TracerPid:\t0" not in open(
            "/proc/%d/status" % pid).read())

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        return self.log.read_text().count("INJECTED")


def over_a_fault(agent, begin, end, word):
    """What holds over any fault of the disk."""
    agent.noop()
    slow(agent, 2)
    agent.settings["jobs"] = {"tick": {"plugin": "noop", "every": "1s"}}
    agent.start()
    kept = [agent.run("noop")["id"] for _ in range(3)]
    running = agent.call("job.submit", plugin="slow")["id"]
    waiting = agent.call("job.submit", plugin="noop",
                         at="2099-01-01T00:00:00Z")["id"]
    wait_until(lambda: state(agent, running) == "running")
    workers = [pid for pid in agent.processes() if b"slow" in comm(pid)]
    assert workers
    begin()
    wait_until(lambda: refused(agent, word))
    assert agent.process.poll() is None
    assert not store(agent)["writable"] and word in store(agent)["trouble"]
    assert agent.logged("no job starts until it can be written again")
    # what is there can still be read
    assert all(state(agent, id) == "succeeded" for id in kept)
    assert state(agent, waiting) == "queued"
    # what ran came to its end, of which the store knows nothing yet
    wait_until(lambda: not any(map(alive, workers)))
    assert state(agent, running) == "running"
    end()
    wait_until(lambda: store(agent)["writable"], 60)
    assert agent.logged("the store can be written again")
    assert agent.run("noop")["state"] == "succeeded"
    # its end was in memory as long as the disk took nothing
    assert agent.call("job.wait", id=running)["state"] == "succeeded"
    for id in kept:
        assert state(agent, id) == "succeeded"
    assert state(agent, waiting) == "queued"
    assert agent.stop() == 0
    agent.start()
    assert job(agent, running)["attempt"] == 1
    assert state(agent, running) == "succeeded"
    assert state(agent, waiting) == "queued"
    agent.stop()


def comm(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            return file.read()
    except OSError:
        return b""


def fill(folder):
    with open(folder / "filler", "ab", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass


def test_a_full_disk(agent, disk):
    over_a_fault(agent, lambda: fill(disk),
                 (disk / "filler").unlink, "full")


def test_a_disk_that_becomes_read_only(agent, disk):
    def remount(how):
        # what is open for writing may stay open: it is a bind mount
        subprocess.run(["mount", "-o", "remount,%s" % how, disk], check=True)
    # a file system that is in use can't be; one with errors is made so
    with pytest.raises(subprocess.CalledProcessError):
        agent.noop()
        agent.start()
        remount("ro")
    agent.stop()
    remount("ro")
    agent.start(wait=False)
    assert agent.process.wait(30) == 125
    agent.process = None
    assert agent.logged("Read-only file system")
    remount("rw")
    agent.start()
    assert agent.run("noop")["state"] == "succeeded"
    agent.stop()


@pytest.mark.parametrize("calls,error,word", [
    ("fdatasync,fsync", "EIO", "disk I/O error"),
    ("pwrite64", "EIO", "disk I/O error"),
    ("pwrite64", "ENOSPC", "full"),
    ("pwrite64", "EROFS", "disk I/O error"),
])
def test_calls_that_fail(agent, calls, error, word):
    fault = []

    def end():
        assert fault.pop().end() > 0
    over_a_fault(agent,
                 lambda: fault.append(Injected(agent, calls, error)),
                 end, word)


def test_reads_that_fail(agent):
    """Whoever asks is told; the agent lives on."""
    agent.noop()
    agent.start()
    for _ in range(3):
        agent.run("noop")
    fault = Injected(agent, "pread64", "EIO")
    for _ in range(5):
        try:
            agent.call("job.list")
            agent.call("job.submit", plugin="noop")
        except RpcError:
            pass
    fault.end()
    wait_until(lambda: store(agent)["writable"], 60)
    assert agent.run("noop")["state"] == "succeeded"
    agent.stop()


# --- A database that is damaged


def spoil(agent):
    """Overwrite every page of the database but the first."""
    path = agent.folder / "data" / "agent.db"
    size = path.stat().st_size
    assert size > 8 * 4096
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
        file.flush()
        os.fsync(file.fileno())


def history(agent, n):
    """Enough of it that most is in the database and not in its log."""
    agent.plugin("bulky", """
        # /// devops_agent
        # name: bulky
        # version: 1.0.0
        # description: A test.
        # workers: {min_idle: 1, max: 2, max_jobs: 1000}
        # ///
        def register():
            return lambda job: "x" * 50000
        """)
    client = agent.client()
    ids = [client.send("job.submit", plugin="bulky", wait=True)
           for _ in range(n)]
    return [client.answer(id)["id"] for id in ids]


def asides(agent):
    return list((agent.folder / "data").glob("agent.db.damaged-*Z"))


def owed(agent):
    return agent.call("forward.status")["items"][0]["lag"]["records"]


def test_a_database_that_is_damaged_while_the_agent_runs(agent):
    agent.noop()
    slow(agent, 6)
    agent.plugin("serve", """
        # /// devops_agent
        # name: serve
        # version: 1.0.0
        # description: A test.
        # ///
        import time

        def register():
            return run

        def run(job):
            while not job.cancelled:
                job.log.info("here")
                time.sleep(0.1)
        """)
    agent.settings["jobs"] = {
        "tick": {"plugin": "noop", "every": "1s"},
        "service": {"plugin": "serve", "always": True},
        "paused": {"plugin": "noop", "every": "1h"}}
    # nothing listens there: all is owed
    agent.settings["forward"] = [{"name": "central", "format": "jsonl",
                                  "url": "http://127.0.0.1:9/"}]
    agent.start()
    agent.call("schedule.pause", name="paused")
    agent.call("token.add", name="t", role="reader")
    old = history(agent, 80)
    running = agent.call("job.submit", plugin="slow")["id"]
    waiting = [agent.call("job.submit", plugin="noop", priority=7,
                          params={"n": n}, at="2099-01-01T00:00:00Z")["id"]
               for n in range(150)]
    wait_until(lambda: state(agent, running) == "running")
    before = agent.call("status")["agent"]["id"]
    spoil(agent)

    def look():
        for id in old[:20]:
            try:
                job(agent, id)
            except RpcError:
                pass
        return asides(agent)
    wait_until(look)
    wait_until(lambda: store(agent)["writable"])
    assert store(agent)["set_aside"]
    errors = agent.logged("the database was damaged")
    assert errors and errors[0]["level"] == "error"
    assert str(asides(agent)[0]) in errors[0]["message"]
    assert agent.call("status")["agent"]["id"] != before
    # what waits and what runs goes on under its own number
    assert state(agent, running) == "running"
    there = {j["id"]: j for j in agent.call(
        "job.list", limit=1000, name="noop", state=["queued"])["items"]}
    # of many that wait, a part was in the database alone
    assert len(set(waiting) & set(there)) >= 100
    kept = job(agent, waiting[0])
    assert kept["params"] == {"n": 0} and kept["priority"] == 7
    new = agent.run("noop")
    assert new["id"] > max(waiting) and new["state"] == "succeeded"
    # who was known is known, and what ends now is owed
    assert [t["name"] for t in agent.call("token.list")["items"]] == ["t"]
    wait_until(lambda: 0 < owed(agent) < 40)
    assert agent.call("job.wait", id=running)["state"] == "succeeded"
    assert [s for s in agent.call("schedule.list")["items"]
            if s["name"] == "paused"][0]["paused"]
    assert len(agent.call("job.list", name="service",
                          state=["running"])["items"]) == 1
    agent.stop()
    agent.start()
    assert len(asides(agent)) == 1, "the new one is sound"
    assert state(agent, running) == "succeeded"
    assert state(agent, waiting[0]) == "queued"
    assert [t["name"] for t in agent.call("token.list")["items"]] == ["t"]
    assert owed(agent) > 0
    assert [s for s in agent.call("schedule.list")["items"]
            if s["name"] == "paused"][0]["paused"]
    agent.stop()


def test_a_database_that_was_damaged_while_the_agent_was_not_there(agent):
    agent.noop()
    agent.start()
    history(agent, 40)
    agent.stop()
    (agent.folder / "data" / "agent.db-wal").unlink(missing_ok=True)
    spoil(agent)
    agent.start()
    assert len(asides(agent)) == 1
    assert store(agent)["set_aside"]
    assert agent.logged("the database was damaged")
    assert agent.run("noop")["state"] == "succeeded"
    agent.stop()


@pytest.mark.parametrize("table", ["active", "schedule", "tally"])
def test_a_table_that_is_damaged_shows_when_it_is_read(agent, table):
    """The start goes on with a new database, and does not fail again."""
    agent.noop()
    agent.settings["jobs"] = {"tick": {"plugin": "noop", "every": "1s"}}
    agent.start()
    wait_until(lambda: agent.call("job.list", name="tick",
                                  state=["succeeded"])["items"])
    agent.stop()
    path = agent.folder / "data" / "agent.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = db.execute("SELECT rootpage FROM sqlite_master "
                          "WHERE name = ?", [table]).fetchone()[0]
        size = db.execute("PRAGMA page_size").fetchone()[0]
    db.close()
    with open(path, "r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)
    agent.start()
    wait_until(lambda: asides(agent))
    wait_until(lambda: store(agent)["writable"])
    assert store(agent)["set_aside"]
    assert agent.logged("the database was damaged")
    wait_until(lambda: agent.call("job.list", name="tick",
                                  state=["succeeded"])["items"])
    assert agent.run("noop")["state"] == "succeeded"
    assert agent.stop() == 0
    agent.start()
    assert len(asides(agent)) == 1
    agent.stop()


# --- Clocks


def test_a_clock_that_jumps_by_hours(agent):
    agent.noop()
    clock = agent.folder / "clock"
    clock.write_text("0")
    agent.environment = {"DEVOPS_AGENT_CLOCK": str(clock)}
    agent.settings["jobs"] = {
        "second": {"plugin": "noop", "every": "1s"},
        "quarter": {"plugin": "noop", "every": "15m", "missed": "all",
                    "missed_max": 5, "overlap": "queue"}}
    agent.program = CRASHING
    agent.start()

    def jobs(name, *states):
        return agent.call("job.list", name=name, limit=1000,
                          state=list(states))["items"]

    def due(name):
        """No due time ran twice, whatever the clock did."""
        times = [j["scheduled_at"] for j in jobs(name, "succeeded")]
        assert len(set(times)) == len(times), times
        return times

    def jump(ms):
        before = len(agent.logged("the clock was set"))
        clock.write_text(str(ms))
        agent.call("status")
        wait_until(lambda: len(agent.logged("the clock was set")) > before)
        agent.call("status")

    wait_until(lambda: len(due("second")) >= 2)
    waiting = agent.call("job.submit", plugin="noop", at=time.strftime(
        "%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600)))["id"]
    jump(3 * HOUR)
    # one for all that were missed, and a record of how many that is
    wait_until(lambda: jobs("second", "cancelled"))
    assert len(jobs("second", "cancelled")) == 1
    wait_until(lambda: len(due("quarter")) >= 5)
    wait_until(lambda: state(agent, waiting) == "succeeded")
    forward = len(due("second"))
    assert forward < 60, "a flood"
    assert len(due("quarter")) <= 6
    # back: its time was handled; nothing runs before it comes again
    jump(0)
    settled = len(due("second"))
    quarters = len(due("quarter"))
    wait_until(lambda: agent.run("noop")["state"] == "succeeded")
    began = time.monotonic()
    wait_until(lambda: time.monotonic() - began > 2)
    assert len(due("second")) <= settled + 1
    assert len(due("quarter")) == quarters
    # and forward again, past what was handled
    jump(3 * HOUR + 60000)
    wait_until(lambda: len(due("second")) > settled + 1)
    # back by more than a day: that clock was wrong, time starts anew
    jump(-48 * HOUR)
    before = len(due("second"))
    wait_until(lambda: len(due("second")) >= before + 2)
    assert agent.run("noop")["state"] == "succeeded"
    agent.stop()


# --- Plugins and processes that go


def test_a_plugin_folder_that_vanishes_and_returns(agent):
    agent.noop()
    slow(agent, 2)
    agent.noop("warm", "min_idle: 1, max: 1, max_jobs: 1")
    agent.settings["jobs"] = {"tick": {"plugin": "noop", "every": "1s"}}
    agent.start()
    assert agent.run("noop")["state"] == "succeeded"
    running = agent.call("job.submit", plugin="slow")["id"]
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    waiting = agent.call("job.submit", plugin="noop", at=at)["id"]
    wait_until(lambda: state(agent, running) == "running")
    plugins, away = agent.folder / "plugins", agent.folder / "away"
    plugins.rename(away)
    error = wait_until(lambda: refused(agent))
    assert str(plugins) in error
    with pytest.raises(RpcError):
        agent.run("warm")
    # each run that was due is a record
    wait_until(lambda: agent.call("job.list", name="tick",
                                  state=["failed"])["items"])
    gone = agent.call("job.wait", id=waiting)
    assert gone["state"] == "failed" and gone["error"]["code"] == "plugin"
    # what runs has its plugin already
    assert agent.call("job.wait", id=running)["state"] == "succeeded"
    away.rename(plugins)
    wait_until(lambda: refused(agent) is None)
    assert agent.run("noop")["state"] == "succeeded"
    assert agent.run("warm")["state"] == "succeeded"
    seen = len(agent.call("job.list", name="tick",
                          state=["succeeded"])["items"])
    wait_until(lambda: len(agent.call("job.list", name="tick", state=[
        "succeeded"])["items"]) > seen)
    agent.stop()


def test_a_spawner_that_is_killed(agent):
    """The agent can't go on without, says so, and starts again."""
    agent.noop()
    slow(agent, 60)
    agent.start()
    running = agent.call("job.submit", plugin="slow")["id"]
    wait_until(lambda: state(agent, running) == "running")
    below = agent.processes()
    spawner = [p for p in below if open(
        "/proc/%d/comm" % p).read().strip() == "agent-spawner"]
    os.kill(spawner[0], signal.SIGKILL)
    assert agent.process.wait(30) == 125
    agent.process = None
    assert agent.logged("the spawner died")
    wait_until(lambda: not any(map(alive, below)))
    agent.start()
    wait_until(lambda: state(agent, running) == "running")
    assert job(agent, running)["attempt"] == 2
    Client(agent.socket).close()
