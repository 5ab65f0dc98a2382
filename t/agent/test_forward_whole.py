"""Both halves of forwarding: from a job to a collector, whatever is killed."""

import json
import os
import pathlib
import signal
import sys
import threading

import pytest

from conftest import ROOT, descendants, wait_until

sys.path.insert(0, str(ROOT / "t" / "forward"))
from collector import Collector  # noqa: E402

LOGGER = """
    # /// devops_agent
    # name: logger
    # version: 1.0.0
    # description: A test.
    # params: {type: object}
    # workers: {max: 2, max_jobs: 1000}
    # ///

    def register():
        return run


    def run(job):
        job.log.info("line of %d", job.params["n"])
        job.metric("n", job.params["n"])
        return {"n": job.params["n"]}
    """


class Books:
    """Keeps what it gets; `busy` answers of 503 come first."""

    def __init__(self):
        self.busy = 0
        self.records = []
        self.tokens = set()
        self.lock = threading.Lock()
        self.collector = Collector(self.handle)

    def handle(self, request):
        lines = request.body().decode().splitlines()
        with self.lock:
            if self.busy:
                self.busy -= 1
                request.answer(503)
                return
            self.tokens.add(request.headers.get("authorization"))
            self.records += [json.loads(line) for line in lines]
            request.answer(200)

    def first(self):
        """Each record as it came first, in that order."""
        return list({r["record_id"]: r for r in reversed(self.records)}
                    .values())[::-1]


@pytest.fixture(name="books")
def books_fixture(agent):
    books = Books()
    agent.plugin("logger", LOGGER)
    agent.settings["agent"]["labels"] = {"role": "web"}
    agent.settings["forward"] = [{
        "name": "central", "url": books.collector.url, "format": "jsonl",
        "batch": {"records": 20, "wait": "10ms"},
        "auth": {"bearer": "s3cret"}}]
    return books


def forwarders(agent):
    """The process ids of the agent's forwarder."""
    found = []
    for pid in descendants(agent.process.pid):
        try:
            name = pathlib.Path(os.readlink(f"/proc/{pid}/exe")).name
        except OSError:
            continue
        if name.startswith("devops_agent-forward"):
            found.append(pid)
    return found


def submit(agent, first, n):
    client = agent.client()
    for i in range(first, first + n):
        client.call("job.submit", plugin="logger", params={"n": i})
    client.close()


def arrived(books, n):
    """Whether the records of n jobs, and of their lines, are there."""
    return len({r["record_id"] for r in books.records}) >= 2 * n


def check(books, n):
    first = books.first()
    jobs = [r for r in first if r["kind"] == "job"]
    logs = [r for r in first if r["kind"] == "log"]
    assert sorted(r["result"]["n"] for r in jobs) == list(range(n))
    assert sorted(r["message"] for r in logs) == sorted(
        f"line of {i}" for i in range(n))
    seen = set()
    for r in first:  # the lines of a job stand before its record
        if r["kind"] == "log":
            assert r["job"] not in seen
        else:
            seen.add(r["id"])


def test_arrives(agent, books):
    """What jobs came to, and what they logged, arrives"""
    agent.start()
    submit(agent, 0, 50)
    wait_until(lambda: arrived(books, 50))
    check(books, 50)
    assert len(books.records) == 100, "none twice"
    job = [r for r in books.records if r["kind"] == "job"][0]
    assert job["agent"]["labels"] == {"role": "web"}
    assert job["record_id"] == f"{job['agent']['id']}-{job['id']}"
    assert job["metrics"][0]["name"] == "n"
    assert books.tokens == {"Bearer s3cret"}
    status = wait_until(lambda: [
        s for s in [agent.call("forward.status")]
        if json.dumps(s).count('"ok"')])
    assert status
    assert agent.stop() == 0


def test_kills(agent, books):
    """kill -9 of the forwarder and of the agent loses nothing"""
    agent.start()
    for turn in range(6):
        books.busy = 2
        submit(agent, turn * 40, 40)
        if turn % 2:
            agent.kill()
            agent.start()
        else:
            pid = wait_until(lambda: forwarders(agent))[0]
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: arrived(books, 240))
    check(books, 240)
    assert agent.stop() == 0


def test_other_certificates(agent, books, tmp_path):
    """Certificates in another folder: the forwarder starts anew"""
    agent.start()
    submit(agent, 0, 5)
    wait_until(lambda: arrived(books, 5))
    before = forwarders(agent)
    (tmp_path / "ca.crt").write_text("")
    agent.settings["forward"].append({
        "name": "other", "url": "https://127.0.0.1:1", "format": "jsonl",
        "tls": {"ca": str(tmp_path / "ca.crt")}})
    agent.reload()
    wait_until(lambda: forwarders(agent) not in ([], before))
    submit(agent, 5, 5)
    wait_until(lambda: arrived(books, 10))
    check(books, 10)
    assert agent.stop() == 0
