"""How records travel: TLS, credentials, redirects, waits, several at once."""

import json
import ssl
import subprocess
import threading
import time

import pytest
from collector import Collector
from conftest import (PROGRAM, SLOWNESS, Generated, Listed, destination,
                      job_record, wait_until)


def numbers(request):
    """The records of a request."""
    return [json.loads(line)["id"] for line in request.body().splitlines()]


class Books:
    """Says yes to everything, and keeps it."""

    def __init__(self, context=None):
        self.requests = []
        self.got = []
        self.collector = Collector(self.handle, context)
        self.url = self.collector.url

    def handle(self, request):
        """Yes."""
        self.got += numbers(request)
        self.requests.append(request)
        request.answer(200)
        return True


def certificate(folder, name, host="127.0.0.1", days=2, **sign):
    """A certificate and its key, of its own or of a CA's making."""
    cert, key = folder / f"{name}.crt", folder / f"{name}.key"
    kind = "IP" if host[0].isdigit() else "DNS"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
               "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(key),
               "-out", str(cert), "-subj", f"/CN={name}", "-days", str(days),
               "-addext", f"subjectAltName={kind}:{host}"]
    for option, value in sign.items():
        command += [f"-{option}", str(value)]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


def server_context(cert, key, client_ca=None):
    """TLS as a collector has it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


# --- TLS ---------------------------------------------------------------------


def test_tls(master, tmp_path):
    """A certificate that is not trusted holds the records until ca is set"""
    cert, key = certificate(tmp_path, "collector")
    books = Books(server_context(cert, key))
    m = master(Generated(10), destination(books.url, probe_ms=60000))
    shown = m.wait_shown("held")
    assert "TLS failed" in shown["error"] and shown["status"] == 0
    assert m.cursors["central"] == 0
    m.configure([destination(books.url, probe_ms=60000,
                             tls={"ca": str(cert)})])
    m.wait_done()
    assert m.wait_shown("ok") and books.got == list(range(10))


@pytest.mark.parametrize("host,days", [("nobody.example", 2)])
def test_tls_name(master, tmp_path, host, days):
    """A certificate of another name holds the records"""
    cert, key = certificate(tmp_path, "collector", host, days)
    books = Books(server_context(cert, key))
    m = master(Generated(10), destination(books.url, tls={"ca": str(cert)}))
    assert "TLS failed" in m.wait_shown("held")["error"]
    assert not books.got


def test_no_tls(master):
    """A port that does not speak TLS holds the records"""
    c = Collector(lambda request: False)
    c.start = lambda sock: (sock.recv(1000), sock.sendall(
        b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"))
    m = master(Generated(10), destination(c.url.replace("http:", "https:")))
    assert "TLS failed" in m.wait_shown("held")["error"]


def test_client_certificate(master, tmp_path):
    """A client certificate is read again when its file changes"""
    cert, key = certificate(tmp_path, "collector")
    one, one_key = certificate(tmp_path, "one")
    two, two_key = certificate(tmp_path, "two")
    both = tmp_path / "both.crt"
    both.write_bytes(one.read_bytes() + two.read_bytes())
    books = Books(server_context(cert, key, both))
    mine, mine_key = tmp_path / "mine.crt", tmp_path / "mine.key"
    mine.write_bytes(one.read_bytes())
    mine_key.write_bytes(one_key.read_bytes())
    m = master(Listed([("job", job_record(0))]),
               destination(books.url, tls={
                   "ca": str(cert), "cert": str(mine),
                   "key": str(mine_key)}))
    m.wait_done()
    # files are looked at once a second, so as not to do it for each request
    mine.write_bytes(two.read_bytes())
    mine_key.write_bytes(two_key.read_bytes())
    for i in range(1, 200):
        m.add(("job", job_record(i)))
        m.wait_done()
        if books.requests[-1].connection is not books.requests[0].connection:
            break
        time.sleep(0.02)
    names = [dict(x[0] for x in r.connection.sock.getpeercert()["subject"])
             ["commonName"] for r in books.requests[-1:]]
    assert names == ["two"]
    assert books.got == list(range(len(books.got)))


# --- Where it goes, and as who -----------------------------------------------


def test_no_such_name(master):
    """A name that is not known is tried again"""
    m = master(Generated(1), destination("http://nowhere.invalid/"))
    assert "resolve" in m.wait_shown("retrying")["error"]


def test_redirect(master):
    """A redirect is not followed; the records are held, and told why"""
    elsewhere = Books()
    c = Collector(lambda r: r.answer(
        307, Location=elsewhere.url + "/new", **{"X": r.read_body()[:0]}))
    m = master(Generated(1), destination(c.url, auth={"bearer": "s3cret"}))
    shown = m.wait_shown("held")
    assert shown["status"] == 307 and elsewhere.url + "/new" in shown["error"]
    assert not elsewhere.collector.accepted


@pytest.mark.parametrize("status", [401, 403, 404])
def test_held(master, status):
    """Not authorised: held, and tried at once with other credentials"""
    got = []

    def handle(request):
        request.read_body()
        if request.headers.get("authorization") == "Bearer new":
            got.extend(numbers(request))
            request.answer(200)
        else:
            request.answer(status, "who are you")

    c = Collector(handle)
    old = destination(c.url, probe_ms=60000, auth={"bearer": "old"})
    m = master(Generated(10), old)
    shown = m.wait_shown("held")
    assert shown["status"] == status and "who are you" in shown["error"]
    assert shown["retry_at_ms"] > time.time() * 1000 + 20000
    m.configure([dict(old, auth={"bearer": "new"})])
    m.wait_done()
    assert got == list(range(10)) and not m.aside


def test_basic(master):
    """Basic authentication is sent with the first request"""
    books = Books()
    m = master(Generated(1), destination(books.url, auth={
        "basic": {"user": "me", "password": "a:b"}}))
    m.wait_done()
    assert books.requests[0].headers["authorization"] == "Basic bWU6YTpi"


def test_proxy(master):
    """A proxy is asked for the collector"""
    books = Books()
    m = master(Generated(1), destination("http://collector.invalid:81/x",
                                         proxy=books.url))
    m.wait_done()
    assert books.requests[0].path == "http://collector.invalid:81/x"


# --- Waiting -----------------------------------------------------------------


def test_retry_after(master):
    """Retry-After is obeyed, and the same bytes are sent again"""
    seen = []

    def handle(request):
        request.read_body()
        seen.append((time.monotonic(), request))
        if len(seen) == 1:
            request.answer(429, Retry_After=1)
        else:
            request.answer(200)

    m = master(Generated(50), destination(Collector(handle).url,
                                          compression="zstd"))
    m.wait_done()
    (first, one), (second, two) = seen
    assert second - first >= 1
    assert one.raw == two.raw
    assert one.headers["idempotency-key"] == two.headers["idempotency-key"]


def test_rate(master):
    """Catching up keeps to its rate"""
    books = Books()
    start = time.monotonic()
    m = master(Generated(1200), destination(
        books.url, rate=400, batch={"records": 50}))
    m.wait_done()
    # a second's worth goes at once
    assert 1.7 <= time.monotonic() - start
    assert books.got == list(range(1200))


def test_outage(master):
    """An outage costs next to nothing, and is over when it is over"""
    books = Books()
    books.collector.refuse()
    m = master(Generated(100), destination(
        books.url, retry={"min_ms": 100, "max_ms": 1000}))
    m.wait_shown("retrying")
    before = m.cpu_seconds()
    time.sleep(3)
    assert m.cpu_seconds() - before <= 0.03 * SLOWNESS
    books.collector.listen()
    m.wait_done()
    assert m.wait_shown("ok")


def test_independent(master):
    """A destination that hangs does not delay another"""
    hang = threading.Event()
    stuck = Collector(lambda r: hang.wait(30))
    books = Books()
    m = master(Generated(5000), destination(stuck.url, name="stuck"),
               destination(books.url))
    m.wait_done(seconds=15 * SLOWNESS)
    assert m.cursors["stuck"] == 0
    hang.set()


def test_linger(master):
    """Batches that are not full are sent no more often than batch.wait"""
    books = Books()
    m = master(Listed(), destination(
        books.url, batch={"records": 100, "wait_ms": 500}))
    end = time.monotonic() + 2.2
    i = 0
    while time.monotonic() < end:
        m.add(("job", job_record(i)))
        i += 1
        time.sleep(0.01)
    m.wait_done()
    assert books.got == list(range(i))
    assert 3 <= len(books.requests) <= 7


# --- Sizes -------------------------------------------------------------------


def test_too_large(master):
    """A collector that takes less at once is found out, once"""
    sizes = []

    def handle(request):
        n = len(numbers(request))
        sizes.append(n)
        request.answer(413 if n > 10 else 200)

    m = master(Generated(1000), destination(Collector(handle).url))
    m.wait_done()
    assert not m.aside
    assert sum(n > 10 for n in sizes) < 20, sizes


def test_record_too_large(master):
    """A record that is too large alone is put aside, with the answer"""
    def handle(request):
        n = len(request.body())
        request.answer(413 if n > 100000 else 200, "not so much")

    records = [("job", job_record(i)) for i in range(20)]
    records[7] = ("job", job_record(7, result="x" * 200000))
    m = master(Listed(records), destination(Collector(handle).url))
    m.wait_done()
    (item,) = m.aside.values()
    assert item["id"].endswith("-7") and item["code"] == "413"
    assert item["excerpt"] == "not so much" and item["reason"]
    assert m.accepted == 19


def test_memory(master):
    """Memory does not grow with the backlog, nor with large records"""
    books = Books()
    m = master(Generated(40, lambda i: job_record(i, result="x" * 900000)),
               destination(books.url, batch={"records": 500}))
    m.wait_done()
    assert books.got == list(range(40))
    if "asan" not in PROGRAM:
        assert m.rss_kib() <= 24 * 1024


# --- The master --------------------------------------------------------------


def test_done_fails(master):
    """What the agent could not record is told again"""
    books = Books()
    m = master(Generated(2000), destination(books.url))
    m.fail_done = 2
    m.wait_done()
    assert books.got == list(range(2000))
    assert m.accepted == 2000


def test_replay(master):
    """A cursor that is moved back sends again"""
    books = Books()
    m = master(Generated(50), destination(books.url))
    m.wait_done()
    m.rewind("central", 20)
    m.wait_done()
    wait_until(lambda: len(books.got) == 80)
    assert books.got == list(range(50)) + list(range(20, 50))


def test_configure(master):
    """Destinations come and go; one that can't be used says why"""
    books, other = Books(), Books()
    m = master(Generated(100), destination(books.url),
               destination(books.url, name="bad", format="no-such"))
    m.wait_done()
    assert "no-such" in m.wait_shown("stopped", "bad")["error"]
    m.configure([destination(other.url, name="other")])
    m.wait_done("other")
    assert other.got == books.got == list(range(100))


