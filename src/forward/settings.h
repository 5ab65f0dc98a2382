/*
 * settings.h: one destination as the master's `configure` describes it.
 *
 * The master has checked the configuration, with its lines; what is wrong here
 * is an error all the same, and stops that destination alone.
 */
#ifndef FORWARD_SETTINGS_H
#define FORWARD_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "pack/compress.h"
#include "model/value.h"

struct format;

struct settings {
	char *text; /* all of it as JSON: to see whether it changed */
	char *name, *url;
	const struct format *format;
	enum compression compression;

	char *bearer, *user, *password; /* NULL: none */
	char *cert, *key, *ca;		/* paths */
	char *proxy;
	struct strv headers; /* "Name: value" */

	int64_t records, bytes, wait_ms; /* of a batch */
	int64_t rate;			 /* records a second, 0: no limit */
	int64_t timeout_ms;		 /* of a request */
	int64_t retry_min_ms, retry_max_ms, probe_ms;
};

/* Fills *s, which is to be released also after a failure. */
int settings_read(struct settings *s, const struct value *v, struct err *e);
void settings_release(struct settings *s); /* also the cleanup function */

/* Who the agent is, as `configure` says it. */
struct forward_agent {
	const char *id, *host, *version;
	const struct value *labels; /* an object */
	char *text;		    /* all of it as JSON */
};

#endif
