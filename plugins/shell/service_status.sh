#!/bin/sh
# /// devops_agent
# name: service-status
# version: 1.0.0
# description: >-
#   Whether a service runs, since when and how often it was restarted, from
#   systemd or OpenRC.
# params:
#   type: object
#   properties:
#     name:
#       type: string
#       pattern: '^[A-Za-z0-9_][A-Za-z0-9_@:.-]{0,199}$'
#       description: >-
#         Name of the service; for systemd, of any unit without a backslash
#         in its name.
#     expect:
#       type: string
#       enum: [any, active, inactive]
#       default: any
#       description: State without which the job fails.
#   required: [name]
#   additionalProperties: false
# # systemctl asks systemd over the socket of the message bus, where reading
# # a unit's properties is open to everybody and changing anything is not.
# # OpenRC keeps its states as links in /run/openrc; reading them takes no
# # program.
# permissions:
#   exec: [systemctl]
#   read: [/run/systemd/system, /run/openrc, /etc/init.d]
#   write: [/run/dbus/system_bus_socket]
# limits: {timeout: 30s, memory: 64MiB}
# ///

set -u

name=${PARAM_NAME-}
expect=${PARAM_EXPECT:-any}
systemd=/run/systemd/system	# exists where systemd runs
openrc=/run/openrc
scripts=/etc/init.d

die() {
	printf 'service-status: %s\n' "$1" >&2
	exit 1
}

# word TEXT: TEXT as a JSON string, or null if it is empty or no plain word.
word() {
	case $1 in
	'' | *[!A-Za-z0-9_.@:-]*) printf null ;;
	*) printf '"%s"' "$1" ;;
	esac
}

# count TEXT: TEXT as a JSON number, or null if it is none. (systemd writes
# "[not set]", or 2^64 - 1 for what it does not count.)
count() {
	case $1 in
	'' | *[!0-9]* | ???????????????????*) printf null ;;
	0) printf 0 ;;
	0*) printf null ;;
	*) printf '%s' "$1" ;;
	esac
}

# answer MANAGER STATE: print the result; fail if it is not as expected.
answer() {
	active=false
	up=0
	case $2 in
	active | reloading | refreshing)
		active=true
		up=1
		;;
	esac
	printf '{"name":%s,"manager":"%s","active":%s,"state":%s,' \
		"$(word "$name")" "$1" "$active" "$(word "$2")"
	printf '"sub_state":%s,"enabled":%s,"result":%s,' \
		"$(word "$sub")" "$(word "$enabled")" "$(word "$outcome")"
	printf '"main_pid":%s,"restarts":%s,"memory_bytes":%s,"tasks":%s,' \
		"$(count "$pid")" "$(count "$restarts")" \
		"$(count "$memory")" "$(count "$tasks")"
	printf '"metrics":[{"name":"service_active","value":%d,"unit":null,' \
		"$up"
	printf '"kind":"gauge","labels":{"service":%s}}' "$(word "$name")"
	metric service_memory_bytes '"bytes"' gauge "$(count "$memory")"
	metric service_tasks null gauge "$(count "$tasks")"
	metric service_restarts_total null counter "$(count "$restarts")"
	printf ']}\n'

	case $expect,$active in
	active,false | inactive,true)
		die "$name is $2, not $expect"
		;;
	esac
	exit 0
}

# metric NAME UNIT KIND VALUE: one more metric, unless the value is null.
metric() {
	[ "$4" = null ] && return
	printf ',{"name":"%s","value":%s,"unit":%s,"kind":"%s",' \
		"$1" "$4" "$2" "$3"
	printf '"labels":{"service":%s}}' "$(word "$name")"
}

ask_systemd() {
	case $name in
	*.*) unit=$name ;;
	*) unit=$name.service ;;
	esac
	# No pager, no colour, and no talk with a password agent.
	answer=$(systemctl --no-pager --no-ask-password --property=LoadState \
		--property=ActiveState --property=SubState \
		--property=UnitFileState --property=Result \
		--property=MainPID --property=NRestarts \
		--property=MemoryCurrent --property=TasksCurrent \
		show -- "$unit" </dev/null 2>&1) ||
		die "systemd does not answer: $answer"
	load=
	while IFS='=' read -r key value; do
		case $key in
		LoadState) load=$value ;;
		ActiveState) state=$value ;;
		SubState) sub=$value ;;
		UnitFileState) enabled=$value ;;
		Result) outcome=$value ;;
		MainPID) pid=$value ;;
		NRestarts) restarts=$value ;;
		MemoryCurrent) memory=$value ;;
		TasksCurrent) tasks=$value ;;
		esac
	done <<-EOF
		$answer
	EOF
	case $load in
	'') die "systemd does not answer: $answer" ;;
	not-found) die "no such service: $unit" ;;
	masked) enabled=masked ;;
	esac
	[ "$pid" = 0 ] && pid=
	answer systemd "$state"
}

ask_openrc() {
	for state in failed starting stopping inactive started; do
		if [ -L "$openrc/$state/$name" ] ||
			[ -e "$openrc/$state/$name" ]; then
			[ "$state" = started ] && state=active
			answer openrc "$state"
		fi
	done
	[ -e "$scripts/$name" ] || die "no such service: $name"
	answer openrc stopped
}

# The header's schema has checked these; a shell script checks again.
case $name in
'' | [!A-Za-z0-9_]* | *[!A-Za-z0-9_@:.-]*)
	die "bad parameter name: not the name of a service"
	;;
esac
case $expect in
any | active | inactive) ;;
*) die "bad parameter expect: any, active or inactive" ;;
esac

state='' sub='' enabled='' outcome=''
pid='' restarts='' memory='' tasks=''
if [ -d "$systemd" ]; then
	ask_systemd
elif [ -d "$openrc" ]; then
	ask_openrc
fi
die "neither systemd nor OpenRC runs this host; nothing can be asked"
