#include "worker/configured.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "plugin/schema.h"

struct configured_plugin {
	char *key; /* as the job has it: a name or an absolute path */
	bool found;
	struct plugin plugin;
	struct err err; /* where it was not found */
};

void
configured_release(struct configured *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->plugins[i].key);
		if (d->plugins[i].found)
			plugin_release(&d->plugins[i].plugin);
	}
	free(d->plugins);
	d->plugins = NULL;
	d->n = 0;
}

static const struct configured_plugin *
read_plugin(struct configured *d, const struct config_job *j)
{
	struct configured_plugin *p;
	struct err why = ERR_INIT;

	d->plugins = xrealloc(d->plugins, d->n + 1, sizeof(*p));
	p = &d->plugins[d->n++];
	memset(p, 0, sizeof(*p));
	p->key = xstrdup(j->plugin ? j->plugin : j->command);
	p->found = (j->plugin ? library_find(d->library, j->plugin, &p->plugin,
					     &why) :
				plugin_load(d->library, j->command, &p->plugin,
					    &why)) == 0;
	p->err = why;
	return p;
}

/* Names have no slash and paths begin with one: neither is taken for it. */
static const struct configured_plugin *
plugin_of(struct configured *d, const struct config_job *j)
{
	const char *key = j->plugin ? j->plugin : j->command;

	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->plugins[i].key, key) == 0)
			return &d->plugins[i];
	return read_plugin(d, j);
}

static int
check_params(const struct plugin *p, const struct config_job *j, struct err *e)
{
	_value_ struct value *params =
		j->params ? value_copy(j->params) : value_object();

	return schema_apply(p->manifest.params, params, e);
}

static int
check_secrets(const struct plugin *p, const struct config_job *j, struct err *e)
{
	const struct strv *asked = &p->manifest.permissions.secrets;

	for (size_t i = 0; i < asked->n; i++)
		if (!value_get(j->secrets, asked->items[i]))
			return err_set(e, ERR_USAGE,
				       "the secret %s is missing, which the "
				       "plugin asks for",
				       asked->items[i]);
	for (size_t i = 0; j->secrets && i < j->secrets->u.object.n; i++) {
		const char *name = j->secrets->u.object.members[i].key;

		if (!strv_has(asked, name))
			return err_set(e, ERR_USAGE,
				       "the plugin asks for no secret %s",
				       name);
	}
	return 0;
}

static int
check_plugin(struct configured *d, const struct config_job *j,
	     enum config_check what, struct err *e)
{
	const struct configured_plugin *p = plugin_of(d, j);

	if (!p->found) {
		*e = p->err;
		return -1;
	}
	if (what == CONFIG_CHECK_PARAMS)
		return check_params(&p->plugin, j, e);
	if (what == CONFIG_CHECK_SECRETS)
		return check_secrets(&p->plugin, j, e);
	return 0;
}

int
configured_check(void *arg, const struct config_job *j, enum config_check what,
		 struct err *e)
{
	struct configured *d = arg;

	switch (what) {
	case CONFIG_CHECK_PLUGIN:
	case CONFIG_CHECK_PARAMS:
	case CONFIG_CHECK_SECRETS:
		if (check_plugin(d, j, what, e) == 0)
			return 0;
		return d->strict ? -1 : 1;
	case CONFIG_CHECK_CRON:
	case CONFIG_CHECK_TIMEZONE:
	case CONFIG_CHECK_METHOD: /* known once it runs */
	case CONFIG_CHECKS:
		break;
	}
	return 0;
}
