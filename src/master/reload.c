/* A new configuration, of which only what differs is applied. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "worker/configured.h"
#include "master/master.h"

static const struct log_about about = { .component = "config" };

static const char *const words[] = {
	[CONFIG_JOB_ADDED] = "job added",
	[CONFIG_JOB_REMOVED] = "job removed",
	[CONFIG_JOB_CHANGED] = "job changed",
	[CONFIG_DESTINATION_ADDED] = "destination added",
	[CONFIG_DESTINATION_REMOVED] = "destination removed",
	[CONFIG_DESTINATION_CHANGED] = "destination changed",
	[CONFIG_SETTING_CHANGED] = "changed",
};

static void
say_change(void *arg, const struct config_change *c)
{
	(*(size_t *)arg)++;
	log_event(c->needs_restart ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, &about,
		  "%s: %s%s", words[c->kind], c->name,
		  c->needs_restart ? ", which takes a restart" : "");
}

int
reload_check(struct setup *s, struct err *e)
{
	_cleanup_(configured_release) struct configured d = {
		.library = &s->library
	};

	if (config_check(&s->config, configured_check, &d, &s->warnings, e) < 0)
		return -1;
	for (size_t i = 0; i < s->warnings.n; i++)
		log_event(LOG_LEVEL_WARN, &about, "%s", s->warnings.items[i]);
	return 0;
}

static int
load(const struct master *m, struct setup *fresh, struct api_files *files,
     struct err *e)
{
	if (setup_load(fresh, m->config_file, e) < 0 ||
	    reload_check(fresh, e) < 0 ||
	    api_files_read(&fresh->config, files, e) < 0)
		return -1;
	return 0;
}

static void
add_secret(void *arg, const char *text)
{
	(void)arg;
	log_add_secret(text);
}

void
reload_secrets(const struct config *c)
{
	log_forget_secrets();
	config_secrets(c, add_secret, NULL);
}

static void
apply(struct master *m, struct setup *fresh, struct api_files *files)
{
	struct setup *old = m->setup;
	size_t changes = 0;

	config_diff(&old->config, &fresh->config, say_change, &changes);
	config_keep_fixed(&old->config, &fresh->config);
	m->setup = fresh;
	log_set_level(fresh->config.agent.log_level);
	reload_secrets(&fresh->config);
	plugins_forget(&m->plugins, fresh);
	schedules_reload(m);
	pools_warm(m);
	value_free(m->agent.labels);
	m->agent.labels = fresh->config.agent.labels ?
				  value_copy(fresh->config.agent.labels) :
				  NULL;
	forward_reload(m);
	api_reload(m, &old->config, files);
	peers_reload(m);
	events_add(m, "agent.reloaded", value_object());
	setup_release(old);
	free(old);
	log_event(LOG_LEVEL_INFO, &about, "reloaded: %zu changes", changes);
}

int
master_reload(struct master *m, struct err *e)
{
	struct setup *fresh = xcalloc(1, sizeof(*fresh));
	struct api_files files = { NULL, NULL, NULL };

	if (load(m, fresh, &files, e) < 0) {
		setup_release(fresh);
		free(fresh);
		return -1;
	}
	apply(m, fresh, &files);
	return 0;
}

struct differences {
	size_t destinations, others;
};

static void
count_change(void *arg, const struct config_change *c)
{
	struct differences *d = arg;

	if (c->kind == CONFIG_DESTINATION_CHANGED)
		d->destinations++;
	else
		d->others++;
}

void
master_renew_destinations(struct master *m)
{
	_config_ struct config fresh;
	_strv_ struct strv ignored = { 0 };
	struct differences d = { 0 };
	struct err e = ERR_INIT;

	config_init(&fresh);
	if (!m->config_file ||
	    config_load(m->config_file, &fresh, &ignored, &e) < 0)
		return;
	config_diff(&m->setup->config, &fresh, count_change, &d);
	if (d.destinations && !d.others && master_reload(m, &e) < 0)
		log_event(LOG_LEVEL_WARN, &about,
			  "a destination's secrets are others, and can't be "
			  "read again: %s",
			  e.msg);
}
