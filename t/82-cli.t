#!/bin/bash
# The command line itself: help, options, plugin and config commands.
. "$(dirname "$0")/lib/tap.sh"

mkdir -p "$T/plugins"
cat >"$T/config.yaml" <<END
agent: {data_dir: $T/data}
plugins: {path: ./plugins, grants: ./grants}
END
chmod -R go-w "$T"
agent() {
	run "$DEVOPS_AGENT" --config "$T/config.yaml" "$@"
}

# --- Help ------------------------------------------------------------------------

run "$DEVOPS_AGENT" --version
is "$out" "devops_agent $(cat "$ROOT/VERSION")" "--version says which one it is"
run "$DEVOPS_AGENT" --help
exits 0 "--help is no error"
like "$out" 'plugin trace' "... and lists the commands"
run "$DEVOPS_AGENT" --config /nonexistent.yaml
exits 2 "no command is the agent, which does not start without its file"
run "$DEVOPS_AGENT" plugin
exits 2 "half a command is wrong usage"
like "$out" 'plugin allow' "... and lists the other half"
run "$DEVOPS_AGENT" plugin --help
exits 0 "a group has help"
for words in run 'plugin list' 'plugin show' 'plugin check' 'plugin new' \
	'plugin allow' 'plugin deny' 'plugin trace' 'config check' 'config show' \
	doctor 'job run' 'job list' 'job show' 'job logs' 'job wait' 'job cancel' \
	'job retry' 'schedule list' 'schedule next' 'schedule trigger' \
	'schedule pause' 'schedule resume' 'schedule remove' status completion; do
	# shellcheck disable=SC2086 # two words
	run "$DEVOPS_AGENT" $words --help
	exits 0 "$words has help" && like "$out" "^usage: devops_agent $words" \
		"... that says how it is used"
done

# --- Errors ------------------------------------------------------------------------

run "$DEVOPS_AGENT" rnu greet
exits 2 "an unknown command is wrong usage"
like "$err" "did you mean 'run'" "... with the nearest one"
run "$DEVOPS_AGENT" plugin shwo x
like "$err" "did you mean 'plugin show'" "... in a group, too"
run "$DEVOPS_AGENT" run --jsno greet
exits 2 "an unknown option is wrong usage"
like "$err" 'did you mean --json' "... with the nearest one"
run "$DEVOPS_AGENT" doctor --local
exits 2 "an option of another command is wrong usage"
run "$DEVOPS_AGENT" run greet --config
exits 2 "an option without its value is wrong usage"
run "$DEVOPS_AGENT" plugin show
exits 2 "too few arguments are wrong usage"
run "$DEVOPS_AGENT" plugin list --limit x
exits 2 "a number that is none is wrong usage"
run "$DEVOPS_AGENT" run greet name
exits 2 "a parameter without = is wrong usage"
run "$DEVOPS_AGENT" run greet --params '[1]'
like "$err" 'expected a JSON object' "--params that is no object is told"
run "$DEVOPS_AGENT" run greet --params '{"name":}'
like "$err" 'at byte 8' "--params that is no JSON is told with the place"
run "$DEVOPS_AGENT" run -- greet name=--x
is "$out" '{"greeting":"hello, --x"}' "-- ends the options"
run bash -c '"$1" run greet >/dev/full' _ "$DEVOPS_AGENT"
exits 125 "a result that can't be written is a failure"
run bash -c '"$1" run greet <&- 3>&- | cat' _ "$DEVOPS_AGENT"
is "$out" '{"greeting":"hello, world"}' "closed standard input does no harm"
run bash -c '"$1" run greet <&- 2>&-' _ "$DEVOPS_AGENT"
is "$out" '{"greeting":"hello, world"}' "... nor closed standard error"

# --- plugin new, check, list, show, allow --------------------------------------------

agent plugin new my-check
exits 0 "plugin new writes a plugin"
ok "... a Python one" test -f "$T/plugins/python/my_check.py"
agent run my-check
exits 0 "... which runs at once"
agent plugin check my-check
exits 0 "... and is right"
run env PYTHONPATH="$ROOT/sdk/python" PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 \
	-m pytest -q -p no:cacheprovider "$T/plugins/python/test_my_check.py"
exits 0 "... and its test passes"
agent plugin new my-check
exits 2 "plugin new overwrites nothing"
agent plugin new my-shell --shell
ok "plugin new --shell writes a shell one" \
	test -f "$T/plugins/shell/my_shell.sh"
