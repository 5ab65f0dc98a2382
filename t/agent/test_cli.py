"""The commands that talk to the agent, against a real one."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

from conftest import PROGRAM, SECONDS, wait_until

TALK = """
    # /// devops_agent
    # name: talk
    # version: 1.0.0
    # description: A test.
    # params: {type: object}
    # ///
    import sys


    def register():
        return talk


    def talk(job):
        job.log.info("first", extra={"disk": "sda"})
        job.log.warning("two\\nlines \\x1b[31m")
        print("plain", file=sys.stderr)
        return {"said": job.params.get("what", "nothing")}
    """

WAYS = """
    # /// devops_agent
    # name: ways
    # version: 1.0.0
    # description: Ends in every way.
    # params:
    #   type: object
    #   properties: {how: {type: string}}
    #   additionalProperties: false
    # ///
    import os


    def register():
        return ways


    def ways(job):
        how = job.params.get("how", "null")
        if how == "raise":
            raise ValueError("wrong \\x1b]0;title\\x07")
        if how == "failed":
            raise job.Failed("no disk", code="no_disk")
        if how == "read":
            open("/etc/os-release")
        if how == "exit":
            os._exit(7)
        return None
    """

# One that is to end by its time limit: the others have time enough on any
# machine.
SLOW = """
    # /// devops_agent
    # name: slow
    # version: 1.0.0
    # description: Takes longer than it may.
    # params: {type: object}
    # limits: {timeout: 1s}
    # ///
    import time


    def register():
        return slow


    def slow(job):
        time.sleep(60)
    """

SLEEPER = """
    # /// devops_agent
    # name: sleeper
    # version: 1.0.0
    # description: Sleeps until it is cancelled.
    # params: {type: object}
    # ///
    import time


    def register():
        return sleeper


    def sleeper(job):
        job.log.info("asleep")
        job.progress(0.5, "half way")
        time.sleep(job.params.get("seconds", 60))
        return "awake"
    """

ASKS = """
    # /// devops_agent
    # name: asks
    # version: 1.0.0
    # description: Asks for what it has not.
    # permissions:
    #   read: [/etc/hostname]
    # ///

    def register():
        return lambda job: 1
    """


@pytest.fixture
def served(agent):
    """An agent with the plugins above."""
    agent.plugin("talk", TALK)
    agent.plugin("ways", WAYS)
    agent.plugin("slow", SLOW)
    agent.plugin("sleeper", SLEEPER)
    agent.plugin("asks", ASKS)
    agent.noop()
    return agent.start()


def lines(result):
    """JSON, one object a line."""
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def job(agent, *args):
    """The id that a command prints."""
    result = agent.cli(*args)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


# --- run --------------------------------------------------------------------

@pytest.mark.parametrize("args,status", [
    (["talk", "what=x"], 0),
    (["ways"], 0),
    (["ways", "how=raise"], 1),
    (["ways", "how=failed"], 1),
    (["ways", "how=exit"], 1),
    (["ways", "how=read"], 1),
    (["slow"], 124),
    (["ways", "how=1"], 2),
    (["ways", "--params", '{"hw": "x"}'], 2),
    (["ways", "--method", "other"], 1),
    (["asks"], 3),
    (["nothing"], 4),
    (["./plugins/python/talk.py"], 0),
    (["plugins/python/nothing.py"], 4),
])
def test_run_by_the_agent_looks_as_run_right_here(served, args, status):
    there = served.cli("run", *args)
    here = served.cli("run", "--local", *args)
    assert there.returncode == status, there.stderr
    assert here.returncode == status, here.stderr
    assert there.stdout == here.stdout
    if status != 4:
        assert there.stderr == here.stderr
    assert "\x1b" not in there.stderr


def test_run_is_a_job_of_the_agent_and_local_is_not(served):
    record = json.loads(served.cli("run", "--json", "noop").stdout)
    assert record["trigger"] == "job"
    assert served.call("job.get", id=record["id"])["state"] == "succeeded"
    record = json.loads(served.cli("run", "--json", "--local", "noop").stdout)
    assert record["trigger"] == "run"


def test_a_local_run_leaves_the_agents_jobs_alone(served):
    running = job(served, "job", "run", "--plugin", "sleeper")
    wait_until(lambda: served.call("job.get", id=int(running))["state"]
               == "running")
    assert served.cli("run", "--local", "noop").returncode == 0
    assert served.call("job.get", id=int(running))["state"] == "running"
    assert served.cli("job", "cancel", running).returncode == 0


def test_run_takes_secrets_to_the_agent(served):
    served.plugin("secret", """
        # /// devops_agent
        # name: secret
        # version: 1.0.0
        # description: A test.
        # permissions:
        #   secrets: [token]
        # ///

        def register():
            return lambda job: len(job.secrets["token"])
        """, allow=True)
    result = served.cli("run", "secret", "--secrets", '{"token": "abc"}')
    assert (result.returncode, result.stdout) == (0, "3\n"), result.stderr
    assert served.cli("run", "secret").returncode == 2


def test_run_without_an_agent_runs_right_here(agent):
    agent.plugin("talk", TALK)
    result = agent.cli("run", "talk")
    assert (result.returncode, result.stdout) == (0, '{"said":"nothing"}\n')


def test_run_of_a_user_who_may_not_hints_at_local(served):
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    os.chmod(served.folder / "data", 0o755)
    os.chmod(served.config, 0o644)

    def as_stranger(*args):
        return subprocess.run(
            ["setpriv", "--reuid", "61234", "--regid", "61234",
             "--clear-groups", PROGRAM, "--config", str(served.config),
             *args], capture_output=True, text=True, timeout=SECONDS)

    result = as_stranger("run", "noop")
    assert result.returncode == 3
    assert "not for this user" in result.stderr
    assert "--local" in result.stderr
    result = as_stranger("job", "list")
    assert result.returncode == 3
    assert "--local" not in result.stderr
    os.chmod(served.socket, 0o600)
    result = as_stranger("run", "noop")
    assert result.returncode == 3
    assert "--local" in result.stderr


# --- ^C ---------------------------------------------------------------------

def take_interrupts():
    """A shell's background job ignores them, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(agent, *args):
    return subprocess.Popen(
        [PROGRAM, "--config", str(agent.config), *args],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, cwd=agent.folder,
        preexec_fn=take_interrupts)


