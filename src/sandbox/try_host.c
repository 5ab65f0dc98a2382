#include <sys/stat.h>
#include <sys/utsname.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "sandbox/try_parts.h"

/* --- Settings of the kernel ----------------------------------------------- */

/* One that gets in the way when it has a certain value. */
static const struct setting {
	const char *name; /* as sysctl calls it */
	int64_t bad;
	bool namespaces; /* they fail by it */
	bool rare;	 /* nobody looks for it where it is fine */
	const char *hint;
} settings[] = {
	{ "kernel.unprivileged_userns_clone", 0, true, false,
	  "sysctl -w kernel.unprivileged_userns_clone=1 gives ordinary users "
	  "user namespaces" },
	{ "kernel.apparmor_restrict_unprivileged_userns", 1, true, false,
	  "give devops_agent an AppArmor profile with 'userns,', or sysctl -w "
	  "kernel.apparmor_restrict_unprivileged_userns=0" },
	{ "user.max_user_namespaces", 0, true, false,
	  "sysctl -w user.max_user_namespaces=10000" },
	{ "user.max_mnt_namespaces", 0, true, true,
	  "sysctl -w user.max_mnt_namespaces=10000" },
	{ "user.max_pid_namespaces", 0, true, true,
	  "sysctl -w user.max_pid_namespaces=10000" },
	{ "user.max_ipc_namespaces", 0, true, true,
	  "sysctl -w user.max_ipc_namespaces=10000" },
	{ "user.max_uts_namespaces", 0, true, true,
	  "sysctl -w user.max_uts_namespaces=10000" },
	{ "user.max_cgroup_namespaces", 0, true, true,
	  "sysctl -w user.max_cgroup_namespaces=10000" },
	{ "user.max_net_namespaces", 0, true, true,
	  "sysctl -w user.max_net_namespaces=10000" },
	{ "kernel.yama.ptrace_scope", 0, false, false,
	  "sysctl -w kernel.yama.ptrace_scope=1 also keeps other programs of "
	  "the same user from looking into a plugin" },
	{ "vm.panic_on_oom", 2, false, true,
	  "sysctl -w vm.panic_on_oom=0: with 2, a plugin over its limit of "
	  "memory stops this host" },
};

/* A small file, its first line or all of it; "" where there is none. */
static void
read_text(const char *path, char *text, size_t size)
{
	_buf_ struct buf b = { .max = 65536 };
	struct err ignored = ERR_INIT;

	*text = '\0';
	if (file_read(path, &b, &ignored) < 0 || !b.len)
		return;
	b.data[strcspn(b.data, "\n")] = '\0';
	snprintf(text, size, "%s", b.data);
}

int64_t
try_sysctl(const char *name)
{
	_free_ char *path = xasprintf("/proc/sys/%s", name);
	char text[32], *end;
	long long n;

	for (char *p = path; *p; p++)
		if (*p == '.')
			*p = '/';
	read_text(path, text, sizeof(text));
	n = strtoll(text, &end, 10);
	return end == text ? -1 : n;
}

/* --- Around this process -------------------------------------------------- */

bool
try_filtered(void)
{
	_buf_ struct buf text = { .max = 65536 };
	struct err ignored = ERR_INIT;
	const char *line;

	if (file_read("/proc/self/status", &text, &ignored) < 0 || !text.len)
		return false;
	line = strstr(text.data, "\nSeccomp:");
	return line && strtol(line + 9, NULL, 10) != 0;
}

/* Does a user namespace other than the host's hold us? */
static bool
in_user_namespace(void)
{
	char map[128];
	char *end;

	if (access("/proc/self/uid_map", F_OK) < 0)
		return false;
	read_text("/proc/self/uid_map", map, sizeof(map));
	/* inside, outside, how many: all of them, in the host's own */
	(void)strtoul(map, &end, 10);
	(void)strtoul(end, &end, 10);
	return strtoul(end, NULL, 10) != 4294967295UL;
}

bool
try_id_is_mapped(void)
{
	_buf_ struct buf text = { .max = 65536 };
	struct err ignored = ERR_INIT;
	char *save = NULL;

	if (file_read("/proc/self/uid_map", &text, &ignored) < 0)
		return true;
	for (char *line = text.len ? strtok_r(text.data, "\n", &save) : NULL;
	     line; line = strtok_r(NULL, "\n", &save)) {
		char *end;
		unsigned long first = strtoul(line, &end, 10);

		/* the second is what it is outside */
		(void)strtoul(end, &end, 10);
		if (geteuid() >= first &&
		    geteuid() - first < strtoul(end, NULL, 10))
			return true;
	}
	return false;
}

