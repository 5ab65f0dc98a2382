# /// devops_agent
# name: check-tcp
# version: 1.0.0
# description: >-
#   Connects to a TCP port, sends a text if told to, and looks for a text in
#   the answer.
# params:
#   type: object
#   properties:
#     host:
#       type: string
#       pattern: '^[^\x00-\x20/@\[\]\x7f]{1,253}$'
#       description: Name or address.
#     port: {type: integer, minimum: 1, maximum: 65535}
#     send:
#       type: string
#       description: 'Text to send, with \r \n \t \0 \\ and \xNN.'
#     expect:
#       type: string
#       description: Text that the answer must hold, written as for send.
#     timeout_ms: {type: integer, minimum: 100, maximum: 60000, default: 5000}
#   required: [host, port]
#   additionalProperties: false
# # The port is a parameter, but a header can only name ports or ask for
# # "host", which is listening, local sockets and every port besides. So it
# # names the usual services; add a port here and allow the plugin again to
# # check another. udp is for name resolution.
# permissions:
#   network: [tcp:21, tcp:22, tcp:25, tcp:53, tcp:80, tcp:110, tcp:143,
#             tcp:389, tcp:443, tcp:465, tcp:587, tcp:636, tcp:993, tcp:995,
#             tcp:1433, tcp:1883, tcp:2181, tcp:3306, tcp:3389, tcp:5432,
#             tcp:5671, tcp:5672, tcp:6379, tcp:6443, tcp:8080, tcp:8443,
#             tcp:8883, tcp:9090, tcp:9092, tcp:9100, tcp:9200, tcp:11211,
#             tcp:27017, udp]
#   read: [/etc/hosts, /etc/resolv.conf, /etc/nsswitch.conf, /etc/host.conf,
#          /etc/gai.conf]
# limits: {timeout: 70s, memory: 64MiB}
# ///
"""Is something listening, and does it speak as it should?"""

# The C module behind `socket`, without the enum, selectors and re that
# `socket` imports: that takes as long as starting Python does.
import _socket as socket
import _thread
import time

MAX_ANSWER = 65536          # bytes searched for `expect`
MAX_SHOWN = 1024            # bytes of the answer that are reported
ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}


class Problem(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def register():
    return check


def check(job):
    host, port = job.params["host"], job.params["port"]
    result = {"ok": False, "host": host, "port": port}
    labels = {"host": host, "port": str(port)}
    start = time.monotonic()
    deadline = start + job.params.get("timeout_ms", 5000) / 1000
    try:
        send = unescape("send", job.params.get("send", ""))
        expect = unescape("expect", job.params.get("expect", ""))
        talk(result, host, port, send, expect, deadline)
        result["ok"] = True
    except Problem as problem:
        raise job.Failed(str(problem), code=problem.code,
                         result=result) from None
    finally:
        elapsed = time.monotonic() - start
        result["total_ms"] = round(elapsed * 1000)
        job.metric("tcp_check_ok", int(result["ok"]), **labels)
        job.metric("tcp_check_duration_seconds", round(elapsed, 6),
                   unit="seconds", **labels)
    return result


def talk(result, host, port, send, expect, deadline):
    start = time.monotonic()
    addresses = resolve(host, port, deadline)
    resolved = time.monotonic()
    result["dns_ms"] = round((resolved - start) * 1000)
    sock, result["address"] = connect(host, port, addresses, deadline)
    try:
        result["connect_ms"] = round((time.monotonic() - resolved) * 1000)
        if send:
            deliver(sock, send, deadline)
        if expect:
            answer = receive(sock, expect, deadline)
            result["answer"] = answer[:MAX_SHOWN].decode(
                "utf-8", "backslashreplace")
            if expect not in answer:
                raise Problem("unexpected_answer",
                              "the answer does not hold the expected text")
    finally:
        sock.close()


def unescape(name, value):
    """The bytes that a parameter stands for."""
    parts = value.split("\\")
    out = [parts[0].encode("utf-8", "surrogatepass")]
    rest = iter(parts[1:])
    for part in rest:
        if part == "":                      # "\\\\": the next is plain text
            plain = next(rest, None)
            if plain is None:
                raise Problem("bad_params", "%s: ends in a single \\" % name)
            out.append(b"\\" + plain.encode("utf-8", "surrogatepass"))
            continue
        digits = part[1:3]
        if part[0] == "x" and len(digits) == 2 and \
                not digits.strip("0123456789abcdefABCDEF"):
            out.append(bytes((int(digits, 16),)))
            part = part[3:]
        elif part[0] in ESCAPES:
            out.append(ESCAPES[part[0]])
            part = part[1:]
        else:
            raise Problem("bad_params", "%s: unknown escape \\%s"
                          % (name, part[0]))
        out.append(part.encode("utf-8", "surrogatepass"))
    return b"".join(out)


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


def deliver(sock, data, deadline):
    try:
        sock.settimeout(max(0.001, deadline - time.monotonic()))
        sock.sendall(data)
    except socket.timeout:
        raise Problem("timed_out", "the peer does not take what is sent") \
            from None
    except OSError as error:
        raise Problem("connection_lost", "send: %s" % error.strerror) \
            from None


def receive(sock, expect, deadline):
    """The answer, up to the expected text, its end or MAX_ANSWER."""
    answer = b""
    while expect not in answer and len(answer) < MAX_ANSWER:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            sock.settimeout(left)
            data = sock.recv(MAX_ANSWER - len(answer))
        except socket.timeout:
            break
        except OSError as error:
            raise Problem("connection_lost", "receive: %s"
                          % error.strerror) from None
        if not data:
            return answer
        answer += data
    if expect not in answer and len(answer) < MAX_ANSWER:
        raise Problem("timed_out", "the expected text did not come in time "
                      "(%d bytes of answer)" % len(answer))
    return answer
