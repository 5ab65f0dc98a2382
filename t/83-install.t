#!/bin/bash
# `make install`: the installed program finds its own parts and runs.
. "$(dirname "$0")/lib/tap.sh"

case $DEVOPS_AGENT in
*/bin/devops_agent) ;;
*) skip_all "only the release build is installed" ;;
esac

chmod 755 "$T"
run make -C "$ROOT" --no-print-directory install DESTDIR="$T/root" PREFIX=/usr
exits 0 "make install works" || exit
agent=$T/root/usr/bin/devops_agent
share=$T/root/usr/share/devops_agent

for file in usr/bin/devops_agent \
	usr/share/devops_agent/plugins/python/collect_disk.py \
	usr/share/devops_agent/sdk/python/devops_agent/_loader.py \
	usr/share/devops_agent/grants.d/collect-disk.yaml \
	usr/share/bash-completion/completions/devops_agent \
	usr/share/zsh/site-functions/_devops_agent \
	usr/share/doc/devops_agent/README.md \
	usr/share/doc/devops_agent/docs/sandbox.md \
	usr/share/man/man1/devops_agent.1 \
	usr/share/man/man1/devops_agent-api.1 \
	usr/share/man/man5/devops_agent.yaml.5 \
	usr/share/man/man7/devops_agent-plugin.7 \
	etc/devops_agent/config.yaml; do
	ok "$file is there" test -s "$T/root/$file"
done
is "$(find "$T/root" -perm /022 ! -type l)" '' "nobody else may write any of it"
is "$(find "$share" -name '*.py[co]' -path '*plugins*')" '' \
	"no compiled plugin is installed"
ok "the SDK's byte code is" \
	compgen -G "$share/sdk/python/devops_agent/__pycache__/_loader.*.pyc"

run env -C / "$agent" --config /dev/null run greet name=x
is "$out" '{"greeting":"hello, x"}' "the installed program runs a plugin"
run env -C / "$agent" --config /dev/null run collect-disk
exits 0 "... also one that was granted something"
is "$(jq -r '.filesystems | type' <<<"$out")" array "... with its result"
run env -C / "$agent" --config "$T/root/etc/devops_agent/config.yaml" config check
exits 0 "the installed configuration is right"
is "$("$agent" --config "$T/root/etc/devops_agent/config.yaml" config show --json |
	jq -c '[.agent.data_dir, .api.anonymous]')" \
	'["/var/lib/devops_agent","none"]' \
	"... keeps its data where it belongs, and the API closed"

run make -C "$ROOT" --no-print-directory uninstall DESTDIR="$T/root" PREFIX=/usr
exits 0 "make uninstall works"
is "$(find "$T/root" -type f -printf '%P\n' | sort)" \
	etc/devops_agent/config.yaml "... and leaves the configuration alone"
done_testing
