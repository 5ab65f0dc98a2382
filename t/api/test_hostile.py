"""Clients that mean ill, or are merely slow."""

import socket
import struct
import time

import pytest

from double import LATER, SANITIZED, SECONDS, SLOWNESS, job, wait_until

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
POST = (b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\n")
NEXT = b"GET /v1/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"

# Title, bytes, the status that is answered. What follows is NEXT, which must
# never be taken for a request of its own where the first one's end is unsure.
SMUGGLING = [
    ("CL.TE", POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n"
     b"\r\n0\r\n\r\nG", 411),
    ("TE.CL", POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"
     b"\r\n5c\r\n" + NEXT, 411),
    ("TE alone", POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
    ("TE identity", POST + b"Transfer-Encoding: identity\r\n\r\n", 411),
    ("TE twice", POST + b"Transfer-Encoding: chunked\r\n"
     b"Transfer-Encoding: x\r\n\r\n", 411),
    ("TE with a tab", POST + b"Transfer-Encoding:\tchunked\r\n\r\n", 411),
    ("TE with a vertical tab", POST + b"Transfer-Encoding: \x0bchunked\r\n"
     b"\r\n", 400),
    ("TE with a space before the colon",
     POST + b"Transfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n", 400),
    ("TE in folds", POST + b"Transfer-Encoding:\r\n chunked\r\n"
     b"Content-Length: 0\r\n\r\n", 400),
    ("a fold after any header", POST + b"X: a\r\n b\r\nContent-Length: 0\r\n"
     b"\r\n", 400),
    ("a fold after the last header", POST + b"X: a\r\n\tb\r\n\r\n", 400),
    ("a header that begins with a space",
     b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\n Content-Length: 40\r\n"
     b"\r\n", 400),
    ("two lengths", POST + b"Content-Length: 0\r\nContent-Length: 40\r\n"
     b"\r\n", 400),
    ("two equal lengths", POST + b"Content-Length: 0\r\n"
     b"Content-Length: 0\r\n\r\n", 400),
    ("a length with a plus", POST + b"Content-Length: +0\r\n\r\n", 400),
    ("a length that is negative", POST + b"Content-Length: -1\r\n\r\n", 400),
    ("a length in hexadecimal", POST + b"Content-Length: 0x0\r\n\r\n", 400),
    ("a length with a space in it", POST + b"Content-Length: 0 0\r\n\r\n",
     400),
    ("a list of lengths", POST + b"Content-Length: 0, 0\r\n\r\n", 400),
    ("an empty length", POST + b"Content-Length:\r\n\r\n", 400),
    ("a length of 2^64", POST + b"Content-Length: 18446744073709551616\r\n"
     b"\r\n", 413),
    ("a NUL in a name", POST + b"Content-Length\0: 40\r\n\r\n", 400),
    ("a NUL in a value", POST + b"X: a\0b\r\n\r\n", 400),
    ("a line that ends without CR", POST + b"X: a\nContent-Length: 0\r\n"
     b"\r\n", 400),
    ("a first line that ends without CR",
     b"GET /healthz HTTP/1.1\nHost: localhost\r\n\r\n", 400),
    ("a target with a NUL",
     b"GET /healthz\0x HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    ("a carriage return in a value", POST + b"X: a\rContent-Length: 40\r\n"
     b"\r\n", 400),
    ("a name in quotes", POST + b'"Content-Length": 40\r\n\r\n', 400),
    ("a header without a colon", POST + b"Content-Length\r\n\r\n", 400),
    ("two hosts", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
     b"Host: localhost\r\n\r\n", 400),
    ("no host", b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    ("a body with GET", GET + b"Content-Length: %d\r\n\r\n" % len(NEXT), 400),
    ("a body with HEAD", b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n"
     b"Content-Length: %d\r\n\r\n" % len(NEXT), 400),
    ("an upgrade to HTTP/2", GET + b"Connection: Upgrade, HTTP2-Settings\r\n"
     b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", 200),
]


def statuses(got):
    """The statuses of the answers in some bytes."""
    return [int(part[:3]) for part in got.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize("title,data,status", SMUGGLING,
                         ids=[s[0] for s in SMUGGLING])
def test_smuggling(api, title, data, status):
    """Where a request's end is unsure, nothing after it is a request"""
    got = api.raw(data + NEXT + GET + b"Connection: close\r\n\r\n")
    if status == 200:
        assert statuses(got) == [200, 404, 200]
        return
    # libmicrohttpd 0.9.75 says the header of some of its refusals twice
    assert set(statuses(got)) == {status}, got
    assert len(statuses(got)) == 1 or b"problem" not in got
    assert api.master.asked.empty()
    assert api.get("/healthz").status == 200


MALFORMED = [
    b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"GET /healthz\r\n\r\n",
    b"GET /healthz HTTP/2.0\r\nHost: localhost\r\n\r\n",
    b"GET /healthz HTTP/0.9\r\nHost: localhost\r\n\r\n",
    b"GET /healthz HTTP/1.1x\r\nHost: localhost\r\n\r\n",
    b"GET  /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"GET /healthz a HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET http:// HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /healthz\0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"G\0T /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: local\0host\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\xff" * 5000 + b"\r\n\r\n",
    b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
]


@pytest.mark.parametrize("data", MALFORMED,
                         ids=[f"{i} {m[:24]!r}" for i, m in
                              enumerate(MALFORMED)])
def test_malformed(start, data):
    """What is no HTTP is refused"""
    api = start(limits={"idle_ms": 1000, "header_ms": 500})
    s = api.connect()
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
    got = b""
    try:
        while piece := s.recv(65536):
            got += piece
    except ConnectionResetError:
        pass
    s.close()
    assert all(400 <= n < 510 for n in statuses(got)), got
    assert api.master.asked.empty()
    assert api.get("/healthz").status == 200


def test_random_bytes(api):
    """Bytes of no sense, in pieces, harm nothing"""
    noise = bytes((i * i * 7 + 13 * i) % 256 for i in range(3000))
    for cut in range(0, 3000, 97):
        s = api.connect()
        s.sendall(noise[cut:cut + 50])
        s.sendall(b"\r\n" + noise[:cut])
        s.close()
    assert api.get("/healthz").status == 200


def test_oversized(api):
    """Each part of a request has a bound, and says so"""
    answer = api.get("/v1/jobs?name=" + "a" * 5000)
    assert (answer.status, answer.problem()) == (414, "uri-too-long")
    answer = api.get("/healthz", X="a" * 8300)
    assert (answer.status, answer.problem()) == (431, "headers-too-large")
    answer = api.get("/healthz", **{f"X{i}": "a" for i in range(70)})
    assert (answer.status, answer.problem()) == (431, "headers-too-large")
    got = api.raw(GET + b"X: " + b"a" * 100_000 + b"\r\n\r\n")
    assert statuses(got) in ([431], [])
    got = api.raw(b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n")
    assert statuses(got) in ([414], [])
    got = api.raw(GET + b"".join(b"X%d: a\r\n" % i for i in range(5000))
                  + b"\r\n")
    assert statuses(got) in ([431], [])
    assert api.get("/healthz").status == 200


def test_oversized_body(api):
    """A body that is too long is not read"""
    got = api.raw(POST + b"Content-Length: 2000000\r\n\r\n")
    assert statuses(got) == [413] and b"body-too-large" in got
    got = api.raw(POST + b"Content-Length: 2000000\r\n"
                  b"Expect: 100-continue\r\n\r\n")
    assert statuses(got) == [413]
    body = b'{"name":"a","params":{"x":"' + b"a" * 900_000 + b'"}}'
    assert api.post("/v1/jobs", body).status == 201
    assert len(api.master.next().params["params"]["x"]) == 900_000
    # what grows on its way to the master, past what it takes
    body = '{"name":"a","params":{"x":"' + "\u0085" * 450_000 + '"}}'
    answer = api.post("/v1/jobs", body.encode())
    assert answer.problem() == "body-too-large"
    assert api.get("/healthz").status == 200


def test_continue(api):
    """A client that asks first is told to go on, or not to"""
    s = api.connect()
    s.sendall(POST + b"Content-Length: 12\r\nExpect: 100-continue\r\n\r\n")
    assert s.recv(100).startswith(b"HTTP/1.1 100 ")
    s.sendall(b'{"name":"a"}')
    assert b" 201 " in s.recv(4096)
    s.sendall(POST.replace(b"/v1/jobs", b"/nothing")
              + b"Content-Length: 12\r\nExpect: 100-continue\r\n\r\n")
    assert s.recv(4096).startswith(b"HTTP/1.1 404 ")
    s.close()


def test_bodies_in_pieces(api):
    """A body may come byte by byte"""
    s = api.connect()
    body = b'{"name":"abc"}'
    s.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(body))
    for i in range(len(body)):
        s.sendall(body[i:i + 1])
    assert b" 201 " in s.recv(4096)
    assert api.master.next().params == {"name": "abc"}
    s.close()


def closes(s, seconds=SECONDS):
    """Whether the other side closes in time."""
    s.settimeout(seconds)
    try:
        while s.recv(4096):
            pass
    except ConnectionResetError:
        pass
    except socket.timeout:
        return False
    return True


def test_slow_clients(start):
    """What does not come in time is not waited for, and delays nobody"""
    api = start(limits={"header_ms": 300 * SLOWNESS,
                        "request_ms": 600 * SLOWNESS,
                        "idle_ms": 900 * SLOWNESS})
    slow = [api.connect() for _ in range(5)]
    slow[0].sendall(b"GET /heal")
    slow[1].sendall(GET)
    slow[2].sendall(POST + b"Content-Length: 100\r\n\r\n{")
    api_client = api.client()
    assert api.get("/healthz", client=api_client).status == 200
    slow[3].sendall(GET + b"\r\n" + b"GET /hea")
    end = time.monotonic() + SECONDS
    left = {s: True for s in slow}
    while any(left.values()) and time.monotonic() < end:
        for s in (slow[0], slow[1]):  # a byte now and then does not help
            try:
                s.sendall(b"a")
            except OSError:
                left[s] = False
        for s in slow[2:]:
            left[s] = left[s] and not closes(s, 0.05)
        assert api.get("/healthz").status == 200
    assert not any(left.values())
    for s in slow:
        s.close()


def test_kept_connection_is_not_idle(start):
    """A connection that is used again and again is kept"""
    api = start(limits={"header_ms": 200, "idle_ms": 1000 * SLOWNESS})
    c = api.client()
    for _ in range(8):
        assert api.get("/healthz", client=c).status == 200
        s, now = c.sock, time.monotonic()
        wait_until(lambda: time.monotonic() - now > 0.1)
        assert c.sock is s


def test_slow_reader(api):
    """A client that does not read its answer delays no other"""
    api.master.answers["job.get"] = job(1, result="x" * 3_000_000)
    slow = []
    for _ in range(20):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect((api.host, api.port))
        s.sendall(GET.replace(b"/healthz", b"/v1/jobs/1") + b"\r\n")
        slow.append(s)
    wait_until(lambda: SANITIZED or api.resident() > 40_000, 60 * SLOWNESS)
    for _ in range(20):
        assert api.get("/healthz").status == 200
    for s in slow:
        s.close()
    wait_until(lambda: api.resident() < 30_000)


def test_answers_that_wait(start):
    """What waits to be read is bounded in all"""
    api = start(limits={"held_bytes": 20_000_000})
    api.master.answers["job.get"] = job(1, result="x" * 5_000_000)
    slow = []
    for _ in range(5):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect((api.host, api.port))
        s.sendall(GET.replace(b"/healthz", b"/v1/jobs/1") + b"\r\n")
        assert s.recv(12).startswith(b"HTTP/1.1 ")
        slow.append(s)
    assert api.resident() < 60_000
    answer = api.get("/v1/status")
    assert (answer.status, answer.problem()) == (503, "unavailable")
    for s in slow:
        s.close()
    wait_until(lambda: api.get("/v1/status").status == 200)


def test_clients_that_vanish(api):
    """Clients that reset their connections leave nothing behind"""
    api.master.answers["job.wait"] = LATER
    for i in range(200):
        s = api.connect()
        path = b"/v1/jobs/1?wait_ms=60000" if i % 2 else b"/v1/status"
        s.sendall(GET.replace(b"/healthz", path) + b"\r\n")
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))
        s.close()
    wait_until(lambda: "devops_agent_api_connections 1\n"
               in api.get("/metrics").body.decode())
    asked = []
    while not api.master.asked.empty():
        asked.append(api.master.next())
    waits = {r.id for r in asked if r.method == "job.wait"}
    wait_until(lambda: waits <= set(api.master.cancelled))


def test_too_many_connections(start):
    """Past the bound of connections the next ones wait"""
    api = start(limits={"connections": 10})
    held = [api.client() for _ in range(10)]
    for c in held:
        assert api.get("/healthz", client=c).status == 200
    c = api.client(timeout=0.3)
    with pytest.raises(socket.timeout):
        api.get("/healthz", client=c)
    c.close()
    for c in held[:5]:
        c.close()
    assert api.get("/healthz").status == 200
    for c in held:
        c.close()


def test_many_idle(api):
    """Thousands of idle connections cost little, and delay nobody"""
    before = api.resident()
    held = []
    for _ in range(2000):
        s = api.connect()
        s.sendall(GET + b"\r\n")
        held.append(s)
    for s in held:
        assert s.recv(4096).startswith(b"HTTP/1.1 200")
    assert api.get("/healthz").status == 200
    each = (api.resident() - before) / len(held)
    assert each <= 32, f"{each} KiB each"
    for s in held:
        s.close()
    assert api.get("/healthz").status == 200
    wait_until(lambda: api.resident() < before + 10_000)


def own_address():
    """An address of this host that is not loopback; None: it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return s.getsockname()[0]


def test_one_address(start):
    """One address has so many connections and no more; loopback has all"""
    address = own_address()
    if not address:
        pytest.skip("no network")
    api = start(host="0.0.0.0", limits={"per_address": 3})
    api.host = address
    held = [api.client() for _ in range(3)]
    for c in held:
        assert api.get("/healthz", client=c).status == 200
    with pytest.raises(OSError):
        api.get("/healthz")
    api.host = "127.0.0.1"
    near = [api.client() for _ in range(5)]
    for c in near:
        assert api.get("/healthz", client=c).status == 200
    api.host = address
    held.pop().close()
    wait_until(lambda: answers(api))
    for c in held + near:
        c.close()


def answers(api):
    """Whether a new connection is answered."""
    try:
        return api.get("/healthz").status == 200
    except OSError:
        return False
