#!/bin/bash
# What a plugin was refused, and the line of `permissions:` that would allow
# it: in the record, and on standard error.
. "$(dirname "$0")/lib/tap.sh"

chmod 755 "$T"
mkdir -p "$T/plugins/python" "$T/plugins/bin" "$T/grants" "$T/state" \
	"$T/data/folder" "$T/writable" "$T/hung"
cat >"$T/config.yaml" <<END
agent: {data_dir: $T/state}
plugins: {path: ./plugins, grants: ./grants}
storage: {type: sqlite, path: ./state/agent.db}
END
echo data >"$T/data/file"
echo data >"$T/data/a b, c"
echo secret >"$T/data/private"
chmod 600 "$T/data/private"
chmod 777 "$T/writable"
echo old >"$T/writable/old"
chmod 666 "$T/writable/old"
printf '#!/bin/sh\necho started\n' >"$T/data/script"
chmod 755 "$T/data/script"
number=0

# plugin LANGUAGE PERMISSIONS <BODY: the next plugin; sets name.
plugin() {
	local file permissions=${2:-\{\}}

	number=$((number + 1))
	name=d$number
	if [ "$1" = python ]; then
		file=$T/plugins/python/$name.py
		{
			printf '# /// devops_agent\n# name: %s\n' "$name"
			printf '# permissions: %s\n# ///\n' "$permissions"
			printf 'import ctypes, os, socket, subprocess\n\n\n'
			printf 'libc = ctypes.CDLL(None, use_errno=True)\n\n\n'
			printf 'def register():\n    return run\n\n\n'
			printf 'def run(job):\n'
			sed 's/^/    /'
		} >"$file"
	else
		file=$T/plugins/bin/$name
		{
			printf '#!%s\n# /// devops_agent\n' "$1"
			printf '# name: %s\n# output: text\n' "$name"
			printf '# permissions: %s\n# ///\n' "$permissions"
			cat
		} >"$file"
		chmod 755 "$file"
	fi
}

# native PROGRAM PERMISSIONS ARGUMENT ...: a copy of that program.
native() {
	local program=$1 permissions=${2:-\{\}}

	shift 2
	number=$((number + 1))
	name=d$number
	install -m 755 "$(command -v "$program")" "$T/plugins/bin/$name"
	printf 'name: %s\noutput: text\npermissions: %s\nargs: [%s]\n' "$name" \
		"$permissions" "$(printf '"%s",' "$@")" \
		>"$T/plugins/bin/$name.plugin.yaml"
}

agent() {
	"$DEVOPS_AGENT" --config "$T/config.yaml" "$@"
}

go() {
	agent plugin allow "$name" >"$T/allow" 2>&1 || tap_tail "$(<"$T/allow")"
	run agent run --json "$name"
}

# denials: "ACCESS OBJECT -> ALLOW", a line each.
denials() {
	jq -r '(.denials // [])[] | "\(.access) \(.object) -> \(.allow)"' <<<"$out"
}

# says ACCESS OBJECT ALLOW TITLE: the plugin fails, and the record, the hint
# and standard error say so. OBJECT and ALLOW are regular expressions.
says() {
	go
	if ! like $'\n'"$(denials)"$'\n' $'\n'"$1 $2 -> $3"$'\n' "$4"; then
		jq -c '{state,error,denials}' <<<"$out" | cut -c1-2000 | sed 's/^/# /' >&2
		return
	fi
	if [ "$3" = null ]; then
		like "$err" "denied: .*$2, which no permission allows" \
			"... and standard error says that nothing allows it"
	else
		like "$err" "denied: .*$2; permissions that allow it: $3" \
			"... and standard error says which line allows it"
	fi
}

# quiet TITLE: the plugin fails, and nothing is said to have been denied.
quiet() {
	go
	is "$(jq -r .state <<<"$out") $(denials)" "failed " "$1"
}

# literal TEXT: as a regular expression.
literal() {
	# shellcheck disable=SC2001 # it needs what was matched
	sed 's/[][\.*^$+?(){}|]/\\&/g' <<<"$1"
}
D=$(literal "$T/data") W=$(literal "$T/writable")

# --- Files --------------------------------------------------------------------

plugin python <<<"open('$T/data/file')"
says read "$D/file" "read: \[$D/file\]" "Python: a file"
like "$(jq -r .error.hint <<<"$out")" "read: \[$D/file\]" \
	"... and it is the hint of the error"
