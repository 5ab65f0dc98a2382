"""Starts the SDK's loader as the agent does, and speaks to it."""

import json
import os
import pathlib
import select
import subprocess
import textwrap
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SDK = os.environ.get("SDK", str(ROOT / "sdk" / "python"))
PYTHON = "/usr/bin/python3"
BOOT = ("import sys;sys.path.insert(0,sys.argv[1]);"
        "from devops_agent import _loader;_loader.main()")
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC",
               "HOME": "/tmp", "TMPDIR": "/tmp"}
SECONDS = 30                    # until a test gives up waiting


def request(method="run", params=None, id=7, timeout_ms=30000, secrets=None):
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": {
        "input": params or {}, "secrets": secrets or {},
        "job": {"id": id, "name": "some-job", "attempt": 2,
                "timeout_ms": timeout_ms}}}


class Session:
    """One loader, with what it says."""

    def __init__(self, plugin, *sites, prefix=(), before=""):
        self.process = subprocess.Popen(
            [*prefix, PYTHON, "-I", "-S", "-B", "-c", before + BOOT, SDK,
             str(plugin), *map(str, sites)], env=ENVIRONMENT, cwd="/",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.partial = b""
        self.lines = []         # read, not yet taken
        self.messages = []      # all that came
        self.stderr = ""
        self.status = None

    def send(self, *messages):
        for message in messages:
            if not isinstance(message, bytes):
                message = json.dumps(message).encode() + b"\n"
            self.process.stdin.write(message)
        self.process.stdin.flush()

    def next(self):
        """The next message; None at the end."""
        fd = self.process.stdout.fileno()
        while not self.lines:
            assert select.select([fd], [], [], SECONDS)[0], "no message"
            data = os.read(fd, 1 << 20)
            if not data:
                assert self.partial == b""
                return None
            *lines, self.partial = (self.partial + data).split(b"\n")
            self.lines += lines
        message = json.loads(self.lines.pop(0).decode("utf-8"),
                             parse_constant=pytest.fail)
        assert message["jsonrpc"] == "2.0"
        self.messages.append(message)
        return message

    def until(self, wanted):
        """The next message that `wanted` holds of."""
        while True:
            message = self.next()
            assert message is not None, "it ended"
            if wanted(message):
                return message

    def answer(self):
        return self.until(lambda message: "id" in message)

    def log(self, text):
        """Waits for this line of the log."""
        return self.until(lambda message: message.get("method") == "log" and
                          message["params"]["message"] == text)

    def ask(self, *args, **given):
        """What one request gives: the answer."""
        self.send(request(*args, **given))
        return self.answer()

    def close(self):
        """The end of the requests; reads all that comes, and the status."""
        if not self.process.stdin.closed:
            self.process.stdin.close()
        while self.next() is not None:
            pass
        self.stderr = self.process.stderr.read().decode("utf-8", "replace")
        self.status = self.process.wait(SECONDS)
        return self

    def of(self, method):
        """The params of all notifications of a method."""
        return [message["params"] for message in self.messages
                if message.get("method") == method]


class Outcome:
    """What one request and the end gave."""

    def __init__(self, session):
        answers = [message for message in session.messages
                   if "id" in message]
        assert len(answers) == 1, (answers, session.stderr)
        self.result = answers[0].get("result")
        self.error = answers[0].get("error")
        self.id = answers[0]["id"]
        self.logs = session.of("log")
        self.metrics = session.of("metric")
        self.progress = session.of("progress")
        self.ready = session.of("ready")
        self.stderr = session.stderr
        self.status = session.status


@pytest.fixture
def plugin(tmp_path):
    """Writes a plugin: plugin(text) -> its path."""
    def write(text, name="sample.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(textwrap.dedent(text), "utf-8")
        return path
    return write


@pytest.fixture
def start(plugin):
    """Starts the loader: start(text) -> Session. Killed at the end."""
    sessions = []

    def begin(source, *sites, **given):
        if not isinstance(source, pathlib.Path):
            source = plugin(source)
        session = Session(source, *sites, **given)
        sessions.append(session)
        return session

    yield begin
    for session in sessions:
        session.process.kill()
        session.process.wait()
        for pipe in (session.process.stdin, session.process.stdout,
                     session.process.stderr):
            try:
                pipe.close()
            except OSError:
                pass


@pytest.fixture
def run(start):
    """Runs a plugin once: run(text, **params) -> Outcome."""
    def once(source, params=None, *sites, method="run", **given):
        session = start(source, *sites, **given)
        try:
            session.send(request(method, params))
        except BrokenPipeError:
            pass                # it could not be loaded
        return Outcome(session.close())
    return once


@pytest.fixture
def method(run):
    """Runs the body of one method: method("return 3") -> Outcome."""
    def once(body, params=None, top="", head="def run(job):", **given):
        return run("%s\n%s\n%s\n\ndef register():\n    return run\n" % (
            textwrap.dedent(top), head,
            textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")),
            params, **given)
    return once


def wait_until(condition):
    """Whether it becomes true in time."""
    end = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
