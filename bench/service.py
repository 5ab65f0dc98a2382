"""Measure the agent as a service; writes SERVICE.md beside this file.

    service.py [PART ...]

Parts: warm, throughput, idle, schedules, history; all without any. Installs
nothing: a peer that is missing is reported as such. Needs root, and about ten
minutes of a machine that does nothing else.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from peers import idle_peers, measured, missing

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
PROGRAM = os.environ.get("DEVOPS_AGENT", str(ROOT / "bin" / "devops_agent"))
LOAD = str(BUILD / "bench" / "load")
STORE = str(BUILD / "bench" / "store")
PYTHON = "/usr/bin/python3"

NOOP = """\
# /// devops_agent
# name: {name}
# version: 1.0.0
# description: Does nothing.
# workers: {{{workers}}}
# ///


def register():
    return run


def run(job):
    return {{}}
"""
REUSED = "min_idle: 2, max_jobs: 1000000"
SINGLE = "min_idle: 4, max_jobs: 1"
QUEUED = {"celery": 3000, "rq": 100}  # of a peer's jobs, in one go


class Agent:
    """An agent with a folder of its own; `settings`: its configuration."""

    def __init__(self, folder, **settings):
        self.folder = pathlib.Path(folder)
        self.settings = {
            "agent": {"data_dir": "./data", "listen_addr": "",
                      "log_level": "warn"},
            "plugins": {"path": "./plugins"},
            "storage": {"type": "sqlite", "path": "./data/agent.db"},
            **settings}
        (self.folder / "plugins" / "python").mkdir(parents=True)
        (self.folder / "data").mkdir(mode=0o700)
        self.socket = str(self.folder / "data" / "agent.sock")
        for name, workers in (("reused", REUSED), ("single", SINGLE)):
            path = self.folder / "plugins" / "python" / (name + ".py")
            path.write_text(NOOP.format(name=name, workers=workers))

    def __enter__(self):
        config = self.folder / "config.yaml"
        config.write_text(json.dumps(self.settings))
        began = time.monotonic()
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            [PROGRAM, "--config", str(config)], cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=subprocess.STDOUT)
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(self.socket)
                self.status()
                break
            except (OSError, EOFError):
                if self.process.poll() is not None:
                    sys.exit((self.folder / "log").read_text())
                time.sleep(0.001)
        self.ready_ms = (time.monotonic() - began) * 1000
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.log.close()

    def ask(self, method, **params):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.socket)
            s.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method,
                                  "params": params}).encode() + b"\n")
            line = s.makefile("rb").readline()
        if not line:
            raise EOFError
        return json.loads(line)["result"]

    def status(self):
        return self.ask("status")

    def metric(self, name):
        return sum(row.get("value", 0) for row in self.status()["metrics"]
                   if row["name"] == "devops_agent_" + name)

    def load(self, count, window, method, params):
        text = subprocess.run(
            [LOAD, self.socket, str(count), str(window), method,
             json.dumps(params)], stdout=subprocess.PIPE, check=True).stdout
        return json.loads(text)

    def jobs(self, plugin, count, window):
        commits = self.metric("store_commits_total")
        found = self.load(count, window, "job.submit",
                          {"plugin": plugin, "wait": True})
        found["commits"] = (self.metric("store_commits_total") -
                            commits) / count
        return found

    def processes(self):
        """Of the agent itself: without workers."""
        return [self.process.pid, *children(self.process.pid)]


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
        return [int(child) for child in file.read().split()]


def sizes_mib(pids):
    """Resident and proportional, of all of them together."""
    found = {"Rss:": 0, "Pss:": 0}
    for pid in pids:
        with open("/proc/%d/smaps_rollup" % pid) as file:
            for line in file:
                words = line.split()
                if words[0] in found:
                    found[words[0]] += int(words[1])
    return found["Rss:"] / 1024, found["Pss:"] / 1024


def switches(pid):
    with open("/proc/%d/status" % pid) as file:
        return sum(int(line.split()[1]) for line in file
                   if "ctxt_switches" in line)


def timed_ms(command, count):
    times = []
    for _ in range(count):
        began = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - began) * 1000)
    return times


def table(head, rows):
    out = ["| %s |" % " | ".join(head),
           "|%s|" % "|".join("---" if i == 0 else "---:"
                             for i in range(len(head)))]
    out += ["| %s |" % " | ".join(str(cell) for cell in row) for row in rows]
    return "\n".join(out) + "\n"


def verdict(held):
    return "kept" if held else "missed"


# --- Parts ------------------------------------------------------------------

def warm(folder):
    """A durable job on a waiting worker, from submit to result."""
    script = pathlib.Path(folder) / "noop.py"
    script.write_text("print('{}')\n")
    bare, reused, single, celery = [], [], [], []
    without = missing("celery", "redis-server", module="celery")
    with Agent(folder) as agent:
        agent.jobs("reused", 200, 1)
        for _ in range(5):
            bare += timed_ms([PYTHON, str(script)], 20)
            reused.append(agent.jobs("reused", 400, 1))
            single.append(agent.jobs("single", 40, 1))
            time.sleep(0.5)
            if without is None:
                celery.append(measured("celery", True, "lone", 100))
    bare_ms = statistics.median(bare)
    rows = [["bare `python3 noop.py`", "%.2f" % bare_ms,
             "%.2f" % sorted(bare)[int(len(bare) * 0.99)], "1.00", ""]]

    def row(name, found):
        p50 = statistics.median(run["p50_ms"] for run in found)
        rows.append([name, "%.3f" % p50, "%.3f" % statistics.median(
            run["p99_ms"] for run in found), "%.3f" % (p50 / bare_ms),
            "%.2f" % statistics.median(run.get("commits", 0)
                                       for run in found)])
        return p50 / bare_ms

    ratio = row("a reused worker", reused)
    row("workers of one job", single)
    if celery:
        row("celery prefork, redis, `appendfsync always`", celery)
    else:
        rows.append(["celery", without, "", "", ""])
    return ("## A lone job\n\nSubmitted over the socket, on disk before it "
            "runs and again with its result before\nthe answer; median and "
            "99th percentile, ms.\n\n" +
            table(["", "p50", "p99", "over bare", "commits a job"], rows) +
            "\nThe limit is 0.05 over bare: **%s**.\n" % verdict(
                ratio <= 0.05))


def bare_starts(seconds=3.0):
    """Starts of Python a second, two at a time."""
    end, count, running = time.monotonic() + seconds, 0, []
    began = time.monotonic()
    while time.monotonic() < end:
        while len(running) < 2:
            running.append(subprocess.Popen([PYTHON, "-I", "-S", "-c",
                                             "pass"]))
        running.pop(0).wait()
        count += 1
    for process in running:
        process.wait()
    return (count + len(running)) / (time.monotonic() - began)


def throughput(folder):
    """Jobs a second that do nothing."""
    peers = [("celery", True), ("celery", False), ("rq", True), ("rq", False)]
    rates = {peer: [] for peer in peers}
    reused, single, starts = [], [], []
    with Agent(folder) as agent:
        agent.jobs("reused", 1000, 100)
        for _ in range(3):
            reused.append(agent.jobs("reused", 10000, 1000))
            single.append(agent.jobs("single", 600, 50))
            time.sleep(1)
            starts.append(bare_starts())
            for queue, durable in peers:
                if missing(queue, "redis-server", module=queue) is None:
                    rates[queue, durable].append(measured(
                        queue, durable, "rate", QUEUED[queue]))
    middle = {"reused": statistics.median(r["rate"] for r in reused),
              "single": statistics.median(r["rate"] for r in single),
              "starts": statistics.median(starts)}
    rows = [["reused workers, `durability: full`",
             "%.0f" % middle["reused"],
             "%.2f" % statistics.median(r["commits"] for r in reused)],
            ["workers of one job, `durability: full`",
             "%.0f" % middle["single"],
             "%.2f" % statistics.median(r["commits"] for r in single)],
            ["bare `python3 -I -S -c pass`, two at a time",
             "%.0f" % middle["starts"], ""]]
    verdicts = [("workers of one job, over bare starts", 0.8,
                 middle["single"] / middle["starts"])]
    for queue, durable in peers:
        name = "%s, redis, %s" % (queue, "`appendfsync always`" if durable
                                  else "no persistence")
        if not rates[queue, durable]:
            rows.append([name, "not installed", ""])
            continue
        rate = statistics.median(rates[queue, durable])
        rows.append([name, "%.0f" % rate, ""])
        if queue == "celery":
            verdicts.append(("reused workers, over " + name,
                             10 if durable else 4,
                             middle["reused"] / rate))
    return ("## Jobs a second\n\nJobs that do nothing, each on disk before "
            "it runs; up to 1,000 (single: 50) unanswered.\n\n" +
            table(["", "jobs a second", "commits a job"], rows) + "\n" +
            table(["", "here", "limit", ""], [
                [name, "%.2f" % value, limit, verdict(value >= limit)]
                for name, limit, value in verdicts]))


def idle(folder):
    """What the agent takes when nothing is due."""
    jobs = {"job-%d" % i: {"plugin": "single", "cron": "0 3 1 1 *"}
            for i in range(20)}
    with Agent(folder, jobs=jobs) as agent:
        # without workers that wait
        for name in ("reused", "single"):
            path = agent.folder / "plugins" / "python" / (name + ".py")
            path.write_text(path.read_text().replace("min_idle: 2", "max: 2")
                            .replace("min_idle: 4", "max: 2"))
        agent.jobs("reused", 10000, 100)
    with agent:
        time.sleep(10)  # retention looks 5 s after the start
        pids = agent.processes()
        before = [switches(pid) for pid in pids]
        time.sleep(60)
        wakes = sum(switches(pid) for pid in pids) - sum(before)
        master, everything = sizes_mib(pids[:1]), sizes_mib(pids)
    rows = [["the master", "%.1f" % master[0], "%.1f" % master[1]],
            ["all processes of the agent", "%.1f" % everything[0],
             "%.1f" % everything[1]]]
    for name, pids, why in idle_peers(folder):
        if why:
            rows.append([name, why, ""])
        else:
            rss, pss = sizes_mib(pids)
            rows.append([name, "%.1f" % rss, "%.1f" % pss])
    return ("## Idle\n\nWith 20 schedules and 10,000 jobs of history; MiB.\n\n"
            + table(["", "resident", "proportional"], rows) + "\n" +
            table(["", "here", "limit", ""], [
                ["the master, resident, MiB", "%.1f" % master[0], "6.0",
                 verdict(master[0] <= 6)],
                ["all processes, proportional, MiB", "%.1f" % everything[1],
                 "10.0", verdict(everything[1] <= 10)],
                ["wake-ups in 60 s", wakes, "0", verdict(wakes == 0)]]))


def schedules(folder):
    """10,000 schedules due over a minute."""
    jobs = {"job-%d" % i: {"plugin": "reused", "every": "1m",
                           "jitter": "59s"} for i in range(10000)}
    with Agent(folder, jobs=jobs) as agent:
        began = cpu_seconds(agent.process.pid)
        time.sleep(130)
        cpu = cpu_seconds(agent.process.pid) - began
        late = lateness(agent)
    late.sort()
    p99 = late[int(len(late) * 0.99)]
    return ("## 10,000 schedules, each due once a minute\n\n" +
            table(["runs", "p50, ms", "p99, ms", "most, ms",
                   "CPU time of the master a run, ms"],
                  [[len(late), late[len(late) // 2], p99, late[-1],
                    "%.2f" % (cpu * 1000 / len(late))]]) +
            "\nFrom a run's time to its start, on the clock's milliseconds. "
            "The limit of p99 is 20 ms:\n**%s**.\n" % verdict(p99 <= 20))


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def milliseconds(text):
    stamp, fraction = text.rstrip("Z").split(".")
    return (int(time.mktime(time.strptime(stamp, "%Y-%m-%dT%H:%M:%S"))) * 1000
            + int(fraction))


def late_ms(jobs):
    """From a run's time to its start."""
    return [milliseconds(job["started_at"]) - milliseconds(job["scheduled_at"])
            for job in jobs]


