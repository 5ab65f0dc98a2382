"""Schedules: when jobs run, and what overlaps and downtimes come to."""

import time

import pytest

from conftest import RpcError, wait_until
from test_jobs import slow


def jobs(agent, **filter):
    return agent.call("job.list", limit=1000, **filter)["items"]


def schedule(agent, name):
    found = [s for s in agent.call("schedule.list")["items"]
             if s["name"] == name]
    return found[0] if found else None


def test_a_job_runs_every_second(agent):
    agent.noop()
    agent.settings["jobs"] = {"tick": {"plugin": "noop", "every": "1s"}}
    agent.start()
    wait_until(lambda: len(jobs(agent, name="tick", state="succeeded")) >= 3)
    done = jobs(agent, name="tick", state="succeeded")
    assert {job["trigger"] for job in done} == {"schedule"}
    due = sorted(job["scheduled_at"] for job in done)
    assert len(set(due)) == len(due)
    assert all(at.endswith(".000Z") for at in due)


def test_the_list_says_what_there_is(agent):
    agent.noop()
    agent.settings["jobs"] = {
        "cronned": {"plugin": "noop", "cron": "*/5 * * * *",
                    "timezone": "Europe/Berlin"},
        "called": {"plugin": "noop"}}
    agent.start()
    cronned = schedule(agent, "cronned")
    assert cronned["when"] == "cron */5 * * * *"
    assert cronned["timezone"] == "Europe/Berlin"
    assert cronned["next"] is not None
    assert schedule(agent, "called")["next"] is None
    times = agent.call("schedule.next", name="cronned")["items"][0]["times"]
    assert len(times) == 5
    assert times[0]["local"][-6:] in ("+01:00", "+02:00")


def test_a_run_is_skipped_while_the_one_before_runs(agent):
    slow(agent, 60)
    agent.settings["jobs"] = {"over": {"plugin": "slow", "every": "1s"}}
    agent.start()
    wait_until(lambda: jobs(agent, name="over", state="cancelled"))
    skipped = jobs(agent, name="over", state="cancelled")[0]
    assert skipped["error"]["code"] == "skipped"
    assert len(jobs(agent, name="over", state="running")) == 1
    assert schedule(agent, "over")["skipped"] >= 1


def test_a_run_waits_for_the_one_before(agent):
    slow(agent, 1.5)
    agent.settings["jobs"] = {"over": {"plugin": "slow", "every": "1s",
                                       "overlap": "queue"}}
    agent.start()
    wait_until(lambda: len(jobs(agent, name="over", state="succeeded")) >= 2)
    done = sorted(jobs(agent, name="over", state="succeeded"),
                  key=lambda job: job["started_at"])
    for one, next in zip(done, done[1:]):
        assert one["finished_at"] <= next["started_at"]


def test_a_run_replaces_the_one_before(agent):
    slow(agent, 60)
    agent.settings["jobs"] = {"over": {"plugin": "slow", "every": "2s",
                                       "overlap": "replace"}}
    agent.start()
    wait_until(lambda: jobs(agent, name="over", state="cancelled"))
    assert jobs(agent, name="over", state="cancelled")[0][
        "error"]["code"] == "cancelled"
    wait_until(lambda: len(jobs(agent, name="over", state="running")) == 1)


def test_missed_runs_are_made_up_for_once(agent):
    agent.noop()
    agent.settings["jobs"] = {"tick": {"plugin": "noop", "every": "1s",
                                       "missed": "once"}}
    agent.start()
    wait_until(lambda: jobs(agent, name="tick", state="succeeded"))
    agent.stop()
    before = time.time()
    wait_until(lambda: time.time() > before + 4)
    agent.start()
    wait_until(lambda: [job for job in jobs(agent, name="tick",
                                            state="cancelled")
                        if job["error"]["code"] == "missed"])
    assert schedule(agent, "tick")["missed"] >= 2


def test_a_schedule_is_paused_and_resumed(agent):
    agent.noop()
    agent.settings["jobs"] = {"tick": {"plugin": "noop", "every": "1s"}}
    agent.start()
    wait_until(lambda: jobs(agent, name="tick"))
    assert agent.call("schedule.pause", name="tick")["paused"]
    count = len(jobs(agent, name="tick"))
    before = time.time()
    wait_until(lambda: time.time() > before + 2.5)
    assert len(jobs(agent, name="tick")) == count
    # and a restart does not forget it
    agent.stop()
    agent.start()
    assert schedule(agent, "tick")["paused"]
    agent.call("schedule.resume", name="tick")
    wait_until(lambda: len(jobs(agent, name="tick")) > count)


def test_a_schedule_is_triggered(agent):
    agent.noop()
    agent.settings["jobs"] = {"called": {"plugin": "noop",
                                         "params": {"x": 1}}}
    agent.start()
    record = agent.call("schedule.trigger", name="called", wait=True)
    assert record["name"] == "called" and record["trigger"] == "trigger"
    assert record["result"]["params"] == {"x": 1}
    with pytest.raises(RpcError) as error:
        agent.call("schedule.trigger", name="caled")
    assert error.value.kind == "not_found"
    assert "called" in error.value.data["hint"]


