#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "config/expand.h"
#include "config/parts.h"
#include "config/yaml.h"

#define LOCAL_FILE "./config.yaml"

/* --- Life --------------------------------------------------------------- */

void
config_init(struct config *c)
{
	memset(c, 0, sizeof(*c));
	c->given = value_object();
	for (size_t i = 0; i < agent_settings.n; i++)
		setting_reset(&agent_settings.rows[i], c);
}

void
config_release(struct config *c)
{
	for (size_t i = 0; i < agent_settings.n; i++)
		setting_release(&agent_settings.rows[i], c);
	value_free(c->given);
	strv_release(&c->secrets);
	free(c->name);
	free(c->file);
	free(c->folder);
	memset(c, 0, sizeof(*c));
}

void
config_ceiling(const struct config *c, struct limits *l)
{
	*l = c->plugins.ceiling;
	for (size_t i = 0; i < agent_settings.n; i++) {
		const struct setting *s = &agent_settings.rows[i];
		size_t start = offsetof(struct config, plugins.ceiling);
		int64_t *n;

		if (s->offset < start || s->offset >= start + sizeof(*l))
			continue;
		n = (int64_t *)(void *)((char *)l + (s->offset - start));
		if (*n == 0)
			*n = s->max;
	}
	/* without a bound of its own, its timeout bounds it */
	l->cpu_ms = c->plugins.ceiling.cpu_ms;
}

char *
config_grants(const struct config *c)
{
	if (c->plugins.grants)
		return xstrdup(c->plugins.grants);
	return c->folder ? path_resolve(c->folder, "grants.d") : NULL;
}

char *
config_storage_path(const struct config *c)
{
	if (c->storage.path)
		return xstrdup(c->storage.path);
	return path_resolve(c->agent.data_dir, "agent.db");
}

/* --- The socket --------------------------------------------------------- */

/* The first of systemd's list; NULL where this is no service. */
static char *
runtime_folder(void)
{
	const char *list = getenv("RUNTIME_DIRECTORY");
	size_t n = list ? strcspn(list, ":") : 0;

	return n && *list == '/' ? xstrndup(list, n) : NULL;
}

char *
config_socket_path(const struct config *c)
{
	_free_ char *runtime = runtime_folder();

	if (c->agent.socket)
		return xstrdup(c->agent.socket);
	return path_resolve(runtime ? runtime : c->agent.data_dir,
			    CONFIG_SOCKET_NAME);
}

/* Whether this is what the service runs with, as far as it can be told. */
static bool
is_of_service(const struct config *c)
{
	return !c->file || strcmp(c->file, CONFIG_SYSTEM_FILE) == 0 ||
	       strcmp(c->agent.data_dir, CONFIG_DATA_DIR) == 0;
}

void
config_client_sockets(const struct config *c, struct strv *paths)
{
	_free_ char *own = config_socket_path(c);

	if (!c->agent.socket && is_of_service(c))
		strv_add_once(paths, CONFIG_SERVICE_SOCKET);
	strv_add_once(paths, own);
}

/* --- Reading ------------------------------------------------------------ */

struct load {
	const char *name; /* of the file, as the user calls it */
	struct config *c;
	struct strv *warnings;
};

static int
load_setting(void *arg, const struct setting *s, const struct value_member *m,
	     struct err *e)
{
	struct load *l = arg;
	const struct setting_place place = {
		.base = l->c,
		.name = "",
		.folder = l->c->folder,
		.secrets = &l->c->secrets,
	};
	bool is_kept =
		s->type != SETTING_JOBS && s->type != SETTING_DESTINATIONS;
	int rc = s->type == SETTING_JOBS ?
			 jobs_load(l->c, m->value, e) :
		 s->type == SETTING_DESTINATIONS ?
			 destinations_load(l->c, m->value, l->warnings, e) :
			 setting_store(s, m->value, &place, e);

	if (rc < 0)
		return -1;
	value_set(l->c->given, s->path,
		  is_kept ? value_copy(m->value) : value_null());
	return 0;
}

