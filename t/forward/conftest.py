"""Plays the master to devops_agent-forward, over the socketpair."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
AGENT = os.environ.get("DEVOPS_AGENT", str(ROOT / "bin" / "devops_agent"))
# bin/devops_agent-asan is beside bin/devops_agent-forward-asan
PROGRAM = os.path.join(os.path.dirname(AGENT), os.path.basename(AGENT).replace(
    "devops_agent", "devops_agent-forward", 1))
SLOWNESS = float(os.environ.get("TEST_SLOWNESS", "1"))
SECONDS = 30.0 * SLOWNESS
AGENT_ID = "9f0c2d6e-0000-4000-8000-000000000001"


def wait_until(what, seconds=SECONDS, why="timed out"):
    """What `what` returns once that is true; fails when the time is up."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < end, why() if callable(why) else why
        time.sleep(0.01)


def job_record(i, **changes):
    """A job record as the agent writes it, some 280 bytes."""
    record = {
        "id": i, "name": f"collect-{i % 7}", "plugin": "collect-disk",
        "state": "succeeded", "trigger": "schedule", "attempt": 1,
        "scheduled_at": "2026-01-31T23:59:59.123Z",
        "started_at": "2026-01-31T23:59:59.130Z",
        "finished_at": "2026-01-31T23:59:59.142Z", "duration_ms": 12,
        "params": {}, "result": {"n": i}, "error": None,
        "agent": {"id": AGENT_ID, "host": "web-1", "version": "0.1.0",
                  "labels": {"role": "web"}},
    }
    record.update(changes)
    return record


def log_record(i, line, **changes):
    """A line of a job's log."""
    record = {
        "job": i, "name": f"collect-{i % 7}", "plugin": "collect-disk",
        "seq": line, "time": "2026-01-31T23:59:59.135Z", "level": "info",
        "stream": "log", "message": f"line {line}", "fields": {},
    }
    record.update(changes)
    return record


