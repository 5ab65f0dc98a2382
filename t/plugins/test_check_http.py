import json
import socket
import ssl
import threading
import time

import pytest

from servers import (answer, drip, flood, read_head, reset, serve, stamp,
                     wait_for_peer)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def check(python, port, path="/", scheme="http", env=None, **params):
    params.setdefault("url", "%s://127.0.0.1:%d%s" % (scheme, port, path))
    return python("check_http", params, env=env)


def ask(python, text, **params):
    """Check a server that answers with these bytes."""
    with serve(answer(text)) as port:
        return check(python, port, **params)


def failed(outcome):
    """What a failed check reports."""
    assert outcome.error is not None, outcome.result
    result = outcome.error["data"]["result"]
    assert result["ok"] is False
    assert outcome.metric("http_check_ok") == 0
    assert "Traceback" not in outcome.stderr
    assert outcome.size < 200000
    assert len(outcome.error["message"]) < 2000
    return result


def redirect(location, status=302):
    return b"HTTP/1.1 %d Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" \
        % (status, location.encode("utf-8"))


def recorder(*answers):
    """A handler that keeps each request, and the list that it keeps it in."""
    requests = []

    def handle(connection, number):
        requests.append(read_head(connection).decode("utf-8"))
        connection.sendall(answers[min(number, len(answers) - 1)])

    return handle, requests


def short(value):
    """The name of a case."""
    return ascii(value)[:40]


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


# What works


def test_an_answer_as_expected(python):
    outcome = ask(python, OK)
    assert outcome.error is None, outcome.error
    result = outcome.result
    assert result["ok"] is True
    assert (result["status"], result["body_bytes"]) == (200, 5)
    assert result["body_truncated"] is False
    assert result["redirects"] == []
    assert result["address"] == "127.0.0.1"
    assert {"dns_ms", "connect_ms", "first_byte_ms", "total_ms"} <= \
        set(result)
    assert "tls_ms" not in result and "tls_version" not in result


def test_metrics_and_their_units(python):
    outcome = ask(python, OK)
    assert outcome.metric("http_check_ok") == 1
    assert outcome.metric("http_check_status") == 200
    assert outcome.metric("http_check_body_bytes") == 5
    phases = {metric["labels"]["phase"]: metric["value"]
              for metric in outcome.metrics
              if metric["name"] == "http_check_duration_seconds"}
    assert set(phases) == {"dns", "connect", "first_byte", "total"}
    assert sum(phases.values()) <= 2 * phases["total"] + 0.001
    for metric in outcome.metrics:
        assert metric["name"].endswith("_seconds") == \
            (metric["unit"] == "seconds")
        assert metric["name"].endswith("_bytes") == \
            (metric["unit"] == "bytes")


def test_the_request_that_is_sent(python):
    handle, requests = recorder(OK)
    with serve(handle) as port:
        check(python, port, path="/a%20b/ü?q=1&r=ä#part",
              headers={"X-Token": "t", "user-agent": "me"})
    lines = requests[0].split("\r\n")
    assert lines[0] == "GET /a%20b/%C3%BC?q=1&r=%C3%A4 HTTP/1.1"
    assert "Host: 127.0.0.1:%d" % port in lines
    assert "X-Token: t" in lines and "User-Agent: me" in lines
    assert "Accept-Encoding: identity" in lines
    assert "Connection: close" in lines


def test_a_head_request_expects_no_body(python):
    handle, requests = recorder(
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
    with serve(handle) as port:
        outcome = check(python, port, method="HEAD")
    assert outcome.error is None, outcome.error
    assert requests[0].startswith("HEAD / ")
    assert outcome.result["body_bytes"] == 0


@pytest.mark.parametrize("text, body", [
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
     b"3;x=y\r\nabc\r\n0A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", 13),
    (b"HTTP/1.0 200 OK\n\nup to the end", 13),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
     b"Link: <x>\r\n\r\n" + OK, 5),
    (b"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", 0),
    (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 0),
    (b"HTTP/1.1 200 OK\r\nodd line\r\n: no name\r\nA:\r\n\xff: \xfe\r\n\r\n",
     0),
], ids=short)
def test_forms_of_an_answer(python, text, body):
    outcome = ask(python, text)
    assert outcome.error is None, outcome.error
    assert outcome.result["body_bytes"] == body


