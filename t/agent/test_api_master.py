"""The master's half of the HTTP API: a test in the place of its program,
which asks for whatever it likes."""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

import pytest

from conftest import RpcError, wait_until
from stand_in import PeerAgent

ROLES = ["reader", "operator", "admin"]

# Each method the API has, its least role, and what makes it find nothing.
METHODS = [
    ("status", "reader", {}),
    ("plugin.list", "reader", {}),
    ("plugin.get", "reader", {"name": "nothing"}),
    ("job.list", "reader", {}),
    ("job.get", "reader", {"id": 999}),
    ("job.logs", "reader", {"id": 999}),
    ("job.wait", "reader", {"id": 999}),
    ("job.submit", "operator", {"plugin": "nothing"}),
    ("job.cancel", "operator", {"id": 999}),
    ("job.retry", "operator", {"id": 999}),
    ("schedule.list", "reader", {}),
    ("schedule.next", "reader", {}),
    ("schedule.trigger", "operator", {"name": "nothing"}),
    ("schedule.pause", "admin", {"name": "nothing"}),
    ("schedule.resume", "admin", {"name": "nothing"}),
    ("metrics", "reader", {}),
]

# What is of the agent's own socket alone.
LOCAL = ["token.add", "token.list", "token.revoke", "schedule.add",
         "schedule.remove"]


@pytest.fixture
def agent(request):
    folder = tempfile.mkdtemp(prefix="t-api-")
    os.chmod(folder, 0o755)
    agent = PeerAgent(folder)
    agent.settings["metrics"] = {"prometheus": True}
    yield agent
    if agent.process is not None:
        agent.kill()
    agent.listener.close()
    if not getattr(request.node, "failed", False):
        shutil.rmtree(folder, ignore_errors=True)


def token(agent, role, name=None, **options):
    return agent.call("token.add", name=name or role, role=role,
                      **options)["token"]


def refused(peer, method, **params):
    """The kind of the error that comes."""
    with pytest.raises(RpcError) as caught:
        peer.call(method, **params)
    return caught.value.kind


# --- Who may what -----------------------------------------------------------

def test_each_method_takes_its_role_and_no_less(agent):
    agent.start()
    peer = agent.api()
    tokens = {role: token(agent, role) for role in ROLES}
    for method, least, params in METHODS:
        for role in ROLES:
            enough = ROLES.index(role) >= ROLES.index(least)
            try:
                peer.call(method, token=tokens[role], **params)
                kind = None
            except RpcError as e:
                kind = e.kind
            assert (kind != "forbidden") == enough, (method, role, kind)
        assert refused(peer, method, **params) == "unauthorized", method
        assert refused(peer, method, token="x", **params) in (
            "unauthorized", "too_many"), method


def test_nothing_is_had_without_a_token(agent):
    """Every message there is, and every way of saying who one is but one."""
    agent.noop()
    agent.start()
    token(agent, "admin")
    peer = agent.api()
    params = {method: params for method, _, params in METHODS}
    params["job.submit"] = {"plugin": "noop"}
    auths = [
        None, {}, {"token": None}, {"token": 7}, {"token": ""},
        {"token": "dagt_" + "A" * 43}, {"token": "admin"},
        {"address": "127.0.0.1", "role": "admin"},
        {"address": "127.0.0.1", "token": {"role": "admin"}},
        {"certificate": {"subject": "CN=admin", "fingerprint": "00"}},
        {"uid": 0, "name": "uid 0"},
        {"token": "x" * 10000},
        {"address": "' OR 1=1 --", "token": "' OR 1=1 --"},
    ]
    n = 0
    for method in [m for m, _, _ in METHODS] + ["events"]:
        for auth in auths:
            n += 1
            message = {"id": n, "method": method,
                       "params": params.get(method, {})}
            if auth is not None:
                message["auth"] = auth
            peer.say(**message)
            with pytest.raises(RpcError) as caught:
                peer.answer(n)
            assert caught.value.kind in ("unauthorized", "too_many")
    for method in LOCAL + ["configure", "ready", "shutdown", "reload",
                           "batch.next", "forward.status", ""]:
        n += 1
        peer.say(id=n, method=method or "x",
                 params={"name": "x", "role": "admin"})
        with pytest.raises(RpcError):
            peer.answer(n)
    assert agent.call("job.list")["items"] == []
    assert [t["name"] for t in agent.call("token.list")["items"]] == ["admin"]
    assert agent.state()["state"] == "ready"


