"""A load of jobs of every kind, the agent's death under it, and what must
hold afterwards.

    load = Load(agent)
    load.start(crash="commit-done:3")   # or no point: the test kills it
    load.drive(seconds=10)              # until it dies, or the time is up
    load.after_death()                  # the database, processes, groups
    ...                                 # and again, on the same folder
    load.finish()                       # everything ends; nothing was lost
"""

import collections
import ctypes
import glob
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time

from conftest import (PROGRAM, ROOT, Client, RpcError, descendants,
                      wait_until)

CRASHING = PROGRAM + "-crash"
STATES = ("queued", "running", "succeeded", "failed", "timed_out",
          "cancelled", "denied", "lost")
PR_SET_CHILD_SUBREAPER = 36

MIX = """
    # /// devops_agent
    # name: {name}
    # version: 1.0.0
    # description: A test.
    # params: {{type: object}}
    # permissions: {{write: ["{starts}"]}}
    # {more}
    # ///
    import os
    import time

    {top}

    def register():
        return run


    def note(job):
        fd = os.open("{starts}", os.O_WRONLY | os.O_APPEND)
        os.write(fd, b"%d %d\\n" % (job.id, job.attempt))
        os.close(fd)


    def run(job):
        note(job)
        do = job.params.get("do", "ok")
        if do == "bad" or (do == "flaky" and job.attempt < 3):
            raise ValueError(do)
        if do == "ask" and job.attempt < 2:
            raise job.Retry("again", after=0.02)
        if do == "trace":
            import ctypes
            ctypes.CDLL(None).ptrace(0, 0, 0, 0)
        if do == "slow":
            time.sleep(job.params.get("seconds", 0.2))
        if do == "serve":
            while not job.cancelled:
                job.log.info("still here")
                time.sleep(0.05)
        return do
    """

SHELL = """
    # /// devops_agent
    # name: sh
    # version: 1.0.0
    # description: A test.
    # output: text
    # ///
    echo done
    """

# What a job of each kind may end as.
ENDS = {
    "ok": {"succeeded"}, "warm": {"succeeded"}, "shell": {"succeeded"},
    "flaky": {"succeeded"}, "ask": {"succeeded"}, "slow": {"succeeded"},
    "bad": {"failed"}, "unloadable": {"failed"}, "trace": {"denied"},
    "timeout": {"timed_out"},
    "expiring": {"failed", "succeeded"},
    "frail": {"succeeded", "lost"},
    "fickle": {"denied", "succeeded"},
    "keyed": {"succeeded"},
    "cancelled": {"cancelled"},
    # nobody heard that these were cancelled
    "perhaps": {"cancelled", "succeeded"},
    "halted": {"cancelled", "succeeded"},
}
# These may not run twice, whatever happens.
ONCE = {"frail"}


def points():
    """Every point that is named in the source."""
    found = set()
    for path in (ROOT / "src").glob("*/*.c"):
        if path.parent.name != "base":
            for call in re.findall(r"CRASH_POINT\(([^;]*)\);",
                                   path.read_text()):
                found |= set(re.findall(r'"([a-z-]+)"', call))
    return found


def transitions():
    """Every pair of states that src/model/transition.c allows."""
    text = (ROOT / "src/model/transition.c").read_text()
    pairs = set()
    for source, targets in re.findall(r"\[JOB_(\w+)\] = ([^,{]*),", text):
        for target in re.findall(r"TO\(JOB_(\w+)\)", targets):
            pairs.add((source.lower(), target.lower()))
    return pairs


