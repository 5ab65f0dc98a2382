"""Jobs, from the socket to the record."""

import time

import pytest

from conftest import RpcError, wait_until


def test_a_job_runs_and_its_record_says_how(agent):
    agent.noop()
    agent.start()
    record = agent.run("noop", a=1)
    assert record["state"] == "succeeded"
    assert record["result"] == {"attempt": 1, "params": {"a": 1}}
    assert record["name"] == record["plugin"] == "noop"
    assert record["trigger"] == "job"
    assert record["started_at"] <= record["finished_at"]
    assert agent.call("job.get", id=record["id"])["state"] == "succeeded"


def test_it_stops_when_it_is_told_to(agent):
    agent.noop()
    agent.start()
    agent.run("noop")
    assert agent.stop() == 0
    assert agent.logged("stopped")


def test_what_is_submitted_is_there_after_a_restart(agent):
    agent.noop()
    agent.start()
    first = agent.run("noop")
    agent.stop()
    agent.start()
    assert agent.call("job.get", id=first["id"])["result"] == first["result"]
    assert agent.run("noop")["id"] > first["id"]


def test_shell_plugins_run(agent):
    agent.plugin("hello", """
        # /// devops_agent
        # name: hello
        # version: 1.0.0
        # description: A test.
        # params: {type: object, properties: {name: {type: string}}}
        # ///
        echo "{\\"hello\\": \\"$PARAM_NAME\\"}"
        """, kind="shell")
    agent.start()
    assert agent.run("hello", name="x")["result"] == {"hello": "x"}


def test_unknown_plugins_are_refused_with_the_nearest_name(agent):
    agent.noop()
    agent.start()
    with pytest.raises(RpcError) as error:
        agent.run("nop")
    assert error.value.kind == "not_found"
    assert "noop" in str(error.value) + error.value.data.get("hint", "")


def test_parameters_are_checked_before_a_job_is_made(agent):
    agent.plugin("strict", """
        # /// devops_agent
        # name: strict
        # version: 1.0.0
        # description: A test.
        # params:
        #   type: object
        #   properties: {n: {type: integer}}
        #   required: [n]
        # ///
        def register():
            return lambda job: job.params["n"]
        """)
    agent.start()
    with pytest.raises(RpcError) as error:
        agent.run("strict")
    assert error.value.kind == "usage" and "n" in str(error.value)
    assert agent.call("job.list")["items"] == []
    assert agent.run("strict", n=3)["result"] == 3


def test_what_was_not_granted_is_refused(agent):
    agent.plugin("reader", """
        # /// devops_agent
        # name: reader
        # version: 1.0.0
        # description: A test.
        # permissions: {read: [/etc/hostname]}
        # ///
        def register():
            return lambda job: open("/etc/hostname").read()
        """)
    agent.start()
    with pytest.raises(RpcError) as error:
        agent.run("reader")
    assert error.value.kind == "denied"
    assert any("/etc/hostname" in line
               for line in error.value.data["difference"])
    agent.cli("plugin", "allow", "reader", check=True)
    assert agent.run("reader")["state"] == "succeeded"


def test_a_failure_is_tried_again(agent):
    agent.plugin("flaky", """
        # /// devops_agent
        # name: flaky
        # version: 1.0.0
        # description: A test.
        # ///
        def register():
            return run

        def run(job):
            job.log.info("attempt %d" % job.attempt)
            if job.attempt < 3:
                raise ValueError("not yet")
            return job.attempt
        """)
    agent.start()
    record = agent.call("job.submit", plugin="flaky", wait=True,
                        retry={"max": 3, "backoff_ms": 10})
    assert record["state"] == "succeeded"
    assert record["result"] == record["attempt"] == 3
    attempts = agent.call("job.get", id=record["id"])["attempts"]
    assert [a["attempt"] for a in attempts] == [1, 2]
    assert all("not yet" in a["error"]["message"] for a in attempts)
    lines = agent.call("job.logs", id=record["id"])["items"]
    assert [line["message"] for line in lines
            if line["message"].startswith("attempt")] == [
                "attempt 1", "attempt 2", "attempt 3"]


def test_retries_end(agent):
    agent.plugin("bad", """
        # /// devops_agent
        # name: bad
        # version: 1.0.0
        # description: A test.
        # ///
        def register():
            return run

        def run(job):
            raise job.Retry("later", after=0.01)
        """)
    agent.start()
    record = agent.call("job.submit", plugin="bad", wait=True,
                        retry={"max": 2, "backoff_ms": 1})
    assert record["state"] == "failed" and record["attempt"] == 3


def slow(agent, seconds=60, name="slow", header=""):
    agent.plugin(name, """
        # /// devops_agent
        # name: %s
        # version: 1.0.0
        # description: A test.
        # %s
        # ///
        import time

        def register():
            return run

        def run(job):
            job.log.info("running")
            time.sleep(%r)
        """ % (name, header, seconds))


def state(agent, id):
    return agent.call("job.get", id=id)["state"]


