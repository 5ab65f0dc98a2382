import calendar
import random
import socket
import ssl
import subprocess
import threading

import pytest

from servers import reset, serve, stamp, wait_for_peer


def check(python, port, env=None, **params):
    return python("check_cert", dict({"host": "127.0.0.1", "port": port},
                                     **params), env=env)


def show(python, authority, context, trusted=True, **params):
    """Check a server that shows the certificate of this context."""
    with serve(wait_for_peer, context) as port:
        return check(python, port, env=authority.trusted if trusted else None,
                     **params)


def failed(outcome):
    """What a failed check reports."""
    assert outcome.error is not None, outcome.result
    result = outcome.error["data"]["result"]
    assert result["ok"] is False
    assert outcome.metric("certificate_check_ok") == 0
    assert "Traceback" not in outcome.stderr
    return result


@pytest.fixture(scope="module")
def good(authority):
    return authority.issue(stamp(-1), stamp(60, hours=1))


# Certificates


def test_a_good_certificate(python, authority, good):
    outcome = show(python, authority, good)
    assert outcome.error is None, outcome.error
    result = outcome.result
    assert result["ok"] is True and result["state"] == "ok"
    assert result["trusted"] is True and result["trust_problem"] is None
    assert result["days_left"] == 60
    assert result["subject"] == "CN=localhost, O=Exämple"
    assert result["issuer"] == "CN=Test CA"
    assert result["self_signed"] is False
    assert result["names"] == ["localhost", "127.0.0.1"]
    assert result["names_left_out"] == 0
    assert result["tls_version"].startswith("TLSv1.")


def test_metrics_and_their_units(python, authority, good):
    outcome = show(python, authority, good)
    assert outcome.metric("certificate_check_ok") == 1
    assert outcome.metric("certificate_trusted") == 1
    left = outcome.metric("certificate_expires_in_seconds")
    assert 60 * 86400 < left <= 60 * 86400 + 3600
    for metric in outcome.metrics:
        assert metric["name"].endswith("_seconds") == \
            (metric["unit"] == "seconds")


def test_openssl_reads_the_same(python, authority, good):
    result = show(python, authority, good).result
    printed = subprocess.run(
        ["openssl", "x509", "-noout", "-enddate", "-startdate", "-serial",
         "-in", str(authority.last)], check=True, encoding="utf-8",
        stdout=subprocess.PIPE).stdout
    fields = dict(line.split("=", 1) for line in printed.splitlines())
    assert int(result["serial"], 16) == int(fields["serial"], 16)
    for key, field in (("not_after", "notAfter"),
                       ("not_before", "notBefore")):
        year, month, day = map(int, result[key][:10].split("-"))
        hour, minute, second = map(int, result[key][11:19].split(":"))
        assert ssl.cert_time_to_seconds(fields[field]) == calendar.timegm(
            (year, month, day, hour, minute, second))


@pytest.mark.parametrize("days, params, state", [
    (20, {}, "warning"), (22, {}, "ok"),
    (20, {"warn_days": 10}, "ok"),
    (5, {"critical_days": 0}, "warning"),
    (0, {"critical_days": 0}, "warning"),
    (0, {"critical_days": 0, "warn_days": 0}, "ok"),
])
def test_days_that_are_left(python, authority, days, params, state):
    context = authority.issue(stamp(-1), stamp(days, hours=1))
    outcome = show(python, authority, context, **params)
    assert outcome.error is None, outcome.error
    assert (outcome.result["days_left"], outcome.result["state"]) == \
        (days, state)
    assert bool(outcome.logs) == (state == "warning")


def test_one_that_expires_too_soon(python, authority):
    context = authority.issue(stamp(-1), stamp(6, hours=1))
    outcome = show(python, authority, context)
    assert outcome.code == "expires_soon"
    assert "expires in 6 days" in outcome.error["message"]
    result = failed(outcome)
    assert (result["state"], result["days_left"]) == ("critical", 6)
    assert outcome.metric("certificate_expires_in_seconds") > 0


@pytest.mark.parametrize("verify", [True, False])
def test_one_that_has_expired(python, authority, verify):
    context = authority.issue(stamp(-9), stamp(-1))
    outcome = show(python, authority, context, verify=verify)
    assert outcome.code == "expired"
    result = failed(outcome)
    assert result["state"] == "expired" and result["days_left"] < 0
    assert "expired" in result["trust_problem"]
    assert outcome.metric("certificate_expires_in_seconds") < 0
    assert outcome.metric("certificate_trusted") == 0