@pytest.mark.parametrize("wanted, status", [
    ("200-299,404", 404), (404, 404), ("100-599", 500), ("503", 503),
])
def test_another_status_may_be_expected(python, wanted, status):
    outcome = ask(python, b"HTTP/1.1 %d X\r\n\r\n" % status, status=wanted)
    assert outcome.error is None, outcome.error
    assert outcome.result["status"] == status


def test_the_text_is_found_in_the_body(python):
    text = "HTTP/1.1 200 OK\r\n\r\nalles gut, Wörter".encode("utf-8")
    assert ask(python, text, contains="gut, Wörter").error is None


def test_a_server_that_is_first_to_answer(python):
    def handle(connection, number):
        connection.sendall(OK)
        read_head(connection)

    with serve(handle) as port:
        assert check(python, port).error is None


# Failures that are the server's


def test_an_unexpected_status(python):
    outcome = ask(python, b"HTTP/1.1 503 Down for now\r\n\r\n")
    assert outcome.code == "unexpected_status"
    assert failed(outcome)["status"] == 503
    assert "503 Down for now" in outcome.error["message"]
    assert outcome.metric("http_check_status") == 503


def test_a_text_that_is_missing(python):
    outcome = ask(python, OK, contains="bye")
    assert outcome.code == "text_missing"
    assert failed(outcome)["body_bytes"] == 5


def test_a_text_beyond_what_is_read(python):
    outcome = ask(python, OK, contains="hello", max_body_bytes=3)
    assert outcome.code == "text_missing"
    assert "first 3 bytes" in outcome.error["message"]
    assert failed(outcome)["body_truncated"] is True


def test_a_closed_port(python):
    outcome = check(python, closed_port())
    assert outcome.code == "connect_failed"
    assert "Connection refused" in outcome.error["message"]
    failed(outcome)


@pytest.mark.parametrize("host", [
    "no-such-host.invalid", "a..b", "x" * 64 + ".invalid", "ü" * 64,
], ids=["an unknown one", "an empty label", "a long one", "a long IDN"])
def test_a_name_that_does_not_resolve(python, host):
    outcome = python("check_http", {"url": "http://%s/" % host,
                                    "timeout_ms": 3000})
    assert outcome.code in ("dns_failed", "timed_out")
    failed(outcome)


@pytest.mark.parametrize("text", [
    b"", b"\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/2 200 OK\r\n\r\n",
    b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 20 OK\r\n\r\n",
    b"HTTP/1.1 2000 OK\r\n\r\n", b"HTTP/1.1 \xb2\xb2\xb2 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA: b\r\n", b"HTTP/1.1 200 OK",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1e3\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 40 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"fffffffffffffffff\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"1" * 5000 + b"\r\n",
], ids=short)
def test_an_answer_that_makes_no_sense(python, text):
    outcome = ask(python, text)
    assert outcome.code == "bad_answer", outcome.error
    failed(outcome)


def test_a_server_that_resets(python):
    with serve(reset) as port:
        outcome = check(python, port)
    assert outcome.code in ("connection_lost", "bad_answer")
    failed(outcome)


# Redirects


def test_redirects_are_followed_and_told(python):
    handle, requests = recorder(redirect("../b?x=1"), redirect("/c"), OK)
    with serve(handle) as port:
        outcome = check(python, port, path="/dir/sub/a")
    base = "http://127.0.0.1:%d" % port
    assert outcome.error is None, outcome.error
    assert outcome.result["redirects"] == [base + "/dir/sub/a",
                                           base + "/dir/b?x=1"]
    assert outcome.result["url"] == base + "/c"
    assert outcome.metric("http_check_redirects") == 2
    assert [text.split()[1] for text in requests] == [
        "/dir/sub/a", "/dir/b?x=1", "/c"]


