#!/bin/bash
# The agent as process 1, as in a container: whose parent ends is its child.
. "$(dirname "$0")/lib/tap.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root"
unshare --pid --fork true 2>/dev/null || skip_all "needs root"

chmod 755 "$T"
cat >"$T/fails.sh" <<'END'
#!/bin/sh
# /// devops_agent
# name: fails
# output: text
# ///
echo "cannot open /etc/nowhere: Permission denied" >&2
exit 1
END
cat >"$T/config.yaml" <<END
agent: {data_dir: $T/data, listen_addr: "127.0.0.1:8080", log_format: json}
END
AGENT=("$DEVOPS_AGENT" --config "$T/config.yaml")

# with a network of its own, for a port of its own
# shellcheck disable=SC2016 # expanded in there
unshare --pid --fork --kill-child --mount-proc --net \
	sh -c 'ip link set lo up && exec "$@"' sh "${AGENT[@]}" >"$T/log" 2>&1 &
shell=$!
# shellcheck disable=SC2016 # expanded at the end
at_exit 'kill "$shell" 2>/dev/null; wait "$shell" 2>/dev/null'
ok "the agent starts as process 1" wait_until 20 "${AGENT[@]}" status || exit
first=$(pgrep -P "$shell")
is "$(awk '/^NSpid/ { print $NF }' "/proc/$first/status")" 1 "... which it is"

# Each command is a turn of its loop, at which it looks.
none_left() {
	"${AGENT[@]}" status >/dev/null
	! pgrep -P "$first" --runstates Z
}

for _ in 1 2 3; do
	run "${AGENT[@]}" job run --name f --command "$T/fails.sh" --wait
	exits 1 "a job fails, whose error is looked into"
done
ok "the helpers that did so are reaped" wait_until 5 none_left

# shellcheck disable=SC2016 # expanded in there
nsenter -t "$first" -p -m sh -c 'sleep 0.1 & echo "$!"' >"$T/stray"
like "$(<"$T/stray")" '^[0-9]+$' "somebody leaves a process behind"
gone() {
	none_left && ! pgrep -P "$first" -x sleep
}
ok "... which is reaped as well" wait_until 5 gone

api=$(pgrep -P "$first" -f devops_agent-api)
kill -9 "$api"
said() {
	grep 'ended by signal 9' "$T/log"
}
ok "how one of its own ended is told to its owner" wait_until 10 said
again() {
	pgrep -P "$first" -f devops_agent-api
}
ok "... who starts it anew" wait_until 10 again
run "${AGENT[@]}" job run --name f --command "$T/fails.sh" --wait
exits 1 "... and the spawner is there"
kill "$first"
wait "$shell"
is "$?" 0 "it stops as it does elsewhere"
done_testing