def status_of(process, key):
    """A line of its /proc/PID/status."""
    with open("/proc/%d/status" % process.pid) as file:
        return re.search(r"^%s:\s*(\S+)" % key, file.read(), re.M)[1]


def running(agent):
    """The jobs that run."""
    return agent.call("job.list", state="running")["items"]


@pytest.mark.parametrize("args", [
    ["run", "sleeper"],
    ["job", "run", "--name", "s", "--plugin", "sleeper", "--wait"],
])
def test_the_first_interrupt_cancels_the_job(served, args):
    process = start(served, *args)
    [record] = wait_until(lambda: running(served))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, err
    assert out == ""
    assert served.call("job.get", id=record["id"])["state"] == "cancelled"


def test_a_second_interrupt_leaves_at_once(served):
    served.plugin("deaf", """
        # /// devops_agent
        # name: deaf
        # version: 1.0.0
        # description: Does not listen.
        # ///
        import signal
        import time


        def register():
            return deaf


        def deaf(job):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            job.log.info("deaf")
            time.sleep(60)
        """)
    process = start(served, "run", "deaf")
    assert "deaf" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    wait_until(lambda: int(status_of(process, "ShdPnd"), 16) == 0)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert time.monotonic() - began < 1.5


def test_an_interrupted_wait_leaves_the_job_alone(served):
    id = job(served, "job", "run", "--plugin", "sleeper")
    wait_until(lambda: running(served))
    process = start(served, "job", "wait", id)
    wait_until(lambda: status_of(process, "State") == "S")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=SECONDS)
    assert process.returncode == -signal.SIGINT
    assert running(served)


# --- job run ----------------------------------------------------------------

def test_job_run_prints_the_id(served):
    id = job(served, "job", "run", "--name", "mine", "--plugin", "talk",
             "--param", "what=5", "--param", 'x=[1]', "--priority", "-3",
             "--timeout", "9s", "--retries", "0")
    assert served.cli("job", "wait", id).returncode == 0
    record = json.loads(served.cli("job", "show", id, "--json").stdout)
    assert record["name"] == "mine"
    assert record["params"] == {"what": 5, "x": [1]}
    assert record["priority"] == -3