def test_a_client_makes_a_schedule_and_takes_it_away(agent):
    agent.noop()
    agent.start()
    made = agent.call("schedule.add", name="mine",
                      settings={"plugin": "noop", "every": "1s"})
    assert made["source"] == "client" and made["next"]
    wait_until(lambda: jobs(agent, name="mine", state="succeeded"))
    agent.stop()
    agent.start()
    assert schedule(agent, "mine")["when"] == "every 1s"
    count = len(jobs(agent, name="mine"))
    wait_until(lambda: len(jobs(agent, name="mine")) > count)
    agent.call("schedule.remove", name="mine")
    assert schedule(agent, "mine") is None


@pytest.mark.parametrize("settings,word", [
    ({"plugin": "noop", "every": "5"}, "every"),
    ({"plugin": "noop", "cron": "* * *"}, "cron"),
    ({"plugin": "noop", "every": "1m", "secrets": {"A": "x"}}, "secrets"),
    ({"plugin": "noop", "every": "1m",
      "params": {"x": "${file:/etc/shadow}"}}, "${"),
    ({"plugin": "noop", "evry": "1m"}, "every"),
])
def test_wrong_schedules_are_refused(agent, settings, word):
    agent.noop()
    agent.start()
    with pytest.raises(RpcError) as error:
        agent.call("schedule.add", name="wrong", settings=settings)
    assert error.value.kind == "usage"
    assert word in str(error.value) + error.value.data.get("hint", "")
    assert schedule(agent, "wrong") is None


def test_an_unknown_plugin_is_a_record_of_each_run(agent):
    agent.settings["jobs"] = {"gone": {"plugin": "not-there", "every": "1s"}}
    agent.start()
    wait_until(lambda: jobs(agent, name="gone", state="failed"))
    assert jobs(agent, name="gone")[0]["error"]["code"] == "not_found"


SERVICE = """
    # /// devops_agent
    # name: service
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
            job.log.info("turn %d" % n)
            job.metric("turns", n)
            time.sleep(0.05)
    """


def running(agent, name):
    found = jobs(agent, name=name, state="running")
    return found[0] if found else None


def test_a_service_runs_as_long_as_the_agent(agent):
    agent.plugin("service", SERVICE)
    agent.settings["jobs"] = {"follow": {"plugin": "service",
                                         "always": True}}
    agent.start()
    job = wait_until(lambda: running(agent, "follow"))
    assert job["trigger"] == "always"
    wait_until(lambda: len(agent.call("job.logs", id=job["id"])["items"]) > 5)
    assert agent.stop() == 0
    agent.start()
    record = agent.call("job.get", id=job["id"])
    assert record["state"] == "cancelled"
    assert record["metrics"][0]["name"] == "turns"
    assert wait_until(lambda: running(agent, "follow"))["id"] > job["id"]


def test_a_service_that_ends_is_started_again_with_growing_delay(agent):
    slow(agent, 0.01)
    agent.settings["jobs"] = {"short": {"plugin": "slow", "always": True}}
    agent.start()
    wait_until(lambda: len(jobs(agent, name="short")) >= 3)
    began = sorted(job["started_at"] for job in jobs(agent, name="short"))
    assert not [job for job in jobs(agent, name="short")
                if job["state"] == "running"][1:]
    assert began[1] > began[0]


def test_a_service_is_stopped_and_changed_by_a_reload(agent):
    agent.plugin("service", SERVICE)
    agent.settings["jobs"] = {"follow": {"plugin": "service",
                                         "always": True}}
    agent.start()
    job = wait_until(lambda: running(agent, "follow"))
    agent.reload()
    assert running(agent, "follow")["id"] == job["id"], "nothing changed"
    agent.settings["jobs"] = {}
    agent.reload()
    wait_until(lambda: not running(agent, "follow"))
    assert agent.call("job.get", id=job["id"])["state"] == "cancelled"


def test_a_reload_applies_the_difference_alone(agent):
    agent.noop()
    agent.settings["jobs"] = {"a": {"plugin": "noop", "every": "1h"},
                              "b": {"plugin": "noop", "every": "1h"}}
    agent.start()
    next_a = schedule(agent, "a")["next"]
    agent.settings["jobs"]["b"]["every"] = "2h"
    agent.settings["jobs"]["c"] = {"plugin": "noop"}
    agent.reload()
    assert schedule(agent, "a")["next"] == next_a
    assert schedule(agent, "b")["when"] == "every 2h"
    assert schedule(agent, "c")
    del agent.settings["jobs"]["a"]
    agent.reload()
    assert schedule(agent, "a") is None


def test_a_wrong_file_leaves_the_old_one_in_force(agent):
    agent.noop()
    agent.settings["jobs"] = {"a": {"plugin": "noop", "every": "1h"}}
    agent.start()
    agent.config.write_text("jobs: {a: {evry: 1h}}\n")
    agent.process.send_signal(1)
    wait_until(lambda: agent.logged("not reloaded"))
    assert "every" in agent.logged("not reloaded")[0]["message"]
    assert schedule(agent, "a")["when"] == "every 1h"
