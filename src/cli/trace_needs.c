#include <sys/stat.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "cli/trace.h"
#include "worker/launch.h"

/* Below it, process ids of a sandbox can't be told from the host's. */
#define FOREIGN_PID 300

/* Looked for by the C library and by interpreters, and not missed. */
static const char *const optional[] = {
	"/etc/ld.so.preload",
	"/etc/localtime",
	"/etc/host.conf",
	"/etc/gai.conf",
	"/etc/inputrc",
	"/etc/terminfo",
	"/lib/terminfo",
	"/usr/share/terminfo",
	"/usr/lib/locale",
	"/usr/share/locale",
	"/usr/share/locale-langpack",
	"/usr/local/share/locale",
	"/usr/share/zoneinfo",
	"/usr/lib/ssl/openssl.cnf",
	"/etc/ssl/openssl.cnf",
	"/etc/crypto-policies",
	"/dev/tty",
	"/proc/filesystems",
	"/proc/sys/kernel/cap_last_cap",
	"/proc/sys/kernel/ngroups_max",
	"/proc/sys/kernel/osrelease",
	"/proc/sys/vm/overcommit_memory",
	"/proc/sys/crypto/fips_enabled",
	"/sys/devices/system/cpu/online",
	"/sys/devices/system/cpu/possible",
	"/sys/kernel/mm/transparent_hugepage",
	"/sys/fs/selinux",
	"/run/nscd",
	"/var/run/nscd",
	"/run/systemd/userdb",
};

static const char *const own_paths[] = {
	"/dev/null", "/dev/zero",  "/dev/full",	  "/dev/random", "/dev/urandom",
	"/dev/fd",   "/dev/stdin", "/dev/stdout", "/dev/stderr",
};

static bool
any_above(const char *const *folders, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (path_is_below(path, folders[i]))
			return true;
	return false;
}

static bool
was_used(const struct trace *t, const char *path, unsigned how)
{
	for (size_t i = 0; i < t->n_uses; i++)
		if ((t->uses[i].how & how) &&
		    strcmp(t->uses[i].path, path) == 0)
			return true;
	return false;
}

/* What the C library or a common library looks for, and nobody misses. */
static bool
is_optional(const struct trace *t, const char *path)
{
	return any_above(own_paths, ARRAY_SIZE(own_paths), path) ||
	       any_above(optional, ARRAY_SIZE(optional), path) ||
	       /* for names of users, files are the default */
	       (strcmp(path, "/etc/nsswitch.conf") == 0 &&
		!was_used(t, "/etc/hosts", ~0U) &&
		!was_used(t, "/etc/resolv.conf", ~0U)) ||
	       /* libselinux, at the start of many programs */
	       (strcmp(path, "/proc/mounts") == 0 &&
		was_used(t, "/sys/fs/selinux", ~0U)) ||
	       /* libnuma, at the start of ps and vmstat */
	       (strcmp(path, "/sys/devices/system/node") == 0 &&
		was_used(t, "/proc/self/status", USE_OPENED));
}

/* Something wanted: said, and needed by the next run. */
struct judgement {
	struct trace *t;
	struct strv *wanted;
};

static void
need(struct judgement *j, enum trace_key key, const char *text,
     const char *real)
{
	if (trace_need(j->t, key, text, real, false))
		strv_addf(j->wanted, "%s %s", trace_key_name(key), text);
}

/* --- /proc ---------------------------------------------------------------- */

/* What follows the process of "/proc/self/net/dev"; NULL for another path. */
static const char *
of_process(const char *path)
{
	size_t n;

	if (strncmp(path, "/proc/", 6) != 0)
		return NULL;
	path += 6;
	n = strcspn(path, "/");
	if (!isdigit((unsigned char)*path) &&
	    !(n == 4 && memcmp(path, "self", 4) == 0) &&
	    !(n == 11 && memcmp(path, "thread-self", 11) == 0))
		return NULL;
	return path[n] ? path + n + 1 : "";
}

/* Its own processes are there; those of the host are asked for. */
static bool
judge_proc(struct judgement *j, const struct trace_use *u, const struct look *l)
{
	const char *rest = of_process(u->path);
	bool list = strcmp(u->path, "/proc") == 0 && (u->how & USE_OPENED);
	bool foreign = rest && l->kind != LOOK_NONE &&
		       strtol(u->path + 6, NULL, 10) >= FOREIGN_PID;

	if ((list || foreign) && !j->t->processes_host) {
		j->t->processes_host = true;
		strv_add(j->wanted, "processes host");
	}
	if (strcmp(u->path, "/proc/mounts") == 0 ||
	    strcmp(u->path, "/etc/mtab") == 0 ||
	    (rest && strncmp(rest, "mount", 5) == 0))
		j->t->mounts = true;
	if (l->kind == LOOK_FILE && (path_is_below(u->path, "/proc/net") ||
				     (rest && strncmp(rest, "net/", 4) == 0)))
		need(j, TRACE_NETWORK, "host", NULL);
	return rest != NULL || strcmp(u->path, "/proc") == 0;
}