def test_job_run_waits(served):
    result = served.cli("job", "run", "--name", "w", "--plugin", "talk",
                        "--wait")
    assert (result.returncode, result.stdout) == (0, '{"said":"nothing"}\n')
    assert "first" in result.stderr
    result = served.cli("job", "run", "--name", "w", "--plugin", "ways",
                        "--param", "how=raise", "--wait")
    assert result.returncode == 1


def test_the_quick_start_works(served):
    result = served.cli("job", "run", "--name", "collect-disk", "--command",
                        "plugins/python/noop.py")
    assert result.returncode == 0, result.stderr
    assert served.cli("job", "wait", result.stdout.strip()).returncode == 0


@pytest.mark.parametrize("at,seconds", [
    ("+1h", 3600), ("2099-01-01T00:00:00Z", None), ("00:00", None),
    ("23:59", None)])
def test_job_run_at_a_time(served, at, seconds):
    id = job(served, "job", "run", "--plugin", "noop", "--at", at)
    record = served.call("job.get", id=int(id))
    assert record["state"] == "queued"
    due = record["not_before"]
    if seconds:
        left = time.strptime(due[:19], "%Y-%m-%dT%H:%M:%S")
        left = __import__("calendar").timegm(left) - time.time()
        assert seconds - 60 < left <= seconds
    elif "T" in at:
        assert due == "2099-01-01T00:00:00.000Z"
    assert served.cli("job", "cancel", id).stdout == "%s: cancelled\n" % id


def test_the_time_of_day_is_a_local_one(served):
    result = served.cli("job", "run", "--plugin", "noop", "--at", "12:00",
                        env={**os.environ, "TZ": "Asia/Kolkata"})
    record = served.call("job.get", id=int(result.stdout))
    assert record["not_before"][11:] == "06:30:00.000Z"


def test_a_key_makes_one_job(served):
    args = ("job", "run", "--plugin", "noop", "--key", "k")
    assert job(served, *args) == job(served, *args)


@pytest.mark.parametrize("args", [
    [], ["--plugin", "noop", "--command", "x"],
    ["--plugin", "noop", "--every", "1h", "--cron", "* * * * *"],
    ["--plugin", "noop", "--every", "1h", "--at", "+1h"],
    ["--plugin", "noop", "--every", "1h", "--wait"],
    ["--plugin", "noop", "--every", "often"],
    ["--plugin", "noop", "--timezone", "UTC"],
    ["--plugin", "noop", "--at", "25:00"],
    ["--plugin", "noop", "--at", "soon"],
    ["--plugin", "noop", "--priority", "101"],
    ["--plugin", "noop", "--retries", "-1"],
    ["--plugin", "noop", "--param", "x"],
    ["--plugin", "noop", "--cron", "61 * * * *"],
    ["--plugin", "No Name"],
    ["--plugin", "noop", "words"],
])
def test_wrong_usage_of_job_run_is_told(served, args):
    result = served.cli("job", "run", *args)
    assert result.returncode == 2, result.stderr
    assert result.stderr.startswith("devops_agent: ")
    assert result.stdout == ""


def test_job_run_makes_schedules(served):
    result = served.cli("job", "run", "--name", "hourly", "--plugin", "talk",
                        "--param", "what=1", "--every", "1h", "--retries",
                        "2", "--timeout", "5s")
    assert re.match(r"hourly: next \d{4}-\d\d-\d\d \d\d:00:00\n",
                    result.stdout), result.stderr
    result = served.cli("job", "run", "--name", "night", "--command",
                        "plugins/python/noop.py", "--cron", "30 2 * * *",
                        "--timezone", "Europe/Berlin", "--json")
    assert lines(result)[0]["timezone"] == "Europe/Berlin"
    items = lines(served.cli("schedule", "list", "--json"))
    assert [i["name"] for i in items] == ["hourly", "night"]
    record = json.loads(served.cli("schedule", "trigger", "hourly", "--wait",
                                   "--json").stdout)
    assert record["result"] == {"said": 1}
    assert served.cli("schedule", "remove", "hourly").returncode == 0
    assert served.cli("schedule", "remove", "hourly").returncode == 4


# --- job list, show, logs, wait, cancel, retry -------------------------------

