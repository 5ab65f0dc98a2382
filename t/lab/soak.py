#!/usr/bin/python3
"""soak.py [JOBS]: that many jobs (100000) of mixed outcomes through one agent.

Called by `make soak`.  Samples the memory and the descriptors of the master
and the spawner and the size of the database; says at the end whether they
stayed flat, and exits with 1 where they did not or where a job ended as it
should not have.  The samples go to build/soak.tsv.  SIGTERM ends it early, and
judges what there is.
"""

import os
import pathlib
import shutil
import signal
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "t" / "agent"))

from conftest import Agent, Client, RpcError, descendants  # noqa: E402

CLIENTS = 4
OUTSTANDING = 16  # requests of each client
EVERY = 5.0  # seconds between samples
WARM_UP = 0.2  # of the jobs, before what is compared
BOUND = 16 << 20  # of the database

MIX = """
    # /// devops_agent
    # name: {name}
    # version: 1.0.0
    # description: A test.
    # params: {{type: object}}
    # {more}
    # ///
    import os
    import time


    def register():
        return run


    def run(job):
        do = job.params.get("do")
        if do == "bad":
            raise ValueError("bad")
        if do == "flaky" and job.attempt < 2:
            raise job.Retry("again", after=0.01)
        if do == "die":
            os._exit(3)
        if do == "slow":
            time.sleep(30)
        if do == "talk":
            for i in range(50):
                job.log.info("line %d", i)
                job.metric("lines", i)
            return "x" * 20000
        return do
    """

# How many of a hundred, what is asked for, and how it has to end.
KINDS = [
    (60, {"plugin": "warm"}, "succeeded"),
    (12, {"plugin": "warm", "params": {"do": "bad"}}, "failed"),
    (6, {"plugin": "warm", "params": {"do": "flaky"}}, "succeeded"),
    (6, {"plugin": "warm", "params": {"do": "talk"}}, "succeeded"),
    (7, {"plugin": "once"}, "succeeded"),
    (3, {"plugin": "once", "params": {"do": "die"}}, "failed"),
    (2, {"plugin": "sh"}, "succeeded"),
    (1, {"plugin": "once", "params": {"do": "slow"}, "timeout_ms": 20},
     "timed_out"),
    (1, {"plugin": "warm", "at": "2099-01-01T00:00:00Z"}, "cancelled"),
    (1, {"plugin": "barred"}, None),  # refused, no job
    (1, {"plugin": "warm", "key": "%d"}, "succeeded"),
]


def deck():
    """The kinds, spread evenly over a hundred jobs."""
    cards = sorted(((i + 0.5) / n, k) for k, (n, _, _) in enumerate(KINDS)
                   for i in range(n))
    assert len(cards) == 100
    return [k for _, k in cards]


def make(folder):
    agent = Agent(folder)
    agent.settings["agent"]["log_level"] = "error"
    agent.settings["workers"] = {"max": 8}
    agent.settings["storage"] = {"retention": {"size": "16MiB"}}
    agent.settings["jobs"] = {
        "tick": {"plugin": "warm", "every": "1s"},
        "over": {"plugin": "once", "every": "1s", "timeout": "1500ms",
                 "params": {"do": "slow"}}}
    for name, more in (
            ("warm", "workers: {min_idle: 2, max: 4, max_jobs: 200}"),
            ("once", ""), ("barred", "permissions: {read: [/etc/shadow]}")):
        agent.plugin(name, MIX.format(name=name, more=more))
    agent.plugin("sh", """
        # /// devops_agent
        # name: sh
        # version: 1.0.0
        # description: A test.
        # output: text
        # ///
        echo done
        """, kind="shell")
    return agent


