#!/bin/bash
# Which of the host's network a plugin reaches, and by what kind of socket.
export TMPDIR=/var/tmp
. "$(dirname "$0")/lib/tap.sh"
. "$ROOT/t/hostile/lib.sh"

/usr/bin/python3 - "$HOST" <"$HOSTILE/server.inc" &
at_exit "kill $!"
wait_until 10 test -s "$HOST/ports" || exit
read -r TCP TCP2 UDP <"$HOST/ports"
FREE=$((TCP > 40000 ? TCP - 13579 : TCP + 13579))
chmod 755 "$HOST"
BELOW=$(mktemp -d /tmp/t-43-network.XXXXXX)
at_exit "rm -rf $BELOW"
/usr/bin/python3 - "$BELOW" <"$HOSTILE/server.inc" &
at_exit "kill $!"
wait_until 10 test -s "$BELOW/ports" || exit
chmod 755 "$BELOW"

probes() {
	cat <<-END
		import ctypes
		import os
		import socket
		import struct
		import threading
		libc = ctypes.CDLL(None, use_errno=True)
		HERE, TCP, TCP2, UDP = "127.0.0.1", $TCP, $TCP2, $UDP
		FREE, HOST = $FREE, "$HOST"

	END
	cat <<-'END'
		def call(nr, *args):
		    ctypes.set_errno(0)
		    got = libc.syscall(nr, *args)
		    return errno.errorcode[ctypes.get_errno()] if got < 0 else got

		def made(*args):
		    s = socket.socket(*args)
		    s.close()

		def tcp(port, how="connect", family=socket.AF_INET, host=HERE):
		    with socket.socket(family, socket.SOCK_STREAM) as s:
		        s.settimeout(5)
		        if how == "sendto":
		            s.sendto(b"x", 0x20000000, (host, port))
		        elif how == "sendmsg":
		            s.sendmsg([b"x"], [], 0x20000000, (host, port))
		        else:
		            getattr(s, how)((host, port))
		        if how == "connect":
		            return s.recv(5).decode()

		def udp(port, how="sendto"):
		    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
		        if how == "sendto":
		            s.sendto(b"x", (HERE, port))
		        elif how == "sendmsg":
		            s.sendmsg([b"x"], [], 0, (HERE, port))
		        else:
		            s.connect((HERE, port))
		            s.send(b"x")

		def unix(address, kind=socket.SOCK_STREAM):
		    with socket.socket(socket.AF_UNIX, kind) as s:
		        s.settimeout(5)
		        s.connect(address)
		        return s.recv(5).decode()

		def in_thread(f, *args):
		    r = []
		    t = threading.Thread(target=lambda: r.append(act(f, *args)))
		    t.start()
		    t.join()
		    return r[0]

		STREAM, DGRAM, RAW = (socket.SOCK_STREAM, socket.SOCK_DGRAM,
		                      socket.SOCK_RAW)
		INET, INET6, UNIX = socket.AF_INET, socket.AF_INET6, socket.AF_UNIX
		ODD = {
		    "raw": (INET, RAW, 1), "raw6": (INET6, RAW, 58),
		    "packet": (17, RAW, 0x300), "ping": (INET, DGRAM, 1),
		    "generic": (16, RAW, 16), "audit": (16, RAW, 9),
		    "netfilter": (16, RAW, 12), "kobject": (16, RAW, 15),
		    "sctp": (INET, STREAM, 132), "dccp": (INET, 6, 33),
		    "mptcp": (INET, STREAM, 262), "smc": (43, STREAM, 0),
		    "vsock": (40, STREAM, 0), "tipc": (30, DGRAM, 0),
		    "alg": (38, 5, 0), "xdp": (44, RAW, 0), "can": (29, RAW, 1),
		    "bluetooth": (31, RAW, 1), "rds": (21, 5, 0),
		    "key": (15, RAW, 2), "ieee802154": (36, RAW, 0),
		    "udplite": (INET, DGRAM, 136), "l2tp": (INET, DGRAM, 115),
		    "kcm": (41, DGRAM, 0), "qrtr": (42, DGRAM, 0),
		    "nfc": (39, RAW, 0), "phonet": (35, DGRAM, 0),
		    "pppox": (24, STREAM, 0), "mctp": (45, DGRAM, 0),
		    "raw_flagged": (INET, RAW | 0x80800, 255),
		}

		def odd():
		    return {k: act(made, *v) for k, v in ODD.items()}

		def unixes():
		    return {"stream": act(made, UNIX, STREAM),
		            "dgram": act(made, UNIX, DGRAM),
		            "pair": act(lambda: len(socket.socketpair())),
		            "dgram_pair": act(socket.socketpair, UNIX, DGRAM)}
	END
}

