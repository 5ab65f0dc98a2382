#include "worker/launch.h"

#include <sys/stat.h>

#include <ctype.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "plugin/args.h"
#include "proto/json.h"
#include "sandbox/explain.h"
#include "worker/program.h"

/* Starts the SDK's loader; its arguments follow. */
static const char boot[] = "import sys;sys.path.insert(0,sys.argv[1]);"
			   "from devops_agent import _loader;_loader.main()";

#define ZONEINFO "/usr/share/zoneinfo"

/* What LANG names: perl and bash complain where it is missing. */
#define LOCALE "/usr/lib/locale/C.utf8"

char *
launch_which(const char *name)
{
	_free_ char *path = xstrdup(LAUNCH_PATH);
	char *save = NULL;

	for (char *dir = strtok_r(path, ":", &save); dir;
	     dir = strtok_r(NULL, ":", &save)) {
		char *full = xasprintf("%s/%s", dir, name);
		struct stat st;

		if (stat(full, &st) == 0 && S_ISREG(st.st_mode) &&
		    (st.st_mode & 0111))
			return full;
		free(full);
	}
	return NULL;
}

static int64_t
least(int64_t asked, int64_t ceiling)
{
	return ceiling > 0 && (asked == 0 || asked > ceiling) ? ceiling : asked;
}

void
launch_limits(const struct manifest *m, const struct runtime *rt,
	      struct limits *out)
{
	const struct limits *a = &m->limits, *c = rt->ceiling;

	*out = (struct limits){
		.timeout_ms = least(a->timeout_ms, c->timeout_ms),
		.memory_bytes = least(a->memory_bytes, c->memory_bytes),
		.cpu_ms = least(a->cpu_ms, c->cpu_ms),
		.processes = least(a->processes, c->processes),
		.files = least(a->files, c->files),
		.output_bytes = least(a->output_bytes, c->output_bytes),
		.tmp_bytes = least(a->tmp_bytes, c->tmp_bytes),
	};
}

static void
set_limits(const struct program *p, const struct runtime *rt,
	   struct sandbox_spec *spec)
{
	struct limits l;

	launch_limits(p->manifest, rt, &l);
	spec->timeout_ms = l.timeout_ms;
	spec->memory_bytes = l.memory_bytes;
	spec->cpu_ms = l.cpu_ms;
	spec->processes = l.processes;
	spec->files = l.files;
	spec->tmp_bytes = l.tmp_bytes;
}

/* --- The command line ----------------------------------------------------- */

/* Package folders of a virtual environment, for the loader. */
static void
add_venv(const char *venv, const char *python, struct sandbox_spec *spec)
{
	char real[PATH_MAX];
	const char *name;

	strv_add_once(&spec->libraries, venv);
	if (!realpath(python, real))
		return;
	name = strrchr(real, '/') + 1;
	strv_addf(&spec->argv, "%s/lib/%s/site-packages", venv, name);
}

static void
python_command(const struct program *p, const struct runtime *rt,
	       struct sandbox_spec *spec)
{
	const char *const words[] = { rt->python, "-I", "-S",	 "-B",
				      "-c",	  boot, rt->sdk, p->path };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		strv_add(&spec->argv, words[i]);
	strv_add(&spec->libraries, rt->sdk);
	program_needs(rt->python, &spec->exec, &spec->libraries);
	if (p->manifest->venv)
		add_venv(p->manifest->venv, rt->python, spec);
}

/* A script is started through its interpreter, which need not be a grant. */
static void
script_command(const struct program *p, const struct runtime *rt,
	       struct sandbox_spec *spec)
{
	program_shebang(p->entry, &spec->argv);
	if (spec->argv.n == 0 && p->kind == PLUGIN_SHELL)
		strv_add(&spec->argv, rt->shell);
	strv_add(&spec->argv, p->entry);
	program_needs(spec->argv.items[0], &spec->exec, &spec->libraries);
}

static int
set_command(const struct program *p, const struct runtime *rt,
	    const struct value *params, struct sandbox_spec *spec,
	    struct err *e)
{
	if (p->kind == PLUGIN_PYTHON)
		python_command(p, rt, spec);
	else
		script_command(p, rt, spec);
	strv_add(&spec->libraries, p->path);
	strv_add(&spec->own, p->path);
	strv_add(&spec->own, p->entry);
	strv_add(&spec->own, spec->argv.items[0]);
	if (p->kind == PLUGIN_PYTHON)
		strv_add(&spec->own, rt->sdk);
	if (p->kind == PLUGIN_EXECUTABLE)
		strv_add_once(&spec->exec, p->entry);
	if (access(spec->argv.items[0], X_OK) < 0) {
		err_errno(e, "start %s", spec->argv.items[0]);
		return err_hint(e, "install it, or name another one in the "
				   "configuration");
	}
	return args_expand(&p->manifest->args, params, &spec->argv, e);
}

