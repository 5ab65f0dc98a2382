#!/bin/sh
# /// devops_agent
# name: log-grep
# version: 1.0.0
# description: The lines of a log file that hold a text or match a pattern.
# params:
#   type: object
#   properties:
#     path:
#       type: string
#       pattern: '^/[^\x00]+$'
#       description: The file; one outside /var/log has to be granted.
#     pattern:
#       type: [string, number]
#       pattern: '^[^\n\x00]+$'
#       description: Text to find.
#     regex:
#       type: boolean
#       default: false
#       description: Take the pattern as an extended regular expression.
#     ignore_case: {type: boolean, default: false}
#     max_matches:
#       type: integer
#       minimum: 0
#       maximum: 1000
#       default: 100
#       description: How many lines to report, the last ones; all are counted.
#     since_bytes:
#       type: integer
#       minimum: 0
#       maximum: 999999999999999
#       default: 0
#       description: >-
#         Where to begin, so as to see only what was added since an earlier
#         run: its next_bytes. A file that is shorter now is read whole. (A
#         line that was being written at that moment is seen in two parts.)
#     max_bytes:
#       type: integer
#       minimum: 1
#       maximum: 1073741824
#       default: 67108864
#       description: Read no more than this of the file's end.
#   required: [path, pattern]
#   additionalProperties: false
# permissions:
#   exec: [awk, cut, grep, head, tail, tr, wc]
#   read: [/var/log]
# limits: {timeout: 60s, memory: 256MiB, processes: 16}
# ///

set -u
export LC_ALL=C		# bytes in, bytes out: a log may hold anything

path=${PARAM_PATH-}
pattern=${PARAM_PATTERN-}
max_matches=${PARAM_MAX_MATCHES:-100}
since=${PARAM_SINCE_BYTES:-0}
max_bytes=${PARAM_MAX_BYTES:-67108864}
newline='
'

die() {
	printf 'log-grep: %s\n' "$1" >&2
	exit 1
}

# digits NAME VALUE: fail unless it is a number that fits into arithmetic.
digits() {
	case $2 in
	'' | *[!0-9]* | 0?* | ????????????????*)
		die "bad parameter $1: not a number that can be used"
		;;
	esac
}

# select_lines: numbered matches of standard input, then "=STATUS". They are
# cut here already, to somewhat more than MAX_TEXT: awk may take a minute to
# read a line of many megabytes, such as a binary file may have. A NUL, where
# some greps and awks end a line, becomes a byte that is no UTF-8 either.
select_lines() {
	tr '\000' '\377' | {
		grep -a -n "$kind" $ignore_case -e "$pattern" -
		printf '=%d\n' $?
	} | cut -b 1-4200
}

# added: the part of the file to look at, and nothing that is written to it
# meanwhile. Where max_bytes left something out, it starts a byte earlier: up
# to the first newline is then the line that was cut in two, or nothing of it.
added() {
	if [ "$skipped" -eq 0 ]; then
		tail -c "+$((start + 1))" -- "$path" |
			head -c "$((size - start))"
	else
		tail -c "+$start" -- "$path" |
			head -c "$((size - start + 1))" | tail -n +2
	fi
}

