"""Measure the HTTP API; writes API.md beside this file.

    api.py [PART ...]

Parts: requests, connections; both without any. Needs wrk, and about six
minutes of a machine that does nothing else.
"""
import os
import re
import resource
import select
import socket
import ssl
import subprocess
import sys
import tempfile
import time

from service import (Agent, NOOP, PROGRAM, REUSED, STORE, children, late_ms,
                     report, sizes_mib, table, verdict)

JOBS = 1000000
SECONDS = 8
SCHEDULES = 50  # each due once a second, while the load is on
LAG_MS = 20
KIB_A_CONNECTION = 32
CLIENT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CLIENT.check_hostname = False
CLIENT.verify_mode = ssl.CERT_NONE
POST = """\
wrk.method = "POST"
wrk.body = '{"plugin":"reused"%s}'
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %s"
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Api:
    """An agent that answers over HTTP, with or without TLS."""

    def __init__(self, folder, tls=False, **settings):
        self.port = free_port()
        self.tls = tls
        api = {"anonymous": "read", "limits": {
            "connections": 20000, "per_address": 20000, "streams": 2000,
            "header_time": "10m", "idle_time": "1h"}}
        if tls:
            certificate(folder)
            api["tls"] = {"cert": folder + "/cert.pem",
                          "key": folder + "/key.pem"}
        self.agent = Agent(folder, api=api, **settings)
        self.agent.settings["agent"]["listen_addr"] = (
            "127.0.0.1:%d" % self.port)
        self.url = "%s://127.0.0.1:%d" % ("https" if tls else "http",
                                          self.port)

    def __enter__(self):
        self.agent.__enter__()
        while True:
            try:
                self.connect().close()
                break
            except OSError:
                time.sleep(0.01)
        self.token = subprocess.run(
            [PROGRAM, "--config", str(self.agent.folder / "config.yaml"),
             "token", "add", "--name", "bench", "--role", "operator"],
            stdout=subprocess.PIPE, check=True, text=True,
            cwd=self.agent.folder).stdout.strip()
        for pid in children(self.agent.process.pid):
            with open("/proc/%d/cmdline" % pid) as file:
                if "devops_agent-api" in file.read():
                    self.pid = pid
        return self

    def __exit__(self, *whatever):
        self.agent.__exit__(*whatever)

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port))
        if self.tls:
            s = CLIENT.wrap_socket(s)
        return s

    def wrk(self, path, clients, script=None, seconds=SECONDS):
        """Requests a second, and the times in ms of half and of 99 %."""
        command = ["wrk", "-t1", "-c%d" % clients, "-d%ds" % seconds,
                   "--latency", self.url + path]
        if script:
            file = self.agent.folder / "post.lua"
            file.write_text(script)
            command[1:1] = ["-s", str(file)]
        text = subprocess.run(command, stdout=subprocess.PIPE, check=True,
                              text=True).stdout
        if "Non-2xx" in text or "Socket errors" in text or "nan" in text:
            print(text, file=sys.stderr)
        return (float(re.search(r"Requests/sec:\s+(\S+)", text)[1]),
                wrk_ms(re.search(r"\n +50%\s+(\S+)", text)[1]),
                wrk_ms(re.search(r"\n +99%\s+(\S+)", text)[1]))


def wrk_ms(text):
    match = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text)
    if not match:
        sys.exit("wrk measured %r" % text)
    number, unit = match.groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000,
                            "m": 60000}[unit]


def certificate(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-keyout", folder + "/key.pem", "-out",
         folder + "/cert.pem"], check=True, stderr=subprocess.DEVNULL)


# --- Parts ------------------------------------------------------------------

def requests(folder):
    """What one asks for, how often a second, and who waits meanwhile."""
    rows, lags = [], []
    for tls in (False, True):
        home = tempfile.mkdtemp(dir=folder)
        due = {"tick-%d" % i: {"plugin": "tick", "every": "1s",
                               "jitter": "900ms"} for i in range(SCHEDULES)}
        api = Api(home, tls=tls, jobs=due, storage={
            "type": "sqlite", "path": "./data/history.db",
            "retention": {"age": "3650d", "size": "8GiB"}})
        (api.agent.folder / "plugins" / "python" / "tick.py").write_text(
            NOOP.format(name="tick", workers=REUSED))
        subprocess.run([STORE, home + "/data", "fill", str(JOBS)],
                       stdout=subprocess.DEVNULL, check=True)
        with api:
            post = POST % ("", api.token)
            wait = POST % (',"wait_ms":10000', api.token)
            time.sleep(SECONDS)
            rows.append(["none", "on" if tls else "off", "", "", "", "",
                         lag_p99(api.agent)])
            for path, script, name in (
                    ("/v1/status", None, "GET /v1/status"),
                    ("/v1/jobs?limit=100", None, "GET /v1/jobs?limit=100"),
                    ("/v1/jobs", post, "POST /v1/jobs"),
                    ("/v1/jobs", wait, "POST /v1/jobs, waiting for the "
                     "result")):
                for clients in (1, 16, 128):
                    found = api.wrk(path, clients, script)
                    lag = lag_p99(api.agent)
                    lags.append(lag)
                    rows.append([name, "on" if tls else "off", clients,
                                 "%.0f" % found[0], "%.2f" % found[1],
                                 "%.2f" % found[2], lag])
                    drain(api.agent)
    worst = max(lags)
    return ("## Requests\n\n%d jobs of history; %d schedules of a plugin of "
            "their own are due\nonce a second meanwhile, and the last column "
            "is how late their jobs start.\n\n" % (JOBS, SCHEDULES) + table(
                ["", "TLS", "clients", "a second", "p50, ms", "p99, ms",
                 "schedules late, p99, ms"], rows) +
            "\nThe limit of the last column is %d ms: **%s** (%d).\n" %
            (LAG_MS, verdict(worst <= LAG_MS), worst))


def drain(agent):
    """What the load left to do is no part of what comes next."""
    while agent.ask("job.list", state="queued", limit=1)["items"]:
        time.sleep(0.2)
    time.sleep(1)


def lag_p99(agent):
    """Of the schedules' runs of the last seconds."""
    late = []
    for i in range(SCHEDULES):
        page = agent.ask("job.list", state="succeeded",
                         name="tick-%d" % i, limit=SECONDS - 2)
        late += late_ms(page["items"])
    late.sort()
    return late[int(len(late) * 0.99)] if late else -1