/* --- The environment ------------------------------------------------------ */

/* The host's time zone by name, "UTC" where it can't be told. */
static void
add_time_zone(struct sandbox_spec *spec)
{
	const char *tz = getenv("TZ");
	char link[PATH_MAX];
	const char *name = NULL;
	ssize_t n;

	if (!tz || !*tz) {
		n = readlink("/etc/localtime", link, sizeof(link) - 1);
		link[n < 0 ? 0 : n] = '\0';
		name = strstr(link, "/zoneinfo/");
		tz = name ? name + strlen("/zoneinfo/") : "UTC";
	}
	strv_addf(&spec->env, "TZ=%s", tz);
	if (strcmp(tz, "UTC") != 0 && strcmp(tz, "Etc/UTC") != 0)
		strv_add(&spec->read, ZONEINFO);
}

static void
append_value(struct buf *out, const struct value *v)
{
	if (v && v->type == VALUE_STRING)
		buf_add(out, v->u.string.s, v->u.string.len);
	else if (v && v->type != VALUE_NULL)
		json_encode(v, out);
}

/* PARAM_<NAME> for plugins that do not speak the protocol. */
static void
add_parameter(const struct value_member *m, struct sandbox_spec *spec)
{
	_buf_ struct buf text = { 0 };

	buf_adds(&text, "PARAM_");
	for (const char *c = m->key; *c; c++)
		buf_addc(&text, isalnum((unsigned char)*c) ?
					(char)toupper((unsigned char)*c) :
					'_');
	buf_addc(&text, '=');
	append_value(&text, m->value);
	/* what no environment can hold comes by standard input alone */
	if (!text.overflow && !memchr(text.data, '\0', text.len))
		strv_add(&spec->env, text.data);
}

static void
set_environment(const struct program *p, const struct value *params,
		struct sandbox_spec *spec)
{
	const struct strv *names = &p->granted->env;

	strv_add(&spec->env, "PATH=" LAUNCH_PATH);
	strv_add(&spec->env, "LANG=C.UTF-8");
	strv_add(&spec->read, LOCALE);
	strv_add(&spec->env, "HOME=/tmp");
	strv_add(&spec->env, "TMPDIR=/tmp");
	add_time_zone(spec);
	for (size_t i = 0; i < names->n; i++) {
		const char *text = getenv(names->items[i]);

		if (text)
			strv_addf(&spec->env, "%s=%s", names->items[i], text);
	}
	if (p->manifest->output == OUTPUT_RPC || !params)
		return;
	for (size_t i = 0; i < params->u.object.n; i++)
		add_parameter(&params->u.object.members[i], spec);
}

/* --- What was granted ----------------------------------------------------- */

/*
 * "/bin/ps", where "/usr/bin/ps" is shown: one of them makes the link from
 * /bin, which all others are found through then.
 */
static void
add_old_folder(const char *program, struct sandbox_spec *spec)
{
	const char *old = program + strlen("/usr");
	const char *slash = strrchr(program, '/');
	size_t len = (size_t)(slash + 1 - old);
	struct stat a, b;

	if (strncmp(program, "/usr/", 5) != 0 || slash < old + 2 ||
	    stat(program, &a) < 0 || stat(old, &b) < 0 ||
	    a.st_ino != b.st_ino || a.st_dev != b.st_dev)
		return;
	for (size_t i = 0; i < spec->exec.n; i++)
		if (strncmp(spec->exec.items[i], old, len) == 0)
			return;
	strv_add(&spec->exec, old);
}

static void
grant_programs(const struct permissions *g, struct sandbox_spec *spec)
{
	static const char *const everything[] = {
		"/usr",
		"/bin",
		"/sbin",
		"/lib",
		"/lib64",
		"/opt",
		"/etc/alternatives",
		"/etc/ld.so.cache",
	};

	for (size_t i = 0; i < g->exec.n; i++) {
		const char *name = g->exec.items[i];
		_free_ char *found = NULL;

		if (strcmp(name, "*") == 0) {
			spec->exec_any = true;
			for (size_t k = 0; k < ARRAY_SIZE(everything); k++)
				strv_add_once(&spec->libraries, everything[k]);
			continue;
		}
		found = *name == '/' ? xstrdup(name) : launch_which(name);
		if (!found)
			continue;
		program_needs(found, &spec->exec, &spec->libraries);
		if (*name != '/')
			add_old_folder(found, spec);
	}
}

