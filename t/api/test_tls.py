"""TLS: versions, renewed certificates, certificates of clients."""

import hashlib
import socket
import ssl
import subprocess
import time

import pytest

from double import SECONDS, trust, wait_until

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Authority:
    """Makes certificates in a folder."""

    def __init__(self, folder, name="ca"):
        self.folder = folder
        self.name = name
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                 self.path(f"{name}.key"), "-out", self.path(f"{name}.crt"),
                 "-days", "30", "-subj", f"/CN=test {name}")

    def run(self, *args):
        """openssl."""
        subprocess.run(["openssl", *args], check=True, cwd=self.folder,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def path(self, name):
        """A file of it."""
        return str(self.folder / name)

    def text(self, name):
        """What is in a file of it."""
        return (self.folder / name).read_text()

    def issue(self, name, usage="serverAuth", days=10):
        """A certificate and its key."""
        self.run("req", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                 self.path(f"{name}.key"), "-out", self.path(f"{name}.csr"),
                 "-subj", f"/O=test/CN={name}")
        (self.folder / "ext").write_text(
            f"extendedKeyUsage={usage}\n"
            "subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self.run("x509", "-req", "-in", self.path(f"{name}.csr"), "-CA",
                 self.path(f"{self.name}.crt"), "-CAkey",
                 self.path(f"{self.name}.key"), "-CAcreateserial", "-days",
                 str(days), "-extfile", self.path("ext"), "-out",
                 self.path(f"{name}.crt"))
        return self.path(f"{name}.crt"), self.path(f"{name}.key")

    def settings(self, name, client_ca=None):
        """The settings for a certificate."""
        told = {"cert": self.text(f"{name}.crt"),
                "key": self.text(f"{name}.key")}
        return {**told, "client_ca": client_ca} if client_ca else told


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    """One authority, and what it issued."""
    authority = Authority(tmp_path_factory.mktemp("ca"))
    authority.issue("web")
    authority.issue("new", days=20)
    authority.issue("client", "clientAuth")
    return authority


def serve(start, ca, client_ca=None, **more):
    """The program, by TLS."""
    api = start(tls=ca.settings("web", client_ca), **more)
    api.tls = trust(ca.path("ca.crt"))
    return api


def serial(connection):
    """The name of the certificate that was shown."""
    return dict(p[0] for p in connection.getpeercert()["subject"])[
        "commonName"]


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_versions(start, ca, version):
    """TLS 1.2 and 1.3 are spoken"""
    api = serve(start, ca)
    api.tls.minimum_version = api.tls.maximum_version = getattr(
        ssl.TLSVersion, version)
    assert api.get("/v1/status").status == 200
    assert api.post("/v1/jobs", {"name": "a"}).status == 201
    with api.connect() as s:
        assert s.version() == version.replace("_", ".")
        assert s.selected_alpn_protocol() is None


def test_older_versions(start, ca):
    """TLS 1.1 is not"""
    api = serve(start, ca)
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{api.port}",
         "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"], timeout=SECONDS,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    assert b"Cipher is (NONE)" in done.stdout
    assert api.get("/healthz").status == 200


def test_large_by_tls(start, ca):
    """A large answer, and many requests on a connection, by TLS"""
    api = serve(start, ca)
    api.master.answers["job.get"] = {"id": 1, "name": "a", "plugin": "a",
                                     "state": "queued", "trigger": "job",
                                     "attempt": 0, "result": "x" * 3_000_000}
    c = api.client()
    for _ in range(3):
        assert len(api.get("/v1/jobs/1", client=c).body) > 3_000_000


def test_no_tls(start, ca):
    """Plain HTTP to a TLS socket is closed, and noise too"""
    api = serve(start, ca)
    for data in (GET, b"\x16\x03\x01\xff\xff" + b"x" * 300, b"\0" * 3000):
        s = socket.create_connection(("127.0.0.1", api.port), SECONDS)
        s.sendall(data)
        try:
            while s.recv(4096):
                pass
        except ConnectionResetError:
            pass
        s.close()
    assert api.get("/healthz").status == 200


def test_slow_handshake(start, ca):
    """A handshake that does not end is not waited for"""
    api = serve(start, ca, limits={"header_ms": 200, "idle_ms": 500})
    slow = socket.create_connection(("127.0.0.1", api.port), SECONDS)
    slow.sendall(b"\x16\x03\x01\x02\x00\x01")
    assert api.get("/healthz").status == 200
    slow.settimeout(SECONDS)
    try:
        assert slow.recv(1) == b""
    except ConnectionResetError:
        pass
    slow.close()


