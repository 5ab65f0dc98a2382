"""A double of the master, and devops_agent-api under it.

The program is started as the master starts it: a socket pair at 3, listening
sockets from 4 on. What it asks is answered by Master.answers, by method.
"""

import fcntl
import gzip
import http.client
import json
import os
import queue
import signal
import socket
import ssl
import subprocess
import threading
import time

import contract

PROGRAM = os.environ.get("DEVOPS_AGENT_API") or os.path.join(
    os.path.dirname(__file__), "../../bin/devops_agent-api")
SLOWNESS = int(os.environ.get("TEST_SLOWNESS", "1"))
SECONDS = 20 * SLOWNESS
SANITIZED = "-asan" in os.path.basename(PROGRAM)


def wait_until(what, seconds=SECONDS):
    """What it returns once that is true; fails after a time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = what()
        if got:
            return got
        time.sleep(0.01)
    raise AssertionError(f"not within {seconds} s: {what}")


class Refusal(Exception):
    """An error of the master's."""

    def __init__(self, kind, message="no", code=-32000, **data):
        super().__init__(message)
        self.error = {"code": code, "message": message,
                      "data": {"kind": kind, **data}}


def job(id=1, **more):
    """A job's record, as the contract has it."""
    return {
        "id": id, "name": "collect-disk", "plugin": "collect-disk",
        "state": "succeeded", "trigger": "job", "attempt": 1,
        "scheduled_at": "2026-01-31T23:59:59.000Z",
        "started_at": "2026-01-31T23:59:59.001Z",
        "finished_at": "2026-01-31T23:59:59.013Z", "duration_ms": 12,
        "params": {}, "result": {"filesystems": []}, "error": None,
        "exit": {"code": 0, "signal": None},
        "usage": {"cpu_ms": 11, "max_rss_bytes": 9437184},
        "metrics": [], "denials": [], "sandbox": {},
        "agent": {"id": "9f0c", "host": "web-1", "version": "0.1.0",
                  "labels": {}}, **more}


def plugin(name):
    """A plugin as plugin.list has it."""
    return {"name": name, "version": "1.0.0", "description": "It.",
            "kind": "python", "path": f"/p/{name}.py", "sha256": "0" * 64,
            "allowed": True, "reason": None, "params": None}


def schedule(name):
    """A schedule as schedule.list has it."""
    return {"name": name, "plugin": name, "when": "every 1m",
            "timezone": None, "jitter_ms": 0, "overlap": "skip",
            "enabled": True, "paused": False, "next": None,
            "last_due": None, "last_job": None, "last_state": None,
            "runs": 0, "missed": 0, "skipped": 0, "source": "configuration"}


def line(seq, **more):
    """A line of a job's log."""
    return {"job": 1, "seq": seq, "time": "2026-01-31T23:59:59.001Z",
            "level": "info", "stream": "log", "message": f"line {seq}",
            "fields": {}, **more}


STATUS = {"agent": {"id": "9f0c", "host": "web-1", "version": "0.1.0",
                    "labels": {}},
          "pid": 1, "phase": "running",
          "started_at": "2026-01-31T23:59:59.000Z", "uptime_ms": 1,
          "config": None,
          "jobs": {"queued": 0, "running": 0, "queue_max": 1,
                   "by_state": {}},
          "workers_max": 8, "pools": [], "schedules": 0, "services": 0,
          "store": {"path": "/x", "writable": True, "set_aside": False},
          "metrics": []}

ROLES = {None: 0, "reader": 1, "operator": 2, "admin": 3}
NEEDS = {
    "health": None, "status": "reader", "plugin.list": "reader",
    "plugin.get": "reader", "job.submit": "operator", "job.list": "reader",
    "job.get": "reader", "job.wait": "reader", "job.logs": "reader",
    "job.cancel": "operator", "job.retry": "operator",
    "schedule.list": "reader", "schedule.trigger": "operator",
    "schedule.pause": "admin", "schedule.resume": "admin",
    "forward.status": "reader", "events": "reader", "metrics": "reader",
}
CONTRACT = []
LATER = object()  # an answer that the test gives by itself


