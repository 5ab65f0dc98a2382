#!/bin/bash
# `plugin trace` proposes the smallest permissions that a plugin needs, and
# with them it runs.
. "$(dirname "$0")/lib/tap.sh"

chmod 755 "$T"
mkdir -p "$T/plugins/python" "$T/plugins/bin" "$T/grants" "$T/state" \
	"$T/d/many" "$T/d/only" "$T/w" "$T/hung" "$T/locked"
cat >"$T/config.yaml" <<END
agent: {data_dir: $T/state}
plugins: {path: ./plugins, grants: ./grants}
storage: {type: sqlite, path: ./state/agent.db}
END
echo data | tee "$T/d/file" "$T/d/other" "$T/d/only/x" >/dev/null
echo secret >"$T/d/private"
for i in {1..30}; do
	echo "$i" >"$T/d/many/$i"
done
ln -s "$T/d/file" "$T/link"
chmod 777 "$T/w"
printf '#!/bin/sh\ncat %s\n' "$T/d/file" >"$T/script"
chmod 755 "$T/script"
chmod -R a+rX "$T/d"
chmod 600 "$T/d/private"
number=0

# plugin LANGUAGE HEADER <BODY: the next plugin; sets name, file.
plugin() {
	local language=$1 header=${2:-description: a test}

	number=$((number + 1))
	name=t$number
	file=$T/plugins/bin/$name
	[ "$language" != python ] || file=$T/plugins/python/$name.py
	{
		[ "$language" = python ] || printf '#!%s\n' "$language"
		printf '# /// devops_agent\n# name: %s\n' "$name"
		[ "$language" = python ] || printf '# output: text\n'
		printf '%s\n' "$header" | sed 's/^/# /'
		printf '# ///\n'
		if [ "$language" = python ]; then
			printf 'import ctypes, os, socket, subprocess\n\n\n'
			printf 'def register():\n    return run\n\n\n'
			printf 'def run(job):\n'
			sed 's/^/    /'
		else
			cat
		fi
	} >"$file"
	chmod 755 "$file"
}

agent() {
	"$DEVOPS_AGENT" --config "$T/config.yaml" "$@"
}

trace() {
	run agent plugin trace "$name" "$@"
}

# block: what was proposed, on one line.
block() {
	printf '%s' "$out" | tr -s ' \n' ' '
}

