#!/bin/bash
# What STYLE asks of src/ and no linter checks; and the check is able to fail.
. "$(dirname "$0")/lib/tap.sh"

check() {
	/usr/bin/python3 "$ROOT/t/lib/check_style.py" "$1"
}

plant() {
	mkdir -p "$T/src/base"
	printf '%s\n' "$@" >"$T/src/base/x.c"
}

# refuses LINE WANT TITLE: such a line is found.
refuses() {
	plant 'static void' 'f(void)' '{' "	$1" '}'
	run check "$T"
	exits 1 "$3" && like "$out" "src/base/x.c:4: .*$2" "... and said why"
}

# accepts LINE TITLE
accepts() {
	plant 'static void' 'f(void)' '{' "	$1" '}'
	ok "$2" check "$T"
}

long() {
	printf 'static void\nf(void)\n{\n'
	for ((i = 0; i < $1; i++)); do
		printf '\tg();\n'
	done
	printf '}\n'
}

run check "$ROOT"
exits 0 "src/ has no long function, no banned call, no inherited descriptor"
printf '%s\n' "$out" | grep '^# '

refuses 'sleep(1);' 'waits by time' "a sleep is found"
refuses 'if (x) usleep (5);' 'waits by time' "a sleep behind a space is found"
refuses 'sprintf(a, "%s", b);' 'without a bound' "sprintf is found"
refuses 'fd = open(path, O_RDONLY);' 'close-on-exec' "a bare open is found"
refuses 'return socket(AF_UNIX, SOCK_STREAM, 0);' 'close-on-exec' \
	"a bare socket is found"
refuses 'fd = dup(1);' 'newer form' "dup is found"
refuses 'n = system("x");' 'shell' "system is found"
refuses 'goto out;' 'goto' "goto is found"
refuses '/* FIXME: later */' 'finish it' "a note to finish it is found"
accepts 'fd = open(a(b), O_RDONLY | O_CLOEXEC);' "an open with O_CLOEXEC is fine"
accepts '/* sleep(1) */ puts("sleep(1)"); s->sleep(1);' \
	"a comment, a string and a member are no call"

plant "$(long 100)"
ok "a function of 100 lines passes" check "$T"
plant "$(long 101)"
run check "$T"
exits 1 "a function of 101 lines is found"
plant "$(yes '/* x */' | head -n 600)"
run check "$T"
exits 1 "a file of 600 lines is found"
done_testing