class Request:
    """What the api asked."""

    def __init__(self, master, message):
        self.master = master
        self.id = message.get("id")
        self.method = message["method"]
        self.params = message.get("params")
        self.auth = message.get("auth")

    def answer(self, result):
        """Its answer."""
        self.master.send(id=self.id, result=result)

    def refuse(self, kind, message="no", **data):
        """Its error."""
        self.master.send(id=self.id,
                         error=Refusal(kind, message, **data).error)

    def notify(self, method, **params):
        """A word before its answer."""
        self.master.send(method=method,
                         params={"request": self.id, **params})


class Master:
    """The other end of the socket pair."""

    def __init__(self, sock):
        self.sock = sock
        self.lock = threading.Lock()
        self.asked = queue.Queue()  # requests, as they came
        self.said = []              # notifications
        self.cancelled = []
        self.ready = threading.Event()
        self.tokens = None  # by token, its role; None: nobody is asked
        self.answers = {
            "health": {"alive": True, "ready": True, "reasons": []},
            "status": STATUS,
            "plugin.list": {"items": [plugin("a"), plugin("b"),
                                      plugin("c")]},
            "plugin.get": lambda p: plugin(p["name"]),
            "job.submit": lambda p: job(7, name=p.get("name", "x")),
            "job.list": {"items": [job(3), job(2)], "next": 2},
            "job.get": lambda p: job(p["id"]),
            "job.wait": lambda p: job(p["id"]),
            "job.logs": lambda p: {"items": [line(1), line(2)],
                                   "state": "succeeded"},
            "job.cancel": lambda p: job(p["id"], state="cancelled"),
            "job.retry": lambda p: job(8),
            "schedule.list": {"items": [schedule("s1"), schedule("s2")]},
            "schedule.trigger": lambda p: job(9),
            "schedule.pause": lambda p: schedule(p["name"]),
            "schedule.resume": lambda p: schedule(p["name"]),
            "forward.status": {"items": []},
            "events": LATER,
            "metrics": {"families": []},
        }
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def send(self, **message):
        """A message to the api."""
        text = json.dumps({"jsonrpc": "2.0", **message}) + "\n"
        with self.lock:
            self.sock.sendall(text.encode())

    def run(self):
        """Reads and answers."""
        try:
            for text in self.sock.makefile("rb"):
                self.take(json.loads(text))
        except OSError:
            pass

    def take(self, message):
        """One message of the api's."""
        if "id" not in message:
            if message["method"] == "ready":
                self.ready.set()
            elif message["method"] == "cancel":
                self.cancelled.append(message["params"]["request"])
            self.said.append(message)
            return
        request = Request(self, message)
        self.asked.put(request)
        try:
            self.allow(request)
            answer = self.answers.get(request.method)
            if answer is None:
                raise Refusal("usage", "no method", code=-32601)
            if callable(answer):
                answer = answer(request.params)
            if answer is not LATER:
                request.answer(answer)
        except Refusal as e:
            self.send(id=request.id, error=e.error)

    def allow(self, request):
        """Whether who asks may."""
        need = NEEDS.get(request.method)
        if self.tokens is None or need is None:
            return
        token = request.auth.get("token")
        if token not in self.tokens:
            raise Refusal("unauthorized", "this takes a token")
        if ROLES[self.tokens[token]] < ROLES[need]:
            raise Refusal("forbidden", f"this takes the role {need}")

    def next(self, method=None):
        """The next request, of a method where given."""
        while True:
            request = self.asked.get(timeout=SECONDS)
            if method in (None, request.method):
                return request

    def log(self):
        """What the api said of errors."""
        return [m["params"] for m in self.said
                if m["method"] == "log" and m["params"]["level"] == "error"]


def listen(host="127.0.0.1"):
    """A socket that listens."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((host, 0))
    s.listen(1024)
    s.setblocking(False)
    return s


class Response:
    """An answer to an HTTP request."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def decoded(self):
        """Its body without its coding."""
        coding = self.headers["Content-Encoding"]
        if coding == "gzip":
            return gzip.decompress(self.body)
        if coding == "zstd":
            return subprocess.run(["zstd", "-dcq"], input=self.body,
                                  check=True, stdout=subprocess.PIPE).stdout
        assert coding is None
        return self.body

    def plain(self):
        """Its body, read as JSON."""
        return json.loads(self.decoded())

    def json(self):
        """The same, of one that says that it is JSON."""
        assert self.headers["Content-Type"] in (
            "application/json", "application/problem+json")
        return self.plain()

    def problem(self):
        """The last part of its type, if it is a problem."""
        assert self.headers["Content-Type"] == "application/problem+json"
        told = self.plain()
        assert told["status"] == self.status
        assert told["type"] == "urn:devops-agent:problem:" + told["code"]
        return told["code"]


