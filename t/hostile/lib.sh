# shellcheck shell=bash disable=SC2154,SC2034 # what tap.sh sets, what tests use
# lib.sh: an agent, plugins and a host to harm, for the tests of the sandbox.
#
#	export TMPDIR=/var/tmp		the sandbox has a /tmp of its own
#	. "$(dirname "$0")/lib/tap.sh"
#	. "$ROOT/t/hostile/lib.sh"
#
#	for who in $WHO; do as "$who"	the same checks as root and as a user
#	plugin NAME HEADER-LINE... <BODY	a Python plugin, granted what it asks
#	try [KEY=VALUE ...]			runs the last one; state, code,
#						message, result, $status
#	is "$result" '"x"' "$as: a title"
#
# Everything is below $T: the program in opt/, as an installed one, so that an
# ordinary user can start it; the plugins, root's; a configuration for each
# user; and host/, the files that must come to no harm.

[ -n "${T:-}" ] || exit

USER_ID=61234
AGENT=$T/opt/bin/devops_agent
PLUGINS=$T/plugins
HOSTILE=$ROOT/t/hostile
HOST=$T/host
export HOST

is_root() {
	[ "$(id -u)" = 0 ]
}

chmod 755 "$T"
mkdir -p "$T/opt/bin" "$T/opt/plugins" "$T/opt/sdk" "$PLUGINS/python" \
	"$PLUGINS/shell" "$PLUGINS/native" "$HOST"
cp "$DEVOPS_AGENT" "$AGENT"
cp -r "$ROOT/sdk/python" "$T/opt/sdk/"
chmod -R go-w,a+rX "$T/opt" "$PLUGINS" "$HOST"

# The address sanitizer's memory counts against the limits that hold where no
# control group does, which is a user's case.
MOST=16384 # KiB that the agent may take
if [[ $DEVOPS_AGENT == *-asan* ]]; then
	MOST=1000000 # it keeps what was freed for a while
	is_root || skip_all "the address sanitizer needs root"
	WHO=root
elif is_root; then
	WHO="root user"
else
	WHO=user
fi

for who in $WHO; do
	mkdir -p "$T/$who/grants"
	chmod 755 "$T/$who" "$T/$who/grants"
	cat >"$T/$who/config.yaml" <<-END
		agent: {data_dir: $T/$who}
		plugins: {path: $PLUGINS, grants: ./grants}
		storage: {type: sqlite, path: ./agent.db}
	END
	chmod 644 "$T/$who/config.yaml"
done
if is_root; then
	[ ! -d "$T/user" ] || chown -R "$USER_ID:$USER_ID" "$T/user"
	USER_PREFIX=(setpriv "--reuid=$USER_ID" "--regid=$USER_ID"
		--clear-groups env "HOME=$T/user")
else
	USER_PREFIX=()
fi

# as WHO: who the next runs are made by; "root" or "user".
as() {
	as=$1
	prefix=()
	[ "$as" = root ] || prefix=("${USER_PREFIX[@]}")
}

# by COMMAND...: what is outside, as that user.
by() {
	"${prefix[@]}" "$@"
}

# The process id of the last agent; its control group is called by it.
agent_pid() {
	cat "$T/.pid"
}

# agent ARGUMENT...: the program, by the user of as().
agent() {
	run "$BUILD/t/hostile/peak" "$T" "${prefix[@]}" "$AGENT" "$@" \
		--config "$T/$as/config.yaml"
}

# try [ARGUMENT...]: runs $name; the record is in $record, its parts apart.
try() {
	agent run "$name" --json "$@"
	record=$out
	state=$(field .state)
	code=$(field .error.code)
	message=$(field .error.message)
	result=$(jq -c .result <<<"$record" 2>/dev/null)
	denied=$(jq -r '.denials // [] | map("\(.access) \(.object)") | join(";")' \
		<<<"$record" 2>/dev/null)
}

# field FILTER: of the record, "" where there is none.
field() {
	jq -r "$1 // \"\"" <<<"$record" 2>/dev/null
}

# grant NAME: what its header asks for, to whoever as() says.
grant() {
	by "$AGENT" plugin allow "$1" --config "$T/$as/config.yaml" \
		</dev/null >"$T/.allow" 2>&1 || diag "allow $1: $(cat "$T/.allow")"
}

