#!/bin/bash
# The unit, its socket, its account and its folders, as systemd reads them.
. "$(dirname "$0")/lib/tap.sh"

command -v systemd-analyze >/dev/null || skip_all "systemd-analyze is not installed"
case $DEVOPS_AGENT in
*/bin/devops_agent) ;;
*) skip_all "only the release build is installed" ;;
esac

# systemd-analyze looks for the program; the rest is as it is installed.
sed "s|/usr/bin/devops_agent |$DEVOPS_AGENT |" \
	"$ROOT/packaging/systemd/devops_agent.service" >"$T/devops_agent.service"
cp "$ROOT/packaging/systemd/devops_agent.socket" "$T"

run systemd-analyze verify --man=no "$T/devops_agent.service" \
	"$T/devops_agent.socket"
exits 0 "systemd takes the unit and its socket"
is "$err" '' "... and has nothing to say about them"

# The worst that is allowed; what is left is listed in the unit, with reasons.
EXPOSURE=47
if systemd-analyze security --help 2>&1 | grep -q -e --offline; then
	run systemd-analyze security --no-pager --offline=true \
		--threshold="$EXPOSURE" "$T/devops_agent.service"
	exits 0 "its exposure is no more than ${EXPOSURE:0:1}.${EXPOSURE:1}"
else
	skip 1 "this systemd-analyze can't look at a file"
fi

# value KEY: of the unit; the last one counts.
value() {
	sed -n "s/^$1=//p" "$ROOT/packaging/systemd/devops_agent.service" |
		tail -n 1
}
is "$(value OOMPolicy)" continue "a job without memory does not stop the agent"
is "$(value KillMode)" mixed "a stop lets the agent end its jobs itself"
stop_ms=$("$DEVOPS_AGENT" --config /dev/null config show --json |
	jq .agent.stop_timeout_ms)
is "$(value TimeoutStopSec)" "$((stop_ms / 1000 + 15))s" \
	"it waits longer than a stop takes by default"

if [ "$(id -u)" != 0 ]; then
	skip 5 "needs root"
elif ! command -v systemd-sysusers >/dev/null; then
	skip 5 "systemd-sysusers is not installed"
else
	mkdir -p "$T/root/etc" "$T/root/usr/lib/sysusers.d" \
		"$T/root/usr/lib/tmpfiles.d"
	cp "$ROOT/packaging/systemd/devops_agent.sysusers" \
		"$T/root/usr/lib/sysusers.d/devops_agent.conf"
	cp "$ROOT/packaging/systemd/devops_agent.tmpfiles" \
		"$T/root/usr/lib/tmpfiles.d/devops_agent.conf"
	run systemd-sysusers --root="$T/root" devops_agent.conf
	exits 0 "the account is made"
	like "$(grep ^devops_agent: "$T/root/etc/passwd")" ':/usr/sbin/nologin$' \
		"... and nobody logs in by it"
	run systemd-tmpfiles --root="$T/root" --create devops_agent.conf
	exits 0 "its folders are made"
	id=$(sed -n 's/^devops_agent:[^:]*:\([0-9]*\):.*/\1/p' "$T/root/etc/passwd")
	is "$(stat -c '%a %u' "$T/root/var/lib/devops_agent")" "700 $id" \
		"... that of its data is the agent's alone"
	is "$(stat -c '%a %u' "$T/root/run/devops_agent")" "755 0" \
		"... that of the locks of user ids is root's"
fi
done_testing
