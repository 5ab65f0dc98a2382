"""The master's part of forwarding, with a test in the forwarder's place."""

import json
import os
import random
import shutil
import sqlite3
import tempfile
import threading

import pytest

from conftest import RpcError, wait_until
from stand_in import PeerAgent

LOGGER = """
    # /// devops_agent
    # name: logger
    # version: 1.0.0
    # description: A test.
    # params: {type: object}
    # ///

    def register():
        return run


    def run(job):
        for i in range(job.params.get("lines", 2)):
            job.log.info("line %d", i)
        return {"text": "x" * job.params.get("bytes", 0)}
    """

FOLLOWER = """
    # /// devops_agent
    # name: follower
    # version: 1.0.0
    # description: A test.
    # ///

    import time


    def register():
        return run


    def run(job):
        n = 0
        while not job.cancelled:
            n += 1
            job.log.info("tick %d", n)
            time.sleep(0.02)
    """


class Forwarding(PeerAgent):
    def __init__(self, folder):
        super().__init__(folder, name="forward")
        self.settings["agent"]["listen_addr"] = ""
        self.settings["forward"] = [self.destination("central")]
        self.noop()
        self.plugin("logger", LOGGER)

    @staticmethod
    def destination(name, **more):
        return {"name": name, "url": "https://collector.example/v1", **more}

    def forwarder(self):
        """The next one that is executed, ready."""
        peer = self.peer()
        peer.configured = peer.ready()
        return peer

    def status(self, name="central"):
        for d in self.call("forward.status")["items"]:
            if d["name"] == name:
                return d
        return None

    def database(self):
        return sqlite3.connect(self.folder / "data" / "agent.db")


def next_batch(peer, after=None, name="central", records=500, bytes=1 << 20,
               wait_ms=10000):
    params = {"destination": name, "records": records, "bytes": bytes,
              "wait_ms": wait_ms}
    if after is not None:
        params["after"] = after
    return peer.call("batch.next", **params)


def done(peer, at, accepted=0, aside=(), name="central"):
    return peer.call("batch.done", destination=name, batch=at,
                     accepted=accepted, aside=list(aside))


def ids(batch):
    """Without the agent's own id: "42", "42-1"."""
    return [r["id"][37:] for r in batch["records"]]


@pytest.fixture
def agent(request):
    folder = tempfile.mkdtemp(prefix="t-forward-")
    os.chmod(folder, 0o755)
    agent = Forwarding(folder)
    yield agent
    if agent.process is not None:
        agent.kill()
    agent.listener.close()
    if not getattr(request.node, "failed", False):
        shutil.rmtree(folder, ignore_errors=True)


def test_it_is_told_its_destinations_with_their_secrets(agent):
    agent.settings["forward"][0]["auth"] = {"bearer": "${TOKEN}"}
    agent.settings["agent"]["labels"] = {"role": "web"}
    agent.environment["TOKEN"] = "hunter2hunter2"
    agent.start()
    told = agent.forwarder().configured
    assert told["agent"]["id"] == agent.call("status")["agent"]["id"]
    assert told["agent"]["labels"] == {"role": "web"}
    [d] = told["destinations"]
    assert d["name"] == "central" and d["format"] == "jsonl"
    assert d["auth"]["bearer"] == "hunter2hunter2"
    assert d["batch"] == {"records": 500, "size_bytes": 1 << 20,
                          "wait_ms": 2000}
    assert "hunter2" not in agent.log.read_text()
    assert "hunter2" not in agent.cli("config", "show").stdout


def test_jobs_come_in_the_order_of_their_ends_each_after_its_log(agent):
    agent.start()
    peer = agent.forwarder()
    first = agent.run("noop", a=1)
    second = agent.run("logger", lines=2)
    batch = next_batch(peer)
    assert ids(batch) == [str(first["id"]), "%d-1" % second["id"],
                          "%d-2" % second["id"], str(second["id"])]
    job, line = batch["records"][0], batch["records"][1]
    record = agent.call("job.get", id=first["id"])
    assert job["kind"] == "job"
    assert job["record"] == record
    assert job["id"].startswith(record["agent"]["id"])
    assert line["kind"] == "log"
    assert line["record"]["message"] == "line 0"
    assert line["record"]["job"] == second["id"]
    assert line["record"]["name"] == "logger"
    assert batch["more"] is False


def test_a_batch_that_waits_is_answered_when_a_job_ends(agent):
    agent.start()
    peer = agent.forwarder()
    asked = peer.send("batch.next", destination="central", records=10,
                      bytes=1000, wait_ms=60000)
    record = agent.run("noop")
    batch = peer.answer(asked)
    assert ids(batch) == [str(record["id"])]
    done(peer, batch["batch"], accepted=1)
    empty = next_batch(peer, after=batch["batch"], wait_ms=1)
    assert empty["records"] == []
    assert empty["batch"] == batch["batch"]