def test_renewal(start, ca):
    """A renewed certificate is shown to new connections, and drops none"""
    api = serve(start, ca)
    old = api.client()
    assert api.get("/healthz", client=old).status == 200
    assert serial(old.sock) == "web"
    api.configure(tls=ca.settings("new"))

    def renewed():
        with api.connect() as s:
            return serial(s) == "new"
    wait_until(renewed)
    kept = old.sock
    assert api.get("/healthz", client=old).status == 200
    assert old.sock is kept
    text = api.get("/metrics").body.decode()
    ends = [float(t.split()[1]) for t in text.split("\n") if t.startswith(
        "devops_agent_api_certificate_not_after_timestamp_seconds ")]
    assert 19 < (ends[0] - time.time()) / 86400 < 21


def test_wrong_renewal(start, ca):
    """A certificate that can't be used leaves the old one, and is told"""
    api = serve(start, ca)
    for tls in ({"cert": ca.text("web.crt"), "key": ca.text("new.key")},
                {"cert": "x", "key": "y"},
                {"cert": ca.text("web.crt")},
                {**ca.settings("web"), "client_ca": "nothing"}):
        said = len(api.master.log())
        api.configure(tls=tls)
        wait_until(lambda: len(api.master.log()) > said)
        assert "stay as they were" in api.master.log()[-1]["message"]
        with api.connect() as s:
            assert serial(s) == "web"


def test_tls_turned_on(start, ca):
    """TLS may be turned on and off; what is open goes on as it was"""
    api = start()
    plain = api.client()
    assert api.get("/healthz", client=plain).status == 200
    api.configure(tls=ca.settings("web"))
    api.tls = trust(ca.path("ca.crt"))

    def on():
        try:
            return api.get("/healthz").status == 200
        except OSError:
            return False
    wait_until(on)
    assert api.get("/healthz", client=plain).status == 200
    api.configure(tls=None)
    api.tls = None
    wait_until(on)


def test_client_certificate(start, ca):
    """A client's certificate is told to the master by name and print"""
    api = serve(start, ca, client_ca=ca.text("ca.crt"))
    api.get("/v1/status")
    assert "certificate" not in api.master.next().auth
    pair = (ca.path("client.crt"), ca.path("client.key"))
    api.tls = trust(ca.path("ca.crt"), pair)
    c = api.client()
    for _ in range(2):
        assert api.get("/v1/status", client=c).status == 200
        told = api.master.next().auth["certificate"]
        assert told["cn"] == "client"
        assert told["subject"] == "CN=client,O=test"
        der = ssl.PEM_cert_to_DER_cert(ca.text("client.crt"))
        assert told["fingerprint"] == hashlib.sha256(der).hexdigest()


@pytest.mark.parametrize("kind", ["of another authority", "of a server",
                                  "that has ended"])
def test_untrusted(start, ca, tmp_path, kind):
    """A client's certificate that is not trusted is refused"""
    other = ca
    if kind == "of another authority":
        other = Authority(tmp_path, "other")
        pair = other.issue("client", "clientAuth")
    elif kind == "of a server":
        pair = (ca.path("web.crt"), ca.path("web.key"))
    else:
        pair = ca.issue("ended", "clientAuth", days=-1)
    api = serve(start, ca, client_ca=ca.text("ca.crt"))
    api.tls = trust(ca.path("ca.crt"), pair)
    api.master.answers["status"] = {}
    answer = api.get("/v1/status")
    assert (answer.status, answer.problem()) == (401, "certificate")
    api.tls = trust(ca.path("ca.crt"))
    while not api.master.asked.empty():
        assert "certificate" not in api.master.next().auth


def test_memory_of_tls(start, ca):
    """Idle connections by TLS cost little"""
    api = serve(start, ca)
    api.get("/healthz")
    before = api.resident()
    held = []
    for _ in range(150):
        held.append(api.connect())
        held[-1].sendall(GET)
        assert held[-1].recv(4096).startswith(b"HTTP/1.1 200")
    each = (api.resident() - before) / len(held)
    assert each <= 96, f"{each} KiB each"
    for s in held:
        s.close()
