#!/bin/bash
# Checks that nobody here wrote run in the sandbox with the permissions that
# `plugin trace` proposes, and end as they do bare.
. "$(dirname "$0")/lib/tap.sh"

NAGIOS=/usr/lib/nagios/plugins
MUNIN=/usr/share/munin/plugins
USUAL=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	LANG=C.UTF-8 TZ=UTC HOME=/tmp TMPDIR=/tmp)
export TZ=UTC MUNIN_LIBDIR=/usr/share/munin

chmod 755 "$T"
mkdir -p "$T/plugins/checks" "$T/grants" "$T/state"
cat >"$T/config.yaml" <<END
agent: {data_dir: $T/state}
plugins: {path: ./plugins, grants: ./grants}
storage: {type: sqlite, path: ./state/agent.db}
END

mkfifo "$T/stop"
/usr/bin/python3 "$ROOT/t/foreign/servers.py" "$T/ports" <"$T/stop" &
exec 9>"$T/stop"
wait_until 20 test -s "$T/ports"

port() {
	sed -n "s/^$1 //p" "$T/ports"
}

# yaml_list WORD...: ["a", "b"]
yaml_list() {
	local word text=

	for word; do
		word=${word//\\/\\\\}
		text+=${text:+, }\"${word//\"/\\\"}\"
	done
	printf '[%s]' "$text"
}

# check PROGRAM [ARGUMENT ...]: the whole way of one check. `needs` is a
# regular expression that the proposed block matches.
traced=0
most=0
check() {
	local program=$1 file name bare header runs

	shift
	name=$(basename "$program")
	file=$T/plugins/checks/$name
	name=${name//_/-}
	if [ ! -x "$program" ] && [ ! -x "$(readlink -f "$program")" ]; then
		skip 2 "$program is not installed"
		return
	fi
	install -m 755 "$program" "$file"
	header=$file.plugin.yaml
	{
		printf 'name: %s\noutput: text\n' "${name%-}"
		printf 'limits: {timeout: 30s}\nargs: '
		yaml_list "$@"
		echo
	} >"$header"
	cp "$header" "$T/header"
	[[ $program != "$MUNIN"* ]] ||
		echo 'permissions: {env: [MUNIN_LIBDIR]}' >>"$header"
	env -i "${USUAL[@]}" MUNIN_LIBDIR="$MUNIN_LIBDIR" "$file" "$@" \
		>"$T/bare" 2>"$T/bare.err" </dev/null
	bare=$?
	# where the check itself has nothing to look at, nothing can be compared
	if [ "$bare" -ge 2 ] && [ -n "${needs:-}" ]; then
		skip 2 "a check that fails by itself here"
		return
	fi
	run "$DEVOPS_AGENT" --config "$T/config.yaml" plugin trace "${name%-}"
	runs=$(grep -c '^trace: run' <<<"$err")
	traced=$((traced + 1))
	[ "$runs" -le "$most" ] || most=$runs
	like "$out" "^permissions:.*${needs:-}" \
		"$name: trace proposes what it needs, after $runs runs"
	{
		cat "$T/header"
		printf '%s\n' "$out"
	} >"$header"
	run "$DEVOPS_AGENT" --config "$T/config.yaml" plugin allow "${name%-}"
	run "$DEVOPS_AGENT" --config "$T/config.yaml" run --json "${name%-}"
	printf '%s\n' "$out" >"$T/record"
	if ! ok "$name: ends with status $bare in the sandbox as it does bare" \
		/usr/bin/python3 "$ROOT/t/foreign/compare.py" \
		"$bare" "$T/bare" "$T/record"; then
		tap_tail "$(cat "$T/bare" "$T/bare.err")" "  bare: "
		tap_tail "$(cat "$header")" "header: "
	fi
}

# --- monitoring-plugins -------------------------------------------------------

cp "$NAGIOS"/utils.sh "$NAGIOS"/utils.pm "$T/plugins/checks/" 2>/dev/null
echo 'one line' >"$T/some.log"
chmod 644 "$T/some.log"
cp "$T/some.log" "$T/seen.log"
chmod 666 "$T/seen.log"

needs='\{\}$' check $NAGIOS/check_dummy 0 fine
needs='\{\}$' check $NAGIOS/check_cluster -s -d 0,0,1
needs='read: \[/\]$' check $NAGIOS/check_disk -w 1% -c 1% -p /
needs='/proc/loadavg' check $NAGIOS/check_load -w 900,900,900 -c 999,999,999
# ps looks itself up by its own number, which is the sandbox's, in the host's
# list: it wants anybody to be there by that.
if [ -e /proc/3 ] && [ -e /proc/4 ] && [ -e /proc/5 ]; then
	needs='exec: \[ps\].*processes: host' \
		check $NAGIOS/check_procs -w 90000 -c 99999
else
	skip 2 "process ids are too small to be told from a sandbox's"
fi
check $NAGIOS/check_users -w 900 -c 999
needs='/proc/meminfo' check $NAGIOS/check_swap -w 1% -c 1%
needs="read: .*$T/some.log" \
	check $NAGIOS/check_file_age -f "$T/some.log" -w 900000 -c 999999
needs="read: .*$T/some.log.*write: .*$T/seen.log" \
	check $NAGIOS/check_log -F "$T/some.log" -O "$T/seen.log" -q absent
check $NAGIOS/check_sensors
needs="network: \[\"?tcp:$(port http)\"?\]$" \
	check $NAGIOS/check_http -I 127.0.0.1 -p "$(port http)" -s hello
needs="network: \[\"?tcp:$(port http)\"?\]$" \
	check $NAGIOS/check_tcp -H 127.0.0.1 -p "$(port http)"
needs="network: \[\"?tcp:$(port ssh)\"?\]$" \
	check $NAGIOS/check_ssh -p "$(port ssh)" 127.0.0.1
needs="network: \[\"?tcp:$(port smtp)\"?\]$" \
	check $NAGIOS/check_smtp -H 127.0.0.1 -p "$(port smtp)"
needs='network: \[udp\]$' \
	check $NAGIOS/check_ntp_time -H 127.0.0.1 -p "$(port ntp)" -w 60 -c 99
if [ "$(id -u)" = 0 ]; then
	needs='network: \[host\].*net_raw' check $NAGIOS/check_icmp -H 127.0.0.1
fi

# --- munin-plugins ------------------------------------------------------------

needs='/proc/stat' check $MUNIN/cpu
needs='/proc/meminfo' check $MUNIN/memory
needs='read: \[/\]' check $MUNIN/df
needs='/proc/loadavg' check $MUNIN/load
needs='/proc/uptime' check $MUNIN/uptime
needs='/proc/vmstat' check $MUNIN/swap
needs='exec: .*ps.*processes: host' check $MUNIN/processes
needs='exec: \[awk, find, grep, xargs\].*processes: host' check $MUNIN/threads
needs='/proc/stat' check $MUNIN/interrupts
needs='/proc/sys/fs/file-nr' check $MUNIN/open_files
needs='entropy_avail' check $MUNIN/entropy
needs='/proc/stat' check $MUNIN/forks
needs='exec: .*who' check $MUNIN/users
command -v netstat >/dev/null &&
	needs='network: \[host\]' check $MUNIN/netstat
needs='/proc/interrupts' check $MUNIN/irqstats
needs='/proc/diskstats' check $MUNIN/iostat
needs='network: \[host\]' check $MUNIN/tcp
needs='processes: host' check $MUNIN/proc_pri

# --- As an ordinary user ------------------------------------------------------

if [[ $DEVOPS_AGENT == *-asan* ]]; then
	skip 14 "the address sanitizer needs more memory than a user's sandbox"
elif [ "$(id -u)" = 0 ]; then
	# nobody else's: processes are counted by it
	uid=$((60000 + $$ % 5000))
	install -D -m 755 "$DEVOPS_AGENT" "$T/bin/devops_agent"
	mkdir -p "$T/home"
	chown "$uid:$uid" "$T/home"
	cat >"$T/home/config.yaml" <<-END
		agent: {data_dir: ./data}
		plugins: {path: $T/plugins, grants: ./grants}
	END
	chown "$uid:$uid" "$T/home/config.yaml"
	user=(setpriv --reuid="$uid" --regid="$uid" --clear-groups env -C "$T/home"
		"$T/bin/devops_agent" --config config.yaml)
	for name in check-disk check-load check-procs check-http check-log \
		cpu processes; do
		[ -e "$T/plugins/checks/${name//-/_}" ] || continue
		# one that failed by itself, or was not looked at
		grep -q '^permissions:' \
			"$T/plugins/checks/${name//-/_}.plugin.yaml" || continue
		sed '/^permissions:/,$d' \
			"$T/plugins/checks/${name//-/_}.plugin.yaml" >"$T/header"
		sed -n '/^permissions:/,$p' \
			"$T/plugins/checks/${name//-/_}.plugin.yaml" >"$T/root"
		run "${user[@]}" plugin trace "$name"
		is "$(grep -v env: <<<"$out")" "$(grep -v env: "$T/root")" \
			"$name: an ordinary user is proposed the same"
		run "${user[@]}" plugin allow "$name"
		run "${user[@]}" run "$name"
		exits 0 "$name: ... and it runs with that"
	done
fi

diag "$traced checks traced, $most runs at most"
ok "there were at least 20 checks" test "$traced" -ge 20
exec 9>&-
done_testing