def test_one_that_is_not_valid_yet(python, authority):
    context = authority.issue(stamp(2), stamp(90))
    outcome = show(python, authority, context)
    assert outcome.code == "not_yet_valid"
    assert failed(outcome)["not_before"] in outcome.error["message"]


def test_one_that_nobody_trusts(python, authority, good):
    outcome = show(python, authority, good, trusted=False)
    assert outcome.code == "untrusted"
    result = failed(outcome)
    assert result["days_left"] == 60 and result["trust_problem"]
    accepted = show(python, authority, good, trusted=False, verify=False)
    assert accepted.error is None, accepted.error
    assert accepted.result["trusted"] is False
    assert accepted.metric("certificate_trusted") == 0


def test_one_that_is_signed_by_itself(python, authority):
    context = authority.issue(stamp(-1), stamp(30), signed=False)
    outcome = show(python, authority, context)
    assert outcome.code == "untrusted"
    assert failed(outcome)["self_signed"] is True


def test_one_of_another_name(python, authority):
    context = authority.issue(stamp(-1), stamp(30), "DNS:other.example")
    outcome = show(python, authority, context)
    assert outcome.code == "untrusted"
    assert failed(outcome)["names"] == ["other.example"]
    assert "mismatch" in outcome.error["message"]
    named = show(python, authority, context, server_name="other.example")
    assert named.error is None, named.error
    assert named.metric("certificate_check_ok",
                        server_name="other.example") == 1


def test_one_with_a_key_that_is_too_short(python, authority):
    context = authority.issue(stamp(-1), stamp(30), key=("rsa:1024",))
    outcome = show(python, authority, context)
    assert outcome.code == "untrusted"
    assert failed(outcome)["days_left"] == 29


def test_one_that_lasts_longer_than_two_digits_tell(python, authority):
    context = authority.issue(stamp(-1), "20991231235959Z")
    result = show(python, authority, context).result
    assert result["not_after"] == "2099-12-31T23:59:59.000Z"


def test_many_names_are_cut(python, authority):
    names = ",".join("DNS:n%d.example" % n for n in range(500))
    context = authority.issue(stamp(-1), stamp(30), names + ",IP:127.0.0.1")
    outcome = show(python, authority, context)
    assert outcome.error is None, outcome.error
    assert len(outcome.result["names"]) == 100
    assert outcome.result["names_left_out"] == 401


def test_odd_names_stay_valid_json(python, authority):
    context = authority.issue(
        stamp(-1), stamp(30), "DNS:*.example,IP:::1,IP:127.0.0.1",
        subject="/CN=quote\" back\\\\slash\x01\n/O=日本")
    outcome = show(python, authority, context)
    assert outcome.result["names"] == ["*.example", "::1", "127.0.0.1"]
    assert outcome.result["subject"] == \
        "CN=quote\" back\\slash\x01\n, O=日本"


# Servers


def test_a_server_that_speaks_an_old_version_only(python, authority):
    context = authority.issue(stamp(-1), stamp(30))
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1
    outcome = show(python, authority, context)
    assert outcome.code == "untrusted"
    result = failed(outcome)
    assert (result["tls_version"], result["days_left"]) == ("TLSv1", 29)


def test_a_closed_port(python):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcome = check(python, port)
    assert outcome.code == "connect_failed"
    assert "Connection refused" in outcome.error["message"]
    failed(outcome)


def test_a_server_that_speaks_no_tls(python):
    with serve(lambda sock, _: sock.sendall(b"220 mail\r\n" * 9)) as port:
        outcome = check(python, port)
    assert outcome.code == "tls_failed"
    failed(outcome)


def test_a_server_that_hangs_up(python):
    with serve(lambda sock, _: sock.recv(10)) as port:
        outcome = check(python, port)
    assert outcome.code == "tls_failed"
    failed(outcome)


def test_a_server_that_resets(python):
    def handle(connection, number):
        connection.recv(10)
        connection.sendall(b"\r\n\r\n")
        reset(connection, number)

    with serve(handle) as port:
        outcome = check(python, port, timeout_ms=2000)
    assert outcome.code in ("tls_failed", "timed_out")
    failed(outcome)


def test_a_server_that_says_nothing(python):
    with serve(wait_for_peer) as port:
        outcome = check(python, port, timeout_ms=2000)
    assert outcome.code == "timed_out"
    assert outcome.seconds < 10
    failed(outcome)


