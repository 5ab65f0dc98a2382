#!/bin/sh
# tarball.sh FILE: the source as FILE.tar.gz holds it, the same bytes from the
# same commit wherever and whenever it is made: what git knows, sorted, owned
# by root, as old as the commit.  In a tree that came out of a tarball, which
# git knows nothing of, the same files again.
set -eu
cd "$(dirname "$0")/.."

name=devops_agent-$(cat VERSION)
list=$(mktemp)
trap 'rm -f "$list" "$1.tar"' EXIT

if [ -e .git ]; then
	git ls-files -z >"$list"
	epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
else
	find . \( -path ./build -o -path ./bin -o -path ./debian \
		-o -name __pycache__ -o -path './etc/grants.d/*.yaml' \) -prune \
		-o \( -type f -o -type l \) -printf '%P\0' >"$list"
	epoch=${SOURCE_DATE_EPOCH:-$(stat -c %Y VERSION)}
fi
mkdir -p "$(dirname "$1")"
LC_ALL=C sort --zero-terminated --output="$list" "$list"
tar --create --file="$1.tar" --format=gnu --mtime="@$epoch" \
	--owner=0 --group=0 --numeric-owner --mode='u=rwX,go=rX' \
	--transform="s|^|$name/|S" --no-recursion --null --files-from="$list"
gzip --best --no-name <"$1.tar" >"$1.tmp"
rm "$1.tar"
mv "$1.tmp" "$1"