def test_not_even_an_admin_has_by_the_api_what_is_of_the_socket(agent):
    agent.start()
    peer = agent.api()
    admin = token(agent, "admin")
    for method in LOCAL:
        assert refused(peer, method, token=admin, name="x",
                       role="admin") == "usage"
    assert len(agent.call("token.list")["items"]) == 1


def test_an_answer_goes_to_the_one_that_asked(agent):
    agent.start()
    peer = agent.api()
    reader = token(agent, "reader")
    one = peer.send("status", token=reader)
    two = peer.send("status", token="wrong")
    assert peer.answer(one)["phase"] == "running"
    with pytest.raises(RpcError):
        peer.answer(two)


def test_readers_without_a_token_are_of_this_host_where_they_may(agent):
    agent.settings["api"] = {"anonymous": "read"}
    agent.start()
    peer = agent.api()
    assert peer.call("job.list")["items"] == []
    assert peer.call("job.list", address="::1")["items"] == []
    assert peer.call("job.list", address="127.8.8.8")["items"] == []
    for address in ("192.0.2.1", "::2", "127.0.0.1.example", "", "localhost",
                    "::ffff:192.0.2.1"):
        assert refused(peer, "job.list", address=address) == "unauthorized"
    assert refused(peer, "job.submit", plugin="noop") == "unauthorized"
    assert refused(peer, "job.list", token="wrong") == "unauthorized"


def test_a_certificate_has_the_role_that_the_configuration_gives_it(agent):
    agent.start()
    folder = agent.folder
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
         "-keyout", str(folder / "key"), "-out", str(folder / "cert"),
         "-subj", "/CN=x", "-days", "2"], check=True, capture_output=True)
    peer = agent.api()
    shown = {"subject": "CN=prometheus", "fingerprint": "ab12"}
    assert refused(peer, "status", certificate=shown) == "unauthorized"
    agent.settings["api"] = {"tls": {
        "cert": "./cert", "key": "./key", "client_ca": "./cert",
        "clients": {"CN=prometheus": "reader", "cd34": "operator"}}}
    agent.reload()
    tls = peer.note("configure")["tls"]
    assert tls["cert"].startswith("-----BEGIN CERTIFICATE")
    assert tls["key"].startswith("-----BEGIN PRIVATE KEY")
    assert peer.call("status", certificate=shown)["phase"] == "running"
    assert refused(peer, "job.cancel", id=1, certificate=shown) == "forbidden"
    assert refused(peer, "job.cancel", id=1, certificate={
        "subject": "CN=prometheus", "fingerprint": "cd34"}) == "not_found"
    assert refused(peer, "status", certificate={
        "subject": "CN=other", "fingerprint": ""}) == "unauthorized"


# --- Tokens -----------------------------------------------------------------

def test_a_token_is_shown_once_and_kept_as_its_hash(agent):
    agent.start()
    got = agent.cli("token", "add", "--name", "deploy", "--role", "operator")
    assert got.returncode == 0, got.stderr
    text = got.stdout.strip()
    assert re.fullmatch(r"dagt_[A-Za-z0-9_-]{43}", text)
    assert "not shown again" in got.stderr
    listed = agent.cli("token", "list").stdout
    assert "deploy" in listed and "operator" in listed and "never" in listed
    assert text not in listed
    agent.stop()
    for path in (agent.folder / "data").iterdir():
        if path.is_file():
            assert text.encode() not in path.read_bytes()
    assert not agent.logged(text)


