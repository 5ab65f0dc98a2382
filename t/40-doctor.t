#!/bin/bash
# What `doctor` says is true, for root and for a user, whole and crippled.
. "$(dirname "$0")/lib/tap.sh"

LAYERS="user-namespace namespaces private-root capabilities no-new-privs \
landlock landlock-net landlock-scope seccomp seccomp-notify cgroup limits \
user-id"
CONFIG=(--config /dev/null)
NOBODY=(setpriv --reuid=65534 --regid=65534 --clear-groups)

# A program that a user may start, wherever the source tree is.
chmod 755 "$T"
install -D -m 755 "$DEVOPS_AGENT" "$T/bin/devops_agent"
DOCTOR=$T/bin/devops_agent

root() {
	[ "$(id -u)" = 0 ]
}

as_user() {
	if root; then
		"${NOBODY[@]}" "$@"
	else
		"$@"
	fi
}

# json EXPRESSION: of the last output; `d` holds its objects.
json() {
	/usr/bin/python3 -c 'import json, sys
d = [json.loads(line) for line in sys.stdin]
layer = {o["layer"]: o for o in d if "layer" in o}
fact = {o["fact"]: o for o in d if "fact" in o}
sandbox = [o for o in d if "sandbox" in o]
minimum = [o for o in d if "minimum" in o]
print(eval(sys.argv[1]))' "$1" <<<"$out"
}

# state LAYER: "enforced", "weaker" or "absent".
state() {
	json "layer['$1']['state']"
}

# crippled COMMAND...: doctor --json where COMMAND, a shell's, came first.
crippled() {
	unshare "${unshared[@]}" sh -c "$1"' && shift && exec "$@"' sh "$1" \
		"${user[@]}" "$DOCTOR" doctor --json "${CONFIG[@]}"
}

# fake_groups COMMAND: ... where it made the group of version 2 that we are in.
fake_groups() {
	local own

	own=$(sed -n 's/^0:://p' /proc/self/cgroup)
	run crippled "mount -t tmpfs -o mode=755 none /sys/fs/cgroup &&
		touch /sys/fs/cgroup/cgroup.controllers &&
		mkdir -p '/sys/fs/cgroup$own' && cd '/sys/fs/cgroup$own' && $1"
}

# can UNSHARE-OPTION...: such namespaces can be made here at all.
can() {
	unshare "$@" true 2>/dev/null
}

# doctor for somebody: its exit status says whether the minimum is met.
both_forms() {
	local who=$1

	shift
	run "$@" "$DOCTOR" doctor --json "${CONFIG[@]}"
	is "$(json '" ".join(layer)')" "$LAYERS" \
		"$who: --json has an object for each layer, in order"
	is "$(json 'sorted({k for o in layer.values() for k in o})')" \
		"['detail', 'hint', 'layer', 'state']" \
		"... which says its state, what that means, and what to do"
	is "$(json 'all(o["hint"] for o in layer.values()
		if o["state"] != "enforced")')" True \
		"... a lack has a hint"
	is "$(json 'sandbox[0]["differ"]')" "[]" \
		"... a whole sandbox agrees with every trial"
	is "$(json 'minimum[0]["minimum"]')" \
		"$([ "$status" = 0 ] && echo met || echo not met)" \
		"... the exit status is the minimum's"
	is "$err" "" "... standard error is empty"
	states=$(json '" ".join(o["state"] for o in layer.values())')
	was=$status
	run "$@" "$DOCTOR" doctor "${CONFIG[@]}"
	exits "$was" "$who: the text exits as --json does"
	is "$(for l in $LAYERS; do awk -v l="$l" '$1 == l { print $2 }' \
		<<<"$out"; done | tr '\n' ' ')" "$states " \
		"... and says the same states"
	unlike "$out" $'\e' "... without colours where it is no terminal"
	like "$out" '(^|'$'\n'')machine +[^ ]+, (32|64)-bit' \
		"... with the machine's word size"
	like "$out" '(^|'$'\n'')sandbox +(started +.* ms|failed +.)' \
		"... and a whole sandbox's start"
	is "$(grep -E '^[a-z-]+ +(enforced|weaker|absent)' <<<"$out" |
		sed -E 's/^([a-z-]+ +(enforced|weaker|absent) +).*/\1/' |
		awk '{ print length }' | sort -u | wc -l)" 1 \
		"... in aligned columns"
}

both_forms "a user" as_user
if root; then
	both_forms "root" env
	like "$out" 'started by +root' "root is told that it is root"
	is "$(pgrep -P $$ -f "$DOCTOR" | wc -l)" 0 "no process is left"
else
	skip 14 "not root"
fi

# --- The configured minimum ---

# --- Groups that a user's plugins keep ------------------------------------------

if root; then
	NOBODY=(setpriv --reuid=65534 --regid=65534 "--groups=65534,4,4711")
	run as_user "$DOCTOR" doctor --json "${CONFIG[@]}"
	like "$(json "layer['user-id']['detail']")" 'the groups adm, 4711$' \
		"doctor names the groups that a user's plugin keeps"
	NOBODY=(setpriv --reuid=65534 --regid=65534 --groups=65534)
	run as_user "$DOCTOR" doctor --json "${CONFIG[@]}"
	unlike "$(json "layer['user-id']['detail']")" 'group' \
		"... where there are any"
	NOBODY=(setpriv --reuid=65534 --regid=65534 --clear-groups)
else
	skip 2 "needs root"
fi

