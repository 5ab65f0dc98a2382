/*
 * configured.h: the jobs of a configuration against the plugins there are.
 *
 *	_cleanup_(configured_release) struct configured d = {
 *		.library = &library, .strict = true };
 *
 *	config_check(&config, configured_check, &d, &warnings, &e)
 *
 * A job's plugin is there and can be read, takes its params, and asks for the
 * secrets that it is given and for no others. What is wrong is an error for
 * who is strict (`config check`); otherwise a warning, because one plugin that
 * is not there, or was changed, must not keep the agent from running others.
 */
#ifndef WORKER_CONFIGURED_H
#define WORKER_CONFIGURED_H

#include "config/config.h"
#include "plugin/library.h"

struct configured_plugin;

struct configured {
	const struct library *library;
	bool strict;
	/* private: each plugin is read once, for however many jobs */
	struct configured_plugin *plugins;
	size_t n;
};

/* A config_check_fn; `arg` is a struct configured. */
int configured_check(void *arg, const struct config_job *j,
		     enum config_check what, struct err *e);

void configured_release(struct configured *d); /* cleanup function */

#endif