def lateness(agent):
    late, before = [], None
    while True:
        more = {"before": before} if before else {}
        page = agent.ask("job.list", state="succeeded", limit=1000, **more)
        items = page["items"] if isinstance(page, dict) else page
        if not items:
            return late
        late += late_ms(items)
        before = items[-1]["id"]


def history(folder):
    """A million jobs of history."""
    agent = Agent(folder, storage={
        "type": "sqlite", "path": "./data/history.db",
        "retention": {"age": "3650d", "size": "8GiB"}})
    subprocess.run([STORE, str(agent.folder / "data"), "fill", "1000000"],
                   stdout=subprocess.DEVNULL, check=True)
    rows, readies = [], []
    for _ in range(3):
        with agent:
            readies.append(agent.ready_ms)
    with agent:
        last = agent.ask("job.list", limit=1)["items"][0]["id"]
        cases = [("job.list", {"limit": 100}),
                 ("job.list", {"limit": 100, "state": "failed"}),
                 ("job.list", {"limit": 100, "before": last // 2}),
                 ("job.get", {"id": last}),
                 ("job.get", {"id": last // 3})]
        worst = 0
        for method, params in cases:
            found = agent.load(300, 1, method, params)
            worst = max(worst, found["p99_ms"])
            rows.append(["%s %s" % (method, json.dumps(params)),
                         "%.2f" % found["p50_ms"], "%.2f" % found["p99_ms"]])
    agent.settings["storage"]["retention"] = {"age": "1h", "size": "8GiB"}
    with agent:
        agent.metric("loop_busy_max_seconds")
        began, lag = time.monotonic(), 0
        while time.monotonic() - began < 30:
            time.sleep(0.2)
            lag = max(lag, agent.metric("loop_busy_max_seconds"),
                      agent.metric("loop_lag_max_seconds"))
        left = sum(agent.status()["jobs"]["by_state"].values())
    ready = statistics.median(readies)
    return ("## A million jobs of history\n\n" +
            table(["", "p50, ms", "p99, ms"], rows) +
            "\nRetention had %d of them left after 30 s.\n\n" % left +
            table(["", "here", "limit", ""], [
                ["job list, job show: p99, ms", "%.2f" % worst, "10",
                 verdict(worst <= 10)],
                ["start to ready, ms", "%.0f" % ready, "100",
                 verdict(ready <= 100)],
                ["longest turn in retention, ms", "%.1f" % (lag * 1000), "50",
                 verdict(lag <= 0.05)]]))


PARTS = {"warm": warm, "throughput": throughput, "idle": idle,
         "schedules": schedules, "history": history}


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file
                      if line.startswith("model name")), "?")
    with open("/proc/loadavg") as file:
        load = " ".join(file.read().split()[:3])
    return "%s, %d cores, Linux %s; %s UTC, load before it: %s" % (
        model, os.cpu_count(), os.uname().release,
        time.strftime("%Y-%m-%d %H:%M", time.gmtime()), load)


def report(head, parts, file):
    """Those parts that the command line names; all of them fill `file`."""
    names = sys.argv[1:] or list(parts)
    out = ["%s\n\n- %s\n" % (head, machine())]
    os.environ["TZ"] = "UTC"
    time.tzset()
    for name in names:
        print("%s: %s" % (file, name), file=sys.stderr)
        folder = tempfile.mkdtemp(prefix="bench.", dir="/var/tmp")
        try:
            out.append(parts[name](folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    text = "\n".join(out)
    print(text)
    if names == list(parts):
        (HERE / file).write_text(text)


if __name__ == "__main__":
    report("# The agent as a service, measured\n\nWritten by `make bench`. "
           "Ratios are within one run; bare times say little about\nanother "
           "machine. Part by part: `bench/service.py %s`." % "|".join(PARTS),
           PARTS, "SERVICE.md")
