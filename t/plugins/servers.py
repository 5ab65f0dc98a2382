"""Servers for the network checks: well-behaved, broken and hostile ones."""

import contextlib
import socket
import ssl
import subprocess
import threading
import time

CA_CONFIG = """
[ca]
default_ca = own
[own]
dir = {folder}
database = {folder}/index.txt
new_certs_dir = {folder}
serial = {folder}/serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
organizationName = optional
"""


@contextlib.contextmanager
def serve(handle, context=None):
    """A server on loopback that calls handle(connection, number) in a thread
    for each connection; its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads = []

    def talk(connection, number):
        with contextlib.suppress(OSError), connection:
            if context is not None:
                with context.wrap_socket(connection, server_side=True) as tls:
                    handle(tls, number)
            else:
                handle(connection, number)

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(20)
            threads.append(threading.Thread(
                target=talk, args=(connection, len(threads)), daemon=True))
            threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(5)


def read_head(connection):
    """What a client sends up to the empty line."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(4096)
        if not part:
            break
        data += part
    return data


def answer(text):
    """A handler that reads a request and answers it with these bytes."""
    def handle(connection, number):
        read_head(connection)
        connection.sendall(text)
    return handle


def wait_for_peer(connection, number):
    """A handler that says nothing until the client goes."""
    while connection.recv(4096):
        pass


def flood(text, then=b""):
    """A handler that sends `text` and then `then` for as long as it is
    taken."""
    def handle(connection, number):
        read_head(connection)
        connection.sendall(text)
        while then:
            connection.sendall(then)
    return handle


def drip(text, then, done):
    """A handler that sends `text` and then a byte of `then` now and again,
    until `done` is set."""
    def handle(connection, number):
        read_head(connection)
        connection.sendall(text)
        at = 0
        while not done.wait(0.03):
            connection.sendall(then[at % len(then):][:1])
            at += 1
    return handle


def reset(connection, number):
    """A handler that breaks the connection off."""
    read_head(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          b"\1\0\0\0\0\0\0\0")


def stamp(days, hours=0):
    """The time that many days from now, as certificates have it."""
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(
        time.time() + days * 86400 + hours * 3600))


class Authority:
    """A certificate authority that openssl makes on the fly."""

    def __init__(self, folder):
        self.folder = folder
        self.count = 0
        self.last = None        # the certificate that was issued last
        (folder / "index.txt").write_text("")
        (folder / "serial").write_text("1000\n")
        (folder / "ca.cnf").write_text(CA_CONFIG.format(folder=folder))
        self.ca = folder / "ca.pem"
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                     "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                     "-subj", "/CN=Test CA", "-keyout", "ca.key",
                     "-out", "ca.pem")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=str(self.folder),
                       check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE)

    def issue(self, begin, end, names="DNS:localhost,IP:127.0.0.1",
              subject="/CN=localhost/O=Exämple", signed=True,
              key=("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")):
        """A server's TLS context with a certificate valid from `begin` to
        `end` (YYYYMMDDHHMMSSZ)."""
        self.count += 1
        stem = "server%d" % self.count
        extensions = self.folder / (stem + ".ext")
        extensions.write_text("subjectAltName=%s\n" % names)
        self.openssl("req", "-new", "-newkey", *key, "-nodes", "-utf8",
                     "-subj", subject, "-keyout", stem + ".key",
                     "-out", stem + ".csr")
        signer = ["-cert", "ca.pem", "-keyfile", "ca.key"] if signed else \
            ["-selfsign", "-keyfile", stem + ".key"]
        self.openssl("ca", "-batch", "-config", "ca.cnf", "-notext", "-utf8",
                     *signer, "-startdate", begin, "-enddate", end,
                     "-extfile", str(extensions), "-in", stem + ".csr",
                     "-out", stem + ".pem")
        self.last = self.folder / (stem + ".pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")      # weak keys, too
        context.load_cert_chain(str(self.folder / (stem + ".pem")),
                                str(self.folder / (stem + ".key")))
        return context

    @property
    def trusted(self):
        """The environment of a client that trusts this authority."""
        return {"SSL_CERT_FILE": str(self.ca)}