def test_a_running_job_is_cancelled(agent):
    slow(agent)
    agent.start()
    id = agent.call("job.submit", plugin="slow")["id"]
    wait_until(lambda: state(agent, id) == "running")
    record = agent.call("job.cancel", id=id)
    assert record["state"] == "cancelled"
    with pytest.raises(RpcError) as error:
        agent.call("job.cancel", id=id)
    assert error.value.kind == "conflict"


def test_a_waiting_job_is_cancelled(agent):
    agent.noop()
    agent.start()
    id = agent.call("job.submit", plugin="noop",
                    at="2099-01-01T00:00:00Z")["id"]
    assert state(agent, id) == "queued"
    assert agent.call("job.cancel", id=id)["state"] == "cancelled"


def test_a_delayed_job_runs_at_its_time(agent):
    agent.noop()
    agent.start()
    at = time.time() + 1
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + ".000Z"
    began = time.time()
    record = agent.call("job.submit", plugin="noop", at=text, wait=True)
    assert record["state"] == "succeeded"
    assert time.time() >= int(at) and time.time() - began < 20


def test_a_job_times_out(agent):
    slow(agent)
    agent.start()
    record = agent.call("job.submit", plugin="slow", wait=True,
                        timeout_ms=300)
    assert record["state"] == "timed_out"


def test_a_job_waits_for_its_turn_no_longer_than_it_may(agent):
    slow(agent)
    agent.noop()
    agent.settings["workers"] = {"max": 1}
    agent.start()
    agent.call("job.submit", plugin="slow")
    record = agent.call("job.submit", plugin="noop", wait=True,
                        queue_timeout_ms=200)
    assert record["state"] == "failed"
    assert record["error"]["code"] == "queue_timeout"


def test_the_same_key_is_the_same_job(agent):
    agent.noop()
    agent.start()
    first = agent.call("job.submit", plugin="noop", key="k", wait=True)
    again = agent.call("job.submit", plugin="noop", key="k", wait=True)
    assert again["id"] == first["id"]
    with pytest.raises(RpcError):
        agent.call("job.submit", plugin="noop", key="k", params={"x": 1})
    assert agent.call("job.submit", plugin="noop", key="other",
                      wait=True)["id"] != first["id"]


def test_higher_priorities_go_first(agent):
    slow(agent, 1)
    agent.noop()
    agent.settings["workers"] = {"max": 1}
    agent.start()
    agent.call("job.submit", plugin="slow")
    low = agent.call("job.submit", plugin="noop", priority=-5)["id"]
    high = agent.call("job.submit", plugin="noop", priority=5)["id"]
    low = agent.call("job.wait", id=low)
    high = agent.call("job.wait", id=high)
    assert high["started_at"] <= high["finished_at"] <= low["started_at"]


def test_one_plugins_many_jobs_do_not_starve_anothers_one(agent):
    agent.noop("many")
    agent.noop("one")
    agent.settings["workers"] = {"max": 1}
    agent.start()
    client = agent.client()
    for _ in range(40):
        client.send("job.submit", plugin="many")
    one = client.call("job.submit", plugin="one", wait=True)
    jobs = agent.call("job.list", name="many", limit=1000)["items"]
    later = [job for job in jobs if job["state"] == "queued"
             or job["started_at"] > one["started_at"]]
    assert len(later) > 30


def test_a_job_is_done_again(agent):
    agent.noop()
    agent.start()
    first = agent.run("noop", x=7)
    again = agent.call("job.retry", id=first["id"])
    assert again["retry_of"] == first["id"]
    assert agent.call("job.wait", id=again["id"])["result"]["params"] == {
        "x": 7}


def test_logs_are_followed(agent):
    agent.plugin("talker", """
        # /// devops_agent
        # name: talker
        # version: 1.0.0
        # description: A test.
        # ///
        import time

        def register():
            return run

        def run(job):
            for i in range(5):
                job.log.info("line %d" % i)
                job.progress(i / 5, "step")
                time.sleep(0.05)
            return "done"
        """)
    agent.start()
    client = agent.client()
    record = client.call("job.submit", plugin="talker", follow=True)
    assert record["result"] == "done"
    assert [n["params"]["message"] for n in client.notes
            if n["method"] == "log"] == ["line %d" % i for i in range(5)]
    assert any(n["method"] == "progress" for n in client.notes)
    lines = agent.call("job.logs", id=record["id"])["items"]
    assert [line["message"] for line in lines] == [
        "line %d" % i for i in range(5)]


def test_a_stop_lets_running_jobs_finish(agent):
    slow(agent, 1)
    agent.start()
    id = agent.call("job.submit", plugin="slow")["id"]
    wait_until(lambda: state(agent, id) == "running")
    assert agent.stop() == 0
    agent.start()
    assert state(agent, id) == "succeeded"


def test_what_waits_at_a_stop_runs_after_the_next_start(agent):
    slow(agent, 1)
    agent.noop()
    agent.settings["workers"] = {"max": 1}
    agent.start()
    agent.call("job.submit", plugin="slow")
    id = agent.call("job.submit", plugin="noop")["id"]
    agent.stop()
    agent.start()
    assert agent.call("job.wait", id=id)["state"] == "succeeded"