/* --- Paths ---------------------------------------------------------------- */

static bool
is_library(const struct trace *t, const struct look *l)
{
	for (size_t i = 0; i < t->real_libraries.n; i++)
		if (path_is_below(l->real, t->real_libraries.items[i]))
			return true;
	return false;
}

static bool
is_startable(const struct trace *t, const char *path, const struct look *l)
{
	for (size_t i = 0; i < t->shown->exec.n; i++) {
		const char *shown = t->shown->exec.items[i];
		_free_ char *real = NULL;

		if (strcmp(shown, path) == 0)
			return true;
		real = realpath(shown, NULL);
		if (real && strcmp(real, l->real) == 0)
			return true;
	}
	return false;
}

/* Mark what was granted for it in an earlier run as used. */
static bool
mark_program(struct trace *t, const struct look *l)
{
	bool found = false;

	for (size_t i = 0; i < t->n_items; i++) {
		struct trace_item *item = &t->items[i];

		if (item->key == TRACE_EXEC && item->real &&
		    strcmp(item->real, l->real) == 0)
			item->used = found = true;
	}
	return found;
}

/* By its name, if that is what shows it at this path (see launch.c). */
static bool
is_usual(const char *path, const char *usual)
{
	return usual &&
	       (strcmp(usual, path) == 0 || (strncmp(usual, "/usr/", 5) == 0 &&
					     strcmp(usual + 4, path) == 0));
}

static void
need_program(struct judgement *j, const char *path, const struct look *l)
{
	const char *base = strrchr(path, '/') + 1;
	_free_ char *usual = launch_which(base);

	if (mark_program(j->t, l) || is_startable(j->t, path, l))
		return;
	need(j, TRACE_EXEC, is_usual(path, usual) ? base : path, l->real);
}

/*
 * Devices in /sys are reached by links of folders that are listed: which they
 * are differs from host to host.
 */
static void
need_read(struct judgement *j, const char *path, const struct look *l)
{
	const struct trace *t = j->t;

	for (size_t i = 0; i < t->n_items; i++) {
		const struct trace_item *item = &t->items[i];

		if (item->key == TRACE_READ && item->real &&
		    strcmp(item->real, "/sys/devices") != 0 &&
		    path_is_below(path, item->text) &&
		    !path_is_below(l->real, item->real) &&
		    path_is_below(l->real, "/sys/devices")) {
			need(j, TRACE_READ, "/sys/devices", "/sys/devices");
			return;
		}
	}
	if (geteuid() == 0 && !t->asked->user && !(l->mode & 0004))
		strv_add_once(&j->t->closed, path);
	need(j, TRACE_READ, path, l->real);
}

/* A file that is made, or goes, needs its folder. */
static void
need_folder(struct judgement *j, const struct trace_use *u)
{
	_free_ char *folder = xstrdup(u->path);
	struct look *l = xcalloc(1, sizeof(*l));

	*strrchr(folder, '/') = '\0';
	if (*folder)
		look_at(&folder, 1, l);
	if (l->kind == LOOK_FOLDER) {
		strv_add_once(&j->t->made, u->path);
		need(j, TRACE_WRITE, folder, l->real);
	}
	look_free(l, 1);
}

/* false: nothing but reading it is left to be judged. */
static bool
judge_write(struct judgement *j, const struct trace_use *u,
	    const struct look *l)
{
	bool there = l->kind != LOOK_NONE;

	if (strv_has(&j->t->made, u->path)) {
		need_folder(j, u);
		return true;
	}
	if ((u->how & USE_MADE) || (there && (u->how & USE_REMOVED)) ||
	    (!there && (u->how & (USE_WRITTEN | USE_MADE_FOLDER)))) {
		need_folder(j, u);
		return true;
	}
	if (there && (u->how & USE_MADE_FOLDER))
		strv_add_once(&j->t->looked, u->path);
	if (there && (u->how & (USE_WRITTEN | USE_CONNECTED))) {
		need(j, TRACE_WRITE, u->path, l->real);
		return true;
	}
	return false;
}

static void
judge_read(struct judgement *j, const struct trace_use *u, const struct look *l)
{
	bool opened = u->how & (USE_OPENED | USE_MEASURED);
	bool code =
		l->kind == LOOK_PROGRAM || (l->kind == LOOK_SCRIPT && !opened);

	if ((u->how & USE_STARTED) &&
	    (l->kind == LOOK_FILE || l->kind == LOOK_PROGRAM ||
	     l->kind == LOOK_SCRIPT)) {
		need_program(j, u->path, l);
		return;
	}
	if (is_library(j->t, l))
		return;
	if (code)
		need_program(j, u->path, l);
	else if (l->kind != LOOK_FOLDER || opened)
		need_read(j, u->path, l);
	else
		/* folders on the way to something are there without it */
		strv_add_once(&j->t->looked, u->path);
}

