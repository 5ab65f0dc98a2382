#include <sys/stat.h>
#include <sys/syscall.h>

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/trace.h"
#include "worker/launch.h"

/* Looked for by the C library and by Python, and not missed. */
static const char *const optional[] = {
	"/etc/ld.so.preload",	    "/etc/localtime",
	"/usr/lib/locale",	    "/usr/share/locale",
	"/usr/share/zoneinfo",	    "/usr/local/share/locale",
	"/usr/lib/ssl/openssl.cnf", "/usr/share/locale-langpack",
};

static const char *const private_paths[] = {
	"/tmp",		"/dev/null", "/dev/zero",  "/dev/full",	  "/dev/random",
	"/dev/urandom", "/dev/fd",   "/dev/stdin", "/dev/stdout", "/dev/stderr",
};

void
trace_release(struct trace *t)
{
	permissions_release(&t->needs);
	strv_release(&t->used);
}

static bool
is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 &&
	       (len == 1 || path[len] == '/' || path[len] == '\0');
}

static bool
any_above(const char *const *folders, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (is_below(path, folders[i]))
			return true;
	return false;
}

static bool
list_above(const struct strv *list, const char *path)
{
	return any_above((const char *const *)list->items, list->n, path);
}

/* A process of the sandbox, or what each of them has. */
static bool
is_own_process(const char *path)
{
	return strncmp(path, "/proc/", 6) == 0 &&
	       (isdigit((unsigned char)path[6]) ||
		strncmp(path + 6, "self", 4) == 0 ||
		strncmp(path + 6, "thread-self", 11) == 0);
}

/* What every sandbox shows, or what nobody misses. */
static bool
needs_nothing(const char *path)
{
	return strcmp(path, "/") == 0 || strcmp(path, "/proc") == 0 ||
	       strcmp(path, "/dev") == 0 || is_own_process(path) ||
	       any_above(private_paths, ARRAY_SIZE(private_paths), path) ||
	       any_above(optional, ARRAY_SIZE(optional), path);
}

static void
need(struct trace *t, const char *key, struct strv *list, const char *item)
{
	_free_ char *use = xasprintf("%s %s", key, item);

	strv_add_once(list, item);
	strv_add_once(&t->used, use);
}

/* Programs and libraries: what is mapped as code. */
static bool
is_code(const char *path, const struct stat *st)
{
	_close_ int fd = -1;
	char magic[4] = "";

	if (!S_ISREG(st->st_mode))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd >= 0 && read(fd, magic, 4) == 4 &&
	       (memcmp(magic, "\177ELF", 4) == 0 ||
		((st->st_mode & 0111) && memcmp(magic, "#!", 2) == 0));
}

static void
need_program(struct trace *t, const char *path)
{
	const char *base = strrchr(path, '/') + 1;
	_free_ char *usual = launch_which(base);

	if (strv_has(&t->base->exec, path))
		return;
	need(t, "exec", &t->needs.exec,
	     usual && strcmp(usual, path) == 0 ? base : path);
}

/* A file that is made needs its folder. */
static void
need_write(struct trace *t, const char *path, const struct stat *st)
{
	_free_ char *folder = xstrdup(path);
	char *slash = strrchr(folder, '/');
	struct stat there;

	if (st) {
		need(t, "write", &t->needs.write, path);
		return;
	}
	*slash = '\0';
	if (*folder && stat(folder, &there) == 0)
		need(t, "write", &t->needs.write, folder);
}

static bool
opens(int nr)
{
	return nr == SYS_openat || nr == SYS_openat2 || nr == SYS_chdir ||
#ifdef SYS_open
	       nr == SYS_open ||
#endif
	       nr == SYS_statfs || nr == SYS_inotify_add_watch;
}

