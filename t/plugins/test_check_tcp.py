import socket
import threading
import time

import pytest

from servers import serve, wait_for_peer


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def check(python, port, **params):
    return python("check_tcp", dict({"host": "127.0.0.1", "port": port},
                                    **params))


def test_an_open_port(python):
    with serve(wait_for_peer) as port:
        outcome = check(python, port)
    assert outcome.error is None
    result = outcome.result
    assert result["ok"] is True and result["address"] == "127.0.0.1"
    assert {"dns_ms", "connect_ms", "total_ms"} <= set(result)
    assert outcome.metric("tcp_check_ok", port=str(port)) == 1
    assert outcome.metric("tcp_check_duration_seconds") < 5


def test_a_closed_port(python):
    outcome = check(python, closed_port())
    assert outcome.code == "connect_failed"
    assert "Connection refused" in outcome.error["message"]
    assert outcome.error["data"]["result"]["ok"] is False
    assert outcome.metric("tcp_check_ok") == 0


def test_a_name_is_resolved_and_its_addresses_are_tried(python):
    with serve(wait_for_peer) as port:          # on IPv4 only
        outcome = python("check_tcp", {"host": "localhost", "port": port})
    assert outcome.result["address"] == "127.0.0.1"


def test_ipv6(python):
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError as error:
        pytest.skip("no IPv6: %s" % error)
    with listener:
        outcome = python("check_tcp", {
            "host": "::1", "port": listener.getsockname()[1]})
    assert outcome.result["address"] == "::1"


def test_a_conversation(python):
    def handle(connection, number):
        if connection.recv(100) == b"PING\r\n\x01":
            connection.sendall(b"+PO")
            connection.sendall(b"NG\r\n")
        wait_for_peer(connection, number)

    with serve(handle) as port:
        outcome = check(python, port, send="PING\\r\\n\\x01", expect="+PONG")
    assert outcome.error is None, outcome.error
    assert outcome.result["answer"].startswith("+PONG")


def test_another_answer(python):
    def handle(connection, number):
        connection.sendall(b"500 \xff no\n")

    with serve(handle) as port:
        outcome = check(python, port, expect="220")
    assert outcome.code == "unexpected_answer"
    assert outcome.error["data"]["result"]["answer"] == "500 \\xff no\n"


def test_a_server_that_says_nothing(python):
    with serve(wait_for_peer) as port:
        outcome = check(python, port, expect="220", timeout_ms=1000)
    assert outcome.code == "timed_out"
    assert outcome.seconds < 10


def test_a_server_that_drips(python):
    done = threading.Event()

    def handle(connection, number):
        while not done.wait(0.05):
            connection.sendall(b".")

    with serve(handle) as port:
        outcome = check(python, port, expect="220", timeout_ms=500)
        done.set()
    assert outcome.code == "timed_out"
    assert outcome.seconds < 10


def test_a_server_that_floods(python):
    def handle(connection, number):
        while True:
            connection.sendall(bytes(65536))

    with serve(handle) as port:
        outcome = check(python, port, expect="220")
    assert outcome.code == "unexpected_answer"
    assert len(outcome.error["data"]["result"]["answer"]) <= 1024


def test_a_server_that_resets(python):
    def handle(connection, number):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                              b"\1\0\0\0\0\0\0\0")

    with serve(handle) as port:
        outcome = check(python, port, expect="220")
    assert outcome.code in ("connection_lost", "connect_failed")


def test_a_listener_whose_queue_is_full(python):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            waiting.append(one)
        outcome = check(python, port, timeout_ms=400)
        for one in waiting:
            one.close()
    assert outcome.code == "timed_out"
    assert outcome.seconds < 10


def test_a_name_that_does_not_exist(python):
    outcome = python("check_tcp", {"host": "no-such-host.invalid",
                                   "port": 80, "timeout_ms": 3000})
    assert outcome.code in ("dns_failed", "timed_out")
    assert "no-such-host.invalid" in outcome.error["message"]


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".invalid", "ü" * 64],
                         ids=["an empty label", "a long one", "a long IDN"])
def test_a_name_that_can_not_exist(python, host):
    outcome = python("check_tcp", {"host": host, "port": 80,
                                   "timeout_ms": 3000})
    assert outcome.code in ("dns_failed", "timed_out")


def test_a_resolver_that_hangs(module, monkeypatch):
    plugin = module("check_tcp")
    release = threading.Event()

    class Resolver:
        def __getattr__(self, name):
            return getattr(socket, name)

        def getaddrinfo(self, *_):
            release.wait(20)
            return []

    monkeypatch.setattr(plugin, "socket", Resolver())
    start = time.monotonic()
    with pytest.raises(plugin.Problem) as problem:
        plugin.resolve("slow.invalid", 80, start + 0.2)
    release.set()
    assert problem.value.code == "timed_out"
    assert time.monotonic() - start < 2


def test_a_refusal_of_the_sandbox_stays_an_oserror(module, monkeypatch):
    plugin = module("check_tcp")

    class Sandboxed:
        def __getattr__(self, name):
            return getattr(socket, name)

        def socket(self, *_):
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(plugin, "socket", Sandboxed())
    with pytest.raises(PermissionError) as error:
        plugin.connect("db.example", 9042, [(2, 1, 6, "", ("192.0.2.1", 1))],
                       time.monotonic() + 1)
    assert error.value.errno == 13
    assert "db.example port 9042" in str(error.value)


@pytest.mark.parametrize("text, want", [
    ("", b""), ("plain", b"plain"), (r"a\r\n\t\0", b"a\r\n\t\0"),
    (r"\\n", b"\\n"), (r"\\\n", b"\\\n"), (r"\x41\xff", b"A\xff"),
    ("é", b"\xc3\xa9"), (r"\\", b"\\"), (r"\\\\", b"\\\\"),
])
def test_escapes(module, text, want):
    assert module("check_tcp").unescape("send", text) == want


@pytest.mark.parametrize("text", [r"\q", r"\x4", r"\xzz", "\\"])
def test_bad_escapes_are_bad_parameters(python, text):
    outcome = python("check_tcp", {"host": "127.0.0.1", "port": 1,
                                   "send": text})
    assert outcome.code == "bad_params", outcome.error
    assert "send" in outcome.error["message"]
