/*
 * settings.h: what the master's `configure` says, checked.
 *
 * The api opens no file: certificates come as text.
 */
#ifndef API_SETTINGS_H
#define API_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "proto/json.h"

struct http_settings {
	struct strv hosts;
	char *cert, *key, *client_ca; /* PEM; NULL: no TLS, no certificates of
				       * clients */
	bool metrics;
	int64_t connections; /* open at once */
	int64_t per_address; /* from one address that is not loopback */
	int64_t streams;     /* of events, open at once */
	int64_t body_bytes;
	int64_t held_bytes; /* of all answers that wait to be read */
	int64_t header_ms;  /* from the first byte to the end of a header */
	int64_t idle_ms;    /* between requests */
	int64_t request_ms; /* for a body to come, for the master to answer */
};

/* `s` is to be zero; its members stay as they were where it fails. */
int http_settings_read(struct json_text params, struct http_settings *s,
		       struct err *e);
void http_settings_release(struct http_settings *s);

#endif
