#!/bin/sh
# deb.sh TARBALL FOLDER: the Debian package of TARBALL, into FOLDER.  Nothing
# is built here that is not in the tarball.  DEB_REVISION (1) is what follows
# the version; DEB_BUILD_OPTIONS and the like are debhelper's.
set -eu

fail() {
	echo "deb.sh: $*" >&2
	exit 1
}

for program in dpkg-buildpackage dh; do
	command -v "$program" >/dev/null ||
		fail "needs $program;" \
			"packaging/install-deps.sh package installs it"
done
tarball=$(readlink -f "$1")
mkdir -p "$2"
out=$(readlink -f "$2")
work=$out/work
rm -rf "$work"
mkdir -p "$work/source"
tar -C "$work/source" --strip-components=1 -xf "$tarball"
cd "$work/source"

version=$(cat VERSION)
SOURCE_DATE_EPOCH=$(stat -c %Y VERSION)
export SOURCE_DATE_EPOCH
cp -a packaging/debian debian
for unit in service socket; do
	cp "packaging/systemd/devops_agent.$unit" \
		"debian/devops-agent.devops_agent.$unit"
done
cp packaging/systemd/devops_agent.sysusers debian/devops-agent.sysusers
cp packaging/systemd/devops_agent.tmpfiles debian/devops-agent.tmpfiles
cat >debian/changelog <<END
devops-agent ($version-${DEB_REVISION:-1}) unstable; urgency=medium

  * Release $version. What changed is in CHANGELOG.md.

 -- $(sed -n 's/^Maintainer: //p' debian/control)  $(date -R -u -d "@$SOURCE_DATE_EPOCH")
END
dpkg-buildpackage --build=binary --unsigned-changes --no-sign \
	>"$out/build.log" 2>&1 || {
	tail -n 20 "$out/build.log" >&2
	fail "the package did not build; see $out/build.log"
}
cd "$out"
mv "$work"/devops-agent*.deb "$work"/devops-agent*.changes \
	"$work"/devops-agent*.buildinfo .
rm -rf "$work"
ls "$out"/devops-agent_*.deb
