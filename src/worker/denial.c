#include "worker/denial.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "worker/launch.h"

#define MAX_WORDS 64
#define LOOK_MS 500

/* A name that the plugin mentioned. */
struct mention {
	char path[PATH_MAX];
	bool write;
	bool program; /* is one, and may be started */
};

void
denial_add(struct record *r, const struct denial *d)
{
	struct value *v;

	if (!r->denials)
		r->denials = value_array();
	for (size_t i = 0; i < r->denials->u.array.n; i++) {
		const struct value *old = r->denials->u.array.items[i];

		if (strcmp(value_get_string(old, "access", ""), d->access) ==
			    0 &&
		    strcmp(value_get_string(old, "object", ""), d->object) == 0)
			return;
	}
	if (r->denials->u.array.n == DENIALS_MAX)
		return;
	v = value_object();
	value_set(v, "access", value_string(d->access));
	value_set(v, "object", value_string(d->object));
	value_set(v, "allow",
		  d->allow[0] ? value_string(d->allow) : value_null());
	value_append(r->denials, v);
}

/* --- What the sandbox shows ---------------------------------------------- */

static bool
is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 &&
	       (len == 1 || path[len] == '/' || path[len] == '\0');
}

static bool
any_covers(const struct strv *folders, const char *path)
{
	for (size_t i = 0; i < folders->n; i++)
		if (is_below(path, folders->items[i]))
			return true;
	return false;
}

static bool
is_private(const char *path)
{
	static const char *const own[] = {
		"/tmp",	       "/dev/null",    "/dev/zero", "/dev/full",
		"/dev/random", "/dev/urandom", "/dev/fd",
	};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (is_below(path, own[i]))
			return true;
	/* processes are there; what else /proc has, has to be granted */
	return strncmp(path, "/proc/", 6) == 0 &&
	       (isdigit((unsigned char)path[6]) ||
		strncmp(path + 6, "self", 4) == 0);
}

static bool
may_read(const struct sandbox_spec *s, const char *path)
{
	return is_private(path) || any_covers(&s->read, path) ||
	       any_covers(&s->write, path) || any_covers(&s->libraries, path) ||
	       strv_has(&s->exec, path);
}

/* --- What the host has ---------------------------------------------------- */

/* One byte for each: 'f' a file, 'x' one that can be started, '-' none. */
static _Noreturn void
look(const struct mention *m, size_t n, int out)
{
	char found[MAX_WORDS];

	for (size_t i = 0; i < n; i++) {
		struct stat st;

		found[i] = '-';
		if (stat(m[i].path, &st) == 0)
			found[i] = S_ISREG(st.st_mode) && (st.st_mode & 0111) ?
					   'x' :
					   'f';
	}
	_exit(write(out, found, n) == (ssize_t)n ? 0 : 1);
}

/*
 * Look for all of them, in a child: the names are the plugin's choice, and
 * one on a network mount whose server is gone would hold us up for ever.
 */
static bool
look_on_host(const struct mention *m, size_t n, char found[MAX_WORDS])
{
	_close_ int in = -1;
	struct pollfd p = { .events = POLLIN };
	int ends[2];
	bool ok = false;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	in = p.fd = ends[0];
	pid = fork();
	if (pid == 0)
		look(m, n, ends[1]);
	close(ends[1]);
	if (pid < 0)
		return false;
	if (poll(&p, 1, LOOK_MS) > 0)
		ok = read(in, found, n) == (ssize_t)n;
	kill(pid, SIGKILL);
	/* one that hangs is left behind, and is init's when we are gone */
	waitpid(pid, NULL, ok ? 0 : WNOHANG);
	return ok;
}

/* --- What the plugin mentioned -------------------------------------------- */

struct mentions {
	struct mention *items;
	size_t n;
	const struct sandbox_spec *spec;
};

static void
mention(struct mentions *all, const char *path, bool write, bool program)
{
	struct mention *m = &all->items[all->n];

	if (all->n == MAX_WORDS || strlen(path) >= sizeof(m->path))
		return;
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->items[i].path, path) == 0)
			return;
	if (write   ? any_covers(&all->spec->write, path) :
	    program ? strv_has(&all->spec->exec, path) :
		      may_read(all->spec, path))
		return;
	snprintf(m->path, sizeof(m->path), "%s", path);
	m->write = write;
	m->program = program;
	all->n++;
}