def test_a_loop_of_redirects(python):
    handle, requests = recorder(redirect("/"))
    with serve(handle) as port:
        outcome = check(python, port, max_redirects=3)
    assert outcome.code == "too_many_redirects"
    assert len(requests) == 4
    failed(outcome)


def test_a_redirect_may_be_the_answer(python):
    outcome = ask(python, redirect("/x"), max_redirects=0, status=302)
    assert outcome.error is None, outcome.error
    assert outcome.result["status"] == 302


@pytest.mark.parametrize("location", [
    "file:///etc/passwd", "ftp://127.0.0.1/", "javascript:alert(1)",
    "http://", "http://user:secret@127.0.0.1/", "http://127.0.0.1:99999/",
    "http://127.0.0.1:1\x012/", "http:///x", "http://[::1/", "/" + "a" * 5000,
    "http://127.0.0.1/ /",
], ids=short)
def test_a_redirect_to_what_can_not_be_fetched(python, location):
    outcome = ask(python, redirect(location))
    assert outcome.code == "bad_redirect", outcome.error
    assert len(failed(outcome)["redirects"]) == 1


def test_credentials_are_not_for_another_server(python):
    second, told = recorder(OK)
    with serve(second) as other:
        first, _ = recorder(redirect("http://127.0.0.1:%d/" % other))
        with serve(first) as port:
            outcome = check(python, port, headers={
                "Authorization": "Bearer x", "Cookie": "y", "X-Z": "z"})
    assert outcome.error is None, outcome.error
    assert "Bearer" not in told[0] and "Cookie" not in told[0]
    assert "X-Z: z" in told[0]


def test_credentials_stay_with_the_same_server(python):
    handle, requests = recorder(redirect("/b"), OK)
    with serve(handle) as port:
        check(python, port, headers={"Authorization": "Bearer x"})
    assert "Authorization: Bearer x" in requests[1]


def test_what_a_redirect_said_is_not_the_answers(python):
    outcome = ask(python, redirect("http://127.0.0.1:%d/" % closed_port()))
    assert outcome.code == "connect_failed"
    result = failed(outcome)
    assert "status" not in result and "body_bytes" not in result


@pytest.mark.parametrize("base, location, want", [
    ("http://h/a/b", "c", "http://h/a/c"),
    ("http://h/a/b", "", "http://h/a/b"),
    ("http://h/a/b?q", "?r", "http://h/a/b?r"),
    ("http://h", "x", "http://h/x"),
    ("http://h/a/b/", "../../../c", "http://h/c"),
    ("http://h/a/b/", "./.", "http://h/a/b/"),
    ("http://h/a/b/", "..", "http://h/a/"),
    ("https://h:1/a", "//o/x", "https://o/x"),
    ("http://h/a", "https://o/x#y", "https://o/x"),
    ("http://h/a", "/x?u=http://o/../p", "http://h/x?u=http://o/../p"),
    ("http://h/a", "#part", "http://h/a"),
])
def test_locations_are_resolved(module, base, location, want):
    plugin = module("check_http")
    assert plugin.join(plugin.Url(base), location) == want


# Bad parameters


@pytest.mark.parametrize("url", [
    "ftp://h/", "http://", "http:///x", "http://:80/", "http://h:0/",
    "http://h:65536/", "http://h:x/", "http://h:٣/", "http://u:p@h/",
    "http://h/a b", "http://h/\r\nX: y", "http://[::1/", "http://[::1]x/",
    "http://h/\n", "http://" + "h" * 300 + "/", "http://h/" + "a" * 5000,
    "h", "",
], ids=short)
def test_a_bad_url_is_a_bad_parameter(python, url):
    outcome = python("check_http", {"url": url})
    assert outcome.code == "bad_params", outcome.error
    assert "url" in outcome.error["message"]
    failed(outcome)