def test_what_is_done_does_not_come_again_and_the_rest_does(agent):
    agent.start()
    peer = agent.forwarder()
    jobs = [str(agent.run("noop")["id"]) for _ in range(5)]
    one = next_batch(peer, records=3)
    two = next_batch(peer, after=one["batch"], records=3)
    assert ids(one) + ids(two) == jobs
    assert one["more"] is True and two["more"] is False
    done(peer, one["records"][1]["at"], accepted=2)
    peer.end()
    peer = agent.forwarder()
    again = next_batch(peer)
    assert ids(again) == jobs[2:]
    agent.kill()
    agent.start()
    peer = agent.forwarder()
    again = next_batch(peer)
    assert ids(again) == jobs[2:]
    done(peer, again["batch"], accepted=3)
    assert agent.status()["accepted"] == 5
    assert agent.status()["lag"]["records"] == 0


def test_positions_that_are_none_are_conflicts(agent):
    agent.start()
    peer = agent.forwarder()
    agent.run("noop")
    batch = next_batch(peer)
    for position in ("", "x", "1", "1.0", "1.2", "2.1", "1.e1", "0.e"):
        with pytest.raises(RpcError) as error:
            done(peer, position)
        assert error.value.kind == "conflict"
    with pytest.raises(RpcError) as error:
        next_batch(peer, after="7.e")
    assert error.value.kind == "conflict"
    with pytest.raises(RpcError) as error:
        done(peer, batch["batch"], aside=[{"id": "x"}])
    assert error.value.kind == "usage"
    with pytest.raises(RpcError) as error:
        next_batch(peer, name="other")
    assert error.value.kind == "not_found"
    done(peer, batch["batch"], accepted=1)
    with pytest.raises(RpcError) as error:
        done(peer, batch["batch"])
    assert error.value.kind == "conflict"


def test_bytes_bound_a_batch_but_one_record_always_comes(agent):
    agent.start()
    peer = agent.forwarder()
    jobs = [str(agent.run("logger", lines=0, bytes=2000)["id"])
            for _ in range(3)]
    one = next_batch(peer, bytes=10)
    assert ids(one) == jobs[:1]
    two = next_batch(peer, after=one["batch"], bytes=6000)
    assert ids(two) == jobs[1:]
    three = next_batch(peer, after=two["batch"], wait_ms=0)
    assert ids(three) == []


def test_only_what_is_selected_is_sent(agent):
    agent.settings["forward"] = [
        agent.destination("jobs", select={"records": ["job"]}),
        agent.destination("logs", select={"records": ["log"],
                                          "jobs": ["log*"]})]
    agent.start()
    peer = agent.forwarder()
    a = agent.run("noop")["id"]
    b = agent.run("logger", lines=1)["id"]
    c = agent.run("logger", lines=0)["id"]
    assert ids(next_batch(peer, name="jobs")) == [str(a), str(b), str(c)]
    batch = next_batch(peer, name="logs")
    assert ids(batch) == ["%d-1" % b]
    done(peer, batch["batch"], name="logs")
    assert agent.status("logs")["lag"]["records"] == 0


def test_what_is_put_aside_is_kept_and_listed(agent):
    agent.start()
    peer = agent.forwarder()
    for _ in range(3):
        agent.run("noop")
    batch = next_batch(peer)
    poison = batch["records"][1]["id"]
    done(peer, batch["batch"], accepted=2, aside=[
        {"id": poison, "code": "400", "reason": "no such index",
         "excerpt": "<html>"}])
    status = agent.status()
    assert (status["accepted"], status["aside"]) == (2, 1)
    [one] = agent.call("forward.status", name="central")["items"]
    assert one["put_aside"][0]["id"] == poison
    assert one["put_aside"][0]["excerpt"] == "<html>"
    shown = agent.cli("forward", "status", "central").stdout
    assert "no such index" in shown and poison in shown
    assert agent.logged("put aside")
    with agent.database() as db:
        assert db.execute("SELECT count(*) FROM aside").fetchone() == (1,)


