#!/bin/bash
# The manual pages: made of docs/, nothing lost, and nothing that troff
# complains of.
. "$(dirname "$0")/lib/tap.sh"

made() {
	/usr/bin/python3 "$ROOT/packaging/man/man.py" "$1" 9.9.9
}

# rendered FILE: as a reader sees it, without line breaks.
rendered() {
	LC_ALL=C.UTF-8 MANWIDTH=1000 man -E UTF-8 -l "$1" | col -bx |
		tr -s ' \n' ' '
}

for page in devops_agent.1:cli devops_agent.yaml.5:configuration \
	devops_agent-plugin.7:plugins; do
	file=$T/${page%:*} doc=$ROOT/docs/${page#*:}.md
	run made "$(basename "${file%.*}")"
	exits 0 "${page%:*} is made" || continue
	printf '%s\n' "$out" >"$file"
	like "$(grep -a "^\.TH" "$file")" '^\.TH devops_agent[^ ]* [157] "" "devops_agent 9\.9\.9"' \
		"... and says of which version it is"
	if ! command -v man >/dev/null || ! command -v col >/dev/null; then
		skip 2 "man is not installed"
		continue
	fi
	is "$(LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z "$file" \
		2>&1 >/dev/null)" '' "... without a warning of troff's"
	rendered "$file" >"$file.text"
	# what stands as code in the first column of a table, or as a heading
	# shellcheck disable=SC2016 # backticks of Markdown
	lost=$(sed -n 's/^| `\([^`|]*\)` |.*/\1/p; s/^###* \([^`]*\)$/\1/p' "$doc" |
		while read -r term; do
			grep -qiF -e "$term" "$file.text" || echo "$term"
		done)
	is "$lost" '' "... with every heading and every term of its tables"
done

run /usr/bin/python3 "$ROOT/packaging/man/man.py" nothing 1
exits 1 "a page that there is none of is refused"
done_testing