printf 'plugins:\n  require: [user-id]\n' >"$T/hard.yaml"
run as_user "$DOCTOR" doctor --config "$T/hard.yaml"
exits 1 "a minimum that a user can't have is not met"
like "$out" 'minimum +not met +.*: user-id' "... and named"
run as_user "$DOCTOR" doctor --json --config "$T/hard.yaml"
is "$(json 'minimum[0]["missing"]')" "['user-id']" "... in JSON too"
printf 'plugins:\n  requires: []\n' >"$T/wrong.yaml"
run as_user "$DOCTOR" doctor --config "$T/wrong.yaml"
exits 2 "a wrong configuration is wrong usage"
like "$err" 'wrong.yaml:2:3: ' "... said where"
like "$out" 'seccomp +' "... what the host has is said all the same"

run "$DOCTOR" doctor --limit 3
exits 2 "an option that it does not take is refused"

# --- A terminal ---

if command -v script >/dev/null; then
	run env TERM=xterm script -qec \
		"stty cols 80; $DOCTOR doctor ${CONFIG[*]}" /dev/null
	like "$out" $'\e''\[3[123]m' "a terminal has colours"
	is "$(tr -d '\r' <<<"$out" | sed $'s/\e\\[[0-9]*m//g' |
		awk 'length > 80' | wc -l)" 0 "... and no line is too long"
	run env TERM=xterm NO_COLOR=1 script -qec \
		"$DOCTOR doctor ${CONFIG[*]}" /dev/null
	unlike "$out" $'\e' "... but not with NO_COLOR"
else
	skip 3 "no script(1)"
fi

# --- In a container ---

# What podman's own filter refuses, and no layer needs.
contained=("$BUILD/t/container/refuses" chroot sethostname --)
printf '%s\n' '#!/bin/sh' '# /// devops_agent' '# name: name' '# output: text' \
	'# ///' 'echo here' >"$T/name.sh"
for who in as_user $(root && echo env); do
	run "$who" "${contained[@]}" "$DOCTOR" doctor --json "${CONFIG[@]}"
	exits 0 "$who: a filter that refuses the host name leaves the minimum"
	is "$(state namespaces)" weaker "... but that it shows is said"
	like "$(json 'layer["namespaces"]["hint"]')" sethostname \
		"... and what refuses it"
	is "$(state capabilities) $(state user-namespace)" 'enforced enforced' \
		"... and every other layer is what it is without"
	is "$(json 'sandbox[0]["differ"]')" "[]" \
		"... as a whole sandbox says too"
	run "$who" env HOME="$T" "${contained[@]}" "$DOCTOR" run --local "$T/name.sh" \
		"${CONFIG[@]}"
	exits 0 "... and a plugin runs"
done
root || skip 6 "not root"

# ... and what others refuse, each with an error of its own.
for error in EPERM ENOSYS EINVAL; do
	run as_user env HOME="$T" strace -qqo /dev/null \
		-e "inject=clone:error=$error" "$DOCTOR" run --local "$T/name.sh" \
		"${CONFIG[@]}"
	like "$err" 'hint: .*devops_agent doctor says' \
		"where namespaces fail by $error, a hint says who knows more"
done

# --- Crippled hosts ---

# No user namespaces: by the limit of one that we are in.
user=()
unshared=(-Ur)
if can -Ur; then
	run crippled 'echo 0 >/proc/sys/user/max_user_namespaces'
	exits 1 "without user namespaces the minimum is not met"
	is "$(state user-namespace)" absent "... and the layer is absent"
	like "$(json "layer['user-namespace']['hint']")" \
		'max_user_namespaces' "... with the setting that does it"
	like "$(json "fact['user.max_user_namespaces']['value']")" '^0$' \
		"... which is shown"
	# root by name only
	run unshare -U "$DOCTOR" doctor --json "${CONFIG[@]}"
	exits 1 "without a mapped id no sandbox starts"
	like "$(json "layer['user-namespace']['hint']")" 'not mapped' \
		"... and it is said why"
else
	skip 6 "no user namespaces"
fi

if root && can -m; then
	user=("${NOBODY[@]}")
	unshared=(-m)
	run crippled 'mount --bind /dev/null /proc/meminfo'
	exits 1 "a user whose /proc is masked starts no sandbox"
	is "$(state private-root)" absent "... for want of a private root"
	like "$(json "layer['private-root']['hint']")" 'unmask=ALL' \
		"... with what would give it"
	is "$(json 'minimum[0]["missing"]')" "['private-root']" \
		"... which is what the minimum lacks"

	user=()
	run crippled 'mount -t tmpfs none /sys/fs/cgroup'
	exits 0 "without control groups the minimum is met"
	is "$(state cgroup)" absent "... but they are absent"

	user=("${NOBODY[@]}")
	fake_groups "echo memory pids >cgroup.controllers"
	like "$(json "layer['cgroup']['detail']")" \
		'not delegated to user id 65534' \
		"a group that is not the user's own is of no use"
	like "$(json "layer['cgroup']['hint']")" 'Delegate=yes' \
		"... and delegation is named"
	fake_groups "chown 65534 . && echo cpu >cgroup.controllers"
	like "$(json "layer['cgroup']['detail']")" 'no memory and pids' \
		"nor is one without the controllers"
	fake_groups "chown 65534 . && echo memory pids >cgroup.controllers"
	like "$(json "layer['cgroup']['detail']")" 'holds processes' \
		"nor one that gives its children none"

	run setpriv --bounding-set=-all --inh-caps=-all "$DOCTOR" doctor \
		--json "${CONFIG[@]}"
	exits 1 "root without capabilities starts no sandbox"
	like "$(json 'layer["namespaces"]["detail"]')" 'CAP_SYS_ADMIN' \
		"... and it is said why"
else
	skip 12 "not root"
fi

done_testing
