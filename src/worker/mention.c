#include "worker/mention.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "worker/launch.h"

/* What ends a path in a message. */
#define BREAKS " \t:;,'\"`()[]{}<>=|\001"

static const char *const refusals[] = {
	"no such file",	 "permission denied",
	"not found",	 "nonexistent",
	"read-only",	 "cannot open",
	"can't open",	 "cannot access",
	"can't exec",	 "operation not permitted",
	"not supported", "bad interpreter",
};

/* Said of what would have been changed or made. */
static const char *const writes[] = {
	"read-only",	    "cannot create",   "can't create",
	"cannot touch",	    "cannot make",     "failed to create",
	"can't open '>",    "can't open >",    "for writing",
	"cannot remove",    "cannot move",     "unable to create",
	"could not create", "could not write",
};

/* In the last lines of a traceback that lead to such. */
static const char *const write_calls[] = {
	"\"w",	    "'w",	  "\"a",	 "'a",	    "\"x",
	"'x",	    "\"r+",	  "'r+",	 "mkdir",   "makedirs",
	"touch(",   "write_text", "write_bytes", "rename(", "replace(",
	"symlink(", "mkstemp",	  "O_CREAT",
};

static const char *const resolving[] = {
	"name resolution",
	"name or service not known",
	"not resolve",
	"nodename nor servname",
	"unknown host",
	"no address associated",
	"bad address",
	"resolving host",
	"invalid hostname/address",
};

static bool
has_any(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasestr(text, list[i]))
			return true;
	return false;
}

#define HAS_ANY(text, list) has_any(text, list, ARRAY_SIZE(list))

static struct mention *
add(struct mentions *all, const char *path)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->items[i].path, path) == 0)
			return &all->items[i];
	if (all->n == MENTIONS_MAX || strlen(path) >= PATH_MAX)
		return NULL;
	all->items[all->n] = (struct mention){ .path = xstrdup(path) };
	return &all->items[all->n++];
}

static void
add_path(struct mentions *all, const char *path, bool write, bool refused)
{
	struct mention *m = add(all, path);

	if (!m)
		return;
	m->write |= write;
	m->refused |= refused;
}

/* "curl": a program of that name, or a path. */
static void
add_program(struct mentions *all, const char *name)
{
	_free_ char *path = *name == '/'      ? xstrdup(name) :
			    strchr(name, '/') ? NULL :
						launch_which(name);
	struct mention *m = path ? add(all, path) : NULL;

	if (m)
		m->program = true;
}

/* --- A line of text ------------------------------------------------------- */

/* The quotes that GNU programs use are three bytes each. */
static char *
without_quotes(const char *line)
{
	char *copy = xstrdup(line);

	for (char *p = copy; *p; p++) {
		if (memcmp(p, "\xe2\x80", strnlen(p, 2)) == 0 && p[1] &&
		    (p[2] == '\x98' || p[2] == '\x99' || p[2] == '\x9c' ||
		     p[2] == '\x9d'))
			memset(p, '\001', 3);
	}
	return copy;
}

static void
add_paths(struct mentions *all, char *line, bool write, bool refused)
{
	char *save = NULL;

	for (char *w = strtok_r(line, BREAKS, &save); w;
	     w = strtok_r(NULL, BREAKS, &save)) {
		size_t len = strlen(w);

		while (len > 1 && strchr(".!?/", w[len - 1]))
			w[--len] = '\0';
		if (w[0] == '/' && w[1] && w[1] != '/')
			add_path(all, w, write, refused);
	}
}

/* A name alone that stands before `end`: "curl" of "sh: 1: curl: not found". */
static void
add_word_before(struct mentions *all, const char *line, const char *end)
{
	const char *start = end;
	_free_ char *name = NULL;

	while (start > line && !strchr(BREAKS, start[-1]))
		start--;
	name = xstrndup(start, (size_t)(end - start));
	if (*name)
		add_program(all, name);
}

/* The first word from `start`, quoted or not. */
static void
add_word_after(struct mentions *all, const char *start)
{
	_free_ char *name = NULL;

	start += strspn(start, " '\"\001");
	name = xstrndup(start, strcspn(start, BREAKS));
	if (*name)
		add_program(all, name);
}

/* "dash: 12: NAME: not found": a number stands before the name. */
static bool
is_dash(const char *line, const char *end)
{
	const char *p = end;

	while (p > line && p[-1] != ':')
		p--;
	if (p - line < 3)
		return false;
	for (p -= 2; p > line && isdigit((unsigned char)*p); p--)
		;
	return p > line && p[-1] == ':' && *p == ' ' &&
	       isdigit((unsigned char)p[1]);
}