# no_odd TITLE: no socket of those families came about.
no_odd() {
	got '.odd | to_entries | map(select(.value |
		IN("EPERM", "EACCES", "EPROTONOSUPPORT", "EAFNOSUPPORT",
			"EINVAL") | not))' '[]' "$1"
}

for who in $WHO; do
	as "$who"
	: >"$HOST/log"

	# --- None -----------------------------------------------------------------

	plugin none "permissions: {read: [$HOST]}" < <(probes; cat <<-'END'
		def run(job):
		    return {
		        "names": [n for _, n in socket.if_nameindex()]
		        if act(socket.if_nameindex) != "EAFNOSUPPORT" else [],
		        "dev": open("/proc/self/net/dev").read().count(":"),
		        "tcp": act(tcp, TCP), "tcp6": act(
		            tcp, TCP, "connect", INET6, "::1"),
		        "udp": act(udp, UDP), "udp2": act(udp, UDP, "sendmsg"),
		        "fastopen": [act(tcp, TCP, "sendto"),
		                     act(tcp, TCP, "sendmsg")],
		        "name": act(socket.getaddrinfo, "example.org", 80),
		        "path": act(unix, HOST + "/granted.sock"),
		        "abstract": act(unix, "\0" + HOST),
		        "odd": odd(), "unix": unixes(),
		    }
	END
	)
	try
	ran "a plugin without a network runs"
	got .names '[]' "no interface can be asked for"
	got .dev 1 "... and there is but the loopback, which is down"
	got '[.tcp, .tcp6, .udp, .udp2] | unique - ["ENETUNREACH", "EACCES", "EADDRNOTAVAIL"]' \
		'[]' "nothing of the host is reached by TCP or UDP"
	got '.fastopen | unique' '["ENOTSUP"]' "... nor by TCP Fast Open"
	got .name -3 "no name is resolved"
	got '[.path, .abstract] | unique' '["EPERM"]' \
		"no socket by path or abstract is reached"
	no_odd "no socket of another family or protocol can be made"
	got '.unix | [.stream, .dgram, .dgram_pair]' \
		'["EPERM","EPERM","EPERM"]' \
		"no local socket can be made"
	got .unix.pair 2 "... but a pair of them"
	is "$(cat "$HOST/log")" "" "$as: nothing came to the host"

	# --- tcp:PORT ---------------------------------------------------------------

	plugin tcp "permissions: {network: ['tcp:$TCP'], read: [$HOST]}" \
		< <(probes; cat <<-'END'
		def unspec():
		    with socket.socket() as s:
		        address = struct.pack("=H", 0) + bytes(14)
		        return call(42, s.fileno(), address, 16)

		def raced():
		    """The address changes while it is looked at."""
		    good = struct.pack("=H", 2) + struct.pack("!H", TCP) + bytes(
		        [127, 0, 0, 1]) + bytes(8)
		    bad = good[:2] + struct.pack("!H", TCP2) + good[4:]
		    buf = ctypes.create_string_buffer(good, 16)
		    over = []

		    def flip():
		        while not over:
		            ctypes.memmove(buf, bad, 16)
		            ctypes.memmove(buf, good, 16)

		    t = threading.Thread(target=flip)
		    t.start()
		    hits = 0
		    for _ in range(150):
		        with socket.socket() as s:
		            libc.syscall(42, s.fileno(), buf, 16)
		            try:
		                hits += s.getpeername()[1] == TCP2
		            except OSError:
		                pass
		    over.append(1)
		    t.join()
		    return hits

		def fastopen_connect():
		    with socket.socket() as s:
		        s.setsockopt(6, 30, 1)
		        s.connect((HERE, TCP2))
		        s.send(b"x")

		def again():
		    """Disconnected, and connected to another port."""
		    with socket.socket() as s:
		        s.connect((HERE, TCP))
		        call(42, s.fileno(), bytes(16), 16)
		        s.connect((HERE, TCP2))

		def run(job):
		    r = {"granted": act(tcp, TCP), "thread": in_thread(tcp, TCP),
		         "mapped": act(tcp, TCP, "connect", INET6, "::ffff:" + HERE),
		         "again": act(again)}
		    r["other"] = [
		        act(tcp, TCP2), in_thread(tcp, TCP2), act(fastopen_connect),
		        act(tcp, TCP2, "connect", INET6, "::ffff:" + HERE),
		    ]
		    r["fastopen"] = [act(tcp, TCP2, "sendto"),
		                     act(tcp, TCP2, "sendmsg"),
		                     act(tcp, TCP, "sendto")]
		    r["unspec"] = unspec()
		    r["bind"] = [act(tcp, p, "bind") for p in (FREE, 0, TCP)]
		    with socket.socket() as s:
		        r["listen"] = act(s.listen)
		    r["udp"] = [act(udp, UDP, how)
		                for how in ("sendto", "sendmsg", "connect")]
		    r["ulp"] = call(54, socket.socket().fileno(), 6, 31, b"tls", 4)
		    r["raced"] = raced()
		    r["path"] = act(unix, HOST + "/granted.sock")
		    r["abstract"] = act(unix, "\0" + HOST)
		    r["odd"], r["unix"] = odd(), unixes()
		    return r
	END
	)
	try
	ran "a plugin with a TCP port runs"
	got '[.granted, .thread, .mapped] | unique' '["hello"]' \
		"the port that was granted is reached"
	got '.other + [.again] | unique' '["EACCES"]' "another port is not"
	got '.fastopen | unique' '["ENOTSUP"]' \
		"... nor by Fast Open, which no rule would see"
	got .raced 0 "... nor by changing the address while it is looked at"
	got '.bind + [.listen] | unique - ["EACCES", "EPERM"]' '[]' \
		"no port is bound or listened on"
	got '.udp | unique' '["EPERM"]' "there is no UDP"
	got .ulp ENOENT "no protocol goes on top of TCP"
	got '[.path, .abstract] | unique' '["EPERM"]' \
		"no socket by path or abstract is reached"
	no_odd "no socket of another family or protocol can be made"
	like "$denied" "connect tcp 127.0.0.1:$TCP2" "$as: the record names the address"
	is "$(sort -u "$HOST/log")" tcp "$as: only that port was reached"

	# --- udp --------------------------------------------------------------------

	: >"$HOST/log"
	plugin udp "permissions: {network: [udp]}" < <(probes; cat <<-'END'
		def run(job):
		    return {"udp": [act(udp, UDP, how)
		                    for how in ("sendto", "sendmsg", "connect")],
		            "thread": in_thread(udp, UDP, "connect"),
		            "tcp": [act(tcp, TCP), in_thread(tcp, TCP)],
		            "odd": odd()}
	END
	)
	try
	got '.udp + [.thread] | unique' '["ok"]' \
		"with UDP granted it is sent, from any thread"
	got '.tcp | unique - ["EPERM", "EACCES"]' '[]' "... and TCP is not"
	no_odd "no socket of another family or protocol can be made"
	wait_until 5 grep -q udp "$HOST/log"
	is "$(sort -u "$HOST/log")" udp "$as: only UDP was reached"

	# --- listen:PORT --------------------------------------------------------------

	plugin listen "permissions: {network: ['listen:$FREE']}" < <(probes; cat <<-'END'
		def served():
		    with socket.socket() as s:
		        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		        s.bind((HERE, FREE))
		        s.listen()
		        return s.getsockname()[1] == FREE

		def unbound(family=INET, before=None):
		    """The kernel picks a port, and no rule is asked."""
		    with socket.socket(family, STREAM) as s:
		        if before:
		            before(s)
		        s.listen()
		        return s.getsockname()[1]

		def been_connected(s):
		    """Bound by connecting, which then fails."""
		    act(s.connect, (HERE, TCP))
		    call(42, s.fileno(), bytes(16), 16)

		def served6():
		    with socket.socket(INET6) as s:
		        s.bind(("::1", FREE))
		        s.listen()

		def other_socket():
		    """Another socket takes its number while it is looked at."""
		    over, hits = [], 0

		    def swap(n, bound, fresh):
		        while not over:
		            os.dup2(bound, n)
		            os.dup2(fresh, n)

		    for _ in range(40):
		        with socket.socket() as bound, socket.socket() as fresh:
		            bound.setsockopt(socket.SOL_SOCKET,
		                             socket.SO_REUSEADDR, 1)
		            bound.bind((HERE, FREE))
		            n = os.dup(bound.fileno())
		            t = threading.Thread(target=swap, args=(
		                n, bound.fileno(), fresh.fileno()))
		            t.start()
		            for _ in range(20):
		                libc.listen(n, 1)
		                hits += fresh.getsockopt(
		                    socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
		            over.append(1)
		            t.join()
		            over.clear()
		            os.close(n)
		    return hits

		def run(job):
		    return {"served": act(served), "served6": act(served6),
		            "unbound": [act(unbound), act(unbound, INET6),
		                        act(unbound, INET, been_connected),
		                        in_thread(unbound)],
		            "other_socket": act(other_socket),
		            "odd": odd(),
		            "no_socket": [call(50, 0, 1), call(50, 99, 1)],
		            "other": [act(tcp, FREE + 1, "bind"), act(tcp, 0, "bind"),
		                      act(tcp, FREE + 1, "bind", INET6, "::1")],
		            "connect": act(tcp, TCP), "udp": act(udp, UDP)}
	END
	)
	try
	got '[.served, .served6]' '[true,"ok"]' \
		"a port that was granted is listened on"
	got '.unbound | unique' '["EACCES"]' \
		"... and no port that the kernel picks"
	got .other_socket 0 "... nor when another socket takes its place"
	got .no_socket '["ENOTSOCK","EBADF"]' \
		"what is no socket fails as it does"
	no_odd "no socket of another family or protocol can be made"
	got '.other | unique' '["EACCES"]' "another is not"
	got '[.connect, .udp]' '["EACCES","EPERM"]' "nothing is connected to"

	# --- host, sockets by path ------------------------------------------------------

	: >"$HOST/log"
	plugin host "permissions: {network: [host], read: [$HOST]}" < <(probes; cat <<-'END'
		def run(job):
		    return {"tcp": [act(tcp, TCP), act(tcp, TCP2)],
		            "udp": act(udp, UDP),
		            "names": len(socket.if_nameindex()),
		            "raw": act(made, INET, RAW, 1),
		            "packet": act(made, 17, RAW, 0x300),
		            "abstract": act(unix, "\0" + HOST),
		            "vsock": act(made, 40, STREAM, 0),
		            "alg": act(made, 38, 5, 0)}
	END
	)
	try
	got .tcp '["hello","hello"]' "the host's network reaches every port"
	got .udp ok "... and UDP"
	isnt "$(jq .names <<<"$result")" 0 "$as: it has the host's interfaces"
	got '[.raw, .packet] | unique' '["EPERM"]' \
		"raw sockets take a capability, too"
	got .abstract EPERM "no abstract socket of the host is reached"
	got '[.vsock, .alg] | unique' '["EPERM"]' "other families are not granted"

	: >"$HOST/log"
	: >"$BELOW/log"
	plugin path "permissions: {write: [$HOST/granted.sock], read: [$HOST, $BELOW]}" \
		"params: {type: object, properties: {below: {type: string}}}" \
		< <(probes; cat <<-'END'
		def raced():
		    """The path changes while it is looked at."""
		    good, bad = [struct.pack("=H", 1) + (HOST + n).encode() + b"\0"
		                 for n in ("/granted.sock", "/other.sock")]
		    buf = ctypes.create_string_buffer(good, 108)
		    over = []

		    def flip():
		        while not over:
		            ctypes.memmove(buf, bad, len(bad))
		            ctypes.memmove(buf, good, len(good))

		    t = threading.Thread(target=flip)
		    t.start()
		    for _ in range(100):
		        with socket.socket(UNIX) as s:
		            libc.syscall(42, s.fileno(), buf, len(good))
		    over.append(1)
		    t.join()

		def own():
		    with socket.socket(UNIX) as server:
		        server.bind("/tmp/own")
		        server.listen()
		        with socket.socket(UNIX) as s:
		            s.connect("/tmp/own")

		def linked():
		    os.symlink(HOST + "/other.sock", "/tmp/x")
		    return unix("/tmp/x")

		def run(job):
		    return {"granted": act(unix, HOST + "/granted.sock"),
		            "other": act(unix, HOST + "/other.sock"),
		            "linked": act(linked), "own": act(own),
		            "below": act(unix, job.params["below"] + "/other.sock"),
		            "dgram": act(unix, HOST + "/dgram.sock", DGRAM),
		            "abstract": act(unix, "\0" + HOST),
		            "raced": act(raced), "tcp": act(tcp, TCP)}
	END
	)
	try "below=$BELOW"
	got .own ok "its own sockets in /tmp are reached"
	got .below EACCES "... and none of the host's that lie below /tmp"
	got .granted hello "a socket whose path was granted is reached"
	got '[.other, .linked] | unique' '["EACCES"]' \
		"another in a folder that may be read is not, nor by a link to it"
	got .dgram EPERM "a datagram socket, which names any receiver, is refused"
	got .abstract ECONNREFUSED "abstract sockets are those of its own network"
	wait_until 5 grep -q granted "$HOST/log"
	is "$(sort -u "$HOST/log" "$BELOW/log")" granted \
		"$as: ... nor by changing the path while it is looked at"
	nothing_left "$as: no process, group or mount is left"
done
done_testing