# plugin NAME HEADER-LINE... <BODY: of this test's own, in Python; $name.
plugin() {
	name=$1
	shift
	{
		printf '# /// devops_agent\n# name: %s\n' "$name"
		printf '# version: 1.0.0\n# description: A probe.\n'
		[ $# -eq 0 ] || printf '# %s\n' "$@"
		printf '# ///\n'
		cat "$HOSTILE/probe.inc"
		cat
	} >"$PLUGINS/python/${name//-/_}.py"
	grant "$name"
}

declare -A prepared

# hostile FILE: one of t/hostile becomes the plugin to try; $name. @HOST@ in
# a script and in a header stands for the folder that it is to harm.
hostile() {
	local from=$HOSTILE/$1 to

	if [ "${prepared[$as/$1]-}" ]; then
		name=${prepared[$as/$1]}
		return
	fi
	case $1 in
	*.py) to=$PLUGINS/python/$1 ;;
	*.sh) to=$PLUGINS/shell/$1 ;;
	*) to=$PLUGINS/native/$1 ;;
	esac
	name=${1%.*}
	name=${name//_/-}
	if [ "$to" = "$PLUGINS/native/$1" ]; then
		cp "$BUILD/t/hostile/$1" "$to"
		sed "s|@HOST@|$HOST|g" "$from.plugin.yaml" >"$to.plugin.yaml"
		chmod 755 "$to"
	else
		sed "s|@HOST@|$HOST|g" "$from" >"$to"
		chmod 644 "$to"
	fi
	grant "$name"
	prepared[$as/$1]=$name
}

# left_behind: processes that see anything of this test's in their mounts, as
# every process of a job does, or that were started from here.
left_behind() {
	printf '%s/\n' "$T" >"$T/.marker"
	grep -lsFf "$T/.marker" /proc/[0-9]*/mountinfo
	printf '%s/\n' "$PLUGINS" >"$T/.marker2"
	grep -lsFf "$T/.marker2" /proc/[0-9]*/cmdline
	find /sys/fs/cgroup -maxdepth 6 -type d \
		-name "devops_agent-$(agent_pid)-*" 2>/dev/null
	grep -e devops_agent -Ff "$T/.marker" /proc/self/mountinfo
}

# nothing_left TITLE: no process, control group or mount of the last job.
nothing_left() {
	is "$(left_behind)" "" "$1"
}

# counted: did a control group hold the memory of the last job?
counted() {
	jq -e '.sandbox.layers | index("cgroup")' <<<"$record" >/dev/null
}

# got KEY WANT TITLE: a member of the last result, as JSON without quotes
# around a string.
got() {
	is "$(jq -r "$1 | if type == \"string\" then . else tojson end" \
		<<<"$result" 2>/dev/null)" "$2" "$as: $3"
}

# ran TITLE: the last try succeeded.
ran() {
	is "$state" succeeded "$as: $1"
}

# --- Hostile plugins: t/48-*.t ------------------------------------------------

# prepare_host: what is to come to no harm.
prepare_host() {
	mkdir -p "$HOST/granted" "$HOST/secret"
	echo canary >"$HOST/secret/canary"
	chmod 666 "$HOST/secret/canary"
	chmod 777 "$HOST/granted" "$HOST/secret"
	/usr/bin/python3 - "$HOST" <"$HOSTILE/server.inc" &
	at_exit "kill $!"
	wait_until 10 test -s "$HOST/ports" || exit
	"${USER_PREFIX[@]}" sleep 600 &
	VICTIM=$!
	at_exit "kill $VICTIM"
	export VICTIM
	PEAK=0
}

# The host as it is, all that a plugin could have changed.
host_state() {
	find "$HOST" ! -path "$HOST/granted*" -printf '%p %m %s %T@ %U %l\n' | sort
	cat "$HOST/secret/canary" "$HOST/log" /proc/sys/kernel/core_pattern \
		/proc/sys/kernel/hostname
	grep -E '^(State|Uid)' "/proc/$VICTIM/status" | grep -v '[SR] ('
	ls /run/devops_agent /etc/cron.d 2>/dev/null
}

# unharmed TITLE: the host is as before; nothing of the job is left; the
# terminal of whoever ran it was sent no control character; the agent was
# content with 16 MiB.
unharmed() {
	local harm='' peak

	if [ "$(host_state 2>&1)" != "$before" ]; then
		harm+="changed: $(diff <(echo "$before") <(host_state 2>&1)) "
	fi
	harm+=$(left_behind)
	if LC_ALL=C grep -aqP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' \
		"$T/.out" "$T/.err"; then
		harm+=" control characters"
	fi
	peak=$(cat "$T/.peak")
	[ "$peak" -le "$PEAK" ] || PEAK=$peak
	[ "$peak" -le "$MOST" ] || harm+=" the agent took $peak KiB"
	is "$harm" "" "$1"
}

# attack FILE STATUS STATE CODE MESSAGE-REGEX [RESULT] [ARGUMENT...]: run one
# of t/hostile and see how it ends; '' for what there must be none of.
attack() {
	local file=$1 want=$2/$3/$4 regex=$5 answer=${6-} title

	shift $(($# > 6 ? 6 : $#))
	hostile "$file"
	title="$as: $name"
	before=$(host_state 2>&1)
	try "$@"
	if [ "$status/$state/$code" != "$want" ]; then
		is "$status/$state/$code: $message" "$want" "$title ends as it must"
	elif [ -n "$answer" ] && [ "$result" != "$answer" ]; then
		is "$result" "$answer" "$title ends as it must"
	else
		like "$message" "$regex" "$title ends as it must"
	fi
	unharmed "$title harms nobody"
}