def test_job_list_finds_and_counts(served):
    for name in "abc":  # the list goes by their ends: one after the other
        served.cli("job", "run", "--name", name, "--plugin", "noop", "--wait")
    served.cli("run", "ways", "how=failed")
    table = served.cli("job", "list").stdout.splitlines()
    assert table[0].split() == ["ID", "NAME", "PLUGIN", "STATE", "AT",
                                "DURATION", "MESSAGE"]
    assert len(table) == 5
    assert table[1].endswith("no disk")

    def names(*args):
        found = lines(served.cli("job", "list", "--json", *args))
        return [j["name"] for j in found]

    assert names("-n", "2") == ["ways", "c"]
    assert names("-n1") == ["ways"]
    assert names("--name", "a") == ["a"]
    assert names("--plugin", "noop") == ["c", "b", "a"]
    assert names("--state", "failed,lost") == ["ways"]
    assert names("--since", "1h") == ["ways", "c", "b", "a"]
    assert names("--since", "2099-01-01T00:00:00Z") == []
    assert served.cli("job", "list", "--state", "dead").returncode == 2
    assert served.cli("job", "list", "--since", "dawn").returncode == 2


def test_job_list_follows_the_pages(served):
    client = served.client()
    for _ in range(12):
        for id in [client.send("job.submit", plugin="noop",
                               at="2099-01-01T00:00:00Z")
                   for _ in range(100)]:
            client.answer(id)
    found = lines(served.cli("job", "list", "--json", "--limit", "1150"))
    ids = [j["id"] for j in found]
    assert len(set(ids)) == 1150
    assert ids == sorted(ids, reverse=True)
    result = served.cli("job", "list")
    assert len(result.stdout.splitlines()) == 101
    assert "--limit" in result.stderr


def test_job_show_says_all(served):
    served.cli("run", "ways", "how=read")
    result = served.cli("job", "show", "1")
    assert result.returncode == 0
    assert re.search(r"^state +failed$", result.stdout, re.M)
    assert re.search(r"^plugin +ways$", result.stdout, re.M)
    assert "denied: read /etc/os-release" in result.stderr
    [record] = lines(served.cli("job", "show", "1", "--json"))
    assert record["state"] == "failed"
    assert record["started_at"].endswith("Z")


def test_job_show_lists_the_attempts(served):
    served.plugin("again", """
        # /// devops_agent
        # name: again
        # version: 1.0.0
        # description: A test.
        # ///

        def register():
            return run


        def run(job):
            if job.attempt == 1:
                raise job.Retry("not yet", after=0.01)
            return job.attempt
        """)
    result = served.cli("run", "again")
    assert (result.returncode, result.stdout) == (0, "2\n")
    assert "attempt 1 failed: not yet" in result.stderr
    out = served.cli("job", "show", "1").stdout
    assert re.search(r"^ +1  failed .*not yet$", out, re.M), out


def test_job_logs(served):
    served.cli("run", "talk")
    text = served.cli("job", "logs", "1").stdout
    assert re.search(r'^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d info: first '
                     r'{"disk":"sda"}$', text, re.M), text
    assert "\x1b" not in text
    assert "    lines \\x1b[31m" in text
    assert re.search(r"^\S+ \S+ plain$", text, re.M)
    items = lines(served.cli("job", "logs", "1", "--json"))
    assert [i["stream"] for i in items] == ["log", "log", "stderr"]
    assert lines(served.cli("job", "logs", "1", "-f", "--json")) == items


def test_job_logs_pages(served):
    served.plugin("much", """
        # /// devops_agent
        # name: much
        # version: 1.0.0
        # description: A test.
        # ///

        def register():
            return run


        def run(job):
            for i in range(2500):
                job.log.info("line %d", i)
        """)
    served.cli("run", "much")
    text = served.cli("job", "logs", "1").stdout.splitlines()
    assert [line.split()[-1] for line in text] == [
        str(i) for i in range(2500)]


def test_job_logs_follow_to_the_end(served):
    id = job(served, "job", "run", "--plugin", "sleeper", "--param",
             "seconds=1")
    process = start(served, "job", "logs", id, "-f")
    assert "asleep" in process.stdout.readline()
    assert process.poll() is None
    process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert served.call("job.get", id=int(id))["state"] == "succeeded"


def test_job_wait(served):
    id = job(served, "job", "run", "--plugin", "sleeper")
    result = served.cli("job", "wait", id, "--timeout", "100ms")
    assert result.returncode == 124
    assert "running" in result.stderr or "queued" in result.stderr
    assert served.cli("job", "cancel", id).stdout == "%s: cancelled\n" % id
    assert served.cli("job", "wait", id).returncode == 130
    served.cli("run", "ways", "how=failed")
    assert served.cli("job", "wait", "2").returncode == 1


