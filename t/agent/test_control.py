"""The socket: clients of every kind, and what each may do."""

import json
import os
import socket
import subprocess
import sys

import pytest

from conftest import wait_until


def raw(agent, data, read=True):
    """What the agent says to these bytes, until it says no more."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(str(agent.socket))
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        answer = b""
        while read:
            try:
                chunk = s.recv(65536)
            except ConnectionResetError:
                break
            if not chunk:
                break
            answer += chunk
        return answer


DEEP = b"[" * 500000 + b"\n"


@pytest.mark.parametrize("line,code", [
    (b"\n", -32700),
    (b"junk\n", -32700),
    (b"{\n", -32700),
    (b"\xff\xfe\n", -32700),
    (b"[]\n", -32600),
    (b"{}\n", -32600),
    (b'{"jsonrpc":"1.0","id":1,"method":"status"}\n', -32600),
    (b'{"jsonrpc":"2.0","id":1}\n', -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":7}\n', -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"status","params":[]}\n', -32600),
    (b'{"jsonrpc":"2.0","id":{},"method":"status"}\n', -32600),
    (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"status"}\n', -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"nothing"}\n', -32000),
    (b'{"jsonrpc":"2.0","id":1,"method":"job.get"}\n', -32000),
    (b'{"jsonrpc":"2.0","id":1,"method":"job.get","params":{"id":-1}}\n',
     -32000),
    (b'{"jsonrpc":"2.0","id":1,"method":"job.get","params":{"idd":1}}\n',
     -32000),
])
def test_wrong_lines_are_answered_by_an_error(agent, line, code):
    agent.noop()
    agent.start()
    answer = json.loads(raw(agent, line))
    assert answer["error"]["code"] == code
    assert answer["error"]["message"]
    assert agent.call("status")["phase"] == "running"


def test_a_deep_line_is_answered_by_an_error(agent):
    agent.noop()
    agent.start()
    assert json.loads(raw(agent, DEEP))["error"]["code"] == -32700


def test_a_line_without_end_is_not_kept(agent):
    agent.noop()
    agent.start()
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(agent.socket))
        s.settimeout(20)
        sent = 0
        try:
            while sent < 1 << 30:
                sent += s.send(b"x" * (1 << 20))
        except OSError:
            pass
        assert sent < 64 << 20
    status = agent.call("status")
    memory = [m["value"] for m in status["metrics"]
              if m["name"] == "devops_agent_resident_memory_bytes"][0]
    assert memory < 64 << 20


def test_clients_that_say_nothing_do_not_keep_others_out(agent):
    agent.noop()
    agent.start()
    idle = []
    for _ in range(500):
        s = socket.socket(socket.AF_UNIX)
        s.connect(str(agent.socket))
        idle.append(s)
    idle[0].sendall(b'{"jsonrpc":')
    assert agent.run("noop")["state"] == "succeeded"
    for s in idle:
        s.close()


def test_more_clients_than_there_is_room_for_wait(agent):
    agent.noop()
    agent.start()
    held = []

    def one_more():
        s = socket.socket(socket.AF_UNIX)
        s.setblocking(False)
        try:
            s.connect(str(agent.socket))
            held.append(s)
        except BlockingIOError:
            s.close()
        return len(held) >= 1100 or agent.logged("others wait")
    while len(held) < 1024:
        one_more()
    wait_until(one_more)
    for s in held[:200]:
        s.close()
    assert agent.run("noop")["state"] == "succeeded"
    for s in held[200:]:
        s.close()


def test_a_client_that_does_not_read_is_not_waited_for(agent):
    agent.noop()
    agent.start()
    s = socket.socket(socket.AF_UNIX)
    s.connect(str(agent.socket))
    s.setblocking(False)
    line = b'{"jsonrpc":"2.0","id":1,"method":"status"}\n' * 1000
    try:
        for _ in range(1000):
            s.send(line)
    except BlockingIOError:
        pass
    assert agent.run("noop")["state"] == "succeeded"
    s.close()


def test_a_client_that_leaves_takes_nothing_with_it(agent):
    agent.noop()
    agent.start()
    for _ in range(20):
        client = agent.client()
        client.send("job.submit", plugin="noop", wait=True)
        client.close()
    wait_until(lambda: agent.call("status")["jobs"]["by_state"][
        "succeeded"] == 20)


def test_many_requests_are_answered_on_one_connection(agent):
    agent.noop(workers="min_idle: 1, max_jobs: 1000")
    agent.start()
    client = agent.client()
    ids = [client.send("job.submit", plugin="noop", wait=True)
           for _ in range(200)]
    records = [client.answer(id) for id in ids]
    assert {r["state"] for r in records} == {"succeeded"}
    assert len({r["id"] for r in records}) == 200


AS_USER = r"""
import os, sys
sys.path.insert(0, sys.argv[1])
uid = int(sys.argv[3])
os.setgroups([int(g) for g in sys.argv[5:]])
os.setgid(int(sys.argv[4])); os.setuid(uid)
from conftest import Client, RpcError
try:
    print(Client(sys.argv[2]).call(sys.stdin.readline().strip())["phase"])
except RpcError as e:
    print(e.kind)
"""


def as_user(agent, uid, gid, *groups, method="status"):
    return subprocess.run(
        [sys.executable, "-c", AS_USER, os.path.dirname(__file__),
         str(agent.socket), str(uid), str(gid), *map(str, groups)],
        input=method + "\n", text=True, capture_output=True).stdout.strip()


def test_strangers_may_nothing(agent):
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    agent.noop()
    agent.start()
    os.chmod(agent.folder / "data", 0o755)
    assert as_user(agent, 61234, 61234) == "denied"
    assert as_user(agent, 0, 0) == "running"


def test_members_of_the_group_may_run(agent):
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    agent.noop()
    agent.settings["agent"]["group"] = "daemon"
    agent.start()
    os.chmod(agent.folder / "data", 0o755)
    gid = __import__("grp").getgrnam("daemon").gr_gid
    assert as_user(agent, 61234, gid) == "running"
    assert as_user(agent, 61234, 61234) == "denied"
    assert as_user(agent, 61234, gid, method="schedule.pause") == "denied"