def test_tokens_differ_and_outlive_a_restart(agent):
    agent.start()
    texts = {token(agent, "reader", "t%d" % n) for n in range(20)}
    assert len(texts) == 20
    agent.api()
    agent.stop()
    agent.start()
    peer = agent.api()
    for text in texts:
        assert peer.call("health", token=text)["ready"]
        assert peer.call("job.list", token=text)["items"] == []
        assert refused(peer, "job.list",
                       token=text[:-1] + "?") in ("unauthorized", "too_many")


def test_a_name_is_there_once(agent):
    agent.start()
    token(agent, "reader", "x")
    got = agent.cli("token", "add", "--name", "x", "--role", "admin")
    assert got.returncode == 2 and "already" in got.stderr
    assert agent.cli("token", "revoke", "x").returncode == 0
    token(agent, "admin", "x")
    assert agent.call("token.list")["items"][0]["role"] == "admin"
    assert agent.cli("token", "revoke", "y").returncode == 4


@pytest.mark.parametrize("args,says", [
    (["--role", "reader"], "--name"),
    (["--name", "x"], "--role"),
    (["--name", "x", "--role", "root"], "reader, operator or admin"),
    (["--name", "X y", "--role", "reader"], "name"),
    (["--name", "x", "--role", "reader", "--expires", "soon"], "--expires"),
])
def test_a_token_that_is_not_right_is_not_made(agent, args, says):
    agent.start()
    got = agent.cli("token", "add", *args)
    assert got.returncode == 2 and says in got.stderr
    assert agent.call("token.list")["items"] == []


def test_one_expires_and_ends_what_it_asked_for(agent):
    agent.start()
    peer = agent.api()
    short = token(agent, "reader", expires_ms=1500)
    stream = peer.send("events", token=short)
    assert peer.call("job.list", token=short)["items"] == []
    with pytest.raises(RpcError) as caught:
        peer.answer(stream)
    assert caught.value.kind == "unauthorized"
    assert "expired" in str(caught.value)
    assert refused(peer, "job.list", token=short) == "unauthorized"
    assert agent.call("token.list")["items"][0]["expired"]


def test_revoking_takes_effect_at_once_on_streams_too(agent):
    agent.noop()
    agent.start()
    peer = agent.api()
    going, staying = token(agent, "operator", "a"), token(agent, "reader", "b")
    mine, other = (peer.send("events", token=going),
                   peer.send("events", token=staying))
    peer.call("job.list", token=going)
    assert agent.cli("token", "revoke", "a").returncode == 0
    with pytest.raises(RpcError) as caught:
        peer.answer(mine)
    assert caught.value.kind == "unauthorized"
    assert refused(peer, "job.list", token=going) == "unauthorized"
    agent.run("noop")
    assert peer.note("event")["request"] == other


def test_its_last_use_is_kept(agent):
    agent.start()
    peer = agent.api()
    text = token(agent, "reader")
    assert agent.call("token.list")["items"][0]["used_at"] is None
    peer.call("job.list", token=text, address="192.0.2.7")
    used = agent.call("token.list")["items"][0]
    assert used["used_at"] and used["used_from"] == "192.0.2.7"
    agent.stop()
    agent.start()
    assert agent.call("token.list")["items"][0]["used_from"] == "192.0.2.7"


def test_only_root_and_the_agents_account_make_tokens(agent):
    agent.start()
    client = agent.client()
    assert client.call("token.list")["items"] == []
    client.close()
    if os.geteuid() != 0:
        pytest.skip("takes root")
    code = ("import json,socket,sys;s=socket.socket(socket.AF_UNIX);"
            "s.connect(sys.argv[1]);"
            "s.sendall(b'{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
            "\"token.add\",\"params\":{\"name\":\"x\",\"role\":"
            "\"admin\"}}\\n')"
            ";print(s.makefile().readline())")
    os.chmod(agent.folder / "data", 0o755)
    got = subprocess.run(["/usr/bin/python3", "-c", code, str(agent.socket)],
                         capture_output=True, text=True, timeout=20,
                         user=61234, group=61234, extra_groups=[])
    assert json.loads(got.stdout)["error"]["data"]["kind"] == "denied"


# --- Guessing ----------------------------------------------------------------

