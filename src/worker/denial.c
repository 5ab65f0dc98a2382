#include "worker/denial.h"

#include <linux/capability.h>
#include <sys/stat.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "plugin/items.h"
#include "worker/launch.h"
#include "worker/look.h"
#include "worker/mention.h"

/* One job's failure. */
struct failure {
	struct record *record;
	const struct sandbox_spec *spec;
	struct mentions said;
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

/* --- The line that would allow it ----------------------------------------- */

/* As YAML reads it: in quotes where it holds what has a meaning there. */
static void
append_item(struct buf *out, const char *item)
{
	bool bare = (isalpha((unsigned char)*item) || *item == '/') &&
		    item[strspn(item, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM"
				      "NOPQRSTUVWXYZ0123456789/._-")] == '\0';

	if (!bare)
		buf_addc(out, '"');
	for (; *item; item++)
		buf_addf(out, *item == '"' || *item == '\\' ? "\\%c" : "%c",
			 *item);
	if (!bare)
		buf_addc(out, '"');
}

static void
add(struct failure *f, const char *access, const char *object, const char *key,
    const char *item)
{
	_buf_ struct buf allow = { 0 };
	struct denial d;

	memset(&d, 0, sizeof(d));
	buf_addf(&allow, "%s: [", key);
	append_item(&allow, item);
	buf_addc(&allow, ']');
	snprintf(d.access, sizeof(d.access), "%s", access);
	snprintf(d.object, sizeof(d.object), "%s", object);
	/* half a line would allow something else */
	if (allow.len < sizeof(d.allow))
		memcpy(d.allow, allow.data, allow.len);
	denial_add(f->record, &d);
}

/* A program in the usual folders is asked for by its name. */
static void
add_exec(struct failure *f, const char *path)
{
	const char *base = strrchr(path, '/') + 1;
	_free_ char *usual = launch_which(base);
	bool by_name = usual && (strcmp(usual, path) == 0 ||
				 (strncmp(usual, "/usr/", 5) == 0 &&
				  strcmp(usual + 4, path) == 0));

	add(f, "exec", path, "exec", by_name ? base : path);
}

/* --- What the sandbox shows ----------------------------------------------- */

static bool
is_private(const char *path)
{
	static const char *const own[] = {
		"/dev/null",   "/dev/zero",    "/dev/full",
		"/dev/random", "/dev/urandom", "/dev/fd",
	};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (path_is_below(path, own[i]))
			return true;
	/* processes are there; what else /proc has, has to be granted */
	return strcmp(path, "/tmp") == 0 || strcmp(path, "/proc") == 0 ||
	       strcmp(path, "/dev") == 0 ||
	       (strncmp(path, "/proc/", 6) == 0 &&
		(isdigit((unsigned char)path[6]) ||
		 strncmp(path + 6, "self", 4) == 0));
}

/* "/" shows nothing of /proc: that is the sandbox's own. */
static bool
granted(const struct strv *list, const char *path)
{
	for (size_t i = 0; i < list->n; i++)
		if (path_is_below(path, list->items[i]) &&
		    !(strcmp(list->items[i], "/") == 0 &&
		      path_is_below(path, "/proc")))
			return true;
	return false;
}

static bool
may_read(const struct sandbox_spec *s, const char *path)
{
	return is_private(path) || granted(&s->read, path) ||
	       granted(&s->write, path) || granted(&s->libraries, path) ||
	       strv_has(&s->exec, path) ||
	       (s->host_processes && path_is_below(path, "/proc"));
}

/* A folder that something visible is in is there itself. */
static bool
is_on_the_way(const struct sandbox_spec *s, const char *folder)
{
	const struct strv *lists[] = { &s->read, &s->write, &s->libraries,
				       &s->exec };

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
		for (size_t i = 0; i < lists[l]->n; i++)
			if (path_is_below(lists[l]->items[i], folder))
				return true;
	return false;
}

/* Granted, but only its owner, or root, could use it. */
static void
judge_mode(struct failure *f, const struct mention *m, const struct look *l)
{
	mode_t bit = m->write ? S_IWOTH : S_IROTH;
	int capability = m->write ? CAP_DAC_OVERRIDE : CAP_DAC_READ_SEARCH;

	if (!m->refused || geteuid() != 0 || f->spec->user_set ||
	    (l->mode & bit) || (f->spec->capabilities & 1ULL << capability))
		return;
	add(f, m->write ? "write" : "read", m->path, "capabilities",
	    m->write ? "dac_override" : "dac_read_search");
}

static bool
may_start(const struct sandbox_spec *s, const char *path, const struct look *l)
{
	/* a library, or what needs no permission of its own */
	return strv_has(&s->exec, path) || strv_has(&s->exec, l->real) ||
	       granted(&s->libraries, path) ||
	       granted(&s->libraries, l->real) ||
	       (s->exec_any && may_read(s, path));
}

/* What would have been written: the file, or the folder that it is new in. */
static void
judge_write(struct failure *f, const struct mention *m, const struct look *l)
{
	_free_ char *folder = xstrdup(m->path);
	struct look *in = xcalloc(1, sizeof(*in));

	if (l->kind == LOOK_NONE) {
		*strrchr(folder, '/') = '\0';
		if (*folder)
			look_at(&folder, 1, in);
		if (in->kind == LOOK_FOLDER && strcmp(folder, "/tmp") != 0 &&
		    !granted(&f->spec->write, folder))
			add(f, "write", m->path, "write", folder);
		else if (in->kind == LOOK_FOLDER)
			judge_mode(f, m, in);
	} else if (granted(&f->spec->write, m->path)) {
		judge_mode(f, m, l);
	} else {
		add(f, "write", m->path, "write", m->path);
	}
	look_free(in, 1);
}

static void
judge(struct failure *f, const struct mention *m, const struct look *l)
{
	bool program =
		m->program || l->kind == LOOK_PROGRAM || l->kind == LOOK_SCRIPT;

	if (l->kind == LOOK_HUNG || is_private(m->path))
		return;
	if (m->write) {
		/* a script says its own name first */
		if (!strv_has(&f->spec->libraries, m->path) &&
		    !strv_has(&f->spec->exec, m->path))
			judge_write(f, m, l);
		return;
	}
	if (l->kind == LOOK_NONE)
		return;
	if (program && l->kind != LOOK_FOLDER &&
	    (m->refused || m->program || !may_read(f->spec, m->path))) {
		if (!may_start(f->spec, m->path, l))
			add_exec(f, m->path);
	} else if (may_read(f->spec, m->path)) {
		judge_mode(f, m, l);
	} else if (l->kind != LOOK_FOLDER || !is_on_the_way(f->spec, m->path) ||
		   m->refused) {
		add(f, "read", m->path, "read", m->path);
	}
}

/* --- All of it ------------------------------------------------------------ */

static bool
has_variable(const struct sandbox_spec *s, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < s->env.n; i++)
		if (strncmp(s->env.items[i], name, len) == 0 &&
		    s->env.items[i][len] == '=')
			return true;
	return false;
}

