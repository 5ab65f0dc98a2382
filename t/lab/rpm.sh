#!/bin/bash
# The RPM: built, its files and its scripts looked at, installed into a tree,
# upgraded over a changed configuration, erased.  `make check-rpm` runs it.
. "$(dirname "$0")/../lib/tap.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root"
command -v rpmbuild >/dev/null || skip_all "rpmbuild is not installed"

RUN_TIMEOUT=900
VERSION=$(<"$ROOT/VERSION")
R=$T/root

# RPM: what is to be looked at instead of a new build.
rpm=${RPM:-}
if [ -z "$rpm" ]; then
	run make -C "$ROOT" --no-print-directory tarball
	exits 0 "the tarball is made" || exit
	run nice "$ROOT/packaging/rpm.sh" \
		"$ROOT/build/dist/devops_agent-$VERSION.tar.gz" "$T/rpm"
	exits 0 "the package builds" || exit
	rpm=$(echo "$T"/rpm/devops_agent-"$VERSION"-*.rpm)
fi

# query FORMAT: of the package.
query() {
	rpm -qp --qf "$1" "$rpm"
}

is "$(query '%{VERSION}')" "$VERSION" "it has the version of VERSION"
is "$(query '[%{FILEUSERNAME}:%{FILEGROUPNAME}\n]' | sort -u | tr '\n' ' ')" \
	'devops_agent:devops_agent root:root ' "its files are root's but the data"
is "$(query '[%{FILEMODES:perms} %{FILENAMES}\n]' |
	grep -v ^l | grep -E '^.(....w|.......w|...s|......s)')" '' \
	"... and nobody else may write any, nor is any set-user-id"
is "$(rpm -qpc "$rpm")" /etc/devops_agent/config.yaml "the configuration is marked so"
is "$(rpm -qpl "$rpm" | grep -E '\.pyc$' | grep -v /sdk/)" '' \
	"no compiled plugin is in it"
for file in /usr/bin/devops_agent /usr/bin/devops_agent-api \
	/usr/bin/devops_agent-forward /etc/devops_agent/grants.d \
	/usr/lib/systemd/system/devops_agent.service \
	/usr/lib/systemd/system/devops_agent.socket \
	/usr/lib/sysusers.d/devops_agent.conf \
	/usr/lib/tmpfiles.d/devops_agent.conf \
	/usr/share/devops_agent/plugins/python/collect_disk.py \
	/usr/share/devops_agent/grants.d/collect-disk.yaml; do
	ok "it has $file" grep -qxF "$file" <(rpm -qpl "$rpm")
done
like "$(rpm -qpl "$rpm" | tr '\n' ' ')" \
	'man1/devops_agent.1(.gz)? .*man5/devops_agent.yaml.5(.gz)? .*man7/devops_agent-plugin.7(.gz)? ' \
	"... and the manual pages"

for script in PREIN POSTIN PREUN POSTUN; do
	query "%{$script}" >"$T/$script"
	ok "${script,,} is right for a shell" sh -n "$T/$script"
	ok "... and ends well where there is no systemd" \
		env -i PATH="$T" /bin/sh "$T/$script" 1
done
like "$(<"$T/PREIN")" 'u devops_agent' "the account is made before the files"
like "$(<"$T/PREUN")" 'disable --now .*devops_agent.service' "a removal stops it"
like "$(<"$T/POSTUN")" 'try-restart .*devops_agent.service' "an upgrade restarts it"

# installs OPTION...: into the tree; scripts are for a host of its kind.
installs() {
	rpm --root "$R" --nodeps --noscripts "$@"
}

mkdir -p "$R"
rpm --root "$R" --initdb
run installs -i "$rpm"
exits 0 "it installs"
run env -C / "$R/usr/bin/devops_agent" --config /dev/null run greet name=x
is "$out" '{"greeting":"hello, x"}' "... and what it installed runs a plugin"
echo '# mine' >>"$R/etc/devops_agent/config.yaml"
run installs -U --force "$rpm"
exits 0 "it installs over itself"
is "$(tail -n 1 "$R/etc/devops_agent/config.yaml")" '# mine' \
	"... and leaves what the operator wrote"
run installs -e devops_agent
exits 0 "it is erased"
# the list of packages is rpm's own: Debian's keeps it at root's
is "$(find "$R" \( -path "$R/var/lib/rpm" -o -path "$R/root/.rpmdb" \) -prune \
	-o -type f -printf '%P\n')" \
	etc/devops_agent/config.yaml.rpmsave "... but for what the operator wrote"
done_testing
