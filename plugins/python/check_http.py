# /// devops_agent
# name: check-http
# version: 1.0.0
# description: >-
#   Fetches a URL, checks its status, certificate and text, and measures
#   each phase.
# params:
#   type: object
#   properties:
#     url:
#       type: string
#       pattern: '^[Hh][Tt][Tt][Pp][Ss]?://[^\x00-\x20\x7f]+$'
#       maxLength: 4096
#     method: {type: string, enum: [GET, HEAD], default: GET}
#     status:
#       type: [string, integer]
#       pattern: '^[1-5][0-9][0-9]([,-][1-5][0-9][0-9])*$'
#       minimum: 100
#       maximum: 599
#       default: 200-299
#       description: Expected status, such as 200 or 200-299,401.
#     contains:
#       type: string
#       description: Text that the body must hold.
#     headers:
#       type: object
#       description: Further request headers, names and their values.
#       additionalProperties: {type: string}
#     verify:
#       type: boolean
#       default: true
#       description: Verify the certificate.
#     max_redirects:
#       type: integer
#       minimum: 0
#       maximum: 20
#       default: 5
#       description: How many to follow; with 0 the redirect is the answer.
#     max_body_bytes:
#       type: integer
#       minimum: 0
#       maximum: 16777216
#       default: 1048576
#       description: Read no more of the body than this.
#     timeout_ms:
#       type: integer
#       minimum: 100
#       maximum: 120000
#       default: 10000
#       description: For everything, redirects included.
#   required: [url]
#   additionalProperties: false
# # udp is for name resolution, and tcp:53 for a long answer of it. Another
# # port than these is refused: add tcp:PORT here and allow the plugin again.
# permissions:
#   network: [tcp:80, tcp:443, udp, tcp:53]
#   read: [/etc/hosts, /etc/resolv.conf, /etc/nsswitch.conf, /etc/host.conf,
#          /etc/gai.conf, /etc/ssl/certs, /etc/ssl/cert.pem,
#          /etc/ssl/openssl.cnf, /usr/lib/ssl, /usr/share/ca-certificates,
#          /usr/local/share/ca-certificates, /etc/pki/tls/certs,
#          /etc/pki/tls/cert.pem, /etc/pki/ca-trust/extracted]
# limits: {timeout: 130s, memory: 96MiB}
# ///
"""An HTTP check: status, certificate, text and the time of each phase.

It speaks HTTP/1.1 by itself: http.client takes five times as long to import
as Python takes to start, and bounds neither a slow answer nor its size.
"""

# The C module behind `socket`, without the enum, selectors and re that
# `socket` imports; they are needed for TLS only.
import _socket as socket
import _thread
import time

