#!/bin/bash
# Hostile plugins: the host's files, processes, sockets, terminals, users.
export TMPDIR=/var/tmp
. "$(dirname "$0")/lib/tap.sh"
. "$ROOT/t/hostile/lib.sh"

prepare_host

read -r TCP TCP2 UDP <"$HOST/ports"

# gets FILE RESULT [ARGUMENT...]: it ends by itself, with that achieved.
gets() {
	attack "$1" 0 succeeded '' '^$' "$2" "${@:3}"
}

for who in $WHO; do
	as "$who"
	rm -rf "$HOST/granted"
	mkdir -m 777 "$HOST/granted"

	gets read_host.py '[]'
	gets write_host.py '[]'
	gets kill_host.py '[true,true,true]'
	gets sockets.py \
		'[[2,1,0],[2,1,6],[2,2,0],[2,2,17],[10,1,0],[10,1,6],[10,2,0],[10,2,17]]'
	gets exfiltrate.py 0 "ports=$TCP $TCP2 $UDP"
	is "$(cat "$HOST/log")" "" "$as: ... and nothing has come"
	gets setuid_programs.py '[true,true]'
	gets links.py '[]'
	gets roots.py '[]'
	gets settings.py '[]'
	gets own_program.py '[]'
	gets terminal.py '[]'
	gets devices.py '["EPERM"]'
	gets set_id.py '[[],[]]'
	gets forges_end.py '"not ended"'
	gets own_pipes.py '"still heard"'
	gets limits_of_others.py '[]'
	gets leaves_files.py '"left"'
	gets finds_files.py '[[],["1","2"],false,false,"ok"]'
	gets answers_and_stays.py '"answered"'
	attack stops_itself.py 124 timed_out timed_out 'timed out after 500ms'
	attack unread.py 124 timed_out timed_out 'timed out after 1s' null \
		"data=$(printf '%0100000d' 0)"

	# --- By the agent's own words ---------------------------------------------

	hostile read_host.py
	for name in ../hostile ../../etc/passwd /etc/passwd . '' -x 'a b' \
		'READ-HOST' 'read-host/../read-host' $'read\nhost' "$T/../x.py"; do
		agent run "$name" --json
		like "$status" '^[234]$' "$as: '${name//[$'\n']/ }' names no plugin"
	done
	cp "$PLUGINS/python/read_host.py" "$T/read_host.py"
	ln -s "$T/read_host.py" "$PLUGINS/python/linked.py"
	agent run linked
	isnt "$status" 0 "$as: a link in the library is no plugin"
	rm "$PLUGINS/python/linked.py"

	prepared=()
	hostile devices.py
	echo '# changed' >>"$PLUGINS/python/devices.py"
	agent run devices
	is "$status" 3 "$as: a plugin that changed since it was granted is refused"
	like "$err" 'changed|sha256|SHA-256' "$as: ... as is said"
	prepared=()
	hostile devices.py
	sed -i "s|write: \[|write: [/etc, |" "$PLUGINS/python/devices.py"
	agent run devices
	is "$status" 3 "$as: ... and one that asks for more"
	like "$err" '/etc' "$as: ... and for what"
	prepared=()
	if is_root; then
		hostile read_host.py
		chmod 666 "$PLUGINS/python/read_host.py"
		agent run read-host
		is "$status" 3 "$as: a plugin that others may write does not run"
		chmod 644 "$PLUGINS/python/read_host.py"
		chown 61999 "$PLUGINS/python/read_host.py"
		agent run read-host
		is "$status" 3 "$as: ... nor one that is somebody else's"
		chown 0 "$PLUGINS/python/read_host.py"
	else
		skip 2 "only root can give a file away"
	fi
done

# What the agent itself took, at the most, while it was attacked.
within 1 "$PEAK" "$MOST" "the agent never took more than $MOST KiB ($PEAK)"
done_testing