def test_lines_of_a_job_that_never_ends_come_as_they_are_written(agent):
    agent.plugin("follower", FOLLOWER)
    agent.settings["jobs"] = {"tail": {"plugin": "follower", "always": True}}
    agent.start()
    peer = agent.forwarder()
    seen, after = [], None
    while len(seen) < 20:
        batch = next_batch(peer, after=after, records=4)
        seen += ids(batch)
        done(peer, batch["batch"], accepted=len(batch["records"]))
        after = batch["batch"]
    job = seen[0].split("-")[0]
    assert seen == ["%s-%d" % (job, i + 1) for i in range(len(seen))]
    # another forwarder, another agent: on from there
    peer.end()
    peer = agent.forwarder()
    batch = next_batch(peer, records=1)
    assert ids(batch) == ["%s-%d" % (job, len(seen) + 1)]
    done(peer, batch["batch"], accepted=1)
    seen += ids(batch)
    agent.call("job.cancel", id=int(job))
    last = agent.call("job.wait", id=int(job))
    assert last["state"] == "cancelled"
    after = batch["batch"]
    while job not in seen:
        batch = next_batch(peer, after=after)
        seen += [i for i in ids(batch) if i.split("-")[0] == job]
        done(peer, batch["batch"], accepted=len(batch["records"]))
        after = batch["batch"]
    lines = seen[:seen.index(job)]
    assert lines == ["%s-%d" % (job, i + 1) for i in range(len(lines))]
    assert seen[seen.index(job):] == [job]


def test_replay_sends_again_and_what_was_under_way_begins_anew(agent):
    agent.start()
    peer = agent.forwarder()
    jobs = [str(agent.run("noop")["id"]) for _ in range(4)]
    batch = next_batch(peer)
    done(peer, batch["batch"], accepted=4)
    parked = peer.send("batch.next", destination="central", records=10,
                       bytes=1000, wait_ms=60000, after=batch["batch"])
    result = agent.cli("forward", "replay", "--since", "1h")
    assert result.returncode == 0, result.stderr
    assert "central: what 4 jobs recorded is sent again" in result.stdout
    with pytest.raises(RpcError) as error:
        peer.answer(parked)
    assert error.value.kind == "conflict"
    assert agent.status()["lag"]["records"] == 4
    assert ids(next_batch(peer)) == jobs
    assert agent.cli("forward", "replay").returncode == 2
    assert agent.cli("forward", "replay", "nope", "--since",
                     "1h").returncode == 4


def test_status_says_how_each_destination_is(agent):
    agent.start()
    agent.run("noop")
    assert agent.status()["state"] == "starting"
    peer = agent.forwarder()
    peer.say(method="destination", params={
        "name": "central", "state": "held", "error": "401 Unauthorized",
        "status": 401, "since_ms": 1000, "retry_at_ms": 61000})
    wait_until(lambda: agent.status()["state"] == "held")
    status = agent.status()
    assert status["error"] == "401 Unauthorized"
    assert status["status"] == 401
    assert status["since"] == "1970-01-01T00:00:01.000Z"
    assert status["lag"]["records"] == 1 and status["lag"]["bytes"] > 0
    out = agent.cli("forward", "status").stdout
    assert "central" in out and "held" in out and "401" in out
    assert agent.logged("destination central: held: 401 Unauthorized")
    metrics = {(m["name"], m["labels"].get("destination"),
                m["labels"].get("reason")): m.get("value")
               for m in agent.call("status")["metrics"]}
    assert metrics["devops_agent_forward_up", "central", None] == 0
    assert metrics["devops_agent_forward_lag_records", "central", None] == 1
    assert metrics["devops_agent_forward_dropped_total", "central",
                   "age"] == 0
    agent.kill()
    agent.start(wait=True)
    line = json.loads(agent.cli("forward", "status", "--json").stdout)
    assert line["name"] == "central"


def test_a_reload_applies_the_difference_and_keeps_cursors(agent):
    agent.settings["forward"].append(agent.destination("other"))
    agent.start()
    peer = agent.forwarder()
    jobs = [str(agent.run("noop")["id"]) for _ in range(3)]
    batch = next_batch(peer, records=2)
    done(peer, batch["batch"], accepted=2)
    done(peer, next_batch(peer, name="other")["batch"], name="other")
    agent.settings["forward"] = [agent.destination("central", rate=7),
                                 agent.destination("third")]
    agent.reload()
    told = peer.note("configure")
    assert [d["name"] for d in told["destinations"]] == ["central", "third"]
    assert told["destinations"][0]["rate"] == 7
    assert agent.logged("destination changed: central")
    assert agent.logged("destination removed: other")
    assert ids(next_batch(peer)) == jobs[2:]
    assert ids(next_batch(peer, name="third")) == jobs
    with pytest.raises(RpcError) as error:
        next_batch(peer, name="other")
    assert error.value.kind == "not_found"
    agent.settings["forward"].append(agent.destination("other"))
    agent.reload()
    more = str(agent.run("noop")["id"])
    assert ids(next_batch(peer, name="other")) == [more]


