"""Workers: ahead of need, reused, replaced, and gone."""

import os
import signal
import time

from conftest import descendants, wait_until
from test_jobs import slow, state


def pool(agent, plugin):
    found = [p for p in agent.call("status")["pools"]
             if p["plugin"] == plugin]
    return found[0] if found else {"idle": 0, "busy": 0, "starting": 0}


PID = """
    # /// devops_agent
    # name: pid
    # version: 1.0.0
    # description: A test.
    # workers: {%s}
    # ///
    import os, time

    N = [0]

    def register():
        return run

    def run(job):
        N[0] += 1
        return N[0]
    """


def test_workers_wait_ahead_of_need_and_are_replaced(agent):
    agent.plugin("pid", PID % "min_idle: 2, max: 4")
    agent.start()
    wait_until(lambda: pool(agent, "pid")["idle"] == 2)
    for _ in range(6):
        assert agent.run("pid")["result"] == 1, "each has its own process"
    wait_until(lambda: pool(agent, "pid")["idle"] == 2)


def test_a_worker_serves_as_many_jobs_as_it_may(agent):
    agent.plugin("pid", PID % "min_idle: 1, max: 1, max_jobs: 3")
    agent.start()
    results = [agent.run("pid")["result"] for _ in range(7)]
    assert results == [1, 2, 3, 1, 2, 3, 1]


def test_a_changed_plugin_is_not_served_by_old_workers(agent):
    agent.plugin("pid", PID % "min_idle: 1, max: 2, max_jobs: 100")
    agent.start()
    assert agent.run("pid")["result"] == 1
    agent.plugin("pid", (PID % "min_idle: 1, max: 2, max_jobs: 100").replace(
        "return N[0]", "return 'new'"))
    assert agent.run("pid")["result"] == "new"


def test_a_revoked_grant_holds_at_once(agent):
    agent.plugin("pid", PID % "min_idle: 1, max_jobs: 100")
    agent.start()
    wait_until(lambda: pool(agent, "pid")["idle"] == 1)
    agent.cli("plugin", "deny", "pid", check=True)
    try:
        agent.run("pid")
        refused = False
    except Exception as error:
        refused = error.kind == "denied"
    assert refused
    wait_until(lambda: pool(agent, "pid")["idle"] == 0)


def test_a_plugin_that_does_not_load_is_throttled_and_says_why(agent):
    agent.plugin("broken", """
        # /// devops_agent
        # name: broken
        # version: 1.0.0
        # description: A test.
        # workers: {min_idle: 1}
        # ///
        import no_such_module
        """)
    agent.noop()
    agent.start()
    wait_until(lambda: agent.logged("did not start"))
    before = time.time()
    wait_until(lambda: time.time() > before + 3)
    assert len(agent.logged("did not start")) <= 4
    record = agent.run("broken")
    assert record["state"] == "failed"
    assert "no_such_module" in record["error"]["message"]
    assert agent.run("noop")["state"] == "succeeded"


def test_a_worker_that_dies_idle_is_replaced(agent):
    # one at most: of two that are killed, one death is seen before the other
    agent.plugin("pid", PID % "min_idle: 1, max: 1, max_jobs: 100")
    agent.start()
    assert agent.run("pid")["result"] == 1
    wait_until(lambda: pool(agent, "pid")["idle"] == 1)
    for pid in descendants(agent.process.pid):
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            if b"_loader" in file.read():
                os.kill(pid, signal.SIGKILL)
    wait_until(lambda: agent.logged("by signal") or agent.logged("died"))
    assert agent.run("pid")["result"] == 1


def test_no_process_is_left_when_the_agent_is_killed(agent):
    slow(agent)
    agent.plugin("pid", PID % "min_idle: 3")
    agent.start()
    id = agent.call("job.submit", plugin="slow")["id"]
    wait_until(lambda: state(agent, id) == "running")
    wait_until(lambda: pool(agent, "pid")["idle"] == 3)
    pids = agent.processes()
    assert len(pids) >= 9
    agent.kill()
    wait_until(lambda: not [pid for pid in pids
                            if os.path.exists("/proc/%d" % pid)], 5)


def test_the_agent_ends_when_its_spawner_dies(agent):
    agent.noop()
    agent.start()
    spawner = [pid for pid in agent.processes()
               if b"spawner" in open("/proc/%d/cmdline" % pid, "rb").read()
               or b"spawner" in open("/proc/%d/comm" % pid, "rb").read()]
    assert len(spawner) == 1
    os.kill(spawner[0], signal.SIGKILL)
    assert agent.process.wait(10) == 125
    agent.process = None
    assert agent.logged("spawner died")


def test_more_workers_than_the_agent_may_have_wait(agent):
    slow(agent, 0.5)
    agent.settings["workers"] = {"max": 2}
    agent.start()
    client = agent.client()
    ids = [client.call("job.submit", plugin="slow")["id"] for _ in range(6)]
    most = 0
    while [id for id in ids if state(agent, id) in ("queued", "running")]:
        status = agent.call("status")
        most = max(most, status["jobs"]["running"])
    assert most == 2


def test_a_job_that_runs_when_the_agent_dies_runs_again(agent):
    slow(agent, 1.5)
    agent.start()
    id = agent.call("job.submit", plugin="slow")["id"]
    wait_until(lambda: state(agent, id) == "running")
    agent.kill()
    agent.start()
    record = agent.call("job.wait", id=id)
    assert record["state"] == "succeeded" and record["attempt"] == 2
    assert agent.call("job.get", id=id)["attempts"][0]["error"][
        "code"] == "lost"


def test_a_job_is_lost_where_its_policy_says_so(agent):
    slow(agent, 60)
    agent.settings["jobs"] = {"once": {"plugin": "slow",
                                       "on_crash": "fail"}}
    agent.start()
    id = agent.call("schedule.trigger", name="once")["id"]
    wait_until(lambda: state(agent, id) == "running")
    agent.kill()
    agent.start()
    assert agent.call("job.get", id=id)["state"] == "lost"


def test_two_agents_do_not_share_a_folder(agent):
    agent.noop()
    agent.start()
    second = agent.cli()
    assert second.returncode == 125
    assert str(agent.process.pid) in second.stdout + second.stderr
    assert agent.run("noop")["state"] == "succeeded"