def test_alone(master):
    """A record that is refused alone is put aside; later ones are not"""
    def handle(request):
        request.answer(400 if 0 in numbers(request) else 200, "bad")

    m = master(Listed([("job", job_record(0))]),
               destination(Collector(handle).url))
    m.wait_done()
    m.add(*(("job", job_record(i)) for i in range(1, 5)))
    m.wait_done()
    assert [x["code"] for x in m.aside.values()] == ["400"]
    assert m.accepted == 4


def test_refuses_everything(master):
    """Who refuses everything, but for a while, gets everything, in order"""
    state = {"broken": True, "got": [], "requests": 0}

    def handle(request):
        state["requests"] += 1
        if state["broken"]:
            request.read_body()
            request.answer(400, "no")
        else:
            state["got"] += numbers(request)
            request.answer(200)

    m = master(Generated(1000), destination(Collector(handle).url,
                                            probe_ms=500))
    m.wait_shown("held")
    state["broken"] = False
    m.wait_done()
    assert state["got"] == list(range(1000)) and not m.aside


@pytest.mark.parametrize("part", [
    b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-",
    b"HTTP/1.1 200 OK\r\nX: y\r\n", b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"])
def test_cut_answers(master, part):
    """An answer that is cut short is none"""
    seen = []

    def handle(request):
        request.read_body()
        seen.append(request)
        if len(seen) == 1:
            request.send(part)
            return False
        request.answer(200)
        return True

    m = master(Generated(1), destination(Collector(handle).url))
    m.wait_done()
    assert len(seen) == 2


def test_neighbour(master):
    """A neighbour of poison that fails once too is neither lost nor twice"""
    got, alone = [], []

    def handle(request):
        n = numbers(request)
        if n == [6]:
            alone.append(6)
        if 5 in n or (n == [6] and len(alone) == 1):
            request.answer(500)
        else:
            got.extend(n)
            request.answer(200)

    m = master(Generated(8), destination(Collector(handle).url))
    m.wait_done()
    assert got == [0, 1, 2, 3, 4, 6, 7]
    assert list(m.aside) == [f'{m.agent["id"]}-5']