def compact(value):
    """JSON on one line, as the agent writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class Generated:
    """Records 0 to n - 1, made when asked for."""

    def __init__(self, n, make=job_record):
        self.n = n
        self.make = make

    def __len__(self):
        return self.n

    def wire(self, i):
        """Record i as batch.next has it."""
        return (f'{{"id":"{AGENT_ID}-{i}","at":"{i + 1}","kind":"job",'
                f'"record":{compact(self.make(i))}}}')


class Listed:
    """Records that a test wrote down: (kind, record) each."""

    def __init__(self, records=()):
        self.records = list(records)

    def __len__(self):
        return len(self.records)

    def wire(self, i):
        """Record i as batch.next has it."""
        kind, record = self.records[i]
        name = record["id"] if kind == "job" else \
            f'{record["job"]}-{record["seq"]}'
        return (f'{{"id":"{AGENT_ID}-{name}","at":"{i + 1}","kind":"{kind}",'
                f'"record":{compact(record)}}}')


class Master:
    """Serves stored records to a forwarder, and keeps its cursors.

    What survives a kill: `cursors`, `aside`. Positions are record numbers.
    """

    def __init__(self, records, destinations, **agent):
        self.records = records
        self.agent = {"id": AGENT_ID, "host": "web-1", "version": "0.1.0",
                      "labels": {"role": "web"}, **agent}
        self.destinations = destinations
        self.cursors = {d["name"]: 0 for d in destinations}
        self.aside = {}
        self.accepted = 0
        self.requests = 0
        self.shown = {}
        self.states = []
        self.logs = []
        self.kills = []     # when it was killed, and its cursors
        self.asked = []
        self.fail_done = 0  # answer so many batch.done with an error
        self.lock = threading.RLock()
        self.program = None
        self.socket = None
        self.parked = {}
        self.life = 0
        self.given = {}
        self.conflicts = 0
        self.restarts = 0
        self.ready = 0
        self.start()

    # --- the process ---

    def start(self):
        """A forwarder, configured."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with self.lock:
            self.life += 1
            self.parked = {}
            self.socket = ours
            command = ["bash", "-c", f'exec "$0" 3<&{theirs.fileno()}',
                       PROGRAM]
            if theirs.fileno() == 3:
                command = [PROGRAM]
            # who looks for leaks traces the process, which its filter forbids
            self.program = subprocess.Popen(
                command, env={"ASAN_OPTIONS": "detect_leaks=0"},
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
            theirs.close()
        threading.Thread(target=self.serve, args=(ours, self.life),
                         daemon=True).start()
        self.configure()

    def configure(self, destinations=None):
        """Tells of the destinations as they are, or of others."""
        if destinations is not None:
            self.destinations = destinations
            for d in destinations:
                self.cursors.setdefault(d["name"], 0)
        self.tell("configure", {"agent": self.agent,
                                "destinations": self.destinations})

    def kill(self):
        """kill -9 of the forwarder; what it was about to say is lost."""
        with self.lock:
            self.life += 1
            self.program.send_signal(signal.SIGKILL)
            self.program.wait()
            self.kills.append((time.monotonic(), dict(self.cursors)))
            self.socket.close()

    def die(self):
        """kill -9 of the master: the forwarder sees the end of the stream."""
        with self.lock:
            self.life += 1
            cursors = dict(self.cursors)
            self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()
        status = self.program.wait(SECONDS)
        self.kills.append((time.monotonic(), cursors))
        assert status == 0

    def stop(self):
        """The end of the test: its exit status."""
        if self.program.poll() is None:
            self.die()
        return self.program.returncode

    def rss_kib(self, what="VmHWM"):
        """The most memory it has had."""
        with open(f"/proc/{self.program.pid}/status",
                  encoding="ascii") as lines:
            for line in lines:
                if line.startswith(what):
                    return int(line.split()[1])
        return 0

    def cpu_seconds(self):
        """What it has used of the processor."""
        with open(f"/proc/{self.program.pid}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # --- the conversation ---

    def send(self, text):
        """A line to the forwarder."""
        with self.lock:
            try:
                self.socket.sendall(text.encode() + b"\n")
            except OSError:
                pass  # it was killed

    def tell(self, method, params):
        """A notification."""
        self.send(compact({"jsonrpc": "2.0", "method": method,
                           "params": params}))

    def answer(self, request, result):
        """The answer to a request; `result` is JSON text."""
        self.send(f'{{"jsonrpc":"2.0","id":{request},"result":{result}}}')

    def fail(self, request, kind, message):
        """An error for an answer."""
        self.send(compact({"jsonrpc": "2.0", "id": request, "error": {
            "code": -32000, "message": message, "data": {"kind": kind}}}))

    def serve(self, sock, life):
        """Reads what the forwarder says, until it is gone."""
        pending = b""
        while True:
            try:
                got = sock.recv(1 << 16)
            except OSError:
                return
            if not got:
                self.ended(life)
                return
            *lines, pending = (pending + got).split(b"\n")
            for line in lines:
                with self.lock:
                    if life != self.life:
                        return
                    self.take(json.loads(line))

    def ended(self, life):
        """It left by itself: as the master does, start it again."""
        if life == self.life and self.program.wait(SECONDS) == 0:
            self.restarts += 1
            self.start()

    def take(self, message):
        """One message."""
        params = message.get("params", {})
        method = message["method"]
        if method == "batch.next":
            self.asked.append(params)
            self.next(message["id"], params)
        elif method == "batch.done":
            self.done(message["id"], params)
        elif method == "destination":
            self.shown[params["name"]] = params
            self.states.append(params)
        elif method == "log":
            self.logs.append(params)
        else:
            assert (method, params) == ("ready", {"ping": True}), message
            self.ready += 1

    def next(self, request, params):
        """A batch, or a request that waits until there is one."""
        name = params["destination"]
        start = int(params.get("after", self.cursors[name]))
        items, size, at = [], 0, start
        if "after" not in params:
            self.given[name] = []
        elif self.given.get(name, [])[-1:] != [start] and start:
            self.fail(request, "conflict", f"{start} is not the last")
            return
        if sum(x > self.cursors[name] for x in self.given[name]) >= 4:
            self.fail(request, "conflict", "4 batches are under way")
            self.conflicts += 1
            return
        while at < len(self.records) and len(items) < params["records"]:
            wire = self.records.wire(at)
            size += len(wire)
            if items and size > params["bytes"]:
                break
            items.append(wire)
            at += 1
        if not items:
            assert name not in self.parked, "two requests at once"
            self.parked[name] = (request, params)
            return
        self.given[name].append(at)
        more = "true" if at < len(self.records) else "false"
        self.answer(request, f'{{"batch":"{at}","records":['
                             f'{",".join(items)}],"more":{more}}}')

    def add(self, *records):
        """More records, of a Listed; wakes whoever waits for one."""
        with self.lock:
            self.records.records.extend(records)
            parked, self.parked = self.parked, {}
            for request, params in parked.values():
                self.next(request, params)

    def rewind(self, name, position):
        """As `forward replay` does: what is under way is stale."""
        with self.lock:
            self.cursors[name] = position
            self.given[name] = []
            if name in self.parked:
                request, _ = self.parked.pop(name)
                self.fail(request, "conflict", "the cursor was moved")

    def done(self, request, params):
        """A cursor moves, in one transaction with what was put aside."""
        if self.fail_done:
            self.fail_done -= 1
            self.fail(request, "agent", "disk full")
            return
        name = params["destination"]
        assert int(params["batch"]) >= self.cursors[name]
        self.cursors[name] = int(params["batch"])
        for item in params["aside"]:
            self.aside[item["id"]] = item
        self.accepted += params["accepted"]
        self.requests += params["stats"]["requests"]
        self.answer(request, "{}")

    # --- waiting ---

    def wait_done(self, name="central", seconds=SECONDS):
        """Until everything was acknowledged."""
        wait_until(lambda: self.cursors[name] == len(self.records), seconds,
                   lambda: f"at {self.cursors[name]} of {len(self.records)}: "
                           f"{self.shown.get(name)}")

    def wait_shown(self, state, name="central", seconds=SECONDS):
        """Until the destination is in this state."""
        wait_until(lambda: self.shown.get(name, {}).get("state") == state,
                   seconds, lambda: str(self.shown.get(name)))
        return self.shown[name]


@pytest.fixture(name="master")
def master_fixture():
    """Makes masters; each must leave in peace."""
    made = []

    def make(records, *destinations, **agent):
        made.append(Master(records, list(destinations), **agent))
        return made[-1]

    yield make
    for m in made:
        assert m.stop() == 0
        assert not m.conflicts
        assert m.ready


def destination(url, **changes):
    """Settings for tests: nothing takes long."""
    settings = {
        "name": "central", "url": url, "format": "jsonl",
        "compression": "none",
        "batch": {"records": 100, "size_bytes": 1 << 20, "wait_ms": 0},
        "timeout_ms": int(5000 * SLOWNESS),
        "retry": {"min_ms": 5, "max_ms": 40}, "probe_ms": 40,
    }
    settings.update(changes)
    return settings
