# /// devops_agent
# name: check-cert
# version: 1.0.0
# description: >-
#   Days until a server's TLS certificate expires, and whether it is trusted
#   and made out to the right name.
# params:
#   type: object
#   properties:
#     host:
#       type: string
#       pattern: '^[^\x00-\x20/@\[\]\x7f]{1,253}$'
#       description: Name or address to connect to.
#     port: {type: integer, minimum: 1, maximum: 65535, default: 443}
#     server_name:
#       type: string
#       pattern: '^[^\x00-\x20/@\[\]\x7f]{1,253}$'
#       description: Name to ask for and to verify, if it is not the host's.
#     warn_days: {type: number, minimum: 0, default: 21}
#     critical_days: {type: number, minimum: 0, default: 7}
#     verify:
#       type: boolean
#       default: true
#       description: >-
#         Fail if the certificate is not trusted. If false, that is only
#         reported.
#     timeout_ms: {type: integer, minimum: 100, maximum: 60000, default: 10000}
#   required: [host]
#   additionalProperties: false
# # The ports of the usual services that speak TLS from the first byte; add
# # another here and allow the plugin again. udp is for name resolution, and
# # tcp:53 for a long answer of it.
# permissions:
#   network: [tcp:443, tcp:465, tcp:563, tcp:636, tcp:853, tcp:989, tcp:990,
#             tcp:993, tcp:995, tcp:2376, tcp:2379, tcp:3269, tcp:5061,
#             tcp:5671, tcp:5986, tcp:6443, tcp:6514, tcp:6697, tcp:8443,
#             tcp:8883, tcp:9093, tcp:9443, tcp:10250, udp,
#             tcp:53]
#   read: [/etc/hosts, /etc/resolv.conf, /etc/nsswitch.conf, /etc/host.conf,
#          /etc/gai.conf, /etc/ssl/certs, /etc/ssl/cert.pem,
#          /etc/ssl/openssl.cnf, /usr/lib/ssl, /usr/share/ca-certificates,
#          /usr/local/share/ca-certificates, /etc/pki/tls/certs,
#          /etc/pki/tls/cert.pem, /etc/pki/ca-trust/extracted]
# limits: {timeout: 70s, memory: 96MiB}
# ///
"""A TLS certificate: its dates, its names, and whether it is trusted.

The ssl module tells the dates of trusted certificates only, so an untrusted
one is fetched once more without verification and its dates are read from the
certificate itself.
"""

import _socket as socket
import _thread
import ssl
import time

DAY = 86400
MAX_NAMES = 100             # that are reported
STRINGS = {0x0c: "utf-8", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii",
           0x1e: "utf-16-be"}
NAME_PARTS = {b"\x55\x04\x03": "CN", b"\x55\x04\x0a": "O",
              b"\x55\x04\x0b": "OU", b"\x55\x04\x06": "C"}
SUBJECT_ALT_NAME = b"\x55\x1d\x11"


