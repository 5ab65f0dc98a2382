#include <sys/syscall.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/trace.h"

/* More is not kept: whoever uses that many is given folders. */
#define MAX_USES 8192

static const struct {
	int nr;
	unsigned how;	/* where it reads */
	unsigned write; /* where it would change something */
} calls[] = {
#ifdef SYS_open
	{ SYS_open, USE_OPENED, USE_WRITTEN },
	{ SYS_creat, 0, USE_WRITTEN },
	{ SYS_mkdir, 0, USE_MADE_FOLDER },
	{ SYS_rmdir, 0, USE_REMOVED },
	{ SYS_unlink, 0, USE_REMOVED },
	{ SYS_rename, 0, USE_MADE },
	{ SYS_link, 0, USE_MADE },
	{ SYS_symlink, 0, USE_MADE },
	{ SYS_mknod, 0, USE_MADE },
#endif
	{ SYS_openat, USE_OPENED, USE_WRITTEN },
	{ SYS_openat2, USE_OPENED, USE_WRITTEN },
	{ SYS_inotify_add_watch, USE_OPENED, 0 },
	{ SYS_chdir, USE_ENTERED, 0 },
	{ SYS_statfs, USE_MEASURED, 0 },
	{ SYS_execve, USE_STARTED, 0 },
	{ SYS_execveat, USE_STARTED, 0 },
	{ SYS_mkdirat, 0, USE_MADE_FOLDER },
	{ SYS_unlinkat, 0, USE_REMOVED },
	{ SYS_renameat, 0, USE_MADE },
	{ SYS_renameat2, 0, USE_MADE },
	{ SYS_linkat, 0, USE_MADE },
	{ SYS_symlinkat, 0, USE_MADE },
	{ SYS_mknodat, 0, USE_MADE },
	{ SYS_connect, USE_CONNECTED, USE_CONNECTED },
	{ SYS_sendto, USE_CONNECTED, USE_CONNECTED },
	{ SYS_bind, USE_MADE, USE_MADE },
};

static unsigned
how_used(const struct job_access *a)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].nr == a->syscall)
			return a->write ? calls[i].write : calls[i].how;
	return a->write ? USE_WRITTEN : USE_LOOKED;
}

static void
use_path(struct trace *t, const char *path, unsigned how)
{
	for (size_t i = 0; i < t->n_uses; i++) {
		if (strcmp(t->uses[i].path, path) == 0) {
			t->uses[i].how |= how;
			return;
		}
	}
	if (t->n_uses == MAX_USES)
		return;
	if (t->n_uses % 256 == 0)
		t->uses = xrealloc(t->uses, t->n_uses + 256, sizeof(*t->uses));
	t->uses[t->n_uses++] = (struct trace_use){ xstrdup(path), how };
}

/* "tcp 192.0.2.1:443", "udp [::1]:53", "unix /run/x", "unix @x" */
static void
use_address(struct trace *t, const struct job_access *a)
{
	const char *port = strrchr(a->path, ':');
	char item[32];

	if (strncmp(a->path, "udp ", 4) == 0) {
		trace_need(t, TRACE_NETWORK, "udp", NULL, false);
	} else if (strncmp(a->path, "tcp ", 4) == 0 && port) {
		snprintf(item, sizeof(item), "%s:%.5s",
			 a->syscall == SYS_bind ? "listen" : "tcp", port + 1);
		if (strcmp(port, ":0") != 0)
			trace_need(t, TRACE_NETWORK, item, NULL, false);
	} else if (strncmp(a->path, "unix /", 6) == 0) {
		use_path(t, a->path + 5, how_used(a));
	} else if (strncmp(a->path, "unix @", 6) == 0) {
		trace_need(t, TRACE_NETWORK, "host", NULL, true);
	}
}

void
trace_access(struct trace *t, const struct job_access *a)
{
	if (a->path[0] == '/')
		use_path(t, a->path, how_used(a));
	else
		use_address(t, a);
}

/* One of "network: [host], capabilities: [net_raw]". */
static void
need_line(struct trace *t, const char *key, size_t len, const char *item)
{
	bool address = strcmp(item, "udp") == 0 || strchr(item, ':');

	for (int k = 0; k < TRACE_KEYS; k++) {
		if (strlen(trace_key_name(k)) != len ||
		    strncmp(trace_key_name(k), key, len) != 0)
			continue;
		/* files and programs were seen; what stands for a number or
		 * for a path is not known yet, and its address will tell */
		if (strcmp(item, "SOCKET") == 0)
			t->local_sockets = true;
		else if (k == TRACE_NETWORK && strstr(item, "PORT"))
			t->tcp_sockets = true;
		else if (k == TRACE_CAPABILITIES)
			strv_add_once(&t->hinted, item);
		else if (k == TRACE_NETWORK ||
			 (k == TRACE_EXEC && strcmp(item, "*") == 0))
			trace_need(t, k, item, NULL, !address);
	}
}

void
trace_denial(struct trace *t, const char *allow)
{
	_free_ char *copy = xstrdup(allow);
	char *save = NULL;

	for (char *key = strtok_r(copy, "]", &save); key;
	     key = strtok_r(NULL, "]", &save)) {
		char *colon, *item = strchr(key, '[');

		key += strspn(key, ", ");
		colon = strchr(key, ':');
		if (!item || !colon || colon > item)
			continue;
		item++;
		if (*item == '"') {
			item++;
			item[strcspn(item, "\"")] = '\0';
		}
		need_line(t, key, (size_t)(colon - key), item);
	}
}

void
trace_begin(struct trace *t, const struct sandbox_spec *shown)
{
	for (size_t i = 0; i < t->n_uses; i++)
		free(t->uses[i].path);
	t->n_uses = 0;
	for (size_t i = 0; i < t->n_items; i++)
		t->items[i].used = false;
	t->mounts = t->measured = false;
	t->shown = shown;
	strv_release(&t->looked);
	strv_release(&t->real_libraries);
	for (size_t i = 0; i < shown->libraries.n; i++) {
		_free_ char *real = realpath(shown->libraries.items[i], NULL);

		if (real)
			strv_add(&t->real_libraries, real);
	}
}