def test_who_guesses_is_told_to_wait_and_others_are_not(agent):
    agent.start()
    peer = agent.api()
    right = token(agent, "reader")
    kinds = [refused(peer, "status", token="no", address="192.0.2.1")
             for _ in range(8)]
    assert kinds == ["unauthorized"] * 5 + ["too_many"] * 3
    with pytest.raises(RpcError) as caught:
        peer.call("status", token="no", address="192.0.2.1")
    assert 0 < caught.value.data["retry_after_ms"] <= 1000
    # nobody is kept out by it
    assert peer.call("status", token=right, address="192.0.2.1")
    assert refused(peer, "status", token="no",
                   address="192.0.2.2") == "unauthorized"


def test_an_ipv6_network_counts_as_one_address(agent):
    agent.start()
    peer = agent.api()
    kinds = [refused(peer, "status", token="no", address="2001:db8::%d" % n)
             for n in range(1, 8)]
    assert kinds[-1] == "too_many"
    assert refused(peer, "status", token="no",
                   address="2001:db8:0:1::1") == "unauthorized"


def test_the_wait_doubles(agent):
    agent.start()
    peer = agent.api()
    waits = []
    while len(waits) < 3:
        try:
            peer.call("status", token="no", address="192.0.2.1")
        except RpcError as e:
            wait = e.data.get("retry_after_ms", 0)
        if wait and (not waits or wait > waits[-1]):
            waits.append(wait)
        time.sleep(0.05)
    assert [round(wait / 100) for wait in waits] == [10, 20, 40]


# --- Streams and the rest ---------------------------------------------------

def test_events_tell_of_a_jobs_life(agent):
    agent.noop()
    agent.start()
    peer = agent.api()
    reader = token(agent, "reader")
    stream = peer.send("events", token=reader)
    assert peer.note("stream") == {"request": stream}
    peer.call("job.list", token=reader)
    job = agent.run("noop")["id"]
    got = [peer.note("event") for _ in range(3)]
    assert [e["type"] for e in got] == ["job.queued", "job.started",
                                        "job.ended"]
    assert {e["request"] for e in got} == {stream}
    assert {e["data"]["id"] for e in got} == {job}
    assert got[2]["data"]["state"] == "succeeded"
    assert got[0]["id"] < got[1]["id"] < got[2]["id"]


def test_a_stream_goes_on_after_the_last_event_that_came(agent):
    agent.noop()
    agent.start()
    peer = agent.api()
    reader = token(agent, "reader")
    first = peer.send("events", token=reader)
    peer.call("job.list", token=reader)
    agent.run("noop")
    last = [peer.note("event") for _ in range(3)][0]["id"]
    peer.say(method="cancel", params={"request": first})
    agent.run("noop")
    second = peer.send("events", token=reader, after=str(last))
    got = [peer.note("event") for _ in range(5)]
    assert {e["request"] for e in got} == {second}
    assert [e["id"] for e in got] == list(range(last + 1, last + 6))


def test_what_a_stream_missed_is_said(agent):
    agent.noop()
    agent.start()
    peer = agent.api()
    reader = token(agent, "reader")
    peer.send("events", token=reader)
    peer.call("job.list", token=reader)
    agent.run("noop")
    first = peer.note("event")["id"]
    for after in (first - 5, first + 10 ** 6, 1):
        peer.send("events", token=reader, after=str(after))
        event = peer.note("event")
        while event["type"] != "gap":
            event = peer.note("event")
        assert event["data"] == {"missed": None}
    for after in ("x", "-1", "", "1" * 30, " 1"):
        assert refused(peer, "events", token=reader, after=after) == "usage"


def test_how_much_a_stream_missed_is_counted(agent):
    agent.noop(workers="min_idle: 1, max_jobs: 1000")
    agent.start()
    peer = agent.api()
    reader = token(agent, "reader")
    stream = peer.send("events", token=reader)
    peer.call("job.list", token=reader)
    agent.run("noop")
    first = peer.note("event")["id"]
    peer.say(method="cancel", params={"request": stream})
    client = agent.client()
    for id in [client.send("job.submit", plugin="noop") for _ in range(400)]:
        client.answer(id)
    wait_until(lambda: not client.call(
        "job.list", state=["queued", "running"])["items"])
    stream = peer.send("events", token=reader, after=str(first))
    event = peer.note("event")
    while event["request"] != stream:
        event = peer.note("event")
    assert event["type"] == "gap"
    assert event["data"] == {"missed": event["id"] - first}
    assert event["data"]["missed"] > 100