/* Some other program's config.yaml has none of the agent's sections. */
static bool
is_foreign(const struct value *v)
{
	if (v->type != VALUE_OBJECT)
		return v->type != VALUE_NULL;
	for (size_t i = 0; i < v->u.object.n; i++) {
		const char *key = v->u.object.members[i].key;

		if (setting_is_section(&agent_settings, key) ||
		    setting_find(&agent_settings, key))
			return false;
	}
	return v->u.object.n > 0;
}

static int
load_text(struct load *l, const char *text, size_t len, struct err *e)
{
	_value_ struct value *v = NULL;

	if (yaml_decode(text, len, 1, 0, &v, e) < 0)
		return -1;
	if (setting_walk(&agent_settings, "", v, load_setting, l, e) == 0) {
		secrets_finish(l->c);
		return 0;
	}
	if (is_foreign(v))
		err_hint(e, "no section in it is the agent's: if it is "
			    "another program's file, name the agent's with "
			    "--config FILE");
	return -1;
}

static char *
absolute(const char *path)
{
	_free_ char *here = getcwd(NULL, 0);

	return path_resolve(here, path);
}

/* So that "..", in a path that is relative to it, is what the kernel says. */
static void
set_folder(struct config *c, const char *path)
{
	_free_ char *file = absolute(path);
	_free_ char *folder = path_resolve(file, "..");
	char *real = realpath(folder, NULL);

	c->folder = real ? real : steal_ptr(&folder);
	c->file = path_resolve(c->folder, strrchr(file, '/') + 1);
}

/* "3:5: what" becomes "FILE:3:5: what". */
static int
add_file_name(const char *name, struct err *e)
{
	struct err inner = *e;

	err_set(e, inner.kind, "%s:%s", name, inner.msg);
	memcpy(e->hint, inner.hint, sizeof(e->hint));
	return -1;
}

int
config_parse(const char *text, size_t len, const char *path, struct config *c,
	     struct strv *warnings, struct err *e)
{
	_config_ struct config fresh;
	struct config old = *c;
	struct load l = {
		.name = path,
		.c = &fresh,
		.warnings = warnings,
	};

	config_init(&fresh);
	fresh.name = xstrdup(path);
	set_folder(&fresh, path);
	if (load_text(&l, text, len, e) < 0)
		return add_file_name(path, e);
	*c = fresh;
	fresh = old;
	return 0;
}

static int
load_defaults(struct config *c)
{
	config_release(c);
	config_init(c);
	return 0;
}

int
config_load(const char *path, struct config *c, struct strv *warnings,
	    struct err *e)
{
	_buf_ struct buf text = { .max = CONFIG_MAX_FILE };

	if (strcmp(path, "/dev/null") == 0)
		return load_defaults(c);
	if (file_read(path, &text, e) < 0) {
		e->kind = ERR_USAGE;
		return err_wrap(e, "configuration");
	}
	return config_parse(text.data, text.len, path, c, warnings, e);
}

/* --- Finding ------------------------------------------------------------ */

/* A link is as good as what it points to, and where that is. */
static int
check_local(struct err *e)
{
	_free_ char *real = realpath(LOCAL_FILE, NULL);

	if (!real)
		return err_errno(e, "%s", LOCAL_FILE);
	if (file_check_trusted(LOCAL_FILE, true, e) < 0)
		return -1;
	return file_check_trusted(real, true, e);
}

static void
warn_passed_over(const struct err *why, struct strv *warnings)
{
	strv_addf(warnings, "%s is passed over: %s%s%s%s", LOCAL_FILE, why->msg,
		  *why->hint ? " (" : "", why->hint, *why->hint ? ")" : "");
}

static bool
exists(const char *path)
{
	return access(path, F_OK) == 0 || errno != ENOENT;
}

char *
config_find(struct strv *warnings)
{
	struct err why = ERR_INIT;

	if (exists(LOCAL_FILE)) {
		if (check_local(&why) == 0)
			return xstrdup(LOCAL_FILE);
		warn_passed_over(&why, warnings);
	}
	return exists(CONFIG_SYSTEM_FILE) ? xstrdup(CONFIG_SYSTEM_FILE) : NULL;
}
