"""Runs the agent as a service, and talks to it over its socket."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import textwrap
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("DEVOPS_AGENT", str(ROOT / "bin" / "devops_agent"))
SECONDS = 30.0 * float(os.environ.get("TEST_PATIENCE", "1"))

NOOP = """
    # /// devops_agent
    # name: {name}
    # version: 1.0.0
    # description: A test.
    # params: {{type: object}}
    # {workers}
    # ///

    def register():
        return run


    def run(job):
        return {{"attempt": job.attempt, "params": job.params}}
    """


def wait_until(what, seconds=SECONDS):
    """What `what` returns once that is true; fails when the time is up."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < end, "timed out"
        time.sleep(0.01)


class RpcError(Exception):
    """The agent's answer was an error."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.code = error["code"]
        self.kind = error.get("data", {}).get("kind")
        self.data = error.get("data", {})


class Client:
    """One connection; notifications gather in `notes`."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(SECONDS)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rb")
        self.last = 0
        self.notes = []
        self.early = {}

    def send(self, method, **params):
        self.last += 1
        line = json.dumps({"jsonrpc": "2.0", "id": self.last,
                           "method": method, "params": params})
        self.socket.sendall(line.encode() + b"\n")
        return self.last

    def read(self):
        line = self.file.readline()
        assert line, "the agent closed the connection"
        return json.loads(line)

    def answer(self, id):
        """The answer to a request, whatever comes before it."""
        while id not in self.early:
            message = self.read()
            if "id" in message:
                self.early[message["id"]] = message
            else:
                self.notes.append(message)
        message = self.early.pop(id)
        if "error" in message:
            raise RpcError(message["error"])
        return message["result"]

    def call(self, method, **params):
        return self.answer(self.send(method, **params))

    def close(self):
        self.file.close()
        self.socket.close()


class Agent:
    """An agent with a folder of its own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.process = None
        self.log = self.folder / "log"
        self.settings = {"agent": {"data_dir": "./data", "listen_addr": "",
                                   "log_level": "debug"},
                         "plugins": {"path": "./plugins",
                                     "grants": "./grants"}}
        self.environment = {}
        self.wrapper = []
        self.program = PROGRAM
        (self.folder / "plugins" / "python").mkdir(parents=True)
        (self.folder / "plugins" / "shell").mkdir()
        (self.folder / "grants").mkdir()

    @property
    def config(self):
        return self.folder / "config.yaml"

    @property
    def socket(self):
        return self.folder / "data" / "agent.sock"

    def plugin(self, name, text, kind="python", allow=False):
        """Write a plugin of this text; its header may be in the text."""
        suffix = {"python": ".py", "shell": ".sh"}[kind]
        path = self.folder / "plugins" / kind / (
            name.replace("-", "_") + suffix)
        path.write_text(textwrap.dedent(text).lstrip())
        # no older than what the agent looks at is taken for settled
        if allow:
            self.cli("plugin", "allow", name, check=True)
        return path

    def noop(self, name="noop", workers=""):
        return self.plugin(name, NOOP.format(
            name=name, workers=workers and "workers: {%s}" % workers))

    def write_config(self):
        self.config.write_text(json.dumps(self.settings))

    def start(self, wait=True):
        self.write_config()
        self.process = subprocess.Popen(
            [*self.wrapper, str(self.program), "--config",
             str(self.config)],
            stdin=subprocess.DEVNULL, stdout=open(self.log, "ab"),
            stderr=subprocess.STDOUT, cwd=self.folder,
            env={**os.environ, **self.environment})
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self):
        def up():
            assert self.process.poll() is None, self.log.read_text()
            try:
                Client(self.socket).close()
                return True
            except OSError:
                return False
        wait_until(up)

    def stop(self, sig=signal.SIGTERM):
        """Ask it to end, and give its exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(sig)
        status = self.process.wait(SECONDS)
        self.process = None
        return status

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def reload(self):
        """SIGHUP, and what it logged by then."""
        self.write_config()
        before = len(self.lines())
        self.process.send_signal(signal.SIGHUP)
        return wait_until(lambda: [
            line for line in self.lines()[before:]
            if "reloaded" in line["message"]])

    def lines(self):
        """Its log so far."""
        lines = []
        for line in self.log.read_bytes().splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                lines.append({"message": line.decode(errors="replace")})
        return lines

    def logged(self, text):
        return [line for line in self.lines() if text in line["message"]]

    def client(self):
        return Client(self.socket)

    def call(self, method, **params):
        client = self.client()
        try:
            return client.call(method, **params)
        finally:
            client.close()

    def run(self, plugin, **params):
        """Submit a job, and wait for its record."""
        return self.call("job.submit", plugin=plugin, params=params,
                         wait=True)

    def cli(self, *args, check=False, **kwargs):
        """The command line, with this agent's configuration."""
        if not self.config.exists():
            self.write_config()
        return subprocess.run(
            [str(self.program), "--config", str(self.config), *args],
            capture_output=True, text=True, timeout=SECONDS,
            cwd=self.folder, check=check, **kwargs)

    def processes(self):
        """Every process of the agent's: its children, and theirs."""
        if self.process is None:
            return []
        return descendants(self.process.pid)


def descendants(pid):
    """The pids below a process."""
    children = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % entry) as file:
                parent = int(file.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


@pytest.fixture
def agent(request):
    folder = tempfile.mkdtemp(prefix="t-agent-")
    os.chmod(folder, 0o755)
    agent = Agent(folder)
    yield agent
    if agent.process is not None:
        agent.kill()
    if not getattr(request.node, "failed", False):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        item.failed = True
        agent = item.funcargs.get("agent")
        if agent and agent.log.exists():
            tail = agent.log.read_text(errors="replace")[-4000:]
            report.sections.append(("the agent's log", tail))
            report.sections.append(("kept", str(agent.folder)))