plugin python <<<"open('$T/data/a b, c')"
says read "$D/a b, c" "read: \[\"$D/a b, c\"\]" \
	"... whose name has a meaning in YAML is quoted"
plugin python <<<"os.listdir('$T/data/folder')"
says read "$D/folder" "read: \[$D/folder\]" "Python: a folder"
plugin /bin/sh <<<"read -r line <$T/data/file"
says read "$D/file" "read: \[$D/file\]" "dash: a file"
plugin /bin/bash <<<"set -e; read -r line <$T/data/file"
says read "$D/file" "read: \[$D/file\]" "bash: a file"
plugin /bin/sh '{exec: [ls]}' <<<"ls $T/data/folder"
says read "$D/folder" "read: \[$D/folder\]" "a program with quotes: a folder"
plugin /usr/bin/perl <<<"open(F, '<', '$T/data/file') or die \"$T/data/file: \$!\";"
says read "$D/file" "read: \[$D/file\]" "perl: a file"
native cat '' "$T/data/file"
says read "$D/file" "read: \[$D/file\]" "a native program: a file"
plugin python '{read: [/]}' <<<"open('/proc/loadavg')"
says read /proc/loadavg "read: \[/proc/loadavg\]" \
	"a file of /proc, which / does not show"

# --- Files that are written ---------------------------------------------------

plugin python "{read: [$T/writable]}" <<<"open('$T/writable/old', 'a')"
says write "$W/old" "write: \[$W/old\]" "Python: a file that may only be read"
plugin python "{read: [$T/writable]}" <<<"open('$T/writable/new', 'w')"
says write "$W/new" "write: \[$W\]" \
	"Python: a new file in a folder that may only be read"
plugin python <<<"open('$T/writable/new', 'w')"
says write "$W/new" "write: \[$W\]" \
	"Python: a new file in a folder that is not there"
plugin python <<<"os.mkdir('$T/writable/sub')"
says write "$W/sub" "write: \[$W\]" "Python: a new folder"
plugin python <<<"open('$T/writable/old', 'a')"
says write "$W/old" "write: \[$W/old\]" "Python: an old file that is not there"
plugin /bin/sh <<<"echo >$T/writable/new"
says write "$W/new" "write: \[$W\]" "dash: a new file"
plugin /bin/sh '{exec: [touch]}' <<<"touch $T/writable/new"
says write "$W/new" "write: \[$W\]" "a native program: a new file"
plugin /bin/sh "{read: [$T/writable]}" <<<"echo >$T/writable/old"
says write "$W/old" "write: \[$W/old\]" "dash: a file that may only be read"

# --- Programs -----------------------------------------------------------------

plugin python <<<"subprocess.run(['uptime'], check=True)"
says exec /usr/bin/uptime 'exec: \[uptime\]' "Python: a program by its name"
plugin python <<<"subprocess.run(['/usr/bin/uptime'], check=True)"
says exec /usr/bin/uptime 'exec: \[uptime\]' "Python: a program by its path"
plugin python '{read: [/]}' <<<"subprocess.run(['uptime'], check=True)"
says exec /usr/bin/uptime 'exec: \[uptime\]' \
	"Python: a program that may only be read"
plugin /bin/sh <<<"uptime"
says exec /usr/bin/uptime 'exec: \[uptime\]' "dash: a program by its name"
plugin /bin/sh <<<"/usr/bin/uptime"
says exec /usr/bin/uptime 'exec: \[uptime\]' "dash: a program by its path"
plugin /bin/sh '{read: [/]}' <<<"uptime"
says exec /usr/bin/uptime 'exec: \[uptime\]' \
	"dash: a program that may only be read"
plugin /bin/bash <<<"uptime"
says exec /usr/bin/uptime 'exec: \[uptime\]' "bash: a program by its name"
plugin /usr/bin/perl <<<'use warnings; system("uptime") == 0 or die;'
says exec /usr/bin/uptime 'exec: \[uptime\]' "perl: a program by its name"
plugin /bin/sh '{exec: [env]}' <<<"env uptime"
says exec /usr/bin/uptime 'exec: \[uptime\]' "env: a program by its name"
plugin /bin/sh '{exec: [timeout]}' <<<"timeout 5 uptime"
says exec /usr/bin/uptime 'exec: \[uptime\]' "timeout: a program by its name"
plugin /bin/sh <<<"$T/data/script"
says exec "$D/script" "exec: \[$D/script\]" "dash: a script by its path"
plugin /bin/sh "{read: [$T/data]}" <<<"$T/data/script"
says exec "$D/script" "exec: \[$D/script\]" \
	"dash: a script that may only be read"