def alive(pid):
    """Whether it runs; one that is ours to reap is reaped."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def groups_of(pids):
    """The control groups that these spawners made."""
    found = []
    with open("/proc/self/cgroup") as file:
        for line in file:
            _, names, path = line.strip().split(":", 2)
            for name in names.split(",") if names else ["", "unified"]:
                for pid in pids:
                    found += glob.glob("/sys/fs/cgroup/%s/%s/devops_agent-%d-*"
                                       % (name, path.strip("/"), pid))
    return found


def check_database(path, acknowledged):
    """That it is whole, and has those jobs; -> the state of each job."""
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert not db.execute("PRAGMA foreign_key_check").fetchall()
    states = dict(db.execute(
        "SELECT job, state FROM active UNION ALL "
        "SELECT job, state FROM ended"))
    jobs = [row[0] for row in db.execute("SELECT id FROM job")]
    assert sorted(states) == sorted(jobs), "a job without a state"
    assert all(0 <= s < len(STATES) for s in states.values())
    missing = set(acknowledged) - set(states)
    assert not missing, "acknowledged, and not there: %s" % missing
    states = {job: STATES[s] for job, s in states.items()}
    count = collections.Counter(states.values())
    tally = db.execute("SELECT %s FROM tally" % ", ".join(STATES)).fetchone()
    assert tally == tuple(count[s] for s in STATES), "the tally is wrong"
    db.close()
    return states


class Load:
    """One folder, through any number of deaths."""

    def __init__(self, agent):
        self.agent = agent
        self.starts = agent.folder / "starts"
        self.starts.touch()
        self.starts.chmod(0o666)
        self.acknowledged = {}  # id: kind
        self.keys = {}  # key: id, or None where no answer came
        self.spawners = set()
        self.round = 0
        self.serial = 0
        self.deaths = 0
        self.most = 20  # jobs that wait, before more are asked for
        # what outlives the agent comes to us
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.plugins()
        agent.settings["workers"] = {"max": 8}
        agent.settings["jobs"] = {
            "frail": {"plugin": "mix", "on_crash": "fail",
                      "params": {"do": "slow"}},
            "tick": {"plugin": "mix", "every": "1s"},
            "over": {"plugin": "mix", "every": "1s",
                     "params": {"do": "slow", "seconds": 1.2}},
            "turns": {"plugin": "mix", "every": "1s", "overlap": "queue"},
            "newest": {"plugin": "mix", "every": "1s", "overlap": "replace",
                       "params": {"do": "slow", "seconds": 3}},
            "barred": {"plugin": "barred", "every": "1s"},
            "service": {"plugin": "mix", "always": True,
                        "params": {"do": "serve"}}}

    def plugins(self):
        agent = self.agent
        for name, more, top in (
                ("mix", "", ""), ("fickle", "", ""), ("barred", "", ""),
                ("warm", "workers: {min_idle: 2, max: 3, max_jobs: 20}", ""),
                ("unloadable", "workers: {min_idle: 0, max: 1}",
                 "raise RuntimeError")):
            agent.plugin(name, MIX.format(name=name, more=more, top=top,
                                          starts=self.starts),
                         allow=name != "barred")
        agent.plugin("sh", SHELL, kind="shell")
        self.grant = agent.folder / "grants" / "fickle.yaml"
        self.granted = self.grant.read_bytes()

    # --- Starting, and being killed

    def start(self, crash=None, wait=True):
        """-> whether it came up; with a point it may not."""
        agent = self.agent
        agent.write_config()
        self.round += 1
        environment = {**os.environ}
        if crash:
            environment["DEVOPS_AGENT_CRASH"] = crash
        with open(agent.log, "ab") as log:
            agent.process = subprocess.Popen(
                [CRASHING, "--config", str(agent.config)],
                stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, cwd=agent.folder, env=environment)

        def up():
            if agent.process.poll() is not None:
                return "dead"
            try:
                Client(agent.socket).close()
                return "up"
            except OSError:
                return None
        came = not wait or wait_until(up) == "up"
        self.note_spawner()
        return came

    def note_spawner(self):
        if self.agent.process.poll() is None:
            for pid in descendants(self.agent.process.pid):
                try:
                    with open("/proc/%d/comm" % pid) as file:
                        if file.read().strip() == "agent-spawner":
                            self.spawners.add(pid)
                except OSError:
                    pass

    def died(self):
        return self.agent.process.poll() is not None

    def kill(self, spawner=False):
        """kill -9: of the master alone, or together with the spawner."""
        if spawner:
            for pid in self.spawners:
                if alive(pid):
                    os.kill(pid, signal.SIGSTOP)
        self.agent.process.kill()
        if spawner:
            for pid in self.spawners:
                if alive(pid):
                    os.kill(pid, signal.SIGKILL)
        self.agent.process.wait()

    # --- What it has to do

    def requests(self):
        """One of each kind: (kind, method, parameters)."""
        self.serial += 1
        at = time.time() + 0.15
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + (
            ".%03dZ" % (at % 1 * 1000))
        key = "key-%d" % self.serial

        def mix(kind, do=None, plugin="mix", **more):
            return (kind, "job.submit", {
                "plugin": plugin, "params": {"do": do or kind}, **more})
        yield ("halted", "job.submit", {
            "plugin": "mix", "params": {"do": "slow", "seconds": 2},
            "priority": 50})
        yield mix("ok")
        yield mix("warm", "ok", plugin="warm")
        yield mix("flaky", retry={"max": 9, "backoff_ms": 10})
        yield mix("ask")
        yield mix("keyed", "ok", name=key, key=key)
        yield mix("slow")
        yield mix("warm", "ok", plugin="warm", priority=5)
        yield ("frail", "schedule.trigger", {"name": "frail"})
        yield ("shell", "job.submit", {"plugin": "sh"})
        yield mix("bad")
        yield mix("timeout", "slow", timeout_ms=30)
        yield mix("trace")
        yield mix("expiring", "ok", queue_timeout_ms=1, priority=-100)
        yield mix("unloadable", "ok", plugin="unloadable",
                  retry={"max": 1, "backoff_ms": 10})
        yield mix("fickle", "ok", plugin="fickle", at=at)
        yield mix("perhaps", "slow", at="2099-01-01T00:00:00Z")

    def ask(self, client, batch):
        """Send some together; note what is acknowledged."""
        waiting = [(kind, params, client.send(method, **params))
                   for kind, method, params in batch]
        for kind, params, _ in waiting:
            if "key" in params:
                self.keys.setdefault(params["key"], None)
        got = []
        for kind, params, id in waiting:
            try:
                job = client.answer(id)["id"]
            except RpcError as error:
                # what is busy, or not granted any more, is not acknowledged
                if kind not in ("frail", "fickle"):
                    raise AssertionError("%s: %s" % (kind, error))
                continue
            self.acknowledged[job] = kind
            if "key" in params:
                before = self.keys[params["key"]]
                assert before in (None, job), "a key gave two jobs"
                self.keys[params["key"]] = job
            got.append((kind, job))
        return got

    def cancel(self, client, jobs):
        for kind, job in jobs:
            if kind not in ("perhaps", "halted"):
                continue
            if kind == "halted":  # while it runs, where it comes to that
                end = time.monotonic() + 1
                wait_until(lambda: time.monotonic() > end or client.call(
                    "job.get", id=job)["state"] != "queued")
            try:
                state = client.call("job.cancel", id=job)["state"]
            except RpcError:
                continue
            if state == "cancelled":
                self.acknowledged[job] = "cancelled"

    def again(self, client):
        """Keys of which no answer came are asked for again."""
        for key in [k for k, job in self.keys.items() if job is None]:
            self.ask(client, [("keyed", "job.submit", {
                "plugin": "mix", "params": {"do": "ok"}, "name": key,
                "key": key})])

    def drive(self, seconds):
        """-> whether it died; what it acknowledged until then is noted."""
        end = time.monotonic() + seconds
        try:
            client = Client(self.agent.socket)
            self.again(client)
            self.allow_fickle()
            while time.monotonic() < end:
                wait_until(lambda: self.died() or self.calm(client), 60)
                batch = []
                for request in self.requests():
                    batch.append(request)
                    if len(batch) < 4:
                        continue
                    got = self.ask(client, batch)
                    batch = []
                    self.cancel(client, got)
                    if time.monotonic() >= end:
                        break
                self.cancel(client, self.ask(client, batch))
                self.grant.unlink(missing_ok=True)
                wait_until(lambda: self.died() or self.fickle_over(client))
                self.allow_fickle()
                if self.died():
                    break
            client.close()
        except (OSError, AssertionError) as error:
            if isinstance(error, AssertionError) and \
                    "closed" not in str(error):
                raise
        if time.monotonic() < end:
            self.agent.process.wait(10)
        return self.died()

    def allow_fickle(self):
        new = self.grant.with_suffix(".new")
        new.write_bytes(self.granted)
        new.rename(self.grant)

    @staticmethod
    def fickle_over(client):
        """The one that waits for its time has found its grant gone."""
        return not client.call("job.list", name="fickle", limit=1,
                               state=["queued", "running"])["items"]

    def calm(self, client):
        """Few jobs wait: the load is no flood, even after many deaths."""
        return client.call("status")["jobs"]["queued"] < self.most

    # --- What holds after each death

    def after_death(self):
        """The processes go, the database is whole, nothing is missing."""
        self.agent.process.wait(10)
        self.deaths += 1
        old = [pid for pid in descendants(os.getpid())]
        wait_until(lambda: not any(map(alive, old)), 10)
        for pid in old:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass
        self.agent.process = None
        self.check_database()

    def copy(self):
        """The database as the dead left it, in another place."""
        data = self.agent.folder / "data"
        copy = self.agent.folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for path in data.glob("agent.db*"):
            if not path.name.endswith("-shm"):
                shutil.copy(path, copy)
        return copy / "agent.db"

    def check_database(self):
        path = self.copy()
        if not path.exists():
            assert not self.acknowledged
            return
        states = check_database(path, self.acknowledged)
        for job, kind in self.acknowledged.items():
            if kind == "cancelled":
                assert states[job] == "cancelled", job

    # --- What holds at the end

    @staticmethod
    def all_jobs(client):
        jobs, before = {}, None
        while True:
            more = {"before": before} if before else {}
            page = client.call("job.list", limit=1000, **more)["items"]
            for job in page:
                jobs[job["id"]] = job
            if len(page) < 1000:
                return jobs
            before = page[-1]["id"]

    def finish(self):
        """A start without a death: all ends as it may, and ran as it may."""
        agent = self.agent
        agent.settings["jobs"] = {"frail": agent.settings["jobs"]["frail"]}
        spawners = set(self.spawners)
        assert self.start()
        client = Client(agent.socket)
        self.again(client)

        def over():
            counts = client.call("status")["jobs"]
            for job in client.call("job.list", state=["queued"],
                                   limit=1000)["items"]:
                if self.acknowledged.get(job["id"]) != "cancelled" and \
                        job["scheduled_at"].startswith("2099"):
                    client.call("job.cancel", id=job["id"])
            return counts["queued"] + counts["running"] == 0

        def count():
            jobs = client.call("status")["jobs"]
            return jobs["queued"] + jobs["running"]
        left = count()
        while left:  # as long as it goes on at all
            wait_until(lambda: over() or count() < left, 60)
            left = count()
        jobs = self.all_jobs(client)
        self.check_ends(jobs)
        self.check_starts(jobs)
        self.check_times(jobs)
        wait_until(lambda: not groups_of(spawners), 10)
        client.close()
        assert agent.stop() == 0
        self.check_database()
        return jobs

    def check_ends(self, jobs):
        for id, kind in self.acknowledged.items():
            assert id in jobs, "%s job %d is missing" % (kind, id)
            assert jobs[id]["state"] in ENDS[kind], (kind, jobs[id])
        for job in jobs.values():
            assert job["state"] in STATES[2:], job
        names = collections.Counter(job["name"] for job in jobs.values())
        for key, id in self.keys.items():
            assert names[key] == 1 and jobs[id]["name"] == key, key

    def check_starts(self, jobs):
        """No attempt began twice, and none that counts did not begin."""
        starts = collections.Counter(
            tuple(map(int, line.split()))
            for line in self.starts.read_text().splitlines())
        twice = {s for s, n in starts.items() if n > 1}
        assert not twice, "(job, attempt) that began twice: %s" % twice
        for id, attempt in starts:
            assert id in jobs, "job %d ran and is not there" % id
            assert attempt <= jobs[id]["attempt"], jobs[id]
        runs = collections.Counter(id for id, _ in starts)
        for id, job in jobs.items():
            if job["name"] in ONCE:
                assert runs[id] <= 1, "on_crash: fail, and ran twice"
            if job["state"] == "succeeded" and \
                    job["plugin"] not in ("sh", "bulky"):
                assert (id, job["attempt"]) in starts, job

    @staticmethod
    def check_times(jobs):
        """No due time of a schedule is there twice."""
        due = collections.Counter(
            (job["name"], job["scheduled_at"]) for job in jobs.values()
            if job["trigger"] == "schedule")
        twice = [d for d, n in due.items() if n > 1]
        assert not twice, "due once, and there twice: %s" % twice
