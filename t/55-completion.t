#!/bin/bash
# Completion, as a real bash does it; zsh's where there is one.
. "$(dirname "$0")/lib/tap.sh"

mkdir -p "$T/bin" "$T/plugins/shell"
ln -s "$DEVOPS_AGENT" "$T/bin/devops_agent"
cat >"$T/config.yaml" <<END
agent: {data_dir: $T/data}
plugins: {path: ./plugins, grants: ./grants}
jobs: {nightly: {plugin: my-check, every: 1h}}
END
cat >"$T/plugins/shell/my_check.sh" <<'END'
#!/bin/sh
# /// devops_agent
# name: my-check
# version: 1.0.0
# description: A test.
# ///
echo '{}'
END
chmod -R go-w "$T"
"$DEVOPS_AGENT" completion bash >"$T/completion"

# complete WORD...: what bash offers for the last word; sets out.
complete_words() {
	# shellcheck disable=SC2016 # the inner shell's
	run env -C "$T" PATH="$T/bin:$PATH" bash --norc -c '
		. ./completion
		COMP_WORDS=(devops_agent "$@") COMP_CWORD=$#
		_devops_agent
		printf "%s\n" "${COMPREPLY[@]}"' _ "$@"
	out=$(paste -sd' ' <<<"$out")
}

run bash -n "$T/completion"
exits 0 "the script is one"
run bash --norc -c '. "$1"; complete -p devops_agent' _ "$T/completion"
like "$out" '-F _devops_agent devops_agent' "... and is told to bash"

complete_words sch
is "$out" schedule "a command is completed"
complete_words job ''
is "$out" "run list show logs wait cancel retry" "... and the second word of one"
complete_words job list --st
is "$out" --state "an option of a command is"
complete_words doctor --st
is "$out" "" "... not one of another command"
complete_words --st
is "$out" "" "... nor before there is a command"
complete_words job list --state time
is "$out" timed_out "a job's state is"
complete_words --config config.yaml plugin show my
is "$out" my-check "the name of a plugin of that configuration is"
complete_words plugin show my --config config.yaml
is "$out" config.yaml "the file of --config is"
complete_words --config = conf
is "$out" config.yaml "... also behind ="
complete_words --config config.yaml job run --plugin ''
is "$out" my-check "an option's value is, by its kind"
complete_words --config config.yaml schedule trigger ''
is "$out" nightly "a schedule is, although no agent answers"
complete_words --config config.yaml schedule trigger nightly ''
is "$out" "" "a second one is not"
complete_words run ./plugins/sh
is "$out" ./plugins/shell "a plugin with a slash is a file"
complete_words --config nowhere.yaml run ''
is "$out" "" "a wrong configuration offers nothing"
is "$err" "" "... and says nothing"
complete_words completion z
is "$out" zsh "a shell is"
run "$DEVOPS_AGENT" completion fish
exits 2 "there is none for other shells"

run "$DEVOPS_AGENT" completion zsh
like "$out" '^#compdef devops_agent' "zsh finds its script by the first line"
if command -v zsh >/dev/null; then
	printf '%s\n' "$out" >"$T/_devops_agent"
	run zsh -n "$T/_devops_agent"
	exits 0 "... and can read it"
else
	skip 1 "no zsh"
fi

done_testing
