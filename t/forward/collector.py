"""Collectors that answer as a test says, however badly, over plain sockets."""

import ctypes
import ctypes.util
import gzip
import socket
import ssl
import threading
import time


ROOM = 4 << 20
ZSTD = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
ZSTD.ZSTD_decompressDCtx.restype = ctypes.c_size_t
ZSTD.ZSTD_createDCtx.restype = ctypes.c_void_p
LOCAL = threading.local()


def unzstd(data):
    """What zstd compressed."""
    if not hasattr(LOCAL, "room"):
        LOCAL.room = ctypes.create_string_buffer(ROOM)
        LOCAL.context = ctypes.c_void_p(ZSTD.ZSTD_createDCtx())
    n = ZSTD.ZSTD_decompressDCtx(LOCAL.context, LOCAL.room,
                                 ctypes.c_size_t(ROOM), data,
                                 ctypes.c_size_t(len(data)))
    assert not ZSTD.ZSTD_isError(ctypes.c_size_t(n)), "no zstd"
    return ctypes.string_at(LOCAL.room, n)


DECODERS = {"gzip": gzip.decompress, "zstd": unzstd, "": bytes}


class Gone(Exception):
    """The client hung up."""


class Request:
    """What a client sent, and the connection to answer on."""

    def __init__(self, head, connection):
        lines = head.decode("latin-1").split("\r\n")
        self.line = lines[0]
        self.path = self.line.split(" ")[1]
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        self.length = int(self.headers.get("content-length", "0"))
        self.connection = connection
        self.since = connection.since
        self.raw = b""

    def read_body(self, at_most=None):
        """The body as it was sent, or the first part of it."""
        want = self.length if at_most is None else min(at_most, self.length)
        self.raw += self.connection.take(want - len(self.raw))
        return self.raw

    def body(self):
        """The body decompressed."""
        self.read_body()
        return DECODERS[self.headers.get("content-encoding", "")](self.raw)

    def send(self, data):
        """Bytes as they are."""
        try:
            self.connection.sock.sendall(data)
        except OSError as e:
            raise Gone() from e

    def answer(self, status=200, body=b"", **headers):
        """A proper answer."""
        if isinstance(body, str):
            body = body.encode()
        lines = [f"HTTP/1.1 {status} Words", f"Content-Length: {len(body)}"]
        if status in (204, 304) or status < 200:
            lines, body = lines[:1], b""
        lines += [f"{name.replace('_', '-')}: {value}"
                  for name, value in headers.items()]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


class Connection:
    """One connection: requests on it, one after the other."""

    def __init__(self, collector, sock):
        self.collector = collector
        self.sock = sock
        self.pending = b""
        self.requests = 0
        self.since = time.monotonic()  # of the request that is read

    def more(self):
        """What comes next."""
        try:
            got = self.sock.recv(1 << 17)
        except OSError as e:
            raise Gone() from e
        if not got:
            raise Gone()
        return got

    def take(self, n):
        """The next n bytes."""
        parts = [self.pending]
        have = len(self.pending)
        while have < n:
            parts.append(self.more())
            have += len(parts[-1])
        data = b"".join(parts)
        self.pending = data[n:]
        return data[:n]

    def head(self):
        """The head of the next request."""
        if not self.pending:
            self.pending = self.more()
        if self.requests:
            self.since = time.monotonic()
        self.requests += 1
        while b"\r\n\r\n" not in self.pending:
            self.pending += self.more()
        head, self.pending = self.pending.split(b"\r\n\r\n", 1)
        return head

    def serve(self):
        """Until either side hangs up."""
        try:
            while True:
                request = Request(self.head(), self)
                if self.collector.handle(request) is False:
                    return
        except Gone:
            pass
        finally:
            if hasattr(LOCAL, "context"):
                ZSTD.ZSTD_freeDCtx(LOCAL.context)
            self.collector.connections.discard(self)
            self.sock.close()


class Collector:
    """Listens on a port of its own; `handle` is the test's, and returns
    False to hang up."""

    def __init__(self, handle, context=None, port=0, address="127.0.0.1"):
        self.handle = handle
        self.address = address
        self.context = context
        self.connections = set()
        self.accepted = 0
        self.lock = threading.Lock()
        self.listener = None
        self.port = port
        self.listen()

    def listen(self):
        """From now on, on the same port as before."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.address, self.port))
        listener.listen(64)
        self.port = listener.getsockname()[1]
        self.listener = listener
        threading.Thread(target=self.run, args=(listener,),
                         daemon=True).start()

    @property
    def url(self):
        """Where it is."""
        scheme = "https" if self.context else "http"
        return f"{scheme}://{self.address}:{self.port}"

    def run(self, listener):
        """Takes connections."""
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                if self.listener is not listener or listener.fileno() < 0:
                    return
                continue  # one that has hung up already
            self.accepted += 1
            try:
                threading.Thread(target=self.start, args=(sock,),
                                 daemon=True).start()
            except RuntimeError:  # no thread to be had: it comes again
                sock.close()

    def start(self, sock):
        """One connection, with TLS where that was wished for."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.context:
            try:
                sock = self.context.wrap_socket(sock, server_side=True)
            except (OSError, ssl.SSLError):
                sock.close()
                return
        connection = Connection(self, sock)
        self.connections.add(connection)
        connection.serve()

    def refuse(self):
        """Nobody listens there any more, and those who talk are cut off."""
        with self.lock:
            listener, self.listener = self.listener, None
        if listener is None:
            return False  # it was closed already
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in list(self.connections):
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        return True
