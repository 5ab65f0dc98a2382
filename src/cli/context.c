#include "cli/context.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/terminal.h"
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
find_parts(struct context *x, struct err *e)
{
	_free_ char *prefix = own_prefix(e);
	_free_ char *loader = NULL, *plugins = NULL;

	if (!prefix)
		return -1;
	loader = xasprintf("%s/sdk/python/devops_agent/_loader.py", prefix);
	plugins = xasprintf("%s/plugins", prefix);
	if (access(loader, F_OK) == 0 && access(plugins, F_OK) == 0) {
		x->sdk = xasprintf("%s/sdk/python", prefix);
		x->plugins = steal_ptr(&plugins);
		x->shipped_grants = xasprintf("%s/etc/grants.d", prefix);
		return 0;
	}
	x->sdk = xasprintf("%s/share/devops_agent/sdk/python", prefix);
	x->plugins = xasprintf("%s/share/devops_agent/plugins", prefix);
	x->shipped_grants = xasprintf("%s/share/devops_agent/grants.d", prefix);
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

static void
print_warnings(const struct strv *warnings)
{
	for (size_t i = 0; i < warnings->n; i++)
		terminal_say(STYLE_YELLOW, "warning", warnings->items[i]);
}

static int
load_config(struct context *x, const struct cli *c, struct err *e)
{
	_strv_ struct strv passed_over = { NULL, 0 };
	_free_ char *path = NULL;

	config_init(&x->config);
	path = c->config ? xstrdup(c->config) : config_find(&passed_over);
	print_warnings(&passed_over);
	x->config_found = path && !c->config;
	return path ? config_load(path, &x->config, &x->warnings, e) : 0;
}

int
context_open(struct context *x, const struct cli *c, struct err *e)
{
	const struct config *config = &x->config;

	memset(x, 0, sizeof(*x));
	if (load_config(x, c, e) < 0 || find_parts(x, e) < 0)
		return -1;
	if (config->plugins.path) {
		free(x->plugins);
		x->plugins = xstrdup(config->plugins.path);
	}
	x->grants = config_grants(config);
	if (!x->grants)
		x->grants = usual_grants();
	config_ceiling(config, &x->ceiling);
	log_set_level(config->agent.log_level);
	x->library = (struct library){
		.path = x->plugins,
		.python = config->plugins.python.enabled,
		.shell = config->plugins.shell.enabled,
		.yaml = yaml_decode,
	};
	x->runtime = (struct runtime){
		.sdk = x->sdk,
		.python = config->plugins.python.interpreter,
		.shell = config->plugins.shell.interpreter,
		.ceiling = &x->ceiling,
		.require = config->plugins.require,
	};
	return 0;
}

void
context_release(struct context *x)
{
	config_release(&x->config);
	strv_release(&x->warnings);
	free(x->plugins);
	free(x->sdk);
	free(x->grants);
	free(x->shipped_grants);
	memset(x, 0, sizeof(*x));
}

int
context_find(const struct context *x, const char *name, struct plugin *p,
	     struct err *e)
{
	return strchr(name, '/') ? plugin_load(&x->library, name, p, e) :
				   library_find(&x->library, name, p, e);
}

int
context_check_grant(const struct context *x, const struct plugin *p,
		    struct strv *difference, struct err *e)
{
	_cleanup_(grant_release) struct grant g;
	int rc;

	memset(&g, 0, sizeof(g));
	rc = grant_read(x->grants, p->name, x->library.yaml, &g, e);
	if (rc == 0)
		rc = grant_read(x->shipped_grants, p->name, x->library.yaml, &g,
				e);
	if (rc < 0)
		return -1;
	return grant_check(p, rc ? &g : NULL, difference, e);
}

struct program
context_program(const struct plugin *p)
{
	return (struct program){
		.kind = p->kind,
		.path = p->path,
		.entry = p->entry,
		.manifest = &p->manifest,
		.granted = &p->manifest.permissions,
	};
}