case $path in
/*) ;;
*) die "bad parameter path: not an absolute path" ;;
esac
case $pattern in
'') die "bad parameter pattern: empty" ;;
*"$newline"*) die "bad parameter pattern: of more than one line" ;;
esac
digits max_matches "$max_matches"
digits since_bytes "$since"
digits max_bytes "$max_bytes"
kind=-F
[ "${PARAM_REGEX:-false}" = true ] && kind=-E
ignore_case=
[ "${PARAM_IGNORE_CASE:-false}" = true ] && ignore_case=-i

[ -e "$path" ] || die "no such file, or it is not granted: $path"
[ -f "$path" ] || die "not a regular file: $path"
size=$(wc -c <"$path") || die "can't read $path"
size=$((size))
start=$since
[ "$start" -le "$size" ] || start=0
skipped=0
if [ $((size - start)) -gt "$max_bytes" ]; then
	skipped=$((size - start - max_bytes))
	start=$((size - max_bytes))
fi

# Only numbers are given by -v, as awk undoes escapes in such values.
added </dev/null | select_lines | awk -v limit="$max_matches" \
	-v size="$size" -v start="$start" -v skipped="$skipped" '
BEGIN {
	MAX_TEXT = 4096		# bytes of a line that are reported
	MAX_TOTAL = 524288	# bytes of all of them, as JSON
	for (i = 1; i < 256; i++)
		ord[sprintf("%c", i)] = i
}
/^=/ {
	status = substr($0, 2) + 0
	next
}
{
	if (limit > 0)
		kept[matches % limit] = substr($0, 1, MAX_TEXT + 32)
	matches++
}
# JSON string of any bytes; what is no UTF-8 becomes U+FFFD.
function json(s,	out, i, n, c, b, more) {
	if (s !~ /[^ -~]/ && s !~ /["\\]/)
		return "\"" s "\""
	n = length(s)
	for (i = 1; i <= n; i += 1 + more) {
		c = substr(s, i, 1)
		b = (c in ord) ? ord[c] : 0
		more = 0
		if (c == "\"" || c == "\\")
			out = out "\\" c
		else if (b < 32 || b == 127)
			out = out sprintf("\\u%04x", b)
		else if (b < 128)
			out = out c
		else if ((more = trailing(s, i, b)) > 0)
			out = out substr(s, i, 1 + more)
		else
			out = out "\\ufffd"
	}
	return "\"" out "\""
}
# Number of bytes that follow the one at i in its character; 0 if malformed.
function trailing(s, i, b,	count, low, high, k, t) {
	low = 128
	high = 191
	if (b >= 194 && b <= 223)
		count = 1
	else if (b >= 224 && b <= 239)
		count = 2
	else if (b >= 240 && b <= 244)
		count = 3
	else
		return 0
	if (b == 224)
		low = 160
	else if (b == 237)
		high = 159
	else if (b == 240)
		low = 144
	else if (b == 244)
		high = 143
	for (k = 1; k <= count; k++) {
		t = ord[substr(s, i + k, 1)] + 0
		if (t < low || t > high)
			return 0
		low = 128
		high = 191
	}
	return count
}
function entry(line,	colon, text, cut) {
	colon = index(line, ":")
	text = substr(line, colon + 1)
	cut = length(text) > MAX_TEXT
	return "{\"line\":" \
		(start == 0 ? substr(line, 1, colon - 1) : "null") \
		",\"text\":" json(substr(text, 1, MAX_TEXT)) \
		",\"cut\":" (cut ? "true" : "false") "}"
}
END {
	if (status > 1)
		exit 1
	total = 0
	first = matches
	while (first > 0 && matches - first < limit) {
		text = entry(kept[(first - 1) % limit])
		total += length(text)
		if (total > MAX_TOTAL)
			break
		lines = text (lines == "" ? "" : ",") lines
		first--
	}
	path = json(ENVIRON["PARAM_PATH"])
	printf "{\"path\":%s,\"matches\":%d,", path, matches
	# In parentheses, or it would be written to a file.
	printf "\"truncated\":%s,", (first > 0 ? "true" : "false")
	# Not %d, which in an older awk ends at 2^31.
	printf "\"scanned_bytes\":%.0f,", size - start
	printf "\"skipped_bytes\":%.0f,\"next_bytes\":%.0f,", skipped, size
	printf "\"lines\":[%s],", lines
	printf "\"metrics\":[{\"name\":\"log_matches\",\"value\":%d,", matches
	printf "\"unit\":null,\"kind\":\"gauge\",\"labels\":{\"path\":%s}},", path
	printf "{\"name\":\"log_size_bytes\",\"value\":%.0f,", size
	printf "\"unit\":\"bytes\",\"kind\":\"gauge\",\"labels\":{\"path\":%s}}", path
	print "]}"
}' || die "the search failed"