MAX_HEAD = 65536            # bytes of status line and headers
MAX_LINE = 1024             # bytes of a line that announces a chunk
MAX_URL = 4096              # characters; redirects are in the result
MAX_SHOWN = 200             # characters of a foreign text in a message
REDIRECTS = (301, 302, 303, 307, 308)
TOKEN = "!#$%&'*+-.^_`|~0123456789" \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Problem(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def register():
    return check


def check(job):
    params = job.params
    result = {"ok": False, "url": params["url"], "redirects": []}
    start = time.monotonic()
    deadline = start + params.get("timeout_ms", 10000) / 1000
    timings = {}
    try:
        wanted = ranges(params.get("status", "200-299"))
        fields = request_headers(params.get("headers", {}))
        head, body = follow(params, fields, result, timings, deadline)
        judge(params, wanted, head, body, result)
        result["ok"] = True
    except Problem as problem:
        raise job.Failed(str(problem), code=problem.code,
                         result=result) from None
    finally:
        timings["total"] = time.monotonic() - start
        for phase, seconds in timings.items():
            result[phase + "_ms"] = round(seconds * 1000)
        report(job, result, timings)
    return result


def judge(params, wanted, head, body, result):
    if not any(low <= head.status <= high for low, high in wanted):
        raise Problem("unexpected_status", "%s answered %d %s" % (
            result["url"], head.status, head.reason[:MAX_SHOWN]))
    text = params.get("contains", "")
    if text and text.encode("utf-8", "surrogatepass") not in body:
        raise Problem(
            "text_missing", "the %s%d bytes of the body do not hold %r" % (
                "first " if result["body_truncated"] else "",
                len(body), text[:MAX_SHOWN]))


def report(job, result, timings):
    labels = {"url": job.params["url"]}
    job.metric("http_check_ok", int(result["ok"]), **labels)
    if "status" in result:
        job.metric("http_check_status", result["status"], **labels)
        job.metric("http_check_redirects", len(result["redirects"]), **labels)
    if "body_bytes" in result:
        job.metric("http_check_body_bytes", result["body_bytes"],
                   unit="bytes", **labels)
    for phase, seconds in timings.items():
        job.metric("http_check_duration_seconds", round(seconds, 6),
                   unit="seconds", phase=phase, **labels)


def ranges(text):
    """(low, high) of each part of "200-299,401"."""
    found = []
    for part in str(text).split(","):
        low, _, high = part.partition("-")
        high = high or low
        if not (low.isdigit() and high.isdigit() and int(low) <= int(high)):
            raise Problem("bad_params", "status: %r is no status or range of "
                          "them" % part)
        found.append((int(low), int(high)))
    return found


def request_headers(fields):
    """The caller's headers by their lower-case names."""
    checked = {}
    for name, value in fields.items():
        if not name or name.strip(TOKEN):
            raise Problem("bad_params", "headers: %r is no name" % name)
        if name.lower() in ("connection", "content-length",
                            "transfer-encoding"):
            raise Problem("bad_params", "headers: %s is not yours to set"
                          % name)
        if not isinstance(value, str) or any(
                char < " " and char != "\t" or char == "\x7f"
                for char in value):
            raise Problem("bad_params", "headers: the value of %s must be a "
                          "string of one line" % name)
        checked[name.lower()] = value
    return checked


# URLs. urllib.parse would double the time to start.


class Url:
    def __init__(self, text):
        """Raises ValueError, saying why, for what can't be fetched."""
        if len(text) > MAX_URL:
            raise ValueError("it is longer than %d characters" % MAX_URL)
        if any(char <= " " or char == "\x7f" for char in text):
            raise ValueError("it holds a blank or a control character")
        scheme, _, rest = text.partition("#")[0].partition("://")
        self.scheme = scheme.lower()
        if self.scheme not in ("http", "https"):
            raise ValueError("only http and https can be fetched")
        authority = rest.partition("/")[0].partition("?")[0]
        target = rest[len(authority):]
        if "@" in authority:
            raise ValueError("it holds a user name; use headers")
        self.port = 443 if self.scheme == "https" else 80
        if authority.startswith("["):
            self.host, closed, port = authority[1:].partition("]")
            if not closed or port and not port.startswith(":"):
                raise ValueError("its host is malformed")
            port = port[1:]
        else:
            self.host, _, port = authority.partition(":")
        if not self.host or len(self.host) > 253:
            raise ValueError("its host is malformed")
        if port:
            if not (port.isascii() and port.isdigit() and len(port) < 6 and
                    0 < int(port) < 65536):
                raise ValueError("its port is none")
            self.port = int(port)
        self.authority = authority
        self.target = quote(target if target.startswith("/")
                            else "/" + target)

    def origin(self):
        return self.scheme + "://" + self.authority


def quote(text):
    """Percent-encode what may not stand in a request line."""
    if text.isascii():
        return text
    return "".join(chr(byte) if byte < 128 else "%%%02X" % byte
                   for byte in text.encode("utf-8", "surrogatepass"))


def join(base, location):
    """The URL that a Location header means."""
    location = location.partition("#")[0]
    colon = location.find(":")
    if colon > 0 and not any(char in location[:colon] for char in "/?"):
        return location
    if location.startswith("//"):
        return base.scheme + ":" + location
    path = base.target.partition("?")[0]
    if location.startswith("?"):
        return base.origin() + path + location
    if not location:
        return base.origin() + base.target
    if not location.startswith("/"):
        location = path[:path.rindex("/") + 1] + location
    path, mark, query = location.partition("?")
    kept = []
    parts = path.split("/")[1:]
    for part in parts:
        if part == "..":
            kept = kept[:-1]
        elif part != ".":
            kept.append(part)
    if parts[-1] in (".", ".."):
        kept.append("")
    return base.origin() + "/" + "/".join(kept) + mark + query


# Fetching


def follow(params, fields, result, timings, deadline):
    """Fetch the URL and where it redirects to: the last answer."""
    address = params["url"]
    context = previous = None
    while True:
        try:
            url = Url(address)
        except ValueError as error:
            raise Problem("bad_redirect" if result["redirects"]
                          else "bad_params", "url %s: %s" % (
                              address[:MAX_SHOWN], error)) from None
        if previous is not None and url.origin() != previous.origin():
            # Credentials are meant for the server they were given for.
            fields = {name: value for name, value in fields.items()
                      if name not in ("authorization", "cookie", "host")}
        previous = url
        if url.scheme == "https" and context is None:
            context = tls_context(params.get("verify", True))
        head, body = fetch(url, params, fields, context, result, timings,
                           deadline)
        location = head.fields.get("location")
        if head.status not in REDIRECTS or location is None or \
                params.get("max_redirects", 5) == 0:
            return head, body
        if len(result["redirects"]) >= params.get("max_redirects", 5):
            raise Problem("too_many_redirects", "more than %d redirects, the "
                          "last to %s" % (len(result["redirects"]),
                                          location[:MAX_SHOWN]))
        result["redirects"].append(address)
        result["url"] = address = join(url, location)


def fetch(url, params, fields, context, result, timings, deadline):
    timings.clear()
    for key in ("address", "tls_version", "status", "body_truncated",
                "body_bytes"):
        result.pop(key, None)           # of the redirect that led here
    begin = time.monotonic()
    addresses = resolve(url.host, url.port, deadline)
    resolved = time.monotonic()
    timings["dns"] = resolved - begin
    sock, result["address"] = connect(url.host, url.port, addresses, deadline)
    try:
        connected = time.monotonic()
        timings["connect"] = connected - resolved
        if url.scheme == "https":
            sock = start_tls(sock, context, url, deadline)
            result["tls_version"] = sock.version()
            timings["tls"] = time.monotonic() - connected
        asked = time.monotonic()
        stream = Stream(sock, deadline)
        stream.send(request(url, params.get("method", "GET"), fields))
        stream.fill()
        timings["first_byte"] = time.monotonic() - asked
        head = read_head(stream)
        result["status"] = head.status
        body, result["body_truncated"] = read_body(
            stream, head, params.get("method", "GET"),
            params.get("max_body_bytes", 1048576))
        result["body_bytes"] = len(body)
        return head, body
    finally:
        sock.close()


def request(url, method, fields):
    host = url.authority
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    sent = {"host": host, "user-agent": "devops_agent check-http/1.0.0",
            "accept": "*/*", "accept-encoding": "identity"}
    sent.update(fields)
    lines = ["%s %s HTTP/1.1" % (method, url.target)]
    lines += ["%s: %s" % (name.title(), sent[name]) for name in sent]
    lines += ["Connection: close", "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogatepass")


def tls_context(verify):
    import ssl
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def start_tls(sock, context, url, deadline):
    import ssl
    name = "%s port %d" % (url.host, url.port)
    try:
        sock.settimeout(max(0.001, deadline - time.monotonic()))
        return context.wrap_socket(sock, server_hostname=url.host)
    except ssl.SSLCertVerificationError as error:
        raise Problem("tls_verification", "the certificate of %s is not "
                      "trusted: %s" % (name, error.verify_message)) from None
    except socket.timeout:
        raise Problem("timed_out", "%s: no TLS handshake in time"
                      % name) from None
    except (OSError, ValueError) as error:
        raise Problem("tls_failed", "%s: TLS handshake: %s" % (
            name, getattr(error, "reason", None) or
            getattr(error, "strerror", None) or error)) from None


def resolve(host, port, deadline):
    """The addresses of a host. In a thread, since the resolver's own limits
    are longer than ours and can't be changed."""
    found = []
    done = _thread.allocate_lock()
    done.acquire()

    def ask():
        try:
            # Bytes, as text goes through the costly codec for IDNs.
            name = host.encode("ascii") if host.isascii() else host
            found.append(socket.getaddrinfo(
                name, port, 0, socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.append(error)
        finally:
            done.release()

    _thread.start_new_thread(ask, ())
    if not done.acquire(timeout=max(0, deadline - time.monotonic())):
        raise Problem("timed_out", "no answer from name resolution for %s"
                      % host)
    if not found or isinstance(found[0], Exception):
        reason = found[0] if found else "failed"
        raise Problem("dns_failed", "%s does not resolve: %s"
                      % (host, getattr(reason, "strerror", None) or reason))
    return found[0]


def connect(host, port, addresses, deadline):
    """A socket connected to the first address that answers, and that."""
    problem = None
    for index, (family, kind, protocol, _, address) in enumerate(addresses):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        sock = None
        try:
            sock = socket.socket(family, kind, protocol)
            # A dead address must leave time for the others.
            sock.settimeout(left / (len(addresses) - index))
            sock.connect(address)
            return sock, address[0]
        except PermissionError as error:
            # Not the peer's doing: let the agent explain what refused it.
            raise PermissionError(error.errno, "connect to %s port %d: %s" % (
                host, port, error.strerror)) from None
        except socket.timeout:
            problem = None
        except OSError as error:
            problem = error
        if sock is not None:
            sock.close()
    if problem is None:
        raise Problem("timed_out", "connect to %s port %d: no answer in time"
                      % (host, port))
    raise Problem("connect_failed", "connect to %s port %d: %s"
                  % (host, port, problem.strerror))


# Reading an answer; everything in it is bounded, and all of it together by
# the deadline.


class Stream:
    """A connection and what came from it but was not used yet."""

    def __init__(self, sock, deadline):
        self.sock = sock
        self.deadline = deadline
        self.data = b""
        self.at = 0                     # what comes before it was used
        self.began = False

    def left(self):
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Problem("timed_out", "the answer did not end in time")
        return left

    def send(self, data):
        self.sock.settimeout(self.left())
        try:
            self.sock.sendall(data)
        except socket.timeout:
            raise Problem("timed_out", "the server does not take the "
                          "request") from None
        except OSError as error:
            raise Problem("connection_lost", "sending the request: %s" % (
                error.strerror or error)) from None

    def fill(self):
        """Wait for more; false at the end."""
        self.sock.settimeout(self.left())
        try:
            data = self.sock.recv(65536)
        except socket.timeout:
            raise Problem("timed_out", "the answer did not end in time"
                          if self.began else "no answer in time") from None
        except OSError as error:
            raise Problem("connection_lost", "reading the answer: %s" % (
                error.strerror or error)) from None
        self.data = self.data[self.at:] + data
        self.at = 0
        self.began = True
        return bool(data)

    def line(self, limit, what):
        """The next line with its end, of no more than `limit` bytes."""
        while True:
            end = self.data.find(b"\n", self.at, self.at + limit) + 1
            if end > 0:
                line = self.data[self.at:end]
                self.at = end
                return line
            if len(self.data) - self.at >= limit:
                raise Problem("bad_answer", "%s is longer than %d bytes"
                              % (what, limit))
            if not self.fill():
                raise Problem("bad_answer", "the server closed the "
                              "connection amid its answer")

    def take(self, count, into):
        """Add the next bytes, `count` of them or as many as there are."""
        while count > 0 and (self.at < len(self.data) or self.fill()):
            part = self.data[self.at:self.at + count]
            self.at += len(part)
            into += part
            count -= len(part)


class Head:
    def __init__(self, status, reason, fields):
        self.status = status
        self.reason = reason
        self.fields = fields


def read_head(stream):
    """Status and headers of the answer proper, after any 1xx."""
    room = MAX_HEAD

    def next_line():
        nonlocal room
        line = stream.line(room, "the head of the answer")
        room -= len(line)
        return line.rstrip(b"\r\n")

    while True:
        line = next_line()
        parts = line.split(None, 2)
        if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or \
                len(parts[1]) != 3 or not parts[1].isdigit():
            raise Problem("bad_answer", "the answer is no HTTP/1: %r"
                          % line[:64])
        fields = {}
        while True:
            line = next_line()
            if not line:
                break
            name, _, value = line.partition(b":")
            # Of a repeated one the first counts; none that is used here may
            # be repeated.
            fields.setdefault(printable(name.lower()),
                              printable(value.strip()))
        status = int(parts[1])
        if status >= 200 or status == 101:
            reason = printable(parts[2]) if len(parts) > 2 else ""
            return Head(status, reason, fields)


def printable(raw):
    return "".join(chr(byte) if 32 <= byte < 127 else "%%%02X" % byte
                   for byte in raw)


def read_body(stream, head, method, limit):
    """The body's first `limit` bytes, and whether there was more."""
    if method == "HEAD" or head.status in (101, 204, 304):
        return b"", False
    body = bytearray()
    if head.fields.get("transfer-encoding", "").lower().endswith("chunked"):
        return body, read_chunks(stream, limit, body)
    length = head.fields.get("content-length")
    if length is None:
        stream.take(limit + 1, body)
        more = len(body) > limit
        del body[limit:]
        return body, more
    if not length.isdigit() or len(length) > 18:
        raise Problem("bad_answer", "Content-Length is no number: %s"
                      % length[:64])
    stream.take(min(limit, int(length)), body)
    if len(body) < min(limit, int(length)):
        raise Problem("bad_answer", "the body ended after %d of %s bytes" % (
            len(body), length))
    return body, int(length) > limit


def read_chunks(stream, limit, body):
    """Whether there was more than `limit` bytes."""
    while True:
        line = stream.line(MAX_LINE, "the size of a chunk")
        line = line.partition(b";")[0].strip()
        if not line or line.strip(b"0123456789abcdefABCDEF") or \
                len(line) > 15:
            raise Problem("bad_answer", "a chunk's length is no number: %r"
                          % line[:32])
        size = int(line, 16)
        if size == 0:
            return False
        end = len(body) + size
        stream.take(min(size, limit - len(body)), body)
        if len(body) < end:
            if len(body) == limit:
                return True
            raise Problem("bad_answer", "the body ended amid a chunk")
        if stream.line(MAX_LINE, "the end of a chunk").strip():
            raise Problem("bad_answer", "a chunk is longer than it says")