/* Programs that start others, and say so where there is none. */
static bool
is_starter(const char *line)
{
	static const char *const starters[] = { "env",	 "xargs",   "nice",
						"nohup", "timeout", "setsid" };
	const char *colon = strchr(line, ':');

	for (size_t i = 0; colon && i < ARRAY_SIZE(starters); i++) {
		size_t len = strlen(starters[i]);

		if ((size_t)(colon - line) >= len &&
		    strncmp(colon - len, starters[i], len) == 0 &&
		    (colon - len == line || colon[-(long)len - 1] == '/'))
			return true;
	}
	return false;
}

static void
add_programs(struct mentions *all, const char *line, bool spawns)
{
	static const char *const before[] = { ": command not found",
					      ": Permission denied" };
	static const char *const after[] = { "Can't exec ",
					     "failed to run command",
					     "cannot run " };
	const char *end = strstr(line, ": not found");

	if (end && is_dash(line, end))
		add_word_before(all, line, end);
	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		end = strstr(line, before[i]);
		if (end && (i == 0 || is_dash(line, end)))
			add_word_before(all, line, end);
	}
	for (size_t i = 0; i < ARRAY_SIZE(after); i++) {
		const char *start = strstr(line, after[i]);

		if (start)
			add_word_after(all, start + strlen(after[i]));
	}
	if (is_starter(line))
		add_word_after(all, strchr(line, ':') + 1);
	/* as Python says it */
	end = strstr(line, "No such file or directory: '");
	if (!end)
		end = strstr(line, "Permission denied: '");
	if (end && spawns)
		add_word_after(all, strchr(end, '\''));
}

/* "sh: 3: NAME: parameter not set", "NAME: unbound variable", $ENV{"NAME"} */
static void
add_variables(struct mentions *all, const char *line)
{
	static const char *const ends[] = { ": parameter not set",
					    ": unbound variable" };
	const char *perl = strstr(line, "$ENV{");

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		const char *end = strstr(line, ends[i]), *start = end;

		while (start && start > line && !strchr(BREAKS, start[-1]))
			start--;
		if (end)
			strv_addf(&all->variables, "%.*s", (int)(end - start),
				  start);
	}
	if (perl) {
		perl += strlen("$ENV{");
		perl += strspn(perl, "\"'");
		strv_addf(&all->variables, "%.*s", (int)strcspn(perl, "\"'}"),
			  perl);
	}
}

static void
mention_line(struct mentions *all, const char *text, bool spawns)
{
	_free_ char *line = without_quotes(text);

	add_variables(all, line);
	if (HAS_ANY(line, resolving)) {
		add_path(all, "/etc/resolv.conf", false, false);
		add_path(all, "/etc/hosts", false, false);
	}
	if (!HAS_ANY(line, refusals))
		return;
	add_programs(all, line, spawns);
	all->netlink |= strcasestr(line, "netlink") != NULL;
	all->raw |= strcasestr(line, "raw") || strcasestr(line, "icmp") ||
		    strcasestr(line, "ping: ");
	add_paths(all, line, HAS_ANY(line, writes),
		  strcasestr(line, "permission denied") != NULL);
}

void
mention_text(struct mentions *all, const char *text, const char *whole)
{
	_free_ char *copy = xstrdup(text);
	bool spawns = whole && strstr(whole, "_execute_child");
	char *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		mention_line(all, line, spawns);
}

/* --- An exception --------------------------------------------------------- */

/* The call that failed: the last lines but one. */
static bool
was_writing(const char *traceback)
{
	const char *p = traceback + strlen(traceback);
	int lines = 0;

	while (p > traceback && lines < 4)
		lines += *--p == '\n';
	return HAS_ANY(p, write_calls);
}

static void
mention_key(struct mentions *all, const struct value *data, const char *trace)
{
	const char *end = strrchr(trace, '\'');
	const char *start = strstr(trace, "KeyError: '");

	if (strcmp(value_get_string(data, "type", ""), "KeyError") != 0 ||
	    !strstr(trace, "environ") || !start)
		return;
	start += strlen("KeyError: '");
	if (end > start)
		strv_addf(&all->variables, "%.*s", (int)(end - start), start);
}

void
mention_error(struct mentions *all, const struct value *data)
{
	static const char *const keys[] = { "filename", "filename2" };
	const char *trace = value_get_string(data, "traceback", "");
	int64_t number = value_get_int(data, "errno", 0);
	bool write = number == EROFS || was_writing(trace);

	mention_key(all, data, trace);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *name = value_get_string(data, keys[i], "");

		if (strstr(trace, "_execute_child"))
			add_program(all, name);
		else if (name[0] == '/' && name[1])
			add_path(all, name, write, number == EACCES);
	}
}

void
mentions_release(struct mentions *all)
{
	for (size_t i = 0; i < all->n; i++)
		free(all->items[i].path);
	strv_release(&all->variables);
}
