"""The agent's own programs: executed, watched, started again."""

import os
import pathlib
import shutil
import signal
import socket
import tempfile
import time

import pytest

from conftest import wait_until
from stand_in import PeerAgent


@pytest.fixture
def agent(request):
    folder = tempfile.mkdtemp(prefix="t-peer-")
    os.chmod(folder, 0o755)
    agent = PeerAgent(folder)
    yield agent
    if agent.process is not None:
        agent.kill()
    agent.listener.close()
    if not getattr(request.node, "failed", False):
        shutil.rmtree(folder, ignore_errors=True)


def test_a_program_is_executed_with_nothing_but_its_channel_and_sockets(
        agent):
    agent.start()
    peer = agent.peer()
    assert peer.facts["argc"] == 1
    assert peer.facts["argv0"] == "devops_agent-api"
    assert peer.facts["env"] == 0
    assert peer.facts["death"] == signal.SIGKILL
    assert peer.facts["fds"] == 1 + len(peer.sockets)
    assert peer.facts["last"] == 3 + len(peer.sockets)
    for fd in (0, 1):
        assert os.readlink("/proc/%d/fd/%d" % (
            peer.facts["pid"], fd)) == "/dev/null"


def test_it_is_configured_first_and_then_ready(agent):
    agent.start()
    peer = agent.peer()
    assert agent.state()["state"] == "starting"
    assert peer.ready()["listen_addr"] == agent.address
    wait_until(lambda: agent.state()["state"] == "ready")
    assert agent.state()["pid"] == peer.facts["pid"]
    assert "ready" in agent.cli("status").stdout


def test_it_dies_with_the_master(agent):
    agent.start()
    pid = agent.api().facts["pid"]
    agent.kill()
    wait_until(lambda: not pathlib.Path("/proc/%d" % pid).exists())


def test_what_ends_is_started_again_later_each_time(agent):
    agent.start()
    times = []
    for status in range(4):
        peer = agent.api()
        times.append(time.monotonic())
        peer.end(status)
    peer = agent.api()
    times.append(time.monotonic())
    gaps = [b - a for a, b in zip(times, times[1:])]
    for n, gap in enumerate(gaps):
        assert gap >= 0.1 * 2 ** n, gaps
    wait_until(lambda: agent.state()["state"] == "ready")
    state = agent.state()
    assert (state["starts"], state["failures"]) == (5, 4)
    assert state["trouble"] == "it ended with status 3"
    assert len(agent.logged("starts again in 800 ms")) == 1


def test_one_that_closes_its_channel_and_goes_on_is_killed(agent):
    agent.start()
    peer = agent.api()
    peer.channel.shutdown(socket.SHUT_RDWR)
    agent.api()
    assert agent.logged("it closed its channel, and went on")


def test_a_killed_one_is_named_with_its_signal(agent):
    agent.start()
    peer = agent.api()
    os.kill(peer.facts["pid"], signal.SIGKILL)
    agent.api()
    assert agent.logged("it was ended by signal 9")


@pytest.mark.parametrize("line", [
    b"junk\n",
    b"\xff\n",
    b"[1]\n",
    b'{"jsonrpc":"2.0"}\n',
    b'{"jsonrpc":"2.0","method":7}\n',
    b"x" * (1 << 20) + b"y",
    b"[" * 100000 + b"\n",
], ids=["junk", "bytes", "a list", "nothing", "no method", "a long line",
       "a deep one"])
def test_one_that_says_what_it_never_would_is_killed(agent, line):
    agent.start()
    peer = agent.api()
    peer.raw(line)
    agent.api()
    assert agent.logged("it said what it never would")
    assert agent.call("status")["phase"] == "running"


def test_a_wrong_request_with_an_id_is_answered(agent):
    agent.start()
    peer = agent.api()
    peer.say(id=7, method="status", params={"n": 10 ** 30})
    assert peer.read()["error"]["code"] == -32602
    assert agent.state()["state"] == "ready"


def test_what_it_logs_is_logged_and_bounded(agent):
    agent.start()
    peer = agent.api()
    peer.say(method="log", params={"level": "warn", "message": "a \n thing",
                                   "status": 503})
    line = wait_until(lambda: agent.logged("thing"))[0]
    assert line["component"] == "api" and line["level"] == "warn"
    assert "(status=503)" in line["message"]
    for n in range(1000):
        peer.say(method="log", params={"message": "many %d" % n})
    peer.say(id=9, method="health")
    assert peer.read()["id"] == 9
    assert 100 <= len(agent.logged("many ")) < 300
    time.sleep(0.2)
    peer.say(method="log", params={"message": "after"})
    wait_until(lambda: agent.logged("were left out"))


def test_it_ends_when_it_is_not_wanted_any_more(agent):
    agent.start()
    peer = agent.api()
    agent.settings["agent"]["listen_addr"] = ""
    agent.reload()
    assert peer.channel.recv(1) == b""
    peer.end()
    wait_until(lambda: agent.state()["state"] == "off")
    agent.settings["agent"]["listen_addr"] = agent.address
    # without waiting for its line, which is held as a repeated one
    agent.write_config()
    agent.process.send_signal(signal.SIGHUP)
    agent.api()


def test_one_that_does_not_end_is_killed(agent):
    agent.start()
    pid = agent.api().facts["pid"]
    agent.settings["agent"]["listen_addr"] = ""
    agent.reload()
    wait_until(lambda: agent.state()["state"] == "off")
    assert not pathlib.Path("/proc/%d" % pid).exists()


def test_the_agent_stops_with_it_and_in_time(agent):
    agent.start()
    pid = agent.api().facts["pid"]
    before = time.monotonic()
    assert agent.stop() == 0
    assert time.monotonic() - before < 10
    assert not pathlib.Path("/proc/%d" % pid).exists()


def test_without_the_program_the_agent_runs_and_says_so(agent):
    for path in (agent.folder / "bin").glob("devops_agent-api*"):
        path.unlink()
    agent.start()
    assert agent.state()["state"] == "off"
    assert "devops_agent-api" in agent.state()["trouble"]
    assert len(agent.logged("can't start")) == 1