static void
access_path(struct trace *t, const struct job_access *a)
{
	struct stat st;
	bool there = stat(a->path, &st) == 0;

	if (needs_nothing(a->path))
		return;
	if (a->write) {
		need_write(t, a->path, there ? &st : NULL);
		return;
	}
	/* folders on the way to something are there; lists are opened */
	if (!there || (S_ISDIR(st.st_mode) && !opens(a->syscall)))
		return;
	if (list_above(&t->base->libraries, a->path) &&
	    a->syscall != SYS_execve && a->syscall != SYS_execveat)
		return;
	if (a->syscall == SYS_execve || a->syscall == SYS_execveat ||
	    is_code(a->path, &st))
		need_program(t, a->path);
	else if (!strv_has(&t->base->exec, a->path))
		need(t, "read", &t->needs.read, a->path);
}

/* "tcp 192.0.2.1:443" */
static void
access_address(struct trace *t, const struct job_access *a)
{
	const char *port = strrchr(a->path, ':');
	char item[32];

	if (strncmp(a->path, "udp ", 4) == 0) {
		need(t, "network", &t->needs.network, "udp");
	} else if (strncmp(a->path, "tcp ", 4) == 0 && port) {
		snprintf(item, sizeof(item), "%s:%.5s",
			 a->syscall == SYS_bind ? "listen" : "tcp", port + 1);
		need(t, "network", &t->needs.network, item);
	} else if (strncmp(a->path, "unix /", 6) == 0) {
		need(t, "write", &t->needs.write, a->path + 5);
	}
}

void
trace_access(struct trace *t, const struct job_access *a)
{
	if (a->path[0] == '/')
		access_path(t, a);
	else
		access_address(t, a);
}

/* "network: [tcp:443]" and the like, as explain_denial() writes them. */
void
trace_denial(struct trace *t, const struct denial *d)
{
	static const struct {
		const char *key;
		size_t list;
	} rows[] = {
		{ "network", offsetof(struct permissions, network) },
		{ "capabilities", offsetof(struct permissions, capabilities) },
		{ "exec", offsetof(struct permissions, exec) },
	};
	_free_ char *copy = xstrdup(d->allow);
	char *open = strchr(copy, '['), *close = strrchr(copy, ']');

	if (!open || !close)
		return;
	*close = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len = strlen(rows[i].key);
		char *item = open + 1;

		if (strncmp(copy, rows[i].key, len) != 0 || copy[len] != ':')
			continue;
		if (*item == '"') {
			item++;
			item[strcspn(item, "\"")] = '\0';
		}
		/* a number that is not known yet: its address will tell */
		if (!strstr(item, "PORT"))
			need(t, rows[i].key,
			     (struct strv *)((char *)&t->needs + rows[i].list),
			     item);
	}
}

static size_t
count(const struct permissions *p)
{
	return p->read.n + p->write.n + p->exec.n + p->network.n +
	       p->capabilities.n;
}

size_t
trace_begin(struct trace *t)
{
	strv_release(&t->used);
	return count(&t->needs);
}

static bool
covered(const struct strv *list, size_t i)
{
	for (size_t k = 0; k < list->n; k++)
		if (k != i && is_below(list->items[i], list->items[k]))
			return true;
	return false;
}

static void
prune(struct trace *t, const char *key, struct strv *list,
      const struct strv *wider)
{
	struct strv kept = { NULL, 0 };

	for (size_t i = 0; i < list->n; i++) {
		const char *item = list->items[i];
		_free_ char *use = xasprintf("%s %s", key, item);

		if (strv_has(&t->used, use) &&
		    !(item[0] == '/' &&
		      (covered(list, i) || (wider && list_above(wider, item)))))
			strv_add(&kept, item);
	}
	strv_release(list);
	*list = kept;
	strv_sort(list);
}

void
trace_finish(struct trace *t)
{
	prune(t, "write", &t->needs.write, NULL);
	prune(t, "read", &t->needs.read, &t->needs.write);
	prune(t, "exec", &t->needs.exec, NULL);
	prune(t, "network", &t->needs.network, NULL);
	prune(t, "capabilities", &t->needs.capabilities, NULL);
}