# proposes WANT TITLE: trace says exactly that, and it is enough: the plugin
# succeeds with it.
proposes() {
	trace
	is "$(block)" "permissions:${1:+ $1}" "$2"
	exits 0 "... and succeeds in the end"
	if [ "$1" != '{}' ]; then
		sed -i '/^# permissions:/d' "$file"
		printf '%s\n' "$out" | sed 's/^/# /' >"$T/block"
		sed -i "/^# name:/r $T/block" "$file"
		agent plugin allow "$name" >"$T/allow" 2>&1
	fi
	# as root, each run is another user, who may not write these
	rm -rf "$T"/w/*
	touch "$T/w/there"
	chmod 666 "$T/w/there"
	run agent run "$name"
	exits 0 "... and it runs with that"
}

runs() {
	grep -c '^trace: run' <<<"$err"
}

# --- Nothing, and too much ----------------------------------------------------

plugin python <<<"return 1"
proposes '{}' "a plugin that needs nothing"
trace
is "$err" 'trace: run 1: succeeded' "... after one run, which is told"
plugin python 'permissions: {read: [/], exec: ["*"], network: [host], processes: host}' <<<"open('$T/d/file')"
proposes "read: [$T/d/file]" "a plugin that asks for too much"
plugin /bin/sh <<<"echo x"
proposes '{}' "dash"
plugin /bin/bash <<<"echo x | while read -r l; do echo \"\$l\"; done"
proposes '{}' "bash"
plugin /usr/bin/perl <<<'use strict; use POSIX; use Socket; print "x\n";'
proposes '{}' "perl, with its modules"
plugin python <<<"import json, locale, ssl, tempfile, urllib.request, uuid
locale.setlocale(locale.LC_ALL, '')
with tempfile.NamedTemporaryFile() as f: return f.write(b'x')"
proposes '{}' "Python, with its modules and a temporary file"
plugin python 'permissions: {env: [TRACED], secrets: [key]}' <<<"return 1"
trace --secrets '{"key":"x"}'
is "$(block)" 'permissions: env: [TRACED] secrets: [key]' \
	"what can't be seen is taken from the header"

# --- Files --------------------------------------------------------------------

plugin python <<<"open('$T/d/file')"
proposes "read: [$T/d/file]" "Python: a file"
plugin /bin/sh <<<"read -r line <$T/d/file"
proposes "read: [$T/d/file]" "dash: a file"
plugin /usr/bin/perl <<<"open(F, '<', '$T/d/file') or die;"
proposes "read: [$T/d/file]" "perl: a file"
plugin /bin/sh <<<"[ -f $T/d/file ]"
proposes "read: [$T/d/file]" "a file that only has to be there"
plugin /bin/sh <<<"cd $T/d && read -r line <file"
proposes "read: [$T/d/file]" "a relative path"
plugin python <<<"fd = os.open('$T/d', os.O_PATH)
os.open('../d/./file', os.O_RDONLY, dir_fd=fd)"
proposes "read: [$T/d/file]" "a path relative to a descriptor"
plugin python <<<"open('$T/link')"
if [ "$(id -u)" = 0 ]; then
	proposes "read: [$T/link]" "a path through a symlink"
else
	trace
	exits 3 "a link of the agent's own account is not followed"
	like "$err" "link is a symbolic link of your own" "... which is said"
	like "$err" "grant the path that it leads to" "... and what to do"
fi
plugin python <<<"import os.path
return [os.path.exists('$T/d/' + n) for n in ('file', 'absent')]"
proposes "read: [$T/d/file]" "what the host lacks is not asked for"
plugin python <<<"return [open('$T/d/many/' + n).read() for n in os.listdir('$T/d/many')]"
proposes "read: [$T/d/many]" "a folder that is listed, not its files"
plugin python <<<"return [open('$T/d/many/%d' % i).read() for i in range(1, 31)]"
proposes "read: [$T/d/many]" "many files of a folder are the folder"
plugin python <<<"return [open('$T/d/many/%d' % i).read() for i in (1, 2)]"
proposes "read: [$T/d/many/1, $T/d/many/2]" "few are not"
plugin python <<<"open('$T/d/file').read(); return os.listdir('$T/d')"
proposes "read: [$T/d]" "a folder covers what is in it"
plugin /bin/sh <<<"[ -d $T/d/only ] || exit 1"
proposes "read: [$T/d/only]" "a folder that has to be there"
plugin /bin/sh <<<"[ -d $T/d/only ] || exit 1; read -r line <$T/d/only/x"
proposes "read: [$T/d/only/x]" "... is there with a file in it"

# --- Files that are written ---------------------------------------------------

plugin /bin/sh <<<"echo new >$T/w/new"
proposes "write: [$T/w]" "a file that is made needs its folder"
plugin /bin/sh <<<"echo new >>$T/w/there"
proposes "write: [$T/w/there]" "a file that is there does not"
plugin python <<<"os.makedirs('$T/w/a/b', exist_ok=True)
with open('$T/w/a/b/x', 'w'): pass"
proposes "write: [$T/w]" "folders that are made need the one that is there"
plugin python <<<"with open('$T/w/y.new', 'w'): pass
os.rename('$T/w/y.new', '$T/w/y')
open('$T/w/y')"
proposes "write: [$T/w]" "a file that is replaced"
plugin python <<<"try: os.unlink('$T/w/absent')
except FileNotFoundError: pass"
proposes '{}' "what is removed has to be there"
plugin /bin/sh <<<'echo x >/tmp/own && read -r l </tmp/own && cd /tmp'
proposes '{}' "its own /tmp"
echo host >"$T/d/state"
plugin /bin/sh <<<"[ -e /tmp/own-$$ ]; echo x >/tmp/own-$$"
echo host >"/tmp/own-$$"
at_exit "rm -f /tmp/own-$$"
proposes '{}' "a file of its own /tmp that the host has, too"

# --- Programs -----------------------------------------------------------------

plugin /bin/sh <<<"cat $T/d/file | wc -l"
proposes "read: [$T/d/file] exec: [cat, wc]" "programs by their names"
plugin /bin/sh <<<"/bin/cat $T/d/file"
proposes "read: [$T/d/file] exec: [cat]" "a program of /bin, where that is a link"
plugin python <<<"subprocess.run(['cat', '$T/d/file'], check=True)"
proposes "read: [$T/d/file] exec: [cat]" "Python: a program found in PATH"
plugin /usr/bin/perl <<<"system('cat', '$T/d/file') == 0 or die;"
proposes "read: [$T/d/file] exec: [cat]" "perl: a program found in PATH"
plugin /bin/sh <<<"$T/script"
proposes "read: [$T/d/file] exec: [$T/script, cat]" \
	"a script, and what it starts"
plugin /bin/sh <<<". $T/script"
proposes "read: [$T/d/file, $T/script] exec: [cat]" \
	"a script that is only read"
plugin /bin/sh <<<'perl -MPOSIX -e "print 1"'
proposes 'exec: [perl]' "an interpreter brings its modules"
plugin /bin/sh <<<'command -v cat_of_nobody || echo none'
proposes '{}' "a program that the host lacks"

# --- /proc and /sys -----------------------------------------------------------

plugin python <<<"return open('/proc/self/status').read() + open('/proc/thread-self/stat').read()"
proposes '{}' "its own process"
plugin python <<<"return open('/proc/loadavg').read()"
proposes 'read: [/proc/loadavg]' "a file of /proc"
plugin /bin/sh <<<"ps -e | wc -l"
proposes 'exec: [ps, wc] processes: host' "the list of processes"
plugin python <<<"open('/proc/$$/comm')"
if [ $$ -ge 300 ]; then
	proposes 'processes: host' "a process of the host"
else
	skip 3 "process ids are too small to be told from a sandbox's"
fi
plugin python <<<"return [open('/sys/class/net/%s/mtu' % n).read() for n in os.listdir('/sys/class/net')]"
proposes 'read: [/sys/class/net, /sys/devices]' "devices behind links of /sys"
plugin python <<<"return os.statvfs('/').f_bsize"
proposes 'read: [/]' "the space of the host's root"
plugin /bin/sh '' <<<'df -P >/dev/null'
proposes 'read: [/] exec: [df]' "the space of all that is mounted"
plugin /bin/sh '' <<<'cat /proc/self/mounts >/dev/null'
proposes 'exec: [cat]' "its own mounts"

# --- Addresses ----------------------------------------------------------------

# A name server, a server for TCP and one for a local socket.
cat >"$T/serve.py" <<'END'
import socket, sys
tcp = socket.create_server(("127.0.0.1", 0), backlog=500)
udp = socket.socket(type=socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 0))
local = socket.socket(socket.AF_UNIX)
local.bind(sys.argv[1] + "/socket")
local.listen(500)
with open(sys.argv[1] + "/port", "w") as f:
    print(tcp.getsockname()[1], file=f)
sys.stdin.read()
END
mkfifo "$T/stop"
/usr/bin/python3 "$T/serve.py" "$T" <"$T/stop" &
exec 9>"$T/stop"
wait_until 20 test -s "$T/port"
chmod 777 "$T/socket"
port=$(<"$T/port")

plugin python <<<"socket.create_connection(('127.0.0.1', $port))"
proposes "network: [tcp:$port]" "TCP"
plugin python <<<"socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('127.0.0.1', 9))"
proposes 'network: [udp]' "UDP"
plugin python <<<"socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('127.0.0.1', 9))
socket.create_connection(('127.0.0.1', $port))"
proposes "network: [tcp:$port, udp]" "UDP, then TCP"
plugin python <<<"socket.create_server(('127.0.0.1', $((20000 + $$ % 20000))))"
proposes "network: [listen:$((20000 + $$ % 20000))]" "listening"
plugin python <<<"socket.socket(socket.AF_UNIX).connect('$T/socket')"
proposes "write: [$T/socket]" "a local socket"
plugin python <<<"try: socket.socket(socket.AF_UNIX).connect('$T/nowhere')
except OSError: pass"
proposes '{}' "a local socket that the host lacks"
plugin python 'limits: {timeout: 2s}' \
	<<<"try: return socket.gethostbyname('host.example.invalid')
except OSError: pass"
trace
like "$(block)" 'read: \[.*/etc/resolv.conf.*\].*network: \[udp\]' \
	"a name that is looked up"