def test_many_streams_have_each_event(agent):
    agent.noop()
    agent.start()
    peer = agent.api()
    reader = token(agent, "reader")
    streams = {peer.send("events", token=reader) for _ in range(1000)}
    peer.call("job.list", token=reader)
    agent.run("noop")
    got = [peer.note("event") for _ in range(3000)]
    assert {e["request"] for e in got} == streams


def test_one_that_does_not_read_stops_no_job(agent):
    agent.noop()
    agent.start()
    peer = agent.api()
    reader = token(agent, "reader")
    for _ in range(200):
        peer.send("events", token=reader)
    client = agent.client()
    ids = [client.send("job.submit", plugin="noop", wait=True)
           for _ in range(200)]
    for id in ids:
        assert client.answer(id)["state"] == "succeeded"
    client.close()
    # what there is for it stays within its bound
    resident = int(open("/proc/%d/statm" % agent.process.pid)
                   .read().split()[1]) * 4096
    assert resident < 64 << 20


def test_a_log_is_followed_and_cancelled(agent):
    agent.plugin("talk", """
        # /// devops_agent
        # name: talk
        # version: 1.0.0
        # description: A test.
        # params: {type: object}
        # ///
        import time

        def register():
            return run

        def run(job):
            for n in range(200):
                job.log.info("line %d" % n)
                time.sleep(0.05)
        """)
    agent.start()
    peer = agent.api()
    operator = token(agent, "operator")
    job = peer.call("job.submit", token=operator, plugin="talk")["id"]
    follow = peer.send("job.logs", token=operator, id=job, follow=True)
    note = peer.note("log")
    assert note["request"] == follow and note["job"] == job
    peer.say(method="cancel", params={"request": follow})
    assert peer.call("job.cancel", token=operator,
                     id=job)["state"] == "cancelled"
    assert follow not in peer.early


def test_a_key_makes_one_job_and_is_of_its_token(agent):
    agent.noop()
    agent.start()
    peer = agent.api()
    a, b = token(agent, "operator", "a"), token(agent, "operator", "b")
    first = peer.call("job.submit", token=a, plugin="noop", key="k")
    again = peer.call("job.submit", token=a, plugin="noop", key="k")
    assert again["id"] == first["id"] and again["existed"]
    assert refused(peer, "job.submit", token=a, plugin="noop", key="k",
                   priority=1) == "conflict"
    other = peer.call("job.submit", token=b, plugin="noop", key="k")
    assert other["id"] != first["id"]
    peer.call("job.wait", token=a, id=first["id"], wait_ms=20000)
    retried = peer.call("job.retry", token=a, id=first["id"], key="r")
    assert peer.call("job.retry", token=a, id=first["id"],
                     key="r")["id"] == retried["id"]


def test_errors_are_of_the_kinds_that_http_tells_apart(agent):
    agent.noop()
    agent.start()
    peer = agent.api()
    operator = token(agent, "operator")
    job = agent.run("noop")["id"]
    assert refused(peer, "job.get", token=operator, id=999) == "not_found"
    assert refused(peer, "job.cancel", token=operator, id=job) == "conflict"
    assert refused(peer, "job.list", token=operator, limit=-1) == "usage"
    agent.plugin("refused", """
        # /// devops_agent
        # name: refused
        # version: 1.0.0
        # description: A test.
        # permissions: {network: [host]}
        # ///
        """)
    assert refused(peer, "job.submit", token=operator,
                   plugin="refused") == "denied"