def test_a_server_that_drips(python):
    done = threading.Event()

    def handle(connection, number):
        connection.recv(10)
        connection.sendall(b"\x16\x03\x03\x40\x00")     # a record, slowly
        while not done.wait(0.03):
            connection.sendall(b"\x02")

    with serve(handle) as port:
        outcome = check(python, port, timeout_ms=2000)
        done.set()
    assert outcome.code == "timed_out"
    assert outcome.seconds < 10
    failed(outcome)


def test_a_server_that_floods(python):
    def handle(connection, number):
        while True:
            connection.sendall(b"\x16\x03\x03\x40\x00" + b"\x02" * 16384)

    with serve(handle) as port:
        outcome = check(python, port)
    assert outcome.code == "tls_failed"
    assert outcome.seconds < 10
    failed(outcome)


def test_a_server_that_knows_no_such_name(python, authority, good):
    good.sni_callback = lambda sock, name, context: \
        ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    outcome = show(python, authority, good, server_name="other.example")
    good.sni_callback = None
    assert outcome.code == "tls_failed"
    failed(outcome)


# Parameters


@pytest.mark.parametrize("host", [
    "no-such-host.invalid", "a..b", "x" * 64 + ".invalid", "ü" * 64,
], ids=["an unknown one", "an empty label", "a long one", "a long IDN"])
def test_a_name_that_does_not_resolve(python, host):
    outcome = python("check_cert", {"host": host, "timeout_ms": 3000})
    assert outcome.code in ("dns_failed", "timed_out")
    failed(outcome)


def test_limits_the_wrong_way_round(python):
    outcome = python("check_cert", {"host": "127.0.0.1", "warn_days": 3})
    assert outcome.code == "bad_params"
    assert "warn_days" in outcome.error["message"]
    failed(outcome)


@pytest.mark.parametrize("name", [
    ".example", "a..b", "x" * 64 + ".example", "ü" * 64, "\ud800",
], ids=["a leading dot", "an empty label", "a long one", "a long IDN",
        "half a character"])
def test_a_server_name_that_can_not_be(python, authority, good, name):
    outcome = show(python, authority, good, server_name=name)
    assert outcome.code in ("tls_failed", "untrusted"), outcome.error
    failed(outcome)


# Reading certificates


@pytest.mark.parametrize("tag, text, want", [
    (0x17, b"500101000000Z", "1950-01-01T00:00:00.000Z"),
    (0x17, b"491231235959Z", "2049-12-31T23:59:59.000Z"),
    (0x17, b"700101000000Z", "1970-01-01T00:00:00.000Z"),
    (0x17, b"000229120000Z", "2000-02-29T12:00:00.000Z"),
    (0x18, b"21000301000000Z", "2100-03-01T00:00:00.000Z"),
    (0x18, b"99991231235959Z", "9999-12-31T23:59:59.000Z"),
])
def test_dates(module, tag, text, want):
    seconds, shown = module("check_cert").moment(text, (tag, 0, len(text)))
    assert shown == want
    fields = (want[:4], want[5:7], want[8:10], want[11:13], want[14:16],
              want[17:19])
    assert seconds == calendar.timegm(tuple(map(int, fields)))


@pytest.mark.parametrize("tag, text", [
    (0x17, b"20240101000000Z"), (0x18, b"240101000000Z"), (0x17, b""),
    (0x17, b"2401010000Z"), (0x18, b"20240101000000+"), (0x04, b"x"),
    (0x17, b"240101000000\xff"), (0x17, b"241301000000Z"),
    (0x17, b"240001000000Z"), (0x18, b"2024010100000\xb2Z"),
])
def test_malformed_dates(module, tag, text):
    with pytest.raises(ValueError):
        module("check_cert").moment(text, (tag, 0, len(text)))


def test_a_damaged_certificate_is_an_error_and_no_more(module, authority,
                                                       good):
    plugin = module("check_cert")
    raw = ssl.PEM_cert_to_DER_cert(authority.ca.read_text("ascii"))
    assert plugin.describe({}, raw) > 0
    chance = random.Random(1)
    damaged = [raw[:length] for length in range(len(raw))]
    for _ in range(5000):
        copy = bytearray(raw)
        for _ in range(chance.randrange(1, 4)):
            copy[chance.randrange(len(copy))] = chance.randrange(256)
        damaged.append(bytes(copy))
    for one in damaged:
        try:
            plugin.describe({}, one)
        except (ValueError, IndexError):
            pass
    with pytest.raises(plugin.Problem) as problem:
        plugin.handshake = lambda *_: b"\x30\x03\x30\x01\x00"
        plugin.resolve = lambda *_: []
        plugin.inspect({"server_name": "x"}, "x", 443, 0)
    assert problem.value.code == "bad_certificate"