@pytest.mark.parametrize("params, word", [
    ({"status": "300-200"}, "status"), ({"status": "abc"}, "status"),
    ({"status": "200,"}, "status"), ({"status": ""}, "status"),
    ({"headers": {"": "x"}}, "headers"), ({"headers": {"a b": "x"}}, "a b"),
    ({"headers": {"a:": "x"}}, "a:"), ({"headers": {"ä": "x"}}, "ä"),
    ({"headers": {"a": "x\r\nEvil: y"}}, "value of a"),
    ({"headers": {"a": "x\0"}}, "value of a"),
    ({"headers": {"a": 1}}, "value of a"),
    ({"headers": {"Content-Length": "1"}}, "not yours"),
    ({"headers": {"Transfer-encoding": "chunked"}}, "not yours"),
])
def test_bad_parameters_send_nothing(python, params, word):
    handle, requests = recorder(OK)
    with serve(handle) as port:
        outcome = check(python, port, **params)
    assert outcome.code == "bad_params", outcome.error
    assert word in outcome.error["message"]
    assert requests == []
    failed(outcome)


def test_half_a_character_harms_nothing(python):
    outcome = ask(python, OK, contains="\ud800", headers={"X": "\udfff"})
    assert outcome.code == "text_missing", outcome.error


# Hostile and slow servers


def quick(outcome):
    assert outcome.seconds < 10         # on a busy machine
    return failed(outcome)


def test_a_server_that_says_nothing(python):
    with serve(wait_for_peer) as port:
        outcome = check(python, port, timeout_ms=1000)
    assert outcome.code == "timed_out"
    assert "no answer in time" in outcome.error["message"]
    quick(outcome)


@pytest.mark.parametrize("text, then", [
    (b"", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b"x"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     b"1\r\nx\r\n"),
], ids=short)
def test_a_server_that_drips(python, text, then):
    done = threading.Event()
    with serve(drip(text, then, done)) as port:
        outcome = check(python, port, timeout_ms=1200)
        done.set()
    assert outcome.code == "timed_out"
    assert "did not end in time" in outcome.error["message"]
    quick(outcome)


@pytest.mark.parametrize("text, then", [
    (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" * 1000),
    (b"HTTP/1.1 200 OK\r\nA: ", b"x" * 10000),
    (b"HTTP/1.1 200 OK\r\n", b"A" + b"\r" * 30000 + b"\n"),
    (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    (b"", b"\0" * 10000),
], ids=short)
def test_a_head_without_end(python, text, then):
    with serve(flood(text, then)) as port:
        outcome = check(python, port)
    assert outcome.code == "bad_answer"
    assert "longer than" in outcome.error["message"]
    quick(outcome)


@pytest.mark.parametrize("text, then", [
    (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999\r\n\r\n",
     b"x" * 65536),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     (b"10000\r\n" + b"x" * 65536 + b"\r\n")),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
     b"FFFFFFFFFFFFFF\r\n", b"x" * 65536),
], ids=short)
def test_a_body_without_end_is_cut(python, text, then):
    with serve(flood(text, then)) as port:
        outcome = check(python, port, max_body_bytes=100000)
    assert outcome.error is None, outcome.error
    assert outcome.result["body_bytes"] == 100000
    assert outcome.result["body_truncated"] is True
    assert outcome.size < 10000 and outcome.seconds < 10


def test_a_body_of_single_bytes(python):
    text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serve(flood(text, b"1\r\nx\r\n" * 10000)) as port:
        outcome = check(python, port, max_body_bytes=1 << 20)
    assert outcome.error is None, outcome.error
    assert outcome.result["body_bytes"] == 1 << 20


def test_a_body_that_is_not_wanted_at_all(python):
    outcome = ask(python, OK, max_body_bytes=0)
    assert outcome.error is None, outcome.error
    assert outcome.result["body_truncated"] is True


def test_a_long_reason_is_cut(python):
    outcome = ask(python, b"HTTP/1.1 500 " + b"\xff" * 50000 + b"\r\n\r\n")
    assert outcome.code == "unexpected_status"
    failed(outcome)


def test_a_resolver_that_hangs(module, monkeypatch):
    plugin = module("check_http")
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


# TLS


@pytest.fixture(scope="module")
def good(authority):
    return authority.issue(stamp(-1), stamp(30))