/* "curl" of "sh: 1: curl: not found": a program of that name. */
static void
mention_program(struct mentions *all, const char *name)
{
	_free_ char *path = launch_which(name);

	if (path)
		mention(all, path, false, true);
}

/* The word before "not found" or "command not found". */
static void
mention_missing(struct mentions *all, const char *line)
{
	_free_ char *copy = xstrdup(line);
	char *end = strstr(copy, ": not found");
	char *command = strstr(copy, ": command not found");
	char *start;

	if (!end || (command && command < end))
		end = command;
	if (!end)
		return;
	*end = '\0';
	start = end;
	while (start > copy && !strchr(" :", start[-1]))
		start--;
	if (*start && !strchr(start, '/'))
		mention_program(all, start);
}

/* Cut a line at blanks, quotes, colons and brackets, as messages put them. */
static void
mention_line(struct mentions *all, const char *line)
{
	bool write = strstr(line, "Read-only") != NULL;
	_free_ char *copy = xstrdup(line);
	char *save = NULL;

	for (char *w = strtok_r(copy, " \t:;,'\"`()[]<>", &save); w;
	     w = strtok_r(NULL, " \t:;,'\"`()[]<>", &save))
		if (w[0] == '/' && w[1])
			mention(all, w, write, false);
	mention_missing(all, line);
}

static bool
is_refusal(const char *line)
{
	static const char *const words[] = {
		"No such file",
		"Permission denied",
		"not found",
		"Read-only",
		"cannot open",
		"can't open",
		"Operation not permitted",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasestr(line, words[i]))
			return true;
	return false;
}

static void
mention_text(struct mentions *all, const char *text)
{
	_free_ char *copy = xstrdup(text);
	char *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (is_refusal(line))
			mention_line(all, line);
}

static void
mention_error(struct mentions *all, const struct value *data)
{
	static const char *const keys[] = { "filename", "filename2" };
	int64_t number = value_get_int(data, "errno", 0);

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *name = value_get_string(data, keys[i], "");

		if (name[0] == '/' && number == EROFS)
			mention(all, name, true, false);
		else if (name[0] == '/')
			mention(all, name, false, false);
		else if (*name && !strchr(name, '/') && number == ENOENT)
			mention_program(all, name);
	}
}

static void
add_mention(struct record *r, const struct mention *m, char found)
{
	struct denial d;
	const char *key = m->write		     ? "write" :
			  m->program || found == 'x' ? "exec" :
						       "read";
	const char *name = m->path;

	/* a program in the usual folders is asked for by its name */
	if (strcmp(key, "exec") == 0) {
		const char *base = strrchr(m->path, '/') + 1;
		_free_ char *usual = launch_which(base);

		if (usual && strcmp(usual, m->path) == 0)
			name = base;
	}
	memset(&d, 0, sizeof(d));
	snprintf(d.access, sizeof(d.access), "%s", key);
	snprintf(d.object, sizeof(d.object), "%.1023s", m->path);
	if ((size_t)snprintf(d.allow, sizeof(d.allow), "%s: [%s]", key, name) >=
	    sizeof(d.allow))
		d.allow[0] = '\0';
	denial_add(r, &d);
}

void
denial_from_failure(struct record *r, const struct sandbox_spec *spec,
		    const char *text)
{
	struct mentions all = { .spec = spec };
	_free_ struct mention *items = xcalloc(MAX_WORDS, sizeof(*items));
	char found[MAX_WORDS];

	all.items = items;
	if (r->error_data)
		mention_error(&all, r->error_data);
	if (r->error_message)
		mention_text(&all, r->error_message);
	if (text)
		mention_text(&all, text);
	if (all.n == 0 || !look_on_host(items, all.n, found))
		return;
	for (size_t i = 0; i < all.n; i++)
		if (found[i] != '-')
			add_mention(r, &items[i], found[i]);
}