/* "/tmp/x" of "/tmp/x/y". */
static char *
top_of(const char *path)
{
	size_t first = strlen("/tmp/");

	return xstrndup(path, first + strcspn(path + first, "/"));
}

/*
 * Its own folder, but for what was there before it: a file that it only reads
 * is the host's, one that it writes its own, as is all below a folder that the
 * host lacks.
 */
static bool
judge_tmp(struct judgement *j, const struct trace_use *u)
{
	struct trace *t = j->t;
	_free_ char *top = NULL;

	if (!path_is_below(u->path, "/tmp"))
		return false;
	if (strcmp(u->path, "/tmp") == 0)
		return true;
	top = top_of(u->path);
	if (strv_has(&t->temporary, top) || access(top, F_OK) < 0)
		return true;
	if (strcmp(top, u->path) != 0 || !(u->how & USE_WRITES))
		return false;
	strv_add(&t->temporary, top);
	if (trace_find(t, TRACE_READ, top))
		strv_addf(j->wanted, "its own %s", top);
	trace_forget(t, TRACE_READ, top);
	return true;
}

static void
judge(struct judgement *j, const struct trace_use *u, const struct look *l)
{
	if (l->kind == LOOK_HUNG) {
		_free_ char *text = xasprintf("%s does not answer", u->path);

		strv_add_once(&j->t->remarks, text);
		return;
	}
	if ((u->how & USE_MEASURED) && l->kind != LOOK_NONE &&
	    !path_is_below(u->path, "/proc") && !path_is_below(u->path, "/sys"))
		j->t->measured = true;
	if (judge_proc(j, u, l) || is_optional(j->t, u->path) ||
	    strcmp(u->path, "/dev") == 0)
		return;
	if (judge_tmp(j, u))
		return;
	/* its own root is there, and says nothing of the host's */
	if (strcmp(u->path, "/") == 0 &&
	    !(u->how & (USE_OPENED | USE_MEASURED)))
		return;
	/* bash asks who it is, and does without */
	if (strcmp(u->path, "/etc/passwd") == 0 &&
	    was_used(j->t, "/dev/tty", USE_WRITTEN)) {
		strv_add_once(&j->t->looked, u->path);
		return;
	}
	if (judge_write(j, u, l) || !l->real)
		return;
	judge_read(j, u, l);
}

void
trace_judge(struct trace *t, struct strv *wanted)
{
	struct judgement j = { t, wanted };
	struct look *all = xcalloc(t->n_uses + 1, sizeof(*all));
	_free_ char **paths = xcalloc(t->n_uses + 1, sizeof(*paths));

	for (size_t i = 0; i < t->n_uses; i++)
		paths[i] = t->uses[i].path;
	look_at(paths, t->n_uses, all);
	for (size_t i = 0; i < t->n_uses; i++) {
		/* /proc/net leads whoever looks to another place */
		if (all[i].real && path_is_below(paths[i], "/proc")) {
			free(all[i].real);
			all[i].real = xstrdup(paths[i]);
		}
		judge(&j, &t->uses[i], &all[i]);
	}
	look_free(all, t->n_uses);
	/* the space of the host's file systems: they have to be there */
	if (t->mounts && t->measured)
		need(&j, TRACE_READ, "/", "/");
}

/* --- What might help ------------------------------------------------------ */

static bool
is_there(const struct trace *t, const char *folder)
{
	for (size_t i = 0; i < t->n_items; i++)
		if (t->items[i].text[0] == '/' &&
		    (path_is_below(t->items[i].text, folder) ||
		     path_is_below(folder, t->items[i].text)))
			return true;
	for (size_t i = 0; i < t->shown->libraries.n; i++)
		if (path_is_below(t->shown->libraries.items[i], folder))
			return true;
	for (size_t i = 0; i < t->shown->exec.n; i++)
		if (path_is_below(t->shown->exec.items[i], folder))
			return true;
	return false;
}

static bool
try_folders(struct trace *t)
{
	bool any = false;

	for (size_t i = 0; i < t->looked.n; i++) {
		const char *path = t->looked.items[i];
		_free_ char *real = realpath(path, NULL);

		if (real && !is_there(t, path) &&
		    trace_need(t, TRACE_READ, path, real, true))
			any = t->items[t->n_items - 1].trial = true;
	}
	return any;
}

static bool
try_capability(struct trace *t, const char *name)
{
	return trace_need(t, TRACE_CAPABILITIES, name, NULL, true) &&
	       (t->items[t->n_items - 1].trial = true);
}

bool
trace_widen(struct trace *t, enum trace_trial trial)
{
	bool any = false;

	if (trial == TRIAL_FOLDERS)
		return try_folders(t);
	for (size_t i = 0; i < t->asked->capabilities.n; i++)
		any |= try_capability(t, t->asked->capabilities.items[i]);
	for (size_t i = 0; i < t->hinted.n; i++)
		any |= try_capability(t, t->hinted.items[i]);
	if (t->closed.n)
		any |= try_capability(t, "dac_read_search");
	return any;
}