agent run my-shell
exits 0 "... which runs at once"
ok "... and its test passes" sh "$T/plugins/shell/my_shell_test.sh"
agent plugin new 'Bad Name'
exits 2 "a bad name is refused"

agent plugin list
like "$out" 'my-check .*python' "plugin list shows it"
agent plugin list --json --limit 1
is "$(wc -l <<<"$out")" 1 "--limit holds"
is "$(jq -r .name <<<"$out")" my-check "--json is an object a line"
agent plugin show my-check
like "$out" 'asks for nothing' "plugin show says what it asks for"
agent plugin show my-check --json
ok "plugin show --json is JSON" jq -e .limits.timeout_ms <<<"$out"

run "$DEVOPS_AGENT" plugin list
for name in collect-disk collect-cpu collect-memory collect-network \
	collect-processes check-http check-tcp check-cert service-status log-grep \
	uptime; do
	like "$out" "(^|
)$name +[a-z]+ +yes" "$name is bundled and granted"
done

# --- config ----------------------------------------------------------------------------

agent config check
exits 0 "config check accepts a right file"
agent config show
like "$out" "data_dir: .*$T/data" "config show shows the settings"
printf 'agent: {log_level: loud}\n' >"$T/bad.yaml"
run "$DEVOPS_AGENT" config check --config "$T/bad.yaml"
exits 2 "config check refuses a wrong one"
cat >"$T/seed.yaml" <<END
agent:
  listen_addr: "127.0.0.1:8080"
  data_dir: "$T/seed"
  log_level: "info"
plugins:
  path: "$ROOT/plugins"
  python:
    enabled: true
storage:
  type: "sqlite"
  path: "./data/agent.db"
END
run "$DEVOPS_AGENT" --config "$T/seed.yaml" run greet
is "$out" '{"greeting":"hello, world"}' "the first users' file works unchanged"
run "$DEVOPS_AGENT" --config "$ROOT/config.example.yaml" config check
exits 0 "config.example.yaml is right"

# --- jobs of a configuration ---------------------------------------------------------------

# jobs SETTINGS...: a configuration with a job of each.
jobs() {
	local n=0 job

	printf 'plugins: {path: "%s"}\nagent: {data_dir: "%s"}\njobs:\n' \
		"$ROOT/plugins" "$T/data" >"$T/jobs.yaml"
	for job; do
		n=$((n + 1))
		printf '  job-%d: {%s}\n' $n "$job" >>"$T/jobs.yaml"
	done
	run "$DEVOPS_AGENT" --config "$T/jobs.yaml" config check
}

jobs 'plugin: collect-disk, every: 1m, params: {min_percent: 80}' \
	"command: $ROOT/plugins/python/greet.py"
exits 0 "config check accepts jobs whose plugins there are"
jobs 'plugin: greet' 'plugin: colect-disk'
exits 2 "config check refuses a job without a plugin"
like "$err" 'jobs.yaml:5:19: jobs.job-2.plugin: .*collect-disk' \
	"... where it stands, with the nearest one"
jobs 'plugin: collect-disk, params: {min_percent: lots}'
exits 2 "config check refuses params that the plugin does not take"
like "$err" 'jobs.yaml:4:41: jobs.job-1.params: parameter min_percent' \
	"... where they stand"
jobs 'plugin: check-tcp'
exits 2 "config check refuses params that are missing"
like "$err" 'jobs.yaml:4:3: jobs.job-1: ' "... at the job"
jobs 'plugin: greet, secrets: {token: hunter2}'
exits 2 "config check refuses a secret that nobody asks for"
like "$err" 'jobs.job-1.secrets: the plugin asks for no secret token' \
	"... by its name"
unlike "$err$out" hunter2 "... and not what it is"
run "$DEVOPS_AGENT" --config "$T/jobs.yaml" config show
like "$out" 'secrets: [{]token: "[*]+"[}]' "config show hides a secret"

# --- A ./config.yaml of someone else -----------------------------------------------------

mkdir "$T/other"
printf 'agent: {labels: {a: b}}\nplugins: {path: %s}\nstorage: {path: %s}\n' \
	"$ROOT/plugins" "$T/other/db" >"$T/other/config.yaml"
run env -C "$T/other" "$DEVOPS_AGENT" run greet --json
is "$(jq -r .agent.labels.a <<<"$out")" b "./config.yaml is read"
chmod o+w "$T/other/config.yaml"
run env -C "$T/other" "$DEVOPS_AGENT" run greet --json
is "$(jq -r .agent.labels.a <<<"$out")" null \
	"... but not if others may write it"
like "$err" 'config.yaml' "... which is said"

done_testing