def test_a_token_that_is_refused_is_looked_up_again(agent):
    token = agent.folder / "token"
    token.write_text("first-token\n")
    agent.settings["forward"][0]["auth"] = {"bearer": "${file:token}"}
    agent.start()
    peer = agent.forwarder()
    assert peer.configured["destinations"][0]["auth"]["bearer"] == (
        "first-token")
    token.write_text("second-token\n")
    peer.say(method="destination", params={
        "name": "central", "state": "held", "error": "401", "status": 401})
    told = peer.note("configure")
    assert told["destinations"][0]["auth"]["bearer"] == "second-token"
    token.write_text("third-token\n")
    agent.reload()
    told = peer.note("configure")
    assert told["destinations"][0]["auth"]["bearer"] == "third-token"


def test_newest_first_leaves_the_rest_for_later(agent):
    agent.settings["forward"][0]["order"] = "newest"
    agent.start()
    peer = agent.forwarder()
    jobs = [str(agent.run("noop")["id"]) for _ in range(12)]
    seen, after = [], None
    while len(seen) < 12:
        batch = next_batch(peer, after=after, records=2)
        seen.append(ids(batch)[0])
        seen += ids(batch)[1:]
        done(peer, batch["batch"], accepted=2)
        after = batch["batch"]
    assert seen[:2] == jobs[-2:]
    assert seen[2:4] == jobs[-4:-2]
    assert sorted(seen, key=int) == jobs
    assert agent.status()["lag"]["records"] == 0


def test_what_is_owed_outlives_retention(agent):
    agent.start()
    jobs = [agent.run("noop")["id"] for _ in range(3)]
    peer = agent.forwarder()
    batch = next_batch(peer, records=1)
    done(peer, batch["batch"], accepted=1)
    agent.stop()
    with agent.database() as db:
        # 20 days ago, which retention is not to keep, and the buffer is
        db.execute("UPDATE ended SET finished_ms = finished_ms - 1728000000,"
                   " latest_ms = latest_ms - 1728000000")
    agent.settings["storage"] = {"retention": {"age": "1d"}}
    agent.settings["forward"][0]["buffer"] = {"age": "30d"}
    agent.start()
    peer = agent.forwarder()
    wait_until(lambda: gone(agent, jobs[0]))
    assert agent.call("job.get", id=jobs[1])["id"] == jobs[1]
    assert agent.status()["lag"]["records"] == 2
    agent.stop()
    agent.settings["forward"][0]["buffer"] = {"age": "10d"}
    agent.start()
    peer = agent.forwarder()
    wait_until(lambda: agent.status()["dropped"]["age"] == 2)
    assert agent.status()["lag"]["records"] == 0
    assert ids(next_batch(peer, wait_ms=0)) == []


def gone(agent, job):
    try:
        agent.call("job.get", id=job)
    except RpcError:
        return True
    return False


def test_nothing_is_lost_or_skipped_however_the_master_dies(agent):
    """kill -9 at random instants between batch.next and batch.done."""
    chance = random.Random(7)
    arrived, confirmed, submitted = [], set(), []
    agent.start()
    for life in range(12):
        peer = agent.forwarder()
        submitted += [agent.call("job.submit", plugin="logger", wait=True,
                                 params={"lines": 1})["id"]
                      for _ in range(6)]
        timer = threading.Timer(chance.uniform(0.0, 0.03),
                                agent.process.kill)
        after = None
        timer.start()
        try:
            while True:
                batch = next_batch(peer, after=after,
                                   records=chance.randint(1, 5),
                                   wait_ms=100)
                records = ids(batch)
                arrived += records
                if records and chance.random() < 0.8:
                    n = chance.randint(1, len(records))
                    done(peer, batch["records"][n - 1]["at"], accepted=n)
                    confirmed.update(records[:n])
                    after = batch["batch"] if n == len(records) else None
                else:
                    after = None
        except (AssertionError, OSError, ConnectionError):
            pass
        timer.join()
        agent.process.wait()
        agent.process = None
        agent.start()
        peer = agent.forwarder()
        assert not confirmed & set(ids(next_batch(peer, wait_ms=0))), life
        peer.end()
    peer = agent.forwarder()
    after = None
    while True:
        batch = next_batch(peer, after=after, wait_ms=0)
        if not batch["records"]:
            break
        arrived += ids(batch)
        done(peer, batch["batch"], accepted=len(batch["records"]))
        after = batch["batch"]
    want = [i for job in submitted for i in ("%d-1" % job, str(job))]
    assert set(arrived) == set(want)
    assert agent.status()["lag"]["records"] == 0
    first = list(dict.fromkeys(arrived))
    assert first == want
