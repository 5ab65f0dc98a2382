#!/bin/bash
# The layers of src/ hold; and the check that says so is able to fail.
. "$(dirname "$0")/lib/tap.sh"

check() {
	/usr/bin/python3 "$ROOT/t/lib/check_layers.py" "$@"
}

# plant FILE LINE...: a small tree with one file that breaks a rule.
plant() {
	local file=$1

	shift
	rm -rf "$T/tree"
	mkdir -p "$T/tree/src/base" "$T/tree/src/model" "$T/tree/src/store" \
		"$T/tree/src/proto" "$T/tree/$(dirname "$file")"
	printf '%s\n' '#include <stdio.h>' '#include "base/err.h"' \
		>"$T/tree/src/store/good.c"
	printf '%s\n' "$@" >"$T/tree/$file"
}

# refuses FILE LINE WANT TITLE: such a line in such a file is found.
refuses() {
	plant "$1" "$2"
	run check "$T/tree"
	exits 1 "$4" && like "$out" "$3" "... and said where and why"
}

# compile FILE TEXT: an object of the small tree.
compile() {
	mkdir -p "$T/objects/$(dirname "$1")"
	printf '%s\n' "$2" | gcc -xc -c -o "$T/objects/$1" -
}

ok "src/ keeps to its layers, in includes and in symbols" \
	check "$ROOT" "$BUILD/obj/src"
ok "there are objects whose symbols were looked at" \
	test -e "$BUILD/obj/src/main.o"

plant src/base/good.c '#include <unistd.h>'
ok "a small tree without a violation passes" check "$T/tree"
refuses src/base/bad.c '#include "model/value.h"' \
	'src/base/bad.c:1: .*from base to model' "an include upwards is found"
refuses src/proto/bad.h '#include "store/db.h"' \
	'from proto to store' "an include within a layer is found"
refuses src/store/bad.c '  #  include "cli/run.h"' \
	'from store to cli' "an include is found however it is spaced"
refuses src/store/gen/bad.c '#include "proto/json.h"' \
	'from store to proto' "an include is found in a folder's folder"
refuses src/store/bad.c '#include "../proto/json.h"' \
	'not written as' "a relative include is found"
refuses src/proto/bad.c '#include <sqlite3.h>' \
	'belongs in store' "a library named outside its folder is found"
refuses src/sandbox/bad.c '#include <uv.h>' \
	'no library' "a library that nobody knows is found"
refuses src/main/bad.c '#include <stdio.h>' \
	'in no layer' "a folder that has no layer is found"

plant src/base/low.c '#include <unistd.h>'
echo >"$T/tree/src/store/high.c"
compile base/low.o 'void high(void); void low(void); void low(void) {high();}'
compile store/high.o 'void high(void); void high(void) {}'
run check "$T/tree" "$T/objects"
exits 1 "a symbol taken from a higher layer is found"
like "$out" 'base/low.o: takes high from store' "... and named"
compile base/low.o 'void low(void); void low(void) {}'
compile store/high.o 'void low(void); void high(void); void high(void) {low();}'
ok "a symbol taken from a lower layer is fine" check "$T/tree" "$T/objects"
done_testing