static void
grant_paths(const struct permissions *g, struct sandbox_spec *spec)
{
	struct stat st;

	strv_copy(&spec->read, &g->read);
	strv_copy(&spec->write, &g->write);
	for (size_t i = 0; i < g->write.n; i++)
		if (stat(g->write.items[i], &st) == 0 && S_ISSOCK(st.st_mode))
			spec->unix_sockets = true;
	spec->host_processes = g->processes_host;
}

static void
add_port(struct sandbox_ports *ports, const char *text)
{
	if (ports->n < SANDBOX_MAX_PORTS)
		ports->port[ports->n++] = (uint16_t)strtoul(text, NULL, 10);
}

static void
grant_network(const struct permissions *g, struct sandbox_spec *spec)
{
	for (size_t i = 0; i < g->network.n; i++) {
		const char *item = g->network.items[i];

		if (strcmp(item, "host") == 0)
			spec->host_network = true;
		else if (strcmp(item, "udp") == 0)
			spec->udp = true;
		else if (strncmp(item, "tcp:", 4) == 0)
			add_port(&spec->connect, item + 4);
		else if (strncmp(item, "listen:", 7) == 0)
			add_port(&spec->listen, item + 7);
	}
}

static int
grant_capabilities(const struct permissions *g, struct sandbox_spec *spec,
		   struct err *e)
{
	for (size_t i = 0; i < g->capabilities.n; i++) {
		int bit = explain_capability(g->capabilities.items[i]);

		if (bit < 0)
			return err_set(e, ERR_USAGE,
				       "this host knows no capability %s",
				       g->capabilities.items[i]);
		spec->capabilities |= UINT64_C(1) << bit;
	}
	return 0;
}

static int
grant_user(const struct permissions *g, struct sandbox_spec *spec,
	   struct err *e)
{
	int n = SANDBOX_MAX_GROUPS;
	const struct passwd *pw;

	if (!g->user)
		return 0;
	pw = getpwnam(g->user);
	if (!pw)
		return err_set(e, ERR_USAGE, "this host has no account %s",
			       g->user);
	spec->user_set = true;
	spec->uid = pw->pw_uid;
	spec->gid = pw->pw_gid;
	if (getgrouplist(g->user, pw->pw_gid, spec->groups, &n) < 0)
		return err_set(e, ERR_USAGE, "%s is in more than %d groups",
			       g->user, SANDBOX_MAX_GROUPS);
	spec->n_groups = (size_t)n;
	return 0;
}

/* --- The same, to be kept --------------------------------------------------
 */

struct launch *
launch_new(const struct program *p, const struct runtime *rt,
	   const struct value *params, struct err *e)
{
	struct launch *l = xcalloc(1, sizeof(*l));

	l->refs = 1;
	l->output = p->manifest->output;
	sandbox_spec_init(&l->spec);
	launch_limits(p->manifest, rt, &l->limits);
	l->spec.many_jobs = p->manifest->workers.max_jobs != 1;
	if (launch_prepare(p, rt, params, &l->spec, e) == 0)
		return l;
	launch_unref(l);
	return NULL;
}

struct launch *
launch_ref(struct launch *l)
{
	l->refs++;
	return l;
}

void
launch_unref(struct launch *l)
{
	if (!l || --l->refs)
		return;
	if (l->forget)
		l->forget(l);
	sandbox_spec_release(&l->spec);
	free(l);
}

bool
launch_ahead(const struct manifest *m)
{
	bool named = false;

	for (size_t i = 0; i < m->args.n; i++)
		for (const char *p = m->args.items[i]; (p = strchr(p, '{'));) {
			named |= p[1] != '{';
			p += p[1] == '{' ? 2 : 1;
		}
	return m->output == OUTPUT_RPC && !named;
}

/* --- All of it -------------------------------------------------------------
 */

int
launch_prepare(const struct program *p, const struct runtime *rt,
	       const struct value *params, struct sandbox_spec *spec,
	       struct err *e)
{
	const struct permissions *g = p->granted;

	spec->require = rt->require;
	set_limits(p, rt, spec);
	if (set_command(p, rt, params, spec, e) < 0)
		return -1;
	set_environment(p, params, spec);
	grant_programs(g, spec);
	grant_paths(g, spec);
	grant_network(g, spec);
	spec->unix_sockets |= p->local_sockets;
	if (grant_capabilities(g, spec, e) < 0)
		return -1;
	return grant_user(g, spec, e);
}
