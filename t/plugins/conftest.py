"""Drives the bundled plugins without the agent and without its sandbox."""

import atexit
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import pytest

import servers


def everybodys(tree):
    """The tree with what is run, where every user reaches it: itself, or a
    copy if it lies in a private folder, such as /root."""
    if all(os.stat(folder).st_mode & 1 for folder in (tree, *tree.parents)):
        return tree
    copy = pathlib.Path(tempfile.mkdtemp(prefix="t-plugins-"))
    atexit.register(shutil.rmtree, copy)
    for part in ("plugins", "sdk"):
        shutil.copytree(tree / part, copy / part)
    copy.chmod(0o755)
    return copy


ROOT = everybodys(pathlib.Path(__file__).resolve().parents[2])
SDK = str(ROOT / "sdk" / "python")
PYTHON = "/usr/bin/python3"
BOOT = ("import sys;sys.path.insert(0,sys.argv[1]);"
        "from devops_agent import _loader;_loader.main()")
ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8",
               "TZ": "UTC", "HOME": "/tmp", "TMPDIR": "/tmp"}

sys.dont_write_bytecode = True


class Outcome:
    """What one run of a plugin gave."""

    def __init__(self):
        self.result = None
        self.error = None       # {"code", "message", "data"}, or None
        self.logs = []          # {"level", "message", "fields"}
        self.metrics = []       # {"name", "value", "unit", "kind", "labels"}
        self.stderr = ""
        self.seconds = 0.0
        self.size = 0           # bytes on standard output

    @property
    def code(self):
        return self.error and self.error["data"].get("code")

    def metric(self, name, **labels):
        """The value of the one metric of that name and these labels."""
        values = [metric["value"] for metric in self.metrics
                  if metric["name"] == name and
                  labels.items() <= metric["labels"].items()]
        assert len(values) == 1, (name, labels, self.metrics)
        return values[0]


def run_python(name, params=None, env=None, prefix=(), timeout_ms=30000):
    """Run plugins/python/NAME as the agent does, with the SDK's loader;
    `prefix` is a command that sets the scene and executes the rest."""
    plugin = ROOT / "plugins" / "python" / (name + ".py")
    request = {"jsonrpc": "2.0", "id": 7, "method": "run", "params": {
        "input": params or {}, "secrets": {},
        "job": {"id": 7, "name": name, "attempt": 1,
                "timeout_ms": timeout_ms}}}
    start = time.monotonic()
    done = subprocess.run(
        [*prefix, PYTHON, "-I", "-S", "-B", "-c", BOOT, str(SDK),
         str(plugin)],
        input=json.dumps(request) + "\n", stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, encoding="utf-8", cwd="/",
        env=dict(ENVIRONMENT, **(env or {})), timeout=60)
    outcome = Outcome()
    outcome.seconds = time.monotonic() - start
    outcome.stderr = done.stderr
    outcome.size = len(done.stdout.encode("utf-8"))
    answers = 0
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message.get("method") == "log":
            outcome.logs.append(message["params"])
        elif message.get("method") == "metric":
            outcome.metrics.append(message["params"])
        elif message.get("id") == 7:
            outcome.result = message.get("result")
            outcome.error = message.get("error")
            answers += 1
    assert answers == 1, (done.returncode, done.stdout, done.stderr)
    return outcome


def run_shell(name, params=None, script=None, env=None, prefix=()):
    """Run plugins/shell/NAME, or a copy of it, as the agent does; its exit
    status is `code`."""
    plugin = script or ROOT / "plugins" / "shell" / (name + ".sh")
    env = dict(ENVIRONMENT, **(env or {}))
    for key, value in (params or {}).items():
        if not isinstance(value, (str, bytes)):
            value = json.dumps(value)
        env["PARAM_" + key.upper().replace("-", "_")] = value
    line = json.dumps({
        key: value.decode("utf-8", "replace") if isinstance(value, bytes)
        else value for key, value in (params or {}).items()}) + "\n"
    start = time.monotonic()
    done = subprocess.run(
        [*prefix, "/bin/sh", str(plugin)], input=line.encode(), cwd="/",
        env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    outcome = Outcome()
    outcome.seconds = time.monotonic() - start
    outcome.stderr = done.stderr.decode("utf-8", "replace")
    if done.returncode != 0:
        outcome.error = {"code": -32000, "message": outcome.stderr,
                         "data": {"code": done.returncode}}
    outcome.size = len(done.stdout)
    # Strictly: what an agent would refuse must fail the test.
    lines = done.stdout.decode("utf-8").split("\n")[:-1]
    if lines:
        outcome.result = json.loads(lines[-1])
        outcome.metrics = outcome.result["metrics"]
    return outcome


def text_of(name):
    """A shell plugin's source."""
    return (ROOT / "plugins" / "shell" / (name + ".sh")).read_text("utf-8")


def load(name):
    """A Python plugin as a module, to try its parts."""
    path = ROOT / "plugins" / "python" / (name + ".py")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class FakeJob:
    """As much of a job as the plugins' parts use."""

    class Failed(Exception):
        def __init__(self, message, code=None, **data):
            super().__init__(message)
            self.code = code
            self.data = data

    class Log:
        def __init__(self):
            self.lines = []

        def write(self, message, *args):
            self.lines.append(message % args)

        debug = info = warning = error = write

    def __init__(self, params=None):
        self.params = params or {}
        self.log = self.Log()
        self.cancelled = False
        self.metrics = []

    def remaining(self):
        return 10.0

    def metric(self, name, value, unit=None, kind="gauge", **labels):
        self.metrics.append((name, value, unit, kind, labels))


@pytest.fixture
def python():
    return run_python


@pytest.fixture
def shell():
    return run_shell


@pytest.fixture
def shell_text():
    return text_of


@pytest.fixture
def shell_copy(tmp_path):
    """Runs a copy of a plugin that finds things at other places."""
    def run(name, places, params=None, env=None):
        text = text_of(name)
        for old, new in places.items():
            assert old in text, old
            text = text.replace(old, str(new))
        path = tmp_path / (name + ".sh")
        path.write_text(text, "utf-8")
        return run_shell(name, params, path, env)

    return run


@pytest.fixture
def module():
    return load


@pytest.fixture
def job():
    return FakeJob


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl")
    return servers.Authority(tmp_path_factory.mktemp("ca"))
