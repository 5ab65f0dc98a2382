#include "plugin/items.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <linux/capability.h>

#include "base/buf.h"
#include "base/mem.h"
#include "model/units.h"

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGIT "0123456789"

/* One of `first`, then any of `rest`. */
static bool
is_made_of(const char *s, const char *first, const char *rest, size_t max)
{
	return *s && strchr(first, *s) && strlen(s) <= max &&
	       s[1 + strspn(s + 1, rest)] == '\0';
}

static int
keep(const char *s, char **normal)
{
	*normal = xstrdup(s);
	return 0;
}

int
item_name(const char *s, char **normal, struct err *e)
{
	if (!units_is_name(s))
		return err_set(e, ERR_USAGE,
			       "'%.80s' is no plugin name: up to 64 lower "
			       "case letters, digits and '-', which is not "
			       "the first",
			       s);
	return keep(s, normal);
}

/* --- Paths --------------------------------------------------------------- */

/* The path without empty parts and "."; NULL where it has a "..". */
static char *
normalise(const char *path)
{
	_buf_ struct buf b = { 0 };

	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			return NULL;
		if (n > 1 || (n == 1 && p[0] != '.')) {
			buf_addc(&b, '/');
			buf_add(&b, p, n);
		}
		p += n + (p[n] == '/');
	}
	if (!b.len)
		buf_addc(&b, '/');
	return buf_steal(&b);
}

int
item_path(const char *s, char **normal, struct err *e)
{
	_free_ char *clean = NULL;

	if (*s != '/')
		return err_set(e, ERR_USAGE, "'%.200s' is not an absolute path",
			       s);
	if (strlen(s) >= PATH_MAX)
		return err_set(e, ERR_USAGE, "a path of %zu bytes", strlen(s));
	clean = normalise(s);
	if (!clean)
		return err_set(e, ERR_USAGE, "'%.200s' has a '..' in it", s);
	if (strcmp(clean, s) != 0)
		return err_set(e, ERR_USAGE, "write '%.200s' as '%.200s'", s,
			       clean);
	*normal = steal_ptr(&clean);
	return 0;
}

int
item_program(const char *s, char **normal, struct err *e)
{
	if (*s == '/')
		return item_path(s, normal, e);
	if (strcmp(s, "*") == 0)
		return keep(s, normal);
	if (strchr(s, '/') || strpbrk(s, "*?[") || s[0] == '.' ||
	    strlen(s) > NAME_MAX)
		return err_set(e, ERR_USAGE,
			       "'%.200s' is neither a program's name, nor an "
			       "absolute path, nor \"*\"",
			       s);
	return keep(s, normal);
}

/* --- Network, capabilities ----------------------------------------------- */

static bool
is_port(const char *s)
{
	size_t n = strspn(s, DIGIT);
	long port = n >= 1 && n <= 5 && !s[n] ? strtol(s, NULL, 10) : 0;

	return s[0] != '0' && port >= 1 && port <= 65535;
}

int
item_network(const char *s, char **normal, struct err *e)
{
	const char *colon = strchr(s, ':');
	size_t n = colon ? (size_t)(colon - s) : strlen(s);
	bool port = (n == 3 && memcmp(s, "tcp", n) == 0) ||
		    (n == 6 && memcmp(s, "listen", n) == 0);

	if (port && colon && is_port(colon + 1))
		return keep(s, normal);
	if (port)
		return err_set(e, ERR_USAGE,
			       "'%.80s' has no port: write %.*s:PORT, with a "
			       "PORT from 1 to 65535",
			       s, (int)n, s);
	if (strcmp(s, "udp") == 0 || strcmp(s, "host") == 0)
		return keep(s, normal);
	return err_set(e, ERR_USAGE,
		       "'%.80s' is none of tcp:PORT, listen:PORT, udp, host",
		       s);
}

static const char *const capabilities[] = {
	[CAP_CHOWN] = "chown",
	[CAP_DAC_OVERRIDE] = "dac_override",
	[CAP_DAC_READ_SEARCH] = "dac_read_search",
	[CAP_FOWNER] = "fowner",
	[CAP_FSETID] = "fsetid",
	[CAP_KILL] = "kill",
	[CAP_SETGID] = "setgid",
	[CAP_SETUID] = "setuid",
	[CAP_SETPCAP] = "setpcap",
	[CAP_LINUX_IMMUTABLE] = "linux_immutable",
	[CAP_NET_BIND_SERVICE] = "net_bind_service",
	[CAP_NET_BROADCAST] = "net_broadcast",
	[CAP_NET_ADMIN] = "net_admin",
	[CAP_NET_RAW] = "net_raw",
	[CAP_IPC_LOCK] = "ipc_lock",
	[CAP_IPC_OWNER] = "ipc_owner",
	[CAP_SYS_MODULE] = "sys_module",
	[CAP_SYS_RAWIO] = "sys_rawio",
	[CAP_SYS_CHROOT] = "sys_chroot",
	[CAP_SYS_PTRACE] = "sys_ptrace",
	[CAP_SYS_PACCT] = "sys_pacct",
	[CAP_SYS_ADMIN] = "sys_admin",
	[CAP_SYS_BOOT] = "sys_boot",
	[CAP_SYS_NICE] = "sys_nice",
	[CAP_SYS_RESOURCE] = "sys_resource",
	[CAP_SYS_TIME] = "sys_time",
	[CAP_SYS_TTY_CONFIG] = "sys_tty_config",
	[CAP_MKNOD] = "mknod",
	[CAP_LEASE] = "lease",
	[CAP_AUDIT_WRITE] = "audit_write",
	[CAP_AUDIT_CONTROL] = "audit_control",
	[CAP_SETFCAP] = "setfcap",
	[CAP_MAC_OVERRIDE] = "mac_override",
	[CAP_MAC_ADMIN] = "mac_admin",
	[CAP_SYSLOG] = "syslog",
	[CAP_WAKE_ALARM] = "wake_alarm",
	[CAP_BLOCK_SUSPEND] = "block_suspend",
	[CAP_AUDIT_READ] = "audit_read",
	[38] = "perfmon", /* newer than some kernel headers */
	[39] = "bpf",
	[40] = "checkpoint_restore",
};

