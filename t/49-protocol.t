#!/bin/bash
# Plugins that break the protocol, each in its way: a failed record that says
# what came, a small agent, a terminal unharmed, and no process left behind.
export TMPDIR=/var/tmp
. "$(dirname "$0")/lib/tap.sh"

mkdir -p "$T/plugins/native"
chmod 755 "$T" "$T/plugins" "$T/plugins/native"
printf 'agent: {data_dir: %s}\nplugins: {path: %s}\n' "$T/data" "$T/plugins" \
	>"$T/config.yaml"
chmod 644 "$T/config.yaml"
cp "$ROOT"/t/hostile/protocol/* "$T/plugins/native/"
chmod 755 "$T"/plugins/native/*

# KiB; the address sanitizer keeps what was freed for a while
most=16384
[[ $DEVOPS_AGENT != *-asan* ]] || most=1000000

left_behind() {
	pgrep -f "$T/plugins/native"
}

# try NAME: $out is the record, $peak the agent's memory in KiB.
try() {
	run "$BUILD/t/hostile/peak" "$T" "$DEVOPS_AGENT" run "proto-$1" --json \
		--config "$T/config.yaml"
	state=$(jq -r .state <<<"$out")
	code=$(jq -r '.error.code // ""' <<<"$out")
	message=$(jq -r '.error.message // ""' <<<"$out")
	peak=$(cat "$T/.peak" 2>/dev/null || echo 0)
}

# NAME, state, code, what the message says
while read -r name want_state want_code want_message; do
	try "$name"
	is "$state $code" "$want_state $want_code" "$name ends as it should" ||
		diag "$message"
	like "$message" "$want_message" "... and the record says why"
	unlike "$(tr -d '\n\t' <<<"$out$err")" '[[:cntrl:]]' \
		"... without a control character"
	not_ok "... and no process is left" left_behind
done <<'END'
junk failed protocol at.byte.[0-9]+:.*hello
endless-line failed protocol a.line.of.more.than
deep failed protocol (deep|more.than)
bad-utf8 failed protocol UTF-8
surrogate failed protocol surrogate
twice failed protocol at.byte.[0-9]+:.*second
other-id failed protocol at.byte.[0-9]+:.*4711
text-id failed protocol at.byte.[0-9]+
early failed protocol at.byte.0
mute timed_out timed_out timed.out.after.3s
ready-twice failed protocol ready
nan failed protocol at.byte.[0-9]+
twin-keys failed protocol id
batch failed protocol array
nul failed protocol at.byte.[0-9]+
half failed exit exited.with.status.0.before.it.answered
close timed_out timed_out timed.out.after.3s
protocol-2 failed protocol protocol
both failed protocol at.byte.[0-9]+
spoof failed plugin_error .
big-error failed plugin_error m
END

try flood
is "$state" timed_out "flood is ended by its deadline"
within 1 "$peak" $most "... and the agent stays under 16 MiB"
try metrics
is "$state" succeeded "metrics beyond the bound harm nothing"
is "$(jq '.metrics | length' <<<"$out")" 900 \
	"... and of the first 1000 those that are well made are kept"
try noise
is "$state" succeeded "a line of standard error without end harms nothing"
within 1 "$peak" $most "... and the agent stays under 16 MiB"
try requests
like "$state" '^(succeeded|failed)$' "requests to the agent get nothing" ||
	diag "$message"
try escapes
is "$state" succeeded "escape sequences are no failure"
unlike "$(tr -d '\n\t' <<<"$out$err")" '[[:cntrl:]]' \
	"... but reach no terminal"
try daemon
is "$state" succeeded "a daemon does not outlive the answer"
not_ok "... it is gone" left_behind
try linger
is "$state" succeeded "a plugin that answers and does not end is ended"
not_ok "... it is gone" left_behind
run "$DEVOPS_AGENT" run proto-spoof --config "$T/config.yaml"
like "$err" 'devops_agent: proto-spoof: x' "a message says whose it is"
unlike "$err" '(^|
)devops_agent: all is well' "... and can't begin a line of the agent's"
done_testing