def test_every_change_leaves_an_audit_line(agent):
    agent.noop()
    agent.start()
    peer = agent.api()
    text = token(agent, "operator", "deploy")
    job = peer.call("job.submit", token=text, address="192.0.2.9",
                    plugin="noop", params={"password": "hidden-word"})["id"]
    refused(peer, "schedule.pause", token=text, address="192.0.2.9",
            name="nightly")
    refused(peer, "job.cancel", address="192.0.2.9", id=3)
    peer.call("job.list", token=text)
    agent.cli("token", "revoke", "deploy", check=True)
    wait_until(lambda: agent.logged("token.revoke"))
    lines = [line["message"] for line in agent.lines()
             if line.get("component") == "audit"]
    assert lines[0] == ("uid %d: token.add name=deploy role=operator: done"
                        % os.geteuid())
    assert lines[1] == ("token deploy from 192.0.2.9: job.submit plugin=noop: "
                        "done: job %d" % job)
    assert lines[2].startswith("token deploy from 192.0.2.9: schedule.pause "
                               "name=nightly: refused: ")
    assert lines[3].startswith("anonymous from 192.0.2.9: job.cancel id=3: "
                               "refused: ")
    assert lines[4].endswith("token.revoke name=deploy: done")
    assert len(lines) == 5
    assert not agent.logged("hidden-word") and not agent.logged(text)


# --- Health and figures -----------------------------------------------------

def test_anybody_may_ask_for_health(agent):
    agent.start()
    peer = agent.api()
    assert peer.call("health", address="192.0.2.1") == {
        "alive": True, "ready": True, "reasons": []}


def test_metrics_have_the_agents_and_the_plugins_own(agent):
    agent.plugin("measure", """
        # /// devops_agent
        # name: measure
        # version: 1.0.0
        # description: A test.
        # params: {type: object}
        # ///

        def register():
            return run

        def run(job):
            job.metric("used_bytes", job.params.get("n", 1), unit="bytes",
                       mount="/", job="mine", le="x")
            job.metric("odd:name", 2, kind="counter")
            for n in range(job.params.get("many", 0)):
                job.metric("many", n, n=str(n))
        """)
    agent.start()
    peer = agent.api()
    reader = token(agent, "reader")
    agent.run("measure", n=1)
    agent.run("measure", n=7)

    def family(name):
        families = {f["name"]: f for f in
                    peer.call("metrics", token=reader)["families"]}
        return families.get(name)
    used = family("devops_agent_plugin_used_bytes")
    assert used["kind"] == "gauge" and used["unit"] == "bytes"
    assert used["samples"] == [{"labels": {
        "job": "measure", "plugin": "measure", "mount": "/",
        "plugin_job": "mine", "plugin_le": "x"}, "value": 7.0}]
    odd = [f for f in peer.call("metrics", token=reader)["families"]
           if f["name"].startswith("devops_agent_plugin_odd")]
    assert len(odd) == 1 and re.fullmatch("[a-z0-9_]+", odd[0]["name"])
    run = family("devops_agent_job_run_seconds")["samples"][0]
    counts = [b["count"] for b in run["buckets"]]
    assert counts == sorted(counts) and counts[-1] == run["count"] == 2
    assert run["buckets"][-1]["le"] is None
    agent.run("measure", many=2000)
    assert len(family("devops_agent_plugin_many")["samples"]) <= 256
    assert family("devops_agent_plugin_series_left_out_total")[
        "samples"][0]["value"] > 0


def test_figures_can_be_turned_off(agent):
    agent.settings["metrics"] = {"prometheus": False}
    agent.start()
    peer = agent.api()
    reader = token(agent, "reader")
    assert refused(peer, "metrics", token=reader) == "not_found"


# --- Where it listens -------------------------------------------------------

def test_its_sockets_listen_where_it_was_configured(agent):
    agent.start()
    peer = agent.api()
    assert peer.sockets[0].getsockname() == ("127.0.0.1", agent.port)
    client = socket.create_connection(("127.0.0.1", agent.port), 5)
    peer.sockets[0].settimeout(5)
    peer.sockets[0].accept()[0].close()
    client.close()