unlike "$(block)" 'locale|gai|host.conf' "... without noise"

# --- Plugins that fail --------------------------------------------------------

plugin python <<<"open('$T/d/file')
raise ValueError('nothing to do with it')"
trace
exits 1 "a plugin that fails makes trace fail"
is "$(block)" "permissions: read: [$T/d/file]" "... which proposes what it saw"
like "$err" 'run 1: failed: .*; wants read .*/d/file.*run 2: failed: .*nothing to do' \
	"... says what each run was about"
like "$err" 'warning: the plugin fails with these permissions too' \
	"... and that there may be more"
plugin /bin/sh <<<"exit 3"
trace
is "$(block) $status $(runs)" 'permissions: {} 1 1' "a check that says 3"
plugin python 'limits: {timeout: 300ms}' <<<"import time; time.sleep(60)"
trace
is "$(block) $status $(runs)" 'permissions: {} 1 1' "a plugin that hangs"
like "$err" 'run 1: timed_out' "... which is said"
plugin python <<<"ctypes.CDLL(None).ptrace(0, 0, 0, 0)"
trace
is "$(block) $status" 'permissions: {} 1' "what no permission allows"
like "$err" 'no permission allows: ptrace' "... is said"
for i in {1..30}; do
	mkdir "$T/d/chain$i"
	echo $((i + 1)) >"$T/d/chain$i/x"
