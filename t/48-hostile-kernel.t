#!/bin/bash
# Hostile programs: system calls that a sandbox must not let through.
export TMPDIR=/var/tmp
. "$(dirname "$0")/lib/tap.sh"
. "$ROOT/t/hostile/lib.sh"

prepare_host

# refuses FILE ERROR NAME...: every attempt fails with that error.
refuses() {
	local file=$1 error=$2 want='' one

	shift 2
	for one; do
		want+=",\"$one\":\"$error\""
	done
	attack "$file" 0 succeeded '' '^$' "{${want#,}}"
}

# kills FILE CALL [ARGUMENT]: the job is ended for a system call.
kills() {
	attack "$1" 3 denied denied \
		"^killed for $2(\(.*\))?, which no plugin may call\$" null "${@:3}"
}

for who in $WHO; do
	as "$who"

	# never by a mistake: the job is killed
	# where the kernel has no such calls at all, it is a fault
	hostile int80
	try
	like "$status/$state: $message" \
		'^(3/denied: killed for|1/failed: killed by signal 11 )' \
		"$as: int80 is ended at once"
	kills x32 '.*'
	kills trace ptrace
	kills bpf bpf
	kills mounts mount
	while read -r call nr; do
		[ "$as" = root ] || [ "$call" = fsopen ] || ! is_root || continue
		kills newmount "$call" "call=$nr"
	done <<-'END'
		open_tree 428
		move_mount 429
		fsopen 430
		fsconfig 431
		fsmount 432
		fspick 433
		mount_setattr 442
		umount2 166
		pivot_root 155
	END
	while read -r call nr; do
		[ "$as" = root ] || [ "$call" = reboot ] || ! is_root || continue
		kills kernel "$call" "call=$nr"
	done <<-'END'
		init_module 175
		finit_module 313
		delete_module 176
		kexec_load 246
		kexec_file_load 320
		reboot 169
		swapon 167
		iopl 172
		ioperm 173
	END

	# refused, and told
	want='{'
	for kind in user mnt pid net ipc uts time cgroup; do
		want+="\"unshare $kind\":\"EPERM\","
		[ "$kind" = time ] || want+="\"clone $kind\":\"EPERM\","
		want+="\"clone3 $kind\":\"ENOSYS\",\"setns $kind\":\"EPERM\","
	done
	attack namespaces 0 succeeded '' '^$' "${want%,}}"
	like "$denied" 'unshare' "$as: ... and the record names what it tried"
	attack memory_of_others 0 succeeded '' '^$' \
		'{"readv":"EPERM","writev":"EPERM","own readv":"EPERM","mem":"EACCES","getfd":"EPERM","kcmp":"EPERM","madvise":"EPERM"}'
	refuses keys EPERM add request session join persistent
	refuses perf EPERM self one all
	refuses rings EPERM setup enter register aio
	refuses faults EPERM userfaultfd ldt remap secret
	attack memory_file 0 succeeded '' '^$' \
		'{"memfd":"EPERM","sealed":"EPERM","execveat":"EACCES","fexecve":"EACCES","tmpfile":"EACCES"}'
	refuses handles EPERM open name
	attack chroots 0 succeeded '' '^$' \
		'{"chroot":"EPERM","back":"ok","cwd":"ok","above":"ENOENT","pivot":"ENOENT"}'
	attack ipc 0 succeeded '' '^$' \
		'{"shm":"EPERM","msg":"EPERM","sem":"EPERM","mq":"EPERM","unlink":"EPERM","posix":"ENOENT"}'
	attack fanotify 0 succeeded '' '^$' \
		'{"init":"EPERM","content":"EPERM","fid":"EPERM","inotify /tmp":"ok","inotify /etc":"ok","inotify one":"EACCES"}'
	attack personas 0 succeeded '' '^$' \
		'{"exec":"EPERM","norandom":"EPERM","linux32":"EPERM","nnp":"EINVAL","ambient":"EPERM","securebits":"EPERM","mm":"EPERM","speculation":"EPERM","tracer":"EPERM","timing":"EPERM","dispatch":"EPERM","core":"EPERM"}'
	attack filters 0 succeeded '' '^$' \
		'{"listener":"EINVAL","killable":"EINVAL","spectre":"EINVAL","before":"EPERM","allow":"ok","allowed":"EPERM","trace":"ok","traced":"EPERM","errno":"ok","pretended":"ok","changed":"EPERM"}'
	attack stack_of_files 0 succeeded '' '^$' \
		'{"acct":"EPERM","quota":"EPERM","log":"EPERM","clear":"EPERM","clock":"EPERM","day":"EPERM","hangup":"EPERM","nfs":"ENOSYS","pages":"EPERM","cookie":"ENOSYS"}'
	attack descriptors 0 succeeded '' '^$' '{"circle":"ETOOMANYREFS","many":"ETOOMANYREFS"}'
	attack siblings 0 succeeded '' '^$' '{"parent":"ok"}'
	attack timers 124 timed_out timed_out 'timed out after 1s'
	attack asks 124 timed_out timed_out 'timed out after 1s'
	within 1 "$(jq '.denials | length' <<<"$record")" 50 \
		"$as: ... and the record of refusals is bounded"
done

# What the agent itself took, at the most, while it was attacked.
within 1 "$PEAK" "$MOST" "the agent never took more than $MOST KiB ($PEAK)"
done_testing
