"""The HTTP API end to end: the agent, its program, and clients of others."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import urllib.error
import urllib.request

import pytest
import yaml

from conftest import SECONDS, wait_until
from stand_in import free_port

ROOT = pathlib.Path(__file__).parents[2]


class Http:
    """What curl gets of an agent."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, path, body=None, token=None):
        """The status, and the answer."""
        headers = {"Content-Type": "application/json"} if body else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(
            self.url + path, headers=headers,
            data=json.dumps(body).encode() if body else None)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()

    def up(self):
        """Whether it answers."""
        try:
            return self.ask("/readyz")[0] == 200
        except OSError:
            return False


@pytest.fixture
def http(agent):
    """An agent that listens, as the example configuration says."""
    example = yaml.safe_load((ROOT / "config.example.yaml").read_text())
    assert example["agent"]["listen_addr"] == "127.0.0.1:8080"
    port = free_port()
    agent.settings["agent"]["listen_addr"] = f"127.0.0.1:{port}"
    agent.settings["api"] = {"anonymous": example["api"]["anonymous"]}
    agent.settings["metrics"] = {"prometheus": True}
    agent.noop()
    agent.write_config()
    agent.cli("plugin", "allow", "noop", check=True)
    agent.start()
    got = Http(port)
    wait_until(got.up)
    return got


def token(agent, role="operator"):
    """A new token."""
    done = agent.cli("token", "add", "--name", f"of-{role}", "--role", role,
                     check=True)
    return done.stdout.split()[0]


def test_quick_start(agent, http):
    """The command of the README answers with the example's settings"""
    done = subprocess.run(["curl", "-sS", http.url + "/v1/jobs"],
                          stdout=subprocess.PIPE, check=True)
    done = subprocess.run(["jq", "-c"], input=done.stdout,
                          stdout=subprocess.PIPE, check=True)
    assert done.stdout == b'{"items":[],"next":null}\n'


def test_a_job(agent, http):
    """A job is run by one who may, seen by all, and kept"""
    assert http.ask("/v1/jobs", {"plugin": "noop"})[0] == 401
    reader = token(agent, "reader")
    assert http.ask("/v1/jobs", {"plugin": "noop"}, reader)[0] == 403
    operator = token(agent)
    status, text = http.ask("/v1/jobs", {"plugin": "noop",
                                         "wait_ms": 20000}, operator)
    assert status == 201
    record = json.loads(text)
    assert record["state"] == "succeeded"
    status, text = http.ask(f"/v1/jobs/{record['id']}")
    assert (status, json.loads(text)["id"]) == (200, record["id"])
    listed = json.loads(http.ask("/v1/jobs?state=succeeded&limit=1")[1])
    assert [j["id"] for j in listed["items"]] == [record["id"]]
    assert http.ask("/v1/jobs/99")[0] == 404
    assert http.ask("/v1/plugins/noop")[0] == 200
    assert json.loads(http.ask("/v1/schedules")[1])["items"] == []


def test_follow(agent, http):
    """A log is followed to the job's end by curl"""
    operator = token(agent)
    text = http.ask("/v1/jobs", {"plugin": "noop", "wait_ms": 20000},
                    operator)[1]
    done = subprocess.run(
        ["curl", "-sSN", "--max-time", str(SECONDS),
         f"{http.url}/v1/jobs/{json.loads(text)['id']}/logs?follow=1"],
        stdout=subprocess.PIPE, check=True)
    blocks = done.stdout.decode().strip().split("\n\n")
    assert blocks[-1].startswith("event: end\ndata: {")


def test_events(agent, http):
    """Events come with the jobs that they tell of"""
    operator = token(agent)
    with subprocess.Popen(["curl", "-sSN", "--max-time", str(SECONDS),
                           http.url + "/v1/events"],
                          stdout=subprocess.PIPE, text=True) as curl:
        assert curl.stdout.readline() == "retry: 2000\n"
        http.ask("/v1/jobs", {"plugin": "noop", "wait_ms": 20000}, operator)
        seen = []
        while "job.ended" not in seen:
            line = curl.stdout.readline()
            assert line, seen
            if line.startswith("event: "):
                seen.append(line.split()[1])
        curl.kill()


def test_killed(agent, http):
    """Killed, it is there again, and no job is lost"""
    operator = token(agent)
    jobs = [json.loads(http.ask("/v1/jobs", {"plugin": "noop"},
                                operator)[1])["id"] for _ in range(5)]
    old = api_pid(agent)
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: api_pid(agent) not in (None, old))
    wait_until(http.up)
    for job in jobs:
        wait_until(lambda j=job: json.loads(
            http.ask(f"/v1/jobs/{j}")[1])["state"] == "succeeded")


def api_pid(agent):
    """The process of devops_agent-api."""
    for pid, command in agent_processes(agent):
        if "devops_agent-api" in command:
            return pid
    return None


def agent_processes(agent):
    """The agent's children, by their names."""
    done = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(agent.process.pid)],
        stdout=subprocess.PIPE, text=True)
    for text in done.stdout.splitlines():
        pid, command = text.split(None, 1)
        yield int(pid), command


def test_it_is_shut_in(agent, http):
    """The program has no capability, no file, and a filter"""
    pid = api_pid(agent)
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        told = dict(t.split(":\t", 1) for t in f.read().split("\n")
                    if ":\t" in t)
    assert told["CapEff"].strip("0") == told["CapPrm"].strip("0") == ""
    assert told["Seccomp"] == "2" and told["NoNewPrivs"] == "1"
    if os.geteuid() == 0:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
            assert not target.endswith((".db", ".yaml", ".sock")), target


@pytest.mark.skipif(not shutil.which("promtool"),
                    reason="no prometheus installed")
def test_promtool(agent, http):
    """Prometheus's own tool finds nothing to say of the figures"""
    operator = token(agent)
    http.ask("/v1/jobs", {"plugin": "noop", "wait_ms": 20000}, operator)
    text = http.ask("/metrics")[1]
    assert 'devops_agent_jobs_total{plugin="noop",state="succeeded"} 1' in text
    done = subprocess.run(["promtool", "check", "metrics"], input=text,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(not shutil.which("prometheus"),
                    reason="no prometheus installed")
def test_prometheus(agent, http):
    """A Prometheus scrapes it, and the series are queried back"""
    operator = token(agent)
    http.ask("/v1/jobs", {"plugin": "noop", "wait_ms": 20000}, operator)
    folder, port = agent.folder / "prometheus", free_port()
    folder.mkdir()
    (folder / "prometheus.yml").write_text(json.dumps({
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{
            "job_name": "agent", "authorization": {"credentials": operator},
            "static_configs": [{"targets": [http.url[len("http://"):]]}]}]}))
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml",
             f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{port}"],
            stdout=log, stderr=log)
    try:
        def value(query):
            try:
                with urllib.request.urlopen(
                        f"http://127.0.0.1:{port}/api/v1/query?query={query}",
                        timeout=SECONDS) as answer:
                    found = json.load(answer)["data"]["result"]
            except OSError:
                return None
            return found and float(found[0]["value"][1])
        wait_until(lambda: value("up") == 1, 60)
        assert value("devops_agent_jobs_total") == 1
        wait_until(lambda: value("devops_agent_api_requests_total"))
        assert value("devops_agent_api_request_seconds_count") > 0
    finally:
        server.terminate()
        server.wait(SECONDS)