done
plugin python <<<"n = '1'
while True: n = open('$T/d/chain%s/x' % n).read().strip()"
trace
is "$(runs)" 16 "a plugin that always finds something new: 16 runs"
like "$err" 'every run looked for something new' "... and a warning"
for i in {1..30}; do
	echo "$i" >"$T/d/many/${i}a"
done
plugin python <<<"for n in range(1, 31): open('$T/d/many/%da' % n)"
trace
within 4 "$(runs)" 12 "files of a folder, found one after the other"
is "$(block)" "permissions: read: [$T/d/many]" "... are the folder"

# --- Capabilities -------------------------------------------------------------

if [ "$(id -u)" = 0 ]; then
	plugin python <<<"assert ctypes.CDLL(None).chroot(b'/tmp') == 0"
	proposes 'capabilities: [sys_chroot]' "a capability"
	plugin python <<<"open('$T/d/private')"
	proposes "read: [$T/d/private] capabilities: [dac_read_search]" \
		"a file that only root may read"
	plugin python 'permissions: {capabilities: [kill]}' \
		<<<"open('$T/d/file')"
	proposes "read: [$T/d/file]" "a capability that changes nothing"
	plugin python <<<"socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)"
	proposes 'network: [host] capabilities: [net_raw]' "a raw socket"
fi

# --- The command itself -------------------------------------------------------

plugin python 'permissions: {env: [TRACED]}' \
	<<<"open('$T/d/file'); ctypes.CDLL(None)"
trace --json
is "$(jq -c .permissions <<<"$out")" \
	"{\"read\":[\"$T/d/file\"],\"env\":[\"TRACED\"]}" \
	"--json has the permissions as a header has them"
is "$(jq -c '[.name, .runs, .state, .complete, .refused]' <<<"$out")" \
	"[\"$name\",2,\"succeeded\",true,[]]" "... and how it went"
plugin python 'params: {type: object, properties: {path: {type: string}},
  required: [path]}' <<<"open(job.params['path'])"
trace "path=$T/d/other"
is "$(block)" "permissions: read: [$T/d/other]" "parameters are passed on"
trace
exits 2 "... and checked"
run agent plugin trace nobody
exits 4 "a plugin that is not there"
run agent plugin trace
exits 2 "no plugin"
ok "nothing is kept in the history" test ! -s "$T/state/agent.db" \
	-o "$(agent run t1)" = 1

# --- An ordinary user ---------------------------------------------------------

if [[ $DEVOPS_AGENT == *-asan* ]]; then
	skip 3 "the address sanitizer needs more memory than a user's sandbox"
elif [ "$(id -u)" = 0 ]; then
	mkdir -p "$T/bin" "$T/sdk" "$T/home"
	# nobody else's: processes are counted by it
	uid=$((60000 + $$ % 5000))
	install -m 755 "$DEVOPS_AGENT" "$T/bin/devops_agent"
	cp -r "$ROOT/sdk/python" "$T/sdk/"
	chmod -R a+rX "$T/sdk"
	chown "$uid:$uid" "$T/home"
	cat >"$T/home/config.yaml" <<-END
		agent: {data_dir: ./data}
		plugins: {path: $T/plugins, grants: ./grants}
	END
	chown "$uid:$uid" "$T/home/config.yaml"
	as_user() {
		setpriv --reuid="$uid" --regid="$uid" --clear-groups \
			env -C "$T/home" "$T/bin/devops_agent" \
			--config config.yaml "$@"
	}
	plugin /bin/sh <<<"cat $T/d/file; [ \"\$(ps -e | wc -l)\" -gt 1 ]"
	run as_user plugin trace "$name"
	is "$(block)" "permissions: read: [$T/d/file] exec: [cat, ps, wc] processes: host" \
		"an ordinary user is proposed the same"
	plugin /bin/sh <<<"cat $T/d/private"
	run as_user plugin trace "$name"
	is "$(block)" "permissions: read: [$T/d/private] exec: [cat]" \
		"... but no capability, which could not be given"
	exits 1 "... so that the plugin fails"
fi

if [ "$(id -u)" = 0 ] && [ -c /dev/fuse ]; then
	plugin python 'limits: {timeout: 1s}' <<<"open('$T/d/file')
return os.path.exists('$T/hung/file')"
	RUN_TIMEOUT=40 run /usr/bin/python3 "$ROOT/t/plugins/hung_fuse.py" \
		"$T/hung" "$DEVOPS_AGENT" --config "$T/config.yaml" \
		plugin trace "$name"
	is "$(block)" "permissions: read: [$T/d/file]" \
		"a path that does not answer does not hold up trace"
	like "$err" "warning: $T/hung/file does not answer" "... and is told"
else
	skip 2 "no FUSE for a mount that hangs"
fi

exec 9>&-
done_testing
