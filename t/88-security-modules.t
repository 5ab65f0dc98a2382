#!/bin/bash
# The profile of AppArmor and the policy module of SELinux: that they compile,
# and name the right files. What the kernel makes of them was not tried: no
# machine that runs this has either in its kernel.
. "$(dirname "$0")/lib/tap.sh"

# --- AppArmor -------------------------------------------------------------------

PROFILE=$ROOT/packaging/apparmor/devops_agent
PARSER=(apparmor_parser -Q -K)

if command -v apparmor_parser >/dev/null; then
	if [ -e /etc/apparmor.d/abi/4.0 ]; then
		run "${PARSER[@]}" "$PROFILE"
		exits 0 "AppArmor takes the profile"
		# that it can't write a cache without AppArmor is no matter of ours
		is "$(grep -v '^Cache ' <<<"$err")" '' \
			"... and has nothing to say about it"
	else
		# the package installs it only where its parser does not say no
		not_ok "a parser without user namespaces says so by its status" \
			"${PARSER[@]}" "$PROFILE"
		skip 1 "this apparmor_parser has no word for user namespaces"
	fi
	# without the two lines that are new in version 4
	sed '/^abi /d; /^  userns,$/d' "$PROFILE" >"$T/profile"
	run "${PARSER[@]}" "$T/profile"
	exits 0 "the rest is right for every version"
	is "$(apparmor_parser -N "$T/profile")" devops_agent "... and has this name"
	sed 's/unconfined/unconfind/' "$T/profile" >"$T/wrong"
	not_ok "... which a wrong one is not" "${PARSER[@]}" "$T/wrong"
else
	skip 5 "apparmor_parser is not installed"
fi

# --- SELinux --------------------------------------------------------------------

DEVEL=/usr/share/selinux/devel/Makefile
MODULE=$T/module

# label PATH: what the module calls it.
label() {
	selabel_lookup -b file -f "$T/contexts" -k "$1" -t "${2:-file}" 2>&1 |
		sed -n 's/^Default context: .*:\(.*_t\):s0$/\1/p'
}

if [ ! -e "$DEVEL" ]; then
	skip 10 "selinux-policy-dev is not installed"
	done_testing
	exit
fi
mkdir "$MODULE"
cp "$ROOT"/packaging/selinux/devops_agent.* "$MODULE"
run make -C "$MODULE" -f "$DEVEL" devops_agent.pp
exits 0 "the policy module compiles"
unlike "$out$err" '[Ww]arning|deprecated' "... without a warning"
run semodule_unpackage "$MODULE/devops_agent.pp" "$T/mod" "$T/contexts"
exits 0 "... to a package that semodule takes"
is "$(label /usr/bin/devops_agent) $(label /usr/local/bin/devops_agent-api)" \
	'devops_agent_exec_t devops_agent_exec_t' "it names the programs"
is "$(label /var/lib/devops_agent/agent.db)" devops_agent_var_lib_t \
	"... the database"
is "$(label /etc/devops_agent/grants.d/greet.yaml)" devops_agent_conf_t \
	"... the configuration"
is "$(label /run/devops_agent/agent.sock socket) $(label /var/run/devops_agent dir)" \
	'devops_agent_runtime_t devops_agent_runtime_t' \
	"... the socket, by either name of its folder"
is "$(label /usr/bin/devops_agent-other)" '' "... and nothing else"

cat >"$MODULE/caller.te" <<'END'
policy_module(caller, 1.0.0)
type caller_t;
type caller_exec_t;
init_daemon_domain(caller_t, caller_exec_t)
devops_agent_stream_connect(caller_t)
devops_agent_read_config(caller_t)
END
run make -C "$MODULE" -f "$DEVEL" caller.pp
exits 0 "other modules can use its interfaces"
sed -i '1,/^type devops_agent_t/s/^type devops_agent_t;//' "$MODULE/devops_agent.te"
run make -C "$MODULE" -f "$DEVEL" devops_agent.pp
isnt "$status" 0 "a module that is wrong does not compile"
done_testing