/* By what is mounted at "/": nothing, where a folder of it was made root. */
static bool
in_chroot(void)
{
	_buf_ struct buf text = { .max = 4 << 20 };
	struct err ignored = ERR_INIT;
	char *save = NULL;

	if (file_read("/proc/self/mountinfo", &text, &ignored) < 0 || !text.len)
		return false;
	for (char *line = strtok_r(text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char place[8] = "";

		if (sscanf(line, "%*d %*d %*s %*s %7s", place) == 1 &&
		    strcmp(place, "/") == 0)
			return false;
	}
	return true;
}

void
try_hint_namespaces(struct try_result *r, int errnum)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		if (settings[i].namespaces &&
		    try_sysctl(settings[i].name) == settings[i].bad) {
			try_hint(r, "%s", settings[i].hint);
			return;
		}
	}
	if (errnum == ENOSPC || errnum == EUSERS)
		try_hint(r,
			 "too many namespaces, or too deep: raise "
			 "user.max_user_namespaces and its like, here and in "
			 "the user namespaces above");
	else if (errnum == EACCES)
		try_hint(r, "the kernel keeps this process from its own /proc: "
			    "is the program's file readable for this user?");
	else if (errnum == ENOENT)
		try_hint(r, "/proc is not mounted: mount it");
	else if (try_filtered())
		try_hint(r, "the system call filter over this process (of a "
			    "container?) may forbid it: docker and podman: "
			    "--security-opt seccomp=PROFILE with clone, "
			    "unshare and mount allowed");
	else if (in_chroot())
		try_hint(r,
			 "the kernel gives no user namespaces below a "
			 "chroot: use a container or systemd's RootDirectory "
			 "instead");
	else if (errnum == EINVAL)
		try_hint(r, "the kernel was built without it (CONFIG_USER_NS "
			    "and its like)");
	else
		try_hint(r, "a security module (AppArmor, SELinux), a chroot, "
			    "or the container that this is forbids it");
}

/* --- Facts ---------------------------------------------------------------- */

struct facts {
	struct try_fact *list;
	size_t n;
};

__attribute__((format(printf, 4, 5))) static void
add(struct facts *f, const char *name, const char *hint, const char *fmt, ...)
{
	struct try_fact *fact = &f->list[f->n];
	va_list ap;

	if (f->n == TRY_MAX_FACTS)
		return;
	f->n++;
	snprintf(fact->name, sizeof(fact->name), "%s", name);
	snprintf(fact->hint, sizeof(fact->hint), "%s", hint);
	va_start(ap, fmt);
	vsnprintf(fact->value, sizeof(fact->value), fmt, ap);
	va_end(ap);
}

static void
add_machine(struct facts *f)
{
	struct utsname u;

	if (uname(&u) < 0)
		return;
	add(f, "machine", "", "%s, %zu-bit", u.machine, 8 * sizeof(void *));
	add(f, "kernel", "", "%s %s", u.sysname, u.release);
}

static void
add_caller(struct facts *f)
{
	if (geteuid() != 0)
		add(f, "started by", "", "user id %u", (unsigned)geteuid());
	else if (try_privileged())
		add(f, "started by", "", "root%s",
		    in_user_namespace() ? " of a user namespace" : "");
	else
		add(f, "started by", "", "root without its capabilities");
}

/* By the marks that the usual ones leave. */
static void
name_container(char name[64])
{
	static const struct {
		const char *path, *name;
	} marks[] = {
		{ "/run/.containerenv", "podman" },
		{ "/.dockerenv", "docker" },
		{ "/var/run/secrets/kubernetes.io", "kubernetes" },
	};
	const char *said = getenv("container");

	read_text("/run/systemd/container", name, 64);
	for (size_t i = 0; !*name && i < ARRAY_SIZE(marks); i++)
		if (access(marks[i].path, F_OK) == 0)
			snprintf(name, 64, "%s", marks[i].name);
	/* only words: it may be anybody's text */
	if (!*name && said && *said &&
	    said[strspn(said, "abcdefghijklmnopqrstuvwxyz-")] == '\0')
		snprintf(name, 64, "%s", said);
}

static void
add_container(struct facts *f)
{
	char name[64];

	name_container(name);
	add(f, "container", "", "%s%s%s%s", *name ? name : "none seen",
	    in_user_namespace() ? ", inside a user namespace" : "",
	    in_chroot() ? ", in a chroot" : "",
	    try_filtered() ? ", under a system call filter" : "");
}

static void
add_settings(struct facts *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const struct setting *s = &settings[i];
		int64_t value = try_sysctl(s->name);
		bool bad = value == s->bad;

		if (value < 0 || (s->rare && !bad))
			continue;
		add(f, s->name, bad ? s->hint : "", "%lld", (long long)value);
	}
}

static void
add_actions(struct facts *f)
{
	char text[200];

	read_text("/proc/sys/kernel/seccomp/actions_avail", text, sizeof(text));
	if (!*text)
		return;
	add(f, "kernel.seccomp.actions_avail",
	    !strstr(text, "kill_process") ?
		    "Linux 4.14 or newer has kill_process" :
	    !strstr(text, "user_notif") ?
		    "Linux 5.0 or newer has user_notif, which explains "
		    "refusals" :
		    "",
	    "%s", text);
}

size_t
try_facts(struct try_fact facts[TRY_MAX_FACTS])
{
	struct facts f = { facts, 0 };

	add_machine(&f);
	add_caller(&f);
	add_container(&f);
	add_settings(&f);
	add_actions(&f);
	return f.n;
}