def connections(folder):
    """Thousands that do nothing, or something slowly."""
    rows = []
    for tls in (False, True):
        home = tempfile.mkdtemp(dir=folder)
        with Api(home, tls=tls) as api:
            alone = api.wrk("/v1/status", 1)
            rows.append(["none", "on" if tls else "off", 0, "",
                         "%.2f" % alone[2], "1.0"])
            for name, count, begin, go_on in (
                    ("idle", 10000, idle_begin, None),
                    ("slow writers", 1000, slow_begin, slow_go_on),
                    ("event streams", 1000, stream_begin, read_all)):
                rows.append([name, "on" if tls else "off", *crowd(
                    api, count, begin, go_on, alone[2])])
    return ("## Connections\n\nBeside them one client asks for "
            "`/v1/status`, which is where its time is from; memory is\n"
            "what devops_agent-api grew by.\n\n" + table(
                ["", "TLS", "connections", "KiB each", "p99, ms",
                 "over alone"], rows) +
            "\nThe limits are %d KiB each and 2 over alone.\n" %
            KIB_A_CONNECTION)


def idle_begin(s):
    """One that has had an answer, and may ask again."""
    s.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    s.recv(65536)


def slow_begin(s):
    s.sendall(b"GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")


def slow_go_on(ready):
    for s in ready:
        try:
            s.sendall(b"x")
        except OSError:  # the agent has waited long enough for it
            continue


def stream_begin(s):
    s.sendall(b"GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")


def read_all(ready):
    poll = select.poll()
    by_fd = {s.fileno(): s for s in ready}
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    for fd, _ in poll.poll(0):
        by_fd[fd].recv(65536)


def open_at(port):
    """How many connections a port of this host's has."""
    local = "0100007F:%04X" % port
    with open("/proc/net/tcp") as file:
        return sum(fields[1] == local and fields[3] == "01"
                   for fields in map(str.split, file))


def crowd(api, count, begin, go_on, alone_ms):
    """How many of them are there in the end, their memory in KiB each, the
    p99 beside them, and its ratio."""
    before = sizes_mib([api.pid])[0]
    made = []
    try:
        for _ in range(count):
            s = api.connect()
            made.append(s)
            if begin:
                begin(s)
        child = os.fork()
        if child == 0:  # goes on with them while wrk asks
            try:
                while go_on:
                    time.sleep(1)
                    go_on(made)
            finally:
                os._exit(0)
        try:
            found = api.wrk("/v1/status", 1)
            after = sizes_mib([api.pid])[0]
            there = open_at(api.port)
        finally:
            if go_on:
                os.kill(child, 9)
            os.waitpid(child, 0)
    finally:
        for s in made:
            s.close()
    time.sleep(3)
    return [there, "%.1f" % ((after - before) * 1024 / count),
            "%.2f" % found[2],
            "%.1f" % (found[2] / alone_ms)]


PARTS = {"requests": requests, "connections": connections}


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    report("# The HTTP API, measured\n\nWritten by `make bench-api`. Client "
           "and agent share the machine.", PARTS, "API.md")