plugin /bin/sh "{exec: [$T/data/script]}" <<<"$T/data/script"
go
is "$(jq -r .result <<<"$out")" started "a script comes with its interpreter"

# --- Addresses ----------------------------------------------------------------

plugin python <<<"socket.create_connection(('127.0.0.1', 443))"
says connect 'tcp 127.0.0.1:443' 'network: \[tcp:443\]' "TCP"
plugin python '{network: ["tcp:80"]}' \
	<<<"socket.create_connection(('127.0.0.1', 443))"
says connect 'tcp 127.0.0.1:443' 'network: \[tcp:443\]' "another TCP port"
plugin python <<<"socket.create_connection(('::1', 443))"
says connect 'tcp \[::1\]:443' 'network: \[tcp:443\]' "TCP over IPv6"
plugin /bin/bash <<<"set -e; : </dev/tcp/127.0.0.1/443"
says connect 'tcp 127.0.0.1:443' 'network: \[tcp:443\]' "bash: TCP"
plugin python <<<"socket.socket(type=socket.SOCK_DGRAM).connect(('127.0.0.1', 53))"
says connect 'udp 127.0.0.1:53' 'network: \[udp\]' "UDP"
plugin python <<<"socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('127.0.0.1', 53))"
says sendto 'udp 127.0.0.1:53' 'network: \[udp\]' "UDP without a connection"
plugin python '{network: ["tcp:80"]}' <<<"socket.socket(type=socket.SOCK_DGRAM)"
says socket 'AF_INET SOCK_DGRAM, protocol 0' 'network: \[udp\]' \
	"UDP where only TCP was granted"
plugin python <<<"socket.create_server(('127.0.0.1', 8080))"
says bind 'tcp 127.0.0.1:8080' 'network: \[listen:8080\]' "listening"
plugin python <<<"socket.socket(socket.AF_UNIX).connect('/run/x.sock')"
says socket 'AF_UNIX SOCK_STREAM, protocol 0' 'write: \[SOCKET\]' \
	"a local socket"
plugin python <<<"socket.socket(socket.AF_PACKET, socket.SOCK_RAW)"
says socket 'AF_PACKET SOCK_RAW, protocol 0' \
	'network: \[host\], capabilities: \[net_raw\]' "a packet socket"
plugin python <<<"socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)"
says socket 'AF_INET SOCK_RAW, protocol 1' \
	'network: \[host\], capabilities: \[net_raw\]' "a raw socket"
plugin python <<<"socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)"
says socket 'AF_ALG SOCK_SEQPACKET, protocol 0' null "a family for nobody"
plugin python '{network: [udp]}' \
	<<<"socket.getaddrinfo('host.example.invalid', 80)"
says read /etc/resolv.conf 'read: \[/etc/resolv.conf\]' \
	"a name that can't be resolved"

# --- System calls -------------------------------------------------------------

# call NAME CODE ALLOW TITLE: by Python.
call() {
	plugin python <<<"if $2 < 0: raise OSError(ctypes.get_errno(), '$1')"
	says "$1" "$1\(.*\)" "$3" "$4"
}
call ptrace 'libc.ptrace(0, 0, 0, 0)' null "ptrace"
is "$(jq -r .state <<<"$out")" denied "... which ends the job"
call mount "libc.mount(b'x', b'/tmp', b'tmpfs', 0, 0)" null "mount"
call unshare 'libc.unshare(0x10000000)' null "a new user namespace"
call chroot "libc.chroot(b'/tmp')" 'capabilities: \[sys_chroot\]' "chroot"
if [ "$(uname -m)" = x86_64 ]; then
	# the C library has no names for these
	call bpf 'libc.syscall(321, 0, 0, 0)' null "bpf"
	call keyctl 'libc.syscall(250, 0, 0, 0)' null "keyctl"
	call perf_event_open 'libc.syscall(298, 0, 0, 0, 0, 0)' \
		'capabilities: \[perfmon\]' "perf"
	call settimeofday 'libc.syscall(164, 0, 0)' \
		'capabilities: \[sys_time\]' "setting the clock"
