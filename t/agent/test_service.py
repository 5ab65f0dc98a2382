"""The agent as a unit of systemd: what it tells, and what it is given."""

import os
import socket
import time

import pytest

from conftest import Client, wait_until


@pytest.fixture
def manager(agent):
    """Hears what the agent tells: a list of dicts, a datagram each."""
    path = str(agent.folder / "notify")
    end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    end.bind(path)
    # the agent may have become another account by then
    (agent.folder / "notify").chmod(0o666)
    end.setblocking(False)
    agent.environment["NOTIFY_SOCKET"] = path
    told = []

    def hear():
        while True:
            try:
                text = end.recv(65536).decode()
            except BlockingIOError:
                return told
            told.append(dict(line.split("=", 1)
                             for line in text.splitlines()))

    yield hear
    end.close()


def test_it_says_when_it_is_ready_and_when_it_stops(agent, manager):
    agent.start()
    wait_until(lambda: any(t.get("READY") == "1" for t in manager()))
    agent.stop()
    assert sum("STOPPING" in t for t in manager()) == 1


@pytest.mark.parametrize("limit, seconds", [("30s", 45), ("2h", 7215)])
def test_it_asks_for_the_time_that_its_stop_may_take(
        agent, manager, limit, seconds):
    agent.settings["agent"]["stop_timeout"] = limit
    agent.start()
    agent.stop()
    stopping = [t for t in manager() if "STOPPING" in t]
    assert stopping[0]["EXTEND_TIMEOUT_USEC"] == str(seconds * 1000000)


LISTENS = """
import os, socket, sys
end = socket.socket(socket.AF_UNIX)
end.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
end.listen()
os.dup2(end.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_a_socket_of_the_managers_is_waited_at_like_its_own(agent):
    # its data folder becomes the agent's account's, the socket stays here
    path = str(agent.folder / "passed.sock")
    agent.wrapper = ["/usr/bin/python3", "-c", LISTENS, path]
    agent.noop()
    agent.start(wait=False)
    wait_until(lambda: agent.logged("ready"))
    for _ in range(3):
        client = Client(path)
        client.socket.settimeout(10)
        assert client.call("status")["agent"]["id"]
        client.close()
    assert agent.stop() == 0
    assert os.path.exists(path), "it is the manager's to remove"


SLEEPER = """
    # /// devops_agent
    # name: sleeper
    # version: 1.0.0
    # description: Is never done.
    # ///
    import time


    def register():
        return lambda job: time.sleep(600)
    """


def test_what_is_cancelled_ends_within_the_time_that_a_stop_may_take(agent):
    limit = 8
    agent.settings["agent"]["stop_timeout"] = "%ds" % limit
    agent.plugin("sleeper", SLEEPER)
    agent.start()
    id = agent.call("job.submit", plugin="sleeper")["id"]

    def state():
        return agent.call("job.get", id=id)["state"]

    wait_until(lambda: state() == "running")
    began = time.monotonic()
    assert agent.stop() == 0
    took = time.monotonic() - began
    assert limit - 5 <= took < limit
    agent.start()
    assert state() == "cancelled"
