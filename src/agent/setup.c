#include "agent/setup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/yaml.h"

/* The folder above the program's own: "/usr/local" of /usr/local/bin/x. */
static char *
own_prefix(struct err *e)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (n < 0) {
		err_errno(e, "find the program's own folder");
		return NULL;
	}
	path[n] = '\0';
	for (int up = 0; up < 2; up++) {
		slash = strrchr(path, '/');
		if (slash)
			*slash = '\0';
	}
	return xstrdup(path);
}

/* A source tree finds its own parts, an installed program the packaged ones. */
static int
find_parts(struct setup *s, struct err *e)
{
	_free_ char *prefix = own_prefix(e);
	_free_ char *loader = NULL, *plugins = NULL;

	if (!prefix)
		return -1;
	loader = xasprintf("%s/sdk/python/devops_agent/_loader.py", prefix);
	plugins = xasprintf("%s/plugins", prefix);
	if (access(loader, F_OK) == 0 && access(plugins, F_OK) == 0) {
		s->sdk = xasprintf("%s/sdk/python", prefix);
		s->plugins = steal_ptr(&plugins);
		s->shipped_grants = xasprintf("%s/etc/grants.d", prefix);
		return 0;
	}
	s->sdk = xasprintf("%s/share/devops_agent/sdk/python", prefix);
	s->plugins = xasprintf("%s/share/devops_agent/plugins", prefix);
	s->shipped_grants = xasprintf("%s/share/devops_agent/grants.d", prefix);
	return 0;
}

/* Without a configuration file: where one would be. */
static char *
usual_grants(void)
{
	const char *folder = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	if (geteuid() == 0)
		return xstrdup("/etc/devops_agent/grants.d");
	if (folder && *folder == '/')
		return xasprintf("%s/devops_agent/grants.d", folder);
	return xasprintf("%s/.config/devops_agent/grants.d",
			 home && *home == '/' ? home : "");
}

int
setup_load(struct setup *s, const char *file, struct err *e)
{
	struct config *config = &s->config;

	memset(s, 0, sizeof(*s));
	config_init(config);
	if ((file && config_load(file, config, &s->warnings, e) < 0) ||
	    find_parts(s, e) < 0)
		return -1;
	if (config->plugins.path) {
		free(s->plugins);
		s->plugins = xstrdup(config->plugins.path);
	}
	s->grants = config_grants(config);
	if (!s->grants)
		s->grants = usual_grants();
	config_ceiling(config, &s->ceiling);
	s->library = (struct library){
		.path = s->plugins,
		.python = config->plugins.python.enabled,
		.shell = config->plugins.shell.enabled,
		.yaml = yaml_decode,
	};
	s->runtime = (struct runtime){
		.sdk = s->sdk,
		.python = config->plugins.python.interpreter,
		.shell = config->plugins.shell.interpreter,
		.ceiling = &s->ceiling,
		.require = config->plugins.require,
	};
	return 0;
}

void
setup_release(struct setup *s)
{
	config_release(&s->config);
	strv_release(&s->warnings);
	free(s->plugins);
	free(s->sdk);
	free(s->grants);
	free(s->shipped_grants);
	memset(s, 0, sizeof(*s));
}

int
setup_find(const struct setup *s, const char *name, struct plugin *p,
	   struct err *e)
{
	return strchr(name, '/') ? plugin_load(&s->library, name, p, e) :
				   library_find(&s->library, name, p, e);
}

int
setup_check_grant(const struct setup *s, const struct plugin *p,
		  struct strv *difference, struct err *e)
{
	_cleanup_(grant_release) struct grant g;
	int rc;

	memset(&g, 0, sizeof(g));
	rc = grant_read(s->grants, p->name, s->library.yaml, &g, e);
	if (rc == 0)
		rc = grant_read(s->shipped_grants, p->name, s->library.yaml, &g,
				e);
	if (rc < 0)
		return -1;
	return grant_check(p, rc ? &g : NULL, difference, e);
}

struct program
setup_program(const struct plugin *p)
{
	return (struct program){
		.kind = p->kind,
		.path = p->path,
		.entry = p->entry,
		.manifest = &p->manifest,
		.granted = &p->manifest.permissions,
	};
}
