#!/bin/sh
# rpm.sh TARBALL FOLDER: the RPM of TARBALL, into FOLDER.  Where this host is
# not of RPM's kind the libraries to build with are taken on trust (they are
# install-deps.sh's), and systemd's macros are defined here.
set -eu

fail() {
	echo "rpm.sh: $*" >&2
	exit 1
}

command -v rpmbuild >/dev/null ||
	fail "needs rpmbuild; packaging/install-deps.sh package installs it"
tarball=$(readlink -f "$1")
mkdir -p "$2"
out=$(readlink -f "$2")
spec=$(readlink -f "$(dirname "$0")/rpm/devops_agent.spec")
version=$(tar -xOf "$tarball" --wildcards '*/VERSION')
SOURCE_DATE_EPOCH=$(tar --full-time -tvf "$tarball" --wildcards '*/VERSION' |
	awk '{ print $4, $5 }' | xargs -I{} date -d {} +%s)
export SOURCE_DATE_EPOCH

set -- --define "agent_version $version" --define "_topdir $out/work" \
	--define "_sourcedir $(dirname "$tarball")" --define "_rpmdir $out" \
	--define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' \
	--define 'use_source_date_epoch_as_buildtime 1' \
	--define '_buildhost localhost'
if [ "$(rpm --eval '%{?_unitdir}')" = '' ]; then
	# shellcheck disable=SC2016 # $1 is the scriptlet's
	set -- "$@" --nodeps \
		--define '_unitdir /usr/lib/systemd/system' \
		--define '_sysusersdir /usr/lib/sysusers.d' \
		--define '_tmpfilesdir /usr/lib/tmpfiles.d' \
		--define '_smp_mflags -j2' \
		--define 'systemd_post() systemctl --no-reload preset %* >/dev/null 2>&1 || :' \
		--define 'systemd_preun() if [ $1 -eq 0 ]; then systemctl --no-reload disable --now %* >/dev/null 2>&1 || :; fi' \
		--define 'systemd_postun_with_restart() systemctl daemon-reload >/dev/null 2>&1 || :; if [ $1 -ge 1 ]; then systemctl try-restart %* >/dev/null 2>&1 || :; fi'
fi
rm -rf "$out/work"
rpmbuild -bb "$@" "$spec" >"$out/build.log" 2>&1 || {
	tail -n 20 "$out/build.log" >&2
	fail "the package did not build; see $out/build.log"
}
rm -rf "$out/work"
ls "$out/devops_agent-$version"-*.rpm