int
item_capability(const char *s, char **normal, struct err *e)
{
	_free_ char *low = xstrdup(s);
	const char *name = low, *near;

	for (char *p = low; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (strncmp(low, "cap_", 4) == 0)
		name += 4;
	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
		if (strcmp(capabilities[i], name) == 0)
			return keep(name, normal);
	near = units_nearest(name, capabilities, ARRAY_SIZE(capabilities));
	return err_set(e, ERR_USAGE, "there is no capability '%.64s'%s%s%s", s,
		       near ? "; did you mean '" : "", near ? near : "",
		       near ? "'?" : "");
}

/* --- Names --------------------------------------------------------------- */

/*
 * Variables by which whoever starts the agent, or a shell, a loader or a
 * library reads it, would run something else than what was granted, or which
 * the agent sets itself.  An entry that ends in '*' stands for all that begin
 * like it.
 */
static const char *const refused_env[] = {
	"LD_*",
	"PYTHON*",
	"BASH*",
	"SHELLOPTS",
	"ENV",
	"IFS",
	"CDPATH",
	"GLOBIGNORE",
	"PS4",
	"PROMPT_COMMAND",
	"GCONV_PATH",
	"LOCPATH",
	"NLSPATH",
	"GETCONF_DIR",
	"MALLOC_*",
	"GLIBC_*",
	"RES_OPTIONS",
	"HOSTALIASES",
	"LOCALDOMAIN",
	"TZDIR",
	"RESOLV_*",
	"PERL*",
	"RUBY*",
	"GEM_*",
	"NODE_*",
	"JAVA_*",
	"JDK_*",
	"_JAVA_*",
	"LUA_*",
	"GIT_*",
	"OPENSSL_*",
	"SSLKEYLOGFILE",
	"TERMINFO*",
	"TERMCAP",
	"AWKPATH",
	"AWKLIBPATH",
	"PATH",
	"HOME",
	"TMPDIR",
	"LANG",
	"TZ",
	"PARAM_*",
	"DEVOPS_AGENT*",
	"NOTIFY_SOCKET",
	"LISTEN_*",
};

static bool
is_refused_env(const char *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused_env); i++) {
		const char *name = refused_env[i];
		size_t n = strcspn(name, "*");

		if (strncmp(s, name, n) == 0 && (name[n] == '*' || !s[n]))
			return true;
	}
	return false;
}

int
item_env(const char *s, char **normal, struct err *e)
{
	if (!is_made_of(s, UPPER LOWER "_", UPPER LOWER DIGIT "_", 128))
		return err_set(e, ERR_USAGE, "'%.80s' is no name of a variable",
			       s);
	if (is_refused_env(s))
		return err_set(e, ERR_USAGE,
			       "%s is never passed on: the agent sets it, or "
			       "it decides what an interpreter or a library "
			       "loads",
			       s);
	return keep(s, normal);
}

int
item_secret(const char *s, char **normal, struct err *e)
{
	if (!is_made_of(s, UPPER LOWER DIGIT "_", UPPER LOWER DIGIT "_.-", 64))
		return err_set(e, ERR_USAGE,
			       "'%.80s' is no name of a secret: up to 64 "
			       "letters, digits, '_', '.' and '-'",
			       s);
	return keep(s, normal);
}

int
item_user(const char *s, char **normal, struct err *e)
{
	if (!is_made_of(s, UPPER LOWER "_", UPPER LOWER DIGIT "_.-", 32))
		return err_set(e, ERR_USAGE, "'%.80s' is no name of an account",
			       s);
	if (strcmp(s, "root") == 0)
		return err_set(e, ERR_USAGE,
			       "a plugin never runs as root; ask for the "
			       "capabilities that it needs");
	return keep(s, normal);
}

int
item_sha256(const char *s, char **normal, struct err *e)
{
	if (strlen(s) != 64 || s[strspn(s, DIGIT "abcdef")])
		return err_set(e, ERR_USAGE,
			       "'%.80s' is no SHA-256: 64 hexadecimal digits, "
			       "in lower case",
			       s);
	return keep(s, normal);
}