class Problem(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def register():
    return check


def check(job):
    params = job.params
    host, port = params["host"], params.get("port", 443)
    result = {"ok": False, "host": host, "port": port,
              "server_name": params.get("server_name", host)}
    deadline = time.monotonic() + params.get("timeout_ms", 10000) / 1000
    expires = None
    try:
        if params.get("warn_days", 21) < params.get("critical_days", 7):
            raise Problem("bad_params", "warn_days: must not be less than "
                          "critical_days")
        expires = inspect(result, host, port, deadline)
        judge(job, result)
        result["ok"] = True
    except Problem as problem:
        raise job.Failed(str(problem), code=problem.code,
                         result=result) from None
    finally:
        report(job, result, expires)
    return result


def judge(job, result):
    params = job.params
    days = result["days_left"]
    name = "the certificate of %s" % result["server_name"]
    if days < 0:
        result["state"] = "expired"
        raise Problem("expired", "%s expired %d days ago" % (name, -days))
    if result["not_yet_valid"]:
        result["state"] = "not_yet_valid"
        raise Problem("not_yet_valid", "%s is not valid before %s" % (
            name, result["not_before"]))
    if not result["trusted"] and params.get("verify", True):
        result["state"] = "untrusted"
        raise Problem("untrusted", "%s is not trusted: %s" % (
            name, result["trust_problem"]))
    if days < params.get("critical_days", 7):
        result["state"] = "critical"
        raise Problem("expires_soon", "%s expires in %d days" % (name, days))
    result["state"] = "ok"
    if days < params.get("warn_days", 21):
        result["state"] = "warning"
        job.log.warning("%s expires in %d days", name, days)


def report(job, result, expires):
    labels = {"host": result["host"], "port": str(result["port"]),
              "server_name": result["server_name"]}
    job.metric("certificate_check_ok", int(result["ok"]), **labels)
    if expires is not None:
        job.metric("certificate_trusted", int(result["trusted"]), **labels)
        job.metric("certificate_expiry_timestamp_seconds",
                   expires, unit="seconds", **labels)
        job.metric("certificate_expires_in_seconds",
                   expires - int(time.time()), unit="seconds", **labels)


def inspect(result, host, port, deadline):
    """Fill in what the server shows; the time its certificate expires."""
    name = result["server_name"]
    addresses = resolve(host, port, deadline)
    trusted, problem = True, None
    try:
        raw = handshake(result, ssl.create_default_context(), name, host,
                        port, addresses, deadline)
    except ssl.SSLError as error:
        # Not only for a bad certificate: the strict handshake also refuses
        # old versions and short keys.
        trusted = False
        problem = getattr(error, "verify_message", None) or error.reason or \
            str(error)
        try:
            raw = handshake(result, lenient(), name, host, port, addresses,
                            deadline)
        except ssl.SSLError as again:
            raise Problem("tls_failed", "%s port %d: TLS handshake: %s" % (
                host, port, again.reason or again)) from None
    result["trusted"], result["trust_problem"] = trusted, problem
    try:
        return describe(result, raw)
    except (ValueError, IndexError) as error:
        raise Problem("bad_certificate", "%s port %d: the certificate can't "
                      "be read: %s" % (host, port, error)) from None


def lenient():
    """A context that talks to anybody: nothing is sent by it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    try:
        context.set_ciphers("ALL:@SECLEVEL=0")
    except ssl.SSLError:
        pass                            # a library without security levels
    return context


def handshake(result, context, name, host, port, addresses, deadline):
    """The server's certificate in DER. Raises ssl.SSLError if the two do
    not agree."""
    sock, result["address"] = connect(host, port, addresses, deadline)
    try:
        sock.settimeout(max(0.001, deadline - time.monotonic()))
        sock = context.wrap_socket(sock, server_hostname=name)
        result["tls_version"] = sock.version()
        raw = sock.getpeercert(True)
        if not raw:
            raise Problem("tls_failed", "%s port %d shows no certificate"
                          % (host, port))
        return raw
    except socket.timeout:
        raise Problem("timed_out", "%s port %d: no TLS handshake in time"
                      % (host, port)) from None
    except ssl.SSLError:
        raise
    except (OSError, ValueError) as error:
        raise Problem("tls_failed", "%s port %d: TLS handshake: %s" % (
            host, port, getattr(error, "strerror", None) or error)) from None
    finally:
        sock.close()


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


# Reading a certificate: just enough of DER (X.690), and nothing of it is
# trusted. Each raises ValueError or IndexError on what is malformed.


def element(data, at, end):
    """Tag, content's start and content's end of what begins at `at`."""
    tag, length = data[at], data[at + 1]
    at += 2
    if length & 0x80:
        size = length & 0x7f
        if not 1 <= size <= 4:
            raise ValueError("a length is malformed")
        length = int.from_bytes(data[at:at + size], "big")
        at += size
    if at + length > end:
        raise ValueError("it ends too early")
    return tag, at, at + length


def children(data, start, end):
    found = []
    while start < end:
        item = element(data, start, end)
        found.append(item)
        start = item[2]
    return found


def describe(result, raw):
    outer = element(raw, 0, len(raw))
    body = children(raw, *children(raw, *outer[1:])[0][1:])
    if body[0][0] == 0xa0:              # version, absent in the oldest
        body = body[1:]
    serial, _, issuer, validity, subject = body[:5]
    begin, end = children(raw, *validity[1:])[:2]
    not_before, result["not_before"] = moment(raw, begin)
    not_after, result["not_after"] = moment(raw, end)
    now = time.time()
    result["not_yet_valid"] = now < not_before
    # Rounded towards less: 0 on the last day, negative once it has expired.
    result["days_left"] = int((not_after - now) // DAY)
    result["subject"] = distinguished_name(raw, subject)
    result["issuer"] = distinguished_name(raw, issuer)
    result["self_signed"] = raw[slice(*subject[1:])] == \
        raw[slice(*issuer[1:])]
    result["serial"] = raw[slice(*serial[1:])].hex()
    names = alternative_names(raw, body[5:])
    result["names"] = names[:MAX_NAMES]
    result["names_left_out"] = max(0, len(names) - MAX_NAMES)
    return not_after


def moment(data, item):
    """A time as seconds since 1970 and as RFC 3339."""
    tag, start, end = item
    text = data[start:end].decode("ascii")
    if tag == 0x17:                     # UTCTime: 1950 to 2049
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != 0x18:
        raise ValueError("a date is malformed")
    if len(text) != 15 or text[14] != "Z" or not text[:14].isdigit():
        raise ValueError("a date is malformed")
    year, month, day = int(text[:4]), int(text[4:6]), int(text[6:8])
    hour, minute, second = int(text[8:10]), int(text[10:12]), int(text[12:14])
    if not 1 <= month <= 12:
        raise ValueError("a date is malformed")
    # Days since 1 March of year 0, as February with its leap day then comes
    # last; 1 January 1970 is the 719468th.
    shifted = year - (month < 3)
    days = shifted * 365 + shifted // 4 - shifted // 100 + shifted // 400 + \
        (153 * ((month + 9) % 12) + 2) // 5 + day - 1 - 719468
    return (days * DAY + hour * 3600 + minute * 60 + second,
            "%04d-%02d-%02dT%02d:%02d:%02d.000Z" % (
                year, month, day, hour, minute, second))


def distinguished_name(data, item):
    """Such as "CN=www.example.org, O=Example"; its rarer parts left out."""
    parts = []
    for group in children(data, *item[1:]):
        for pair in children(data, *group[1:]):
            kind, value = children(data, *pair[1:])[:2]
            label = NAME_PARTS.get(data[kind[1]:kind[2]])
            if label is not None:
                parts.append("%s=%s" % (label, data[value[1]:value[2]].decode(
                    STRINGS.get(value[0], "latin-1"), "replace")))
    return ", ".join(parts)


def alternative_names(data, rest):
    """The host names and addresses that the certificate is made out to."""
    names = []
    for tag, start, end in rest:
        if tag != 0xa3:                 # extensions
            continue
        extensions = element(data, start, end)
        for extension in children(data, *extensions[1:]):
            parts = children(data, *extension[1:])
            if data[parts[0][1]:parts[0][2]] != SUBJECT_ALT_NAME:
                continue
            listed = element(data, parts[-1][1], parts[-1][2])
            for kind, first, last in children(data, *listed[1:]):
                value = data[first:last]
                if kind == 0x82:
                    names.append(value.decode("ascii", "backslashreplace"))
                elif kind == 0x87:
                    names.append(address(value))
    return names


def address(raw):
    if len(raw) == 4:
        return socket.inet_ntop(socket.AF_INET, raw)
    if len(raw) == 16:
        return socket.inet_ntop(socket.AF_INET6, raw)
    return raw.hex()
