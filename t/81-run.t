#!/bin/bash
# `devops_agent run` as its user sees it: results, exit statuses, errors.
. "$(dirname "$0")/lib/tap.sh"

mkdir -p "$T/plugins/python" "$T/plugins/shell" "$T/grants"
cat >"$T/config.yaml" <<END
agent: {data_dir: $T/data, labels: {role: test}}
plugins: {path: ./plugins, grants: ./grants}
storage: {type: sqlite, path: ./data/agent.db}
END
chmod -R go-w "$T"

# plugin NAME HEADER-LINES... <BODY: a Python plugin of this test's own.
plugin() {
	local name=$1

	shift
	{
		printf '# /// devops_agent\n# name: %s\n' "$name"
		printf '# version: 1.0.0\n# description: A test.\n'
		[ $# -eq 0 ] || printf '# %s\n' "$@"
		printf '# ///\n'
		cat
	} >"$T/plugins/python/${name//-/_}.py"
}

agent() {
	run "$DEVOPS_AGENT" --config "$T/config.yaml" "$@"
}

# --- What a run gives ---------------------------------------------------------

run env -C / "$DEVOPS_AGENT" --config /dev/null run greet name=x
exits 0 "a plugin runs without any set-up"
is "$out" '{"greeting":"hello, x"}' "its result is one line of JSON"
is "$err" '' "... and nothing else is said"

run "$DEVOPS_AGENT" run greet --params '{"name":"a"}' name=b
is "$out" '{"greeting":"hello, b"}' "KEY=VALUE goes over --params"
echo '{"name":"file"}' >"$T/params"
run "$DEVOPS_AGENT" run greet --params "@$T/params"
is "$out" '{"greeting":"hello, file"}' "--params @FILE reads a file"
run "$DEVOPS_AGENT" run greet --params - <"$T/params"
is "$out" '{"greeting":"hello, file"}' "--params - reads standard input"
run "$DEVOPS_AGENT" run "$ROOT/plugins/python/greet.py"
is "$out" '{"greeting":"hello, world"}' "a path with a slash is a plugin, too"

plugin types 'params: {type: object}' <<'END'
def register():
    return lambda job: {k: type(v).__name__ for k, v in job.params.items()}
END
agent run types 'a=1' 'b=x' 'c=true' 'd=null' 'e=[1]' 'f={"x":1}' 'g="1"' \
	'h=1.5' 'i=' 'j=01'
is "$out" '{"a":"int","b":"str","c":"bool","d":"NoneType","e":"list","f":"dict","g":"str","h":"float","i":"str","j":"str"}' \
	"VALUE is a string unless it is JSON"

# --- The record ----------------------------------------------------------------

plugin record <<'END'
def register():
    return run


def run(job):
    job.log.info("one %s", "two")
    job.metric("m", 2, unit="bytes", mount="/")
    job.progress(0.5, "half")
    print("printed")
    return {"id": job.id, "name": job.name, "attempt": job.attempt}
END
agent run record --json
exits 0 "--json prints the record"
is "$(jq -r '[.name, .plugin, .state, .trigger, .attempt] | join(" ")' \
	<<<"$out")" "record record succeeded run 1" "... its names and state"
is "$(jq -c .metrics <<<"$out")" \
	'[{"name":"m","value":2,"unit":"bytes","kind":"gauge","labels":{"mount":"/"}}]' \
	"... its metrics"
is "$(jq .exit.code <<<"$out")" 0 "... the exit status of the plugin"
is "$(jq -r .agent.labels.role <<<"$out")" test "... the agent's labels"
like "$(jq -r .agent.id <<<"$out")" \
	'^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' \
	"... and its id, a UUID"
like "$(jq -r .started_at <<<"$out")" \
	'^20[0-9-]{8}T[0-9:]{8}\.[0-9]{3}Z$' "times are RFC 3339 in UTC"
like "$err" 'info:.* one two' "a log line is on standard error"
like "$err" 'printed' "... and what was printed"
first=$(jq .id <<<"$out")
is "$(jq .result.id <<<"$out")" "$first" "the plugin knows the id"
agent run record --json
within $((first + 1)) "$(jq .id <<<"$out")" $((first + 1000)) "ids grow"
ok "runs are kept in the database that the configuration names" \
	test -s "$T/data/agent.db"

# --- Exit statuses ---------------------------------------------------------------

agent run recrod
exits 4 "an unknown plugin is status 4"
like "$err" 'did you mean record\?' "... with the nearest name"
agent run ./nowhere.py
exits 4 "a path that is no file is status 4"
agent run /etc/passwd
exits 2 "a file that is no plugin is status 2"
agent run 'a b'
like "$status" '^[24]$' "a name that can be none does not reach a file"

plugin params 'params:' '  type: object' '  properties:' \
	'    n: {type: integer, minimum: 1, maximum: 9}' \
	'    mode: {type: string, enum: [fast, slow]}' \
	'  required: [n]' '  additionalProperties: false' <<'END'
def register():
    return lambda job: job.params
END
agent run params n=10
exits 2 "a parameter out of range is status 2"
like "$err" 'parameter n: 10 .*9' "... which names it and the bound"
agent run params n=1 mode=fats
like "$err" 'parameter mode: .*fast, slow' "... or what is allowed"
agent run params
like "$err" 'parameter n ' "... or what is missing"
agent run params n=1 nn=2
like "$err" 'parameter nn: unknown' "... or what is unknown"

plugin fails <<'END'
def register():
    return {"run": run, "coded": coded, "retry": retry, "exit": leave}


def run(job):
    raise ValueError("no good")


def coded(job):
    raise job.Failed("disk is full", code="disk_full", percent=99)


def retry(job):
    raise job.Retry("later", after=5)


def leave(job):
    import os
    os._exit(7)
END
agent run fails
exits 1 "a plugin that fails is status 1"
like "$err" 'ValueError: no good' "... and says why"
like "$err" 'line [0-9]+, in run' "... and where"
unlike "$err" '_loader|sdk/python' "... without the SDK's own lines"
is "$out" '' "... and prints no result"
agent run fails --method coded --json
is "$(jq -c '[.state,.error.code,.error.message,.error.data.percent]' \
	<<<"$out")" '["failed","disk_full","disk is full",99]' \
	"job.Failed gives code, message and data"
agent run fails --method retry --json
is "$(jq .error.retry_after_ms <<<"$out")" 5000 "job.Retry says when"
agent run fails --method exit
exits 1 "a plugin that ends without an answer is status 1"
like "$err" 'exited with status 7 before it answered' "... and says so"
agent run fails --method nosuch
exits 1 "an unknown method is status 1"

plugin sleeps 'limits: {timeout: 1s}' <<'END'
import time


def register():
    return lambda job: time.sleep(60)
END
agent run sleeps
exits 124 "a plugin that takes too long is status 124"
like "$err" 'timed out after 1s' "... and says so"

"$DEVOPS_AGENT" --config "$T/config.yaml" run sleeps >/dev/null 2>&1 &
pid=$!
ready() { pgrep -f "$T/plugins/python/sleeps.py"; }
wait_until 10 ready
kill -TERM "$pid"
wait "$pid"
is "$?" 130 "a run that is told to end is status 130"
not_ok "... and leaves no process" ready

plugin asks 'permissions: {read: [/etc/hostname]}' <<'END'
def register():
    return lambda job: open("/etc/hostname").read()
END
agent run asks
exits 3 "a plugin that was granted nothing is refused with status 3"
like "$err" '\+ read: \[/etc/hostname\]' "... what it asks for is named"
like "$err" 'plugin allow asks' "... and the command that allows it"
agent plugin allow asks
exits 0 "plugin allow grants it"
like "$out" '/etc/hostname' "... and says what that is"
agent run asks
exits 0 "then it runs"
echo '# changed' >>"$T/plugins/python/asks.py"
agent run asks
exits 3 "a plugin that changed since is refused"
like "$err" 'changed' "... and says so"
agent plugin allow asks
agent plugin deny asks
agent run asks
exits 3 "a plugin that was denied is refused"

run "$DEVOPS_AGENT" --config "$T/none.yaml" run greet
exits 2 "a configuration that is not there is status 2"
printf 'agent:\n  datadir: /x\n' >"$T/bad.yaml"
run "$DEVOPS_AGENT" run greet --config "$T/bad.yaml"
exits 2 "a wrong configuration is status 2, wherever --config stands"
like "$err" 'bad.yaml:2:3: .*datadir.*data_dir' \
	"... with file, line, column and the nearest key"
printf 'plugins: {require: [cgroup, landlock, user-id, user-namespace]}\n' \
	>"$T/strict.yaml"
printf 'agent: {data_dir: %s}\n' "$T/d2" >>"$T/strict.yaml"

# --- What may not be trusted ------------------------------------------------------

plugin loose <<'END'
def register():
    return lambda job: 1
END
chmod o+w "$T/plugins/python/loose.py"
agent run loose
exits 3 "a plugin that others may write is refused"
like "$err" 'loose.py may be written by others' "... with the reason"
chmod o-w "$T/plugins/python/loose.py"
chmod o+w "$T/plugins/python"
agent run loose
exits 3 "... and so is one in a folder that others may write"
chmod o-w "$T/plugins/python"
agent run loose
exits 0 "... and then runs again"

# --- Headers ------------------------------------------------------------------------

printf 'def register():\n    return None\n' >"$T/plugins/python/bare.py"
agent plugin check "$T/plugins/python/bare.py"
exits 2 "a plugin without a header is status 2"
plugin typo 'permisions: {read: [/]}' <<<'pass'
agent plugin check typo
like "$err" 'typo.py:5:3: .*permisions.*permissions' \
	"a wrong key of a header is named with its place"
plugin what 'permissions: {reed: [/]}' <<<'pass'
agent plugin check what
exits 2 "an unknown permission is status 2"
like "$err" 'what.py:5:[0-9]+: .*reed' "... with its place"
plugin word 'params: {type: object, properties: {a: {minimun: 1}}}' <<<'pass'
agent plugin check word
exits 2 "an unknown key word of a schema is status 2"
like "$err" 'word.py:5:[0-9]+: .*minimun.*minimum' "... with its place"
rm "$T"/plugins/python/{bare,typo,what,word}.py

# --- Output modes --------------------------------------------------------------------

cat >"$T/plugins/shell/lines.sh" <<'END'
#!/bin/sh
# /// devops_agent
# name: lines
# params:
#   type: object
#   properties: {some-name: {type: string, default: dflt}}
# ///
read -r line
echo "a log line"
echo "to stderr" >&2
printf '{"env":"%s","line":%s}\n' "$PARAM_SOME_NAME" "$line"
END
chmod +x "$T/plugins/shell/lines.sh"
agent run lines some-name=val
is "$out" '{"env":"val","line":{"some-name":"val"}}' \
	"a shell plugin's last line is its result; parameters come both ways"
like "$err" 'a log line' "... other lines are logs"
cat >"$T/plugins/shell/text.sh" <<'END'
#!/bin/sh
# /// devops_agent
# name: text
# output: text
# ///
printf 'DISK OK\nmore\n'
END
agent run text
is "$out" '"DISK OK\nmore\n"' "output: text gives all of it as one string"
cat >"$T/plugins/shell/nojson.sh" <<'END'
#!/bin/sh
# /// devops_agent
# name: nojson
# ///
echo "{broken"
END
printf '#!/bin/sh\n# /// devops_agent\n# name: crit\n# output: text\n# ///\necho "DISK CRITICAL"; exit 2\n' \
	>"$T/plugins/shell/crit.sh"
agent run crit
exits 1 "... the exit status still decides"
is "$out" '"DISK CRITICAL\n"' "... and what it printed is kept"
agent run nojson
exits 1 "a last line that is no JSON is a failure"
like "$err" 'no JSON' "... and says so"
cat >"$T/plugins/shell/three.sh" <<'END'
#!/bin/sh
# /// devops_agent
# name: three
# ///
echo "cannot do it" >&2
exit 3
END
agent run three
exits 1 "the exit status of a shell plugin decides"
like "$err" 'exited with status 3: cannot do it' "... and its last words are told"

# --- The terminal ------------------------------------------------------------------------

plugin escape <<'END'
def register():
    return run


def run(job):
    job.log.info("\x1b]0;owned\x07 \x9b31m \u202e")
    print("\x1b[2J raw")
    raise ValueError("\x1b[31mred\x07")
END
agent run escape
unlike "$(tr -d '\n\t' <<<"$err")" '[[:cntrl:]]' \
	"no control character of a plugin reaches the terminal"
like "$err" '\\x1b\[31mred' "... they are shown instead"

done_testing