class Api:
    """devops_agent-api, started."""

    def __init__(self, configure=True, listeners=1, host="127.0.0.1",
                 **settings):
        ours, theirs = socket.socketpair()
        self.listeners = [listen(host) for _ in range(listeners)]
        self.host = host
        self.port = self.listeners[0].getsockname()[1]
        high = [fcntl.fcntl(s.fileno(), fcntl.F_DUPFD, 200)
                for s in [theirs] + self.listeners]
        actions = [(os.POSIX_SPAWN_DUP2, fd, 3 + n)
                   for n, fd in enumerate(high)]
        actions += [(os.POSIX_SPAWN_CLOSE, fd) for fd in high]
        actions += [(os.POSIX_SPAWN_CLOSE, fd)
                    for fd in (ours.fileno(), theirs.fileno())
                    if fd >= 4 + listeners]
        env = {k: v for k, v in os.environ.items() if k.endswith("_OPTIONS")}
        # who looks for leaks traces the process, which its filter forbids
        env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        self.pid = os.posix_spawn(PROGRAM, [PROGRAM], env,
                                  file_actions=actions)
        for fd in high:
            os.close(fd)
        theirs.close()
        self.status = None
        self.tls = None
        self.settings = settings
        self.master = Master(ours)
        if configure:
            self.configure()
            assert self.master.ready.wait(SECONDS), self.master.said

    def configure(self, **changes):
        """Send the settings, with changes."""
        self.settings.update(changes)
        self.master.send(method="configure", params=self.settings)

    def connect(self, timeout=SECONDS):
        """A connection, bare."""
        s = socket.create_connection((self.host, self.port), timeout)
        if self.tls:
            s = self.tls.wrap_socket(s, server_hostname="localhost")
        return s

    def client(self, timeout=SECONDS):
        """A client that keeps its connection."""
        c = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        c.sock = self.connect(timeout)
        return c

    def ask(self, method, path, body=None, token=None, client=None,
            **headers):
        """A request and its answer."""
        c = client or self.client()
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        if method == "POST":
            headers.setdefault("Content-Type", "application/json")
            headers = {k: v for k, v in headers.items() if v is not None}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        c.request(method, path, body, headers)
        answer = Response(c.getresponse())
        if not client:
            c.close()
        if path != "/openapi.json":
            self.described().check(method, path, answer)
        return answer

    def described(self):
        """What the program says of itself, asked once."""
        if not CONTRACT:
            CONTRACT.append(contract.load(self))
        return CONTRACT[0]

    def get(self, path, **more):
        """GET."""
        return self.ask("GET", path, **more)

    def post(self, path, body=None, **more):
        """POST."""
        return self.ask("POST", path, body, **more)

    def raw(self, data, timeout=SECONDS):
        """All that is answered to some bytes, until it closes."""
        s = self.connect(timeout)
        s.sendall(data)
        got = b""
        try:
            while True:
                piece = s.recv(65536)
                if not piece:
                    break
                got += piece
        except ConnectionResetError:
            pass
        finally:
            s.close()
        return got

    def resident(self):
        """Kilobytes of memory; 0 where most is a sanitizer's own."""
        if SANITIZED:
            return 0
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            for text in f:
                if text.startswith("VmRSS:"):
                    return int(text.split()[1])
        return 0

    def wait(self, seconds=SECONDS):
        """The status that it ends with."""
        end = time.monotonic() + seconds
        while self.status is None and time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            else:
                time.sleep(0.005)
        return self.status

    def stop(self):
        """Its end, as the master's end makes it."""
        if self.status is None:
            self.master.sock.shutdown(socket.SHUT_RDWR)
            if self.wait(5 * SLOWNESS) is None:
                os.kill(self.pid, signal.SIGKILL)
                self.wait()
        self.master.sock.close()
        for s in self.listeners:
            s.close()
        return self.status


def trust(ca, cert=None):
    """A client's side of TLS."""
    c = ssl.create_default_context(cafile=ca)
    if cert:
        c.load_cert_chain(*cert)
    return c
