#!/bin/bash
# The tarball: the same bytes whenever, wherever and by whom it is made.
. "$(dirname "$0")/lib/tap.sh"

command -v git >/dev/null || skip_all "git is not installed"
git -C "$ROOT" rev-parse HEAD >/dev/null 2>&1 || skip_all "this is no clone"

name=devops_agent-$(<"$ROOT/VERSION")
git clone -q --no-hardlinks "$ROOT" "$T/clone"
# as somebody else's clone might be: other times, other bits, other leftovers
find "$T/clone" -path "$T/clone/.git" -prune -o -type f -exec touch -d 2001-01-01 {} +
mkdir -p "$T/clone/build" "$T/clone/bin"
echo rubbish | tee "$T/clone/build/x" "$T/clone/bin/x" >"$T/clone/untracked"

git clone -q --no-hardlinks "$ROOT" "$T/again"
run "$T/again/packaging/tarball.sh" "$T/one.tar.gz"
exits 0 "it is made"
run env -C / TZ=Asia/Tokyo LANG=C sh -c \
	"umask 077; chmod -R go= '$T/clone'; '$T/clone/packaging/tarball.sh' '$T/two.tar.gz'"
exits 0 "... from another clone"
ok "... which gives the same bytes" cmp "$T/one.tar.gz" "$T/two.tar.gz"

mkdir "$T/unpacked"
tar -C "$T/unpacked" -xf "$T/one.tar.gz"
run env TZ=UTC "$T/unpacked/$name/packaging/tarball.sh" "$T/three.tar.gz"
exits 0 "it is made from what came out of it, without git"
ok "... the same bytes again" cmp "$T/one.tar.gz" "$T/three.tar.gz"

is "$(tar -tf "$T/one.tar.gz" | grep -v "^$name/")" '' "all is in one folder"
is "$(tar -tf "$T/one.tar.gz" | sed "s|^$name/||" | grep -E '^(build|bin|untracked)')" \
	'' "... without what was built, or lay about"
is "$(tar --numeric-owner -tvf "$T/one.tar.gz" | awk '{ print $2 }' | sort -u)" \
	0/0 "... and is nobody's"
is "$(tar -tf "$T/one.tar.gz" | wc -l)" "$(git -C "$ROOT" ls-tree -r HEAD | wc -l)" \
	"... and every file that git has"

rm "$T/again/LICENSE"
run "$T/again/packaging/tarball.sh" "$T/four.tar.gz"
isnt "$status" 0 "a file that git has and the tree has not is an error"
not_ok "... and leaves no tarball" test -e "$T/four.tar.gz"
done_testing