def test_tls_with_a_trusted_certificate(python, authority, good):
    with serve(answer(OK), good) as port:
        outcome = check(python, port, scheme="https", env=authority.trusted)
    assert outcome.error is None, outcome.error
    assert outcome.result["tls_version"].startswith("TLSv1.")
    assert "tls_ms" in outcome.result
    assert outcome.metric("http_check_duration_seconds", phase="tls") > 0


def test_an_untrusted_certificate(python, good):
    with serve(answer(OK), good) as port:
        outcome = check(python, port, scheme="https")
    assert outcome.code == "tls_verification"
    assert "not trusted" in outcome.error["message"]
    failed(outcome)


def test_an_untrusted_certificate_may_be_accepted(python, good):
    with serve(answer(OK), good) as port:
        outcome = check(python, port, scheme="https", verify=False)
    assert outcome.error is None, outcome.error


@pytest.mark.parametrize("begin, end, names, word", [
    (-9, -1, "IP:127.0.0.1", "expired"),
    (1, 9, "IP:127.0.0.1", "not yet valid"),
    (-1, 9, "DNS:other.example,IP:127.0.0.2", "mismatch"),
    (-1, 9, "DNS:127.0.0.1", "mismatch"),
])
def test_a_certificate_that_does_not_fit(python, authority, begin, end, names,
                                         word):
    context = authority.issue(stamp(begin), stamp(end), names)
    with serve(answer(OK), context) as port:
        outcome = check(python, port, scheme="https", env=authority.trusted)
    assert outcome.code == "tls_verification"
    assert word in outcome.error["message"]
    failed(outcome)


def test_a_server_that_speaks_no_tls(python):
    with serve(lambda sock, _: sock.sendall(b"220 mail\r\n" * 9)) as port:
        outcome = check(python, port, scheme="https")
    assert outcome.code == "tls_failed"
    failed(outcome)


def test_a_handshake_that_hangs(python):
    with serve(wait_for_peer) as port:
        outcome = check(python, port, scheme="https", timeout_ms=2000)
    assert outcome.code == "timed_out"
    assert "handshake" in outcome.error["message"]
    quick(outcome)


def test_a_server_that_hangs_up_in_the_handshake(python):
    with serve(lambda sock, _: sock.recv(10)) as port:
        outcome = check(python, port, scheme="https")
    assert outcome.code == "tls_failed"
    failed(outcome)


def test_tls_alone_makes_no_answer(python, authority, good):
    with serve(wait_for_peer, good) as port:
        outcome = check(python, port, scheme="https", env=authority.trusted,
                        timeout_ms=2500)
    assert outcome.code == "timed_out"
    quick(outcome)


def test_a_body_in_tiny_records(python, authority, good):
    def handle(connection, number):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(3000):
            connection.sendall(b"xy")

    with serve(handle, good) as port:
        outcome = check(python, port, scheme="https", env=authority.trusted)
    assert outcome.error is None, outcome.error
    assert outcome.result["body_bytes"] == 6000


def test_a_redirect_from_tls_leaves_no_trace_of_it(python, authority, good):
    with serve(answer(OK)) as plain:
        text = redirect("http://127.0.0.1:%d/" % plain)
        with serve(answer(text), good) as port:
            outcome = check(python, port, scheme="https",
                            env=authority.trusted)
    assert outcome.error is None, outcome.error
    assert "tls_version" not in outcome.result
    assert "tls_ms" not in outcome.result


def test_a_server_name_is_sent_and_verified(python, authority, good):
    names = []
    good.sni_callback = lambda sock, name, context: names.append(name)
    with serve(answer(OK), good) as port:
        outcome = check(python, port, env=authority.trusted,
                        url="https://localhost:%d/" % port)
    good.sni_callback = None
    assert outcome.error is None, outcome.error
    assert names == ["localhost"]
    assert ssl.HAS_SNI


def test_the_result_can_be_any_json(python):
    outcome = ask(python, b"HTTP/1.1 500 \"\\\x01\xff\r\n\r\n")
    json.dumps(outcome.error).encode("ascii")
    assert "\"\\%01%FF" in outcome.error["message"]
