"""The master dies at each named point; nothing is lost, nothing runs twice."""

import os

import pytest

from crashes import Load, points, transitions
from conftest import wait_until

PASSINGS = [int(n) for n in os.environ.get("CRASH_PASSINGS", "1").split()]

# What the agent can't pass in its ordinary work.
AT_START = {"recover-rerun", "recover-lose", "recover-written",
            "recover-done"}
PLACE = {"place-made", "place-moved", "place-cleared", "place-filled"}
PRUNE = {"prune-deleted", "prune-done", "prune-shrunk"}
# A start of the agent does it: it is the point recover-lose.
NOT_UNDER_LOAD = {("running", "lost")}


def under_load():
    pairs = transitions() - NOT_UNDER_LOAD
    assert len(pairs) == 10
    pairs |= {("none", "queued"), ("queued", "queued")}
    return sorted(points() - AT_START - PLACE - PRUNE) + [
        "%s-%s-%s" % (when, *pair) for pair in sorted(pairs)
        for when in ("written", "committed")]


def test_at_every_point_under_load(agent):
    load = Load(agent)
    for nth in PASSINGS:
        for point in under_load():
            if load.start("%s:%d" % (point, nth)):
                load.drive(30 if nth == 1 else 8)
            # a service is handed over once; most others come again
            if nth > 1 and not load.died():
                load.kill()
            assert load.died(), "%s:%d is never passed" % (point, nth)
            assert agent.process.returncode == -9, point
            load.after_death()
    load.finish()


@pytest.mark.parametrize("nth", [n for n in PASSINGS if n <= 2])
def test_in_recovery_itself(agent, nth):
    load = Load(agent)
    # it must still run when it is looked at, however slow the machine is
    agent.settings["jobs"]["frail"].update(
        priority=70, params={"do": "slow", "seconds": 10})
    for point in sorted(AT_START):
        load.start()
        load.drive(0.4)
        load.ask(agent.client(), [
            ("slow", "job.submit", {
                "plugin": "mix", "priority": 60,
                "params": {"do": "slow", "seconds": 10}})] * (nth + 1))
        load.ask(agent.client(), [("frail", "schedule.trigger",
                                   {"name": "frail"})])
        wait_until(lambda: agent.call("job.list", name="frail",
                                      state=["running"])["items"])
        wait_until(lambda: len(agent.call("job.list", name="mix", state=[
            "running"])["items"]) > nth)
        load.kill()
        load.after_death()
        nth_here = nth if point.endswith("rerun") else 1
        assert not load.start("%s:%d" % (point, nth_here)), point
        assert agent.process.returncode == -9, point
        load.after_death()
    load.finish()


def test_while_a_database_takes_its_place(agent):
    load = Load(agent)
    for point in sorted(PLACE - {"place-moved"}):
        assert not load.start(point), point
        load.after_death()
        for path in (agent.folder / "data").glob("agent.db*"):
            path.unlink()
    # and while a damaged one makes room
    database = agent.folder / "data" / "agent.db"
    for point in [*sorted(PLACE), "place-moved:2", "place-moved:3"]:
        database.write_bytes(b"no database, and longer than its header" * 99)
        assert not load.start(point), point
        load.agent.process.wait()
        load.agent.process = None
    assert load.start()
    assert load.drive(0.3) is False
    assert list(database.parent.glob("agent.db.damaged-*"))
    load.kill()
    load.after_death()
    load.finish()


def test_in_retention(agent):
    """What retention takes is gone, what it must not take is there."""
    load = Load(agent)
    agent.settings["storage"] = {"retention": {"age": "1d", "size": "1MiB"}}
    agent.settings["jobs"] = {"frail": agent.settings["jobs"]["frail"]}
    agent.plugin("bulky", """
        # /// devops_agent
        # name: bulky
        # version: 1.0.0
        # description: A test.
        # workers: {min_idle: 1, max: 1, max_jobs: 1000}
        # ///
        def register():
            return lambda job: "x" * 100000
        """)
    for point in sorted(PRUNE):
        load.start(point)
        client = agent.client()
        waiting = client.call("job.submit", plugin="bulky",
                              at="2099-01-01T00:00:00Z")["id"]
        load.acknowledged[waiting] = "perhaps"
        for _ in range(40):
            try:
                client.call("job.submit", plugin="bulky", wait=True)
            except (AssertionError, OSError):  # it was fast
                break
        assert wait_until(load.died, 30), point
        assert agent.process.returncode == -9, point
        load.after_death()
    load.finish()