def test_another_address_is_taken_by_a_reload(agent):
    from stand_in import free_port
    agent.start()
    peer = agent.api()
    port = free_port()
    agent.settings["agent"]["listen_addr"] = "127.0.0.1:%d" % port
    agent.reload()
    assert peer.channel.recv(1) == b""
    peer.end()
    fresh = agent.api()
    assert fresh.sockets[0].getsockname()[1] == port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", agent.port), 5)


def test_a_taken_port_stops_no_job_and_is_tried_again(agent):
    agent.noop()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", agent.port))
        taken.listen()
        agent.start()
        assert agent.run("noop")["state"] == "succeeded"
        state = agent.state()
        assert state["state"] == "waiting"
        assert "Address already in use" in state["trouble"]
    agent.reload()
    agent.api()
    wait_until(lambda: agent.state()["state"] == "ready")


def test_beyond_this_host_it_waits_for_a_token(agent):
    agent.settings["agent"]["listen_addr"] = "0.0.0.0:%d" % agent.port
    agent.settings["api"] = {"insecure": True}
    agent.start()
    assert agent.state()["state"] == "waiting"
    assert "there is no token" in agent.state()["trouble"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", agent.port), 5)
    token(agent, "reader")
    agent.api()
    wait_until(lambda: agent.state()["state"] == "ready")


@pytest.mark.parametrize("listen,api,says", [
    ("0.0.0.0:%d", {}, "without TLS"),
    ("[::]:%d", {}, "without TLS"),
    ("192.0.2.1:%d", {}, "without TLS"),
    ("0.0.0.0:%d", {"insecure": True, "anonymous": "read"},
     "api.anonymous: goes with"),
    ("example.org:%d", {}, "a name is not looked up"),
    ("127.0.0.1:%d", {"tls": {"cert": "./x"}}, "api.tls.key is missing"),
    ("127.0.0.1:%d", {"tls": {"cert": "./x", "key": "./x"}},
     "No such file"),
    ("127.0.0.1:%d", {"tls": {"clients": {"CN=x": "reader"}}},
     "takes api.tls.client_ca"),
    ("127.0.0.1:%d", {"tls": {"clients": {"CN=x": "king"}}},
     "expected reader, operator or admin"),
    ("127.0.0.1:%d", {"hosts": ["a b"]}, "expected a host name"),
    ("127.0.0.1:%d", {"limits": {"body": "2MiB"}}, "api.limits.body"),
])
def test_a_wrong_section_starts_nothing(agent, listen, api, says):
    agent.settings["agent"]["listen_addr"] = listen % agent.port
    agent.settings["api"] = api
    agent.write_config()
    agent.start(wait=False)
    assert agent.process.wait(20) == 2
    agent.process = None
    assert agent.logged(says), agent.log.read_text()


def test_a_wrong_section_at_a_reload_leaves_the_old_in_force(agent):
    agent.start()
    peer = agent.api()
    agent.settings["agent"]["listen_addr"] = "0.0.0.0:80"
    agent.write_config()
    agent.process.send_signal(1)
    wait_until(lambda: agent.logged("not reloaded"))
    assert agent.state()["state"] == "ready"
    assert peer.call("health")["alive"]


def test_more_large_answers_than_it_reads_are_refused(agent):
    agent.plugin("large", """
        # /// devops_agent
        # name: large
        # version: 1.0.0
        # description: A test.
        # ///

        def register():
            return lambda job: "x" * 1000000
        """)
    agent.start()
    peer = agent.api()
    reader = token(agent, "reader")
    job = agent.run("large")["id"]
    # in one piece, so that they are read before an answer leaves
    peer.raw(b"".join(json.dumps({
        "jsonrpc": "2.0", "id": id, "method": "job.get",
        "params": {"id": job}, "auth": {"token": reader}}).encode() + b"\n"
        for id in range(1, 301)))
    kinds = []
    for id in range(1, 301):
        try:
            assert len(peer.answer(id)["result"]) == 1000000
            kinds.append("ok")
        except RpcError as e:
            assert e.data["retry_after_ms"] == 1000
            kinds.append(e.kind)
    assert set(kinds) == {"ok", "unavailable"}
    assert agent.state()["failures"] == 0