fi

# --- Variables ----------------------------------------------------------------

export DENIED_TOKEN=x
plugin python <<<"os.environ['DENIED_TOKEN']"
says env DENIED_TOKEN 'env: \[DENIED_TOKEN\]' "Python: a variable of the agent"
plugin /bin/sh <<<"set -u; : \"\$DENIED_TOKEN\""
says env DENIED_TOKEN 'env: \[DENIED_TOKEN\]' "dash: a variable of the agent"
plugin /bin/bash <<<"set -u; : \"\$DENIED_TOKEN\""
says env DENIED_TOKEN 'env: \[DENIED_TOKEN\]' "bash: a variable of the agent"
plugin python <<<"os.environ['DENIED_NOWHERE']"
quiet "a variable that the agent lacks too"
LD_DENIED=x
export LD_DENIED
plugin python <<<"os.environ['LD_DENIED']"
quiet "a variable that no header may ask for"

# --- What only some may read --------------------------------------------------

if [ "$(id -u)" = 0 ]; then
	plugin python "{read: [$T/data/private]}" <<<"open('$T/data/private')"
	says read "$D/private" 'capabilities: \[dac_read_search\]' \
		"a file that is granted and that only root may read"
fi

# --- No false alarm -----------------------------------------------------------

plugin python <<<"open('$T/data/absent')"
quiet "a file that the host lacks, too"
plugin python <<<"open('/nowhere/at/all', 'w')"
quiet "a new file in a folder that the host lacks, too"
plugin python <<<"open('/tmp/absent')"
quiet "a file of its own /tmp"
plugin /bin/sh <<<"cat_of_nobody"
quiet "a program that the host lacks, too"
plugin /bin/sh <<<"echo 'test: file not found, sort of: no such file' >&2; exit 1"
quiet "names of programs in ordinary words"
plugin /bin/sh <<<"echo 'time: not found: date' >&2; exit 1"
quiet "a word before \"not found\" that no shell said"
plugin /bin/sh <<<"echo 'see https://host/etc/hosts, not found' >&2; exit 1"
quiet "a path in an address"
plugin /bin/sh "{read: [$T/data]}" \
	<<<"echo '$T/data/file: no such file' >&2; exit 1"
quiet "a file that it may read"
plugin /bin/sh <<<"echo 'reading $T/data/file' >&2; exit 1"
quiet "a path in a line that tells of no refusal"
plugin python <<<"try: open('$T/data/file')
except OSError: return 'did without'"
go
is "$(jq -r '.state, .result' <<<"$out" | paste -sd' ') $(denials)" \
	"succeeded did without " "an exception that was caught is no denial"
plugin python <<<"try: socket.create_connection(('127.0.0.1', 443))
except OSError: return 'did without'"
go
is "$(jq -r '.state, .error' <<<"$out" | paste -sd' ')" "succeeded null" \
	"an address out of reach is no error where the plugin does without"

# --- Hostile names ------------------------------------------------------------

plugin python <<<"raise OSError(2, 'No such file', '/etc/' + 'x' * 100000)"
quiet "a path without end"
plugin python <<<"raise OSError(13, '\x1b[31m', '$T/data/file\n- read: [/]')"
quiet "a path with a line break"
plugin /bin/sh <<<"i=0
while [ \$i -lt 5000 ]; do echo \"/etc/\$i: not found\"; i=\$((i + 1)); done >&2
echo 'cat: $T/data/file: No such file' >&2
exit 1"
go
within 0 "$(denials | wc -l)" 50 "thousands of paths"

if [ "$(id -u)" = 0 ] && [ -c /dev/fuse ]; then
	plugin /bin/sh <<<"echo 'cat: $T/hung/file: No such file' >&2
echo 'cat: $T/data/file: No such file' >&2
exit 1"
	agent plugin allow "$name" >/dev/null 2>&1
	RUN_TIMEOUT=20 run /usr/bin/python3 "$ROOT/t/plugins/hung_fuse.py" \
		"$T/hung" "$DEVOPS_AGENT" --config "$T/config.yaml" run --json \
		"$name"
	exits 1 "a path that does not answer does not hold up the agent"
	is "$(denials)" "read $T/data/file -> read: [$T/data/file]" \
		"... and hides nothing else"
else
	skip 2 "no FUSE for a mount that hangs"
fi
done_testing