def test_job_cancel_and_retry(served):
    served.cli("run", "talk", "what=x")
    result = served.cli("job", "cancel", "1")
    assert result.returncode == 2
    assert "has ended" in result.stderr
    result = served.cli("job", "retry", "1", "--wait")
    assert (result.returncode, result.stdout) == (0, '{"said":"x"}\n')
    id = job(served, "job", "retry", "1")
    assert served.call("job.get", id=int(id))["retry_of"] == 1


@pytest.mark.parametrize("args", [
    ["show"], ["logs"], ["logs", "-f"], ["wait"], ["cancel"], ["retry"],
    ["retry", "--wait"]])
def test_a_job_that_there_is_not(served, args):
    result = served.cli("job", *args, "99")
    assert result.returncode == 4
    assert result.stderr.startswith("devops_agent: ")
    assert served.cli("job", *args, "x1").returncode == 2
    assert served.cli("job", *args, "-1").returncode == 2


# --- schedule ---------------------------------------------------------------

def test_schedules(agent):
    agent.plugin("talk", TALK)
    agent.settings["jobs"] = {
        "tick": {"plugin": "talk", "every": "1h"},
        "night": {"plugin": "talk", "cron": "30 2 * * *",
                  "timezone": "Europe/Berlin"},
    }
    agent.start()
    table = agent.cli("schedule", "list").stdout.splitlines()
    assert table[0].split()[:4] == ["NAME", "PLUGIN", "WHEN", "NEXT"]
    assert len(table) == 3
    table = agent.cli("schedule", "next").stdout.splitlines()
    assert len(table) == 11
    [item] = lines(agent.cli("schedule", "next", "night", "-n", "3",
                             "--json"))
    assert len(item["times"]) == 3
    assert "T02:30:00" in item["times"][0]["local"]
    assert agent.cli("schedule", "pause", "tick").stdout == "tick: paused\n"
    assert re.search(r"tick +talk +every 1h +paused",
                     agent.cli("schedule", "list").stdout)
    assert agent.cli("schedule", "resume", "tick").stdout.startswith(
        "tick: next ")
    assert int(agent.cli("schedule", "trigger", "tick").stdout) == 1
    assert agent.cli("job", "wait", "1").returncode == 0
    result = agent.cli("schedule", "trigger", "tick", "--wait")
    assert (result.returncode, result.stdout) == (0, '{"said":"nothing"}\n')
    assert agent.cli("schedule", "remove", "tick").returncode == 2
    for what in "next", "trigger", "pause", "resume", "remove":
        assert agent.cli("schedule", what, "nope").returncode == 4


# --- status, and no agent ---------------------------------------------------

def test_status(served):
    served.cli("run", "noop")
    result = served.cli("status")
    assert result.returncode == 0
    assert re.search(r"^agent +running$", result.stdout, re.M)
    assert re.search(r"^history +succeeded 1$", result.stdout, re.M)
    [status] = lines(served.cli("status", "--json"))
    assert status["phase"] == "running"
    assert any(m["name"].startswith("devops_agent_")
               for m in status["metrics"])


@pytest.mark.parametrize("args", [
    ["job", "run", "--name", "x", "--plugin", "noop"], ["job", "list"],
    ["job", "show", "1"], ["job", "logs", "1"], ["job", "wait", "1"],
    ["job", "cancel", "1"], ["job", "retry", "1"], ["schedule", "list"],
    ["schedule", "next"], ["schedule", "trigger", "x"],
    ["schedule", "pause", "x"], ["schedule", "resume", "x"],
    ["schedule", "remove", "x"], ["status"]])
def test_without_an_agent_there_is_a_clear_error(agent, args):
    result = agent.cli(*args)
    assert result.returncode == 125
    assert result.stderr == (
        "devops_agent: no agent answers at %s\n"
        "hint: start it by devops_agent --config %s\n"
        % (agent.socket, agent.config))


def test_an_agent_that_dies_meanwhile_is_told(served):
    process = start(served, "run", "sleeper")
    wait_until(lambda: running(served))
    served.kill()
    _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 125
    assert "closed the connection" in err