class Sampler:
    """What the master and the spawner take, from time to time."""

    def __init__(self, agent):
        self.agent = agent
        self.master = agent.process.pid
        self.spawner = [p for p in descendants(self.master)
                        if text("/proc/%d/comm" % p) == "agent-spawner"][0]
        self.rows = []
        self.next = 0

    def columns(self):
        return ["jobs", "seconds"] + [
            "%s_%s" % (who, what) for who in ("master", "spawner")
            for what in ("rss_kb", "pss_kb", "fds")] + ["db_kb", "wal_kb"]

    def take(self, jobs, seconds):
        if seconds < self.next:
            return
        self.next = seconds + EVERY
        row = [jobs, round(seconds, 1)]
        for pid in (self.master, self.spawner):
            sizes = dict(line.split(":", 1) for line in text(
                "/proc/%d/smaps_rollup" % pid).splitlines()[1:])
            row += [int(sizes[key].split()[0]) for key in ("Rss", "Pss")]
            row.append(len(os.listdir("/proc/%d/fd" % pid)))
        data = self.agent.folder / "data"
        for name in ("agent.db", "agent.db-wal"):
            row.append((data / name).stat().st_size >> 10)
        self.rows.append(row)
        print("\t".join(map(str, row)), flush=True)


def text(path):
    with open(path) as file:
        return file.read().strip()


def submit(client, kind, n):
    _, request, want = KINDS[kind]
    request = dict(request)
    if "key" in request:
        request["key"] %= n
    if want == "cancelled":
        id = client.call("job.submit", **request)["id"]
        return client.send("job.cancel", id=id), want
    return client.send("job.submit", wait=True, **request), want


def check(client, waiting, wrong):
    id, want = waiting
    try:
        got = client.answer(id)["state"]
    except RpcError as error:
        got = None if error.kind == "denied" else str(error)
    if got != want:
        wrong.append((want, got))


def drive(agent, sampler, total):
    """-> what ended otherwise than it should, and the time it took."""
    clients = [(Client(agent.socket), []) for _ in range(CLIENTS)]
    cards, wrong, began = deck(), [], time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    n, stop = 0, []
    while n < total and not stop:
        client, waiting = clients[n % CLIENTS]
        if len(waiting) >= OUTSTANDING:
            check(client, waiting.pop(0), wrong)
        waiting.append(submit(client, cards[n % 100], n))
        if n % 100 == 0:
            sampler.take(n, time.monotonic() - began)
        n += 1
    for client, waiting in clients:
        for each in waiting:
            check(client, each, wrong)
        client.close()
    sampler.next = 0
    sampler.take(n, time.monotonic() - began)
    return n, wrong, time.monotonic() - began


def judge(sampler, total):
    """Medians of the first and the last third after the warm-up."""
    rows = [r for r in sampler.rows if r[0] >= total * WARM_UP]
    third = max(len(rows) // 3, 1)
    good = True
    print("\n%-16s %10s %10s %10s" % ("", "begin", "end", "most"))
    for i, name in enumerate(sampler.columns()):
        if i < 2:
            continue
        values = [r[i] for r in rows]
        begin = statistics.median(values[:third])
        end = statistics.median(values[-third:])
        if name == "db_kb":
            flat = max(values) <= (BOUND >> 10) * 1.25
        elif name.endswith("fds"):
            flat = end <= begin + 4
        elif name == "wal_kb":
            flat = max(values) <= 16 << 10
        else:
            flat = end <= begin * 1.05 + 256
        good = good and flat
        print("%-16s %10d %10d %10d  %s" % (
            name, begin, end, max(values), "flat" if flat else "NOT FLAT"))
    return good


def main():
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 100000
    folder = tempfile.mkdtemp(prefix="soak-")
    os.chmod(folder, 0o755)
    agent = make(folder)
    agent.start()
    sampler = Sampler(agent)
    print("\t".join(sampler.columns()))
    total, wrong, seconds = drive(agent, sampler, total)
    good = judge(sampler, total)
    out = ROOT / "build" / "soak.tsv"
    out.parent.mkdir(exist_ok=True)
    out.write_text("".join("\t".join(map(str, row)) + "\n" for row in [
        sampler.columns(), *sampler.rows]))
    print("%d jobs in %.0f s, %.0f a second; %d ended otherwise than they "
          "should%s" % (total, seconds, total / seconds, len(wrong),
                        ": %s" % wrong[:5] if wrong else ""))
    status = agent.stop()
    print("stopped with status %d" % status)
    if good and not wrong and status == 0:
        shutil.rmtree(folder)
        return 0
    print("kept: %s" % folder)
    return 1


if __name__ == "__main__":
    sys.exit(main())