static void
judge_variables(struct failure *f)
{
	for (size_t i = 0; i < f->said.variables.n; i++) {
		const char *name = f->said.variables.items[i];
		_free_ char *normal = NULL;
		struct err e = ERR_INIT;

		if (getenv(name) && !has_variable(f->spec, name) &&
		    item_env(name, &normal, &e) == 0)
			add(f, "env", name, "env", name);
	}
}

/* Sockets that the kernel refuses without asking us. */
static void
judge_sockets(struct failure *f)
{
	const struct sandbox_spec *s = f->spec;

	if (f->said.netlink && !s->host_network)
		add(f, "socket", "AF_NETLINK", "network", "host");
	if (f->said.raw && s->host_network &&
	    !(s->capabilities & 1ULL << CAP_NET_RAW))
		add(f, "socket", "SOCK_RAW", "capabilities", "net_raw");
}

static void
judge_paths(struct failure *f)
{
	char *paths[MENTIONS_MAX];
	struct look *all;

	if (!f->said.n)
		return;
	all = xcalloc(f->said.n, sizeof(*all));
	for (size_t i = 0; i < f->said.n; i++)
		paths[i] = f->said.items[i].path;
	look_at(paths, f->said.n, all);
	for (size_t i = 0; i < f->said.n; i++)
		judge(f, &f->said.items[i], &all[i]);
	look_free(all, f->said.n);
}

static void
listen(struct failure *f, const char *text)
{
	const struct record *r = f->record;
	const char *trace = value_get_string(r->error_data, "traceback", text);

	if (r->error_data)
		mention_error(&f->said, r->error_data);
	if (r->error_message)
		mention_text(&f->said, r->error_message, trace);
	if (text)
		mention_text(&f->said, text, trace);
}

bool
denial_from_text(struct record *r, const struct sandbox_spec *spec,
		 const char *text)
{
	struct failure f = { .record = r, .spec = spec };
	bool more;

	listen(&f, text);
	judge_variables(&f);
	judge_sockets(&f);
	more = f.said.n > 0;
	mentions_release(&f.said);
	return more;
}

void
denial_from_paths(struct record *r, const struct sandbox_spec *spec,
		  const char *text)
{
	struct failure f = { .record = r, .spec = spec };

	listen(&f, text);
	judge_paths(&f);
	mentions_release(&f.said);
}
