#!/bin/sh
# /// devops_agent
# name: uptime
# version: 1.0.0
# description: How long the host has been up, and its load.
# params:
#   type: object
#   properties: {}
#   additionalProperties: false
# permissions:
#   read: [/proc/uptime, /proc/loadavg]
# limits: {timeout: 5s, memory: 16MiB}
# ///
#
# Nothing but the shell's own commands, so no program has to be granted.

set -u

die() {
	printf 'uptime: %s\n' "$1" >&2
	exit 1
}

# number TEXT: fail unless it is a decimal number, as /proc writes them.
number() {
	case $1 in
	'' | *[!0-9.]* | .* | *. | *.*.*) die "not a number in /proc: $1" ;;
	esac
}

read -r up idle </proc/uptime || die "can't read /proc/uptime"
read -r load1 load5 load15 tasks newest </proc/loadavg ||
	die "can't read /proc/loadavg"
for value in "$up" "$idle" "$load1" "$load5" "$load15" "$newest"; do
	number "$value"
done
number "${tasks%/*}"
number "${tasks#*/}"

# The 1 before the fraction keeps "08" from being read as an octal number.
fraction=${up#*.}00
rest=${fraction#??}
fraction=${fraction%"$rest"}
seconds=${up%.*}
up_ms=$((seconds * 1000 + (1$fraction - 100) * 10))
days=$((seconds / 86400))
hours=$((seconds % 86400 / 3600))
minutes=$((seconds % 3600 / 60))

printf '{"uptime_ms":%d,"days":%d,"hours":%d,"minutes":%d,' \
	"$up_ms" "$days" "$hours" "$minutes"
printf '"load":{"1m":%s,"5m":%s,"15m":%s},' "$load1" "$load5" "$load15"
printf '"running":%d,"threads":%d,' "${tasks%/*}" "${tasks#*/}"
printf '"metrics":['
printf '{"name":"uptime_seconds","value":%s,"unit":"seconds",' "$up"
printf '"kind":"gauge","labels":{}},'
printf '{"name":"load1","value":%s,"unit":null,' "$load1"
printf '"kind":"gauge","labels":{}},'
printf '{"name":"load5","value":%s,"unit":null,' "$load5"
printf '"kind":"gauge","labels":{}},'
printf '{"name":"load15","value":%s,"unit":null,' "$load15"
printf '"kind":"gauge","labels":{}}]}\n'
