#!/bin/bash
# What a plugin inherits: six variables, three descriptors, and nothing else.
export TMPDIR=/var/tmp
. "$(dirname "$0")/lib/tap.sh"
. "$ROOT/t/hostile/lib.sh"

echo top-secret >"$HOST/secret"
chmod 600 "$HOST/secret"
export GRANTED=given WITHHELD=hidden LD_PRELOAD_X=1 PYTHONPATH=/nowhere
export PARAM_FAKE=fake BASH_ENV=/nowhere

for who in $WHO; do
	as "$who"

	plugin variables "permissions: {env: [GRANTED, ABSENT]}" \
		"params: {type: object, properties: {a: {type: string}}}" <<-'END'
		import os

		def run(job):
		    return {"names": sorted(os.environ), "tz": os.environ["TZ"],
		            "path": os.environ["PATH"], "lang": os.environ["LANG"],
		            "home": os.environ["HOME"], "tmp": os.environ["TMPDIR"],
		            "granted": os.environ.get("GRANTED"),
		            "initial": open("/proc/self/environ").read()
		            .replace("\0", "\n")}
	END
	try a=value
	got .names '["GRANTED","HOME","LANG","PATH","TMPDIR","TZ"]' \
		"the environment is what is promised, and what was granted"
	got '[.home, .tmp, .lang, .granted]' '["/tmp","/tmp","C.UTF-8","given"]' \
		"... with these values"
	got .path /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		"... and the usual folders of programs"
	unlike "$(jq -r .initial <<<"$result")" 'hidden|fake|nowhere' \
		"$as: nothing else was there when it started"
	plugin refused "permissions: {env: [LD_PRELOAD]}" 2>/dev/null <<-'END'
		def run(job):
		    return None
	END
	try
	is "$status" 2 "$as: a variable that changes what runs is not to be had"

	cat >"$PLUGINS/shell/parameters.sh" <<-'END'
		#!/bin/sh
		# /// devops_agent
		# name: parameters
		# version: 1.0.0
		# description: Prints its parameters.
		# output: text
		# params:
		#   type: object
		#   properties:
		#     a: {type: string}
		#     min-percent: {type: number}
		#     list: {type: array}
		# permissions: {exec: [env]}
		# ///
		read -r line
		echo "$line"
		env
	END
	grant parameters
	name=parameters
	# shellcheck disable=SC2016
	# shellcheck disable=SC1003,SC2016 # nothing is to be expanded
	try 'a=$(id >/tmp/x); `id` "x" \' min-percent=5 'list=[1,"b"]'
	# shellcheck disable=SC1003,SC2016
	like "$result" 'PARAM_A=\$\(id >/tmp/x\); `id` \\"x\\" \\\\' \
		"$as: a parameter is text, whatever is in it"
	like "$result" 'PARAM_MIN_PERCENT=5' "$as: ... or a number"
	like "$result" 'PARAM_LIST=\[1,\\"b\\"\]' "$as: ... or JSON"
	unlike "$result" 'GRANTED|PARAM_FAKE|BASH_ENV|PYTHONPATH' \
		"$as: ... and there is nothing else"

	# Parameters as arguments: never options, never more than one.
	cat >"$PLUGINS/shell/arguments.sh" <<-'END'
		#!/bin/sh
		# /// devops_agent
		# name: arguments
		# version: 1.0.0
		# description: Prints its arguments.
		# output: text
		# args: [-f, "{file}", "--x={file}"]
		# params:
		#   type: object
		#   properties: {file: {type: string}}
		#   required: [file]
		# ///
		printf '<%s>' "$#" "$@"
	END
	grant arguments
	name=arguments
	try 'file=a b;id'
	is "$result" '"<3><-f><a b;id><--x=a b;id>"' "$as: a parameter is one argument"
	try file=--delete
	is "$status" 2 "$as: ... and never an option"
	like "$err$message" "begins with '-'" "$as: ... as is said"

	# --- Descriptors ------------------------------------------------------------

	plugin descriptors <<-'END'
		import os

		def run(job):
		    r = {}
		    for fd in os.listdir("/proc/self/fd"):
		        try:
		            r[fd] = os.readlink("/proc/self/fd/" + fd)
		        except OSError:
		            pass
		    return r
	END
	cat >"$PLUGINS/shell/shdescriptors.sh" <<-'END'
		#!/bin/sh
		# /// devops_agent
		# name: shdescriptors
		# version: 1.0.0
		# description: Lists its descriptors.
		# permissions: {exec: [ls]}
		# output: text
		# ///
		exec ls -l /proc/self/fd
	END
	grant shdescriptors
	# An agent that was started with files of root's open, at every number.
	opened() {
		local fd

		for fd in 3 4 5 6 7 8 9 {10..40}; do
			eval "exec $fd<\"\$HOST/secret\""
		done
		"${prefix[@]}" "$AGENT" run "$1" --json \
			--config "$T/$as/config.yaml" </dev/null
	}
	for name in descriptors shdescriptors; do
		run opened "$name"
		result=$(jq -c .result <<<"$out")
		like "$result" 'pipe' "$as: $name runs under an agent with open files"
		unlike "$result" 'secret' "$as: ... of which it has none"
		unlike "$result" 'socket|seccomp|signalfd|/(var|work|root|home)/.*[^y]"' \
			"$as: ... nor one of the sandbox's own"
	done
	# closed at the start: nothing else may come to be 0, 1 or 2
	plugin closed <<-'END'
		import os

		def run(job):
		    return "done"
	END
	run "${prefix[@]}" sh -c 'exec "$@" <&- 2>&-' sh "$AGENT" run closed \
		--config "$T/$as/config.yaml"
	is "$out" '"done"' "$as: an agent without its streams runs plugins, too"
	nothing_left "$as: no process, group or mount is left"

	# --- Secrets ----------------------------------------------------------------

	plugin secrets "permissions: {secrets: [token]}" <<-'END'
		import os

		def run(job):
		    job.log.info("it is %s", len(job.secrets["token"]))
		    out = [n for n in ("environ", "cmdline") for p in ("1", "self")
		           if "s3cr3t-value" in str(act(
		               lambda: open("/proc/%s/%s" % (p, n)).read()))]
		    return [job.secrets["token"] == "s3cr3t-value", out]
	END
	echo '{"token":"s3cr3t-value"}' >"$T/token"
	chmod 644 "$T/token"
	agent run secrets --json --secrets "@$T/token"
	record=$out
	result=$(jq -c .result <<<"$out")
	got . '[true,[]]' "a secret comes in the request, and nowhere else"
	unlike "$out$err" s3cr3t-value "$as: ... and is in no record"
	not_ok "$as: ... nor in the database" grep -rq s3cr3t-value "$T/$as"
done
done_testing
