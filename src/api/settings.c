#include "api/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/value.h"

#define BODY_DEFAULT                                            \
	((1 << 20) - 32768) /* fits a message with its envelope \
			     */

static const struct {
	const char *name;
	size_t at;
	int64_t fallback, least, most;
} limits[] = {
	{ "connections", offsetof(struct http_settings, connections), 11000, 1,
	  100000 },
	{ "per_address", offsetof(struct http_settings, per_address), 256, 1,
	  100000 },
	{ "streams", offsetof(struct http_settings, streams), 2000, 0, 100000 },
	{ "body_bytes", offsetof(struct http_settings, body_bytes),
	  BODY_DEFAULT, 1024, BODY_DEFAULT },
	{ "held_bytes", offsetof(struct http_settings, held_bytes), 256 << 20,
	  1 << 20, INT64_C(1) << 40 },
	{ "header_ms", offsetof(struct http_settings, header_ms), 10000, 100,
	  600000 },
	{ "idle_ms", offsetof(struct http_settings, idle_ms), 75000, 100,
	  3600000 },
	{ "request_ms", offsetof(struct http_settings, request_ms), 30000, 100,
	  600000 },
};

static int
read_limits(const struct value *v, struct http_settings *s, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		int64_t n =
			value_get_int(v, limits[i].name, limits[i].fallback);

		if (n < limits[i].least || n > limits[i].most)
			return err_set(e, ERR_USAGE,
				       "limits.%s is to be from %lld to %lld",
				       limits[i].name,
				       (long long)limits[i].least,
				       (long long)limits[i].most);
		memcpy((char *)s + limits[i].at, &n, sizeof(n));
	}
	return 0;
}

static char *
copy(const struct value *v, const char *key)
{
	const char *text = value_get_string(v, key, NULL);

	return text && *text ? xstrdup(text) : NULL;
}

static int
read_tls(const struct value *v, struct http_settings *s, struct err *e)
{
	s->cert = copy(v, "cert");
	s->key = copy(v, "key");
	s->client_ca = copy(v, "client_ca");
	if (!s->cert != !s->key)
		return err_set(e, ERR_USAGE, "tls has cert and key, or none");
	return 0;
}

static int
read_all(const struct value *v, struct http_settings *s, struct err *e)
{
	const struct value *hosts = value_get(v, "hosts");
	const struct value *metrics = value_get(v, "metrics");

	s->metrics =
		!metrics || metrics->type != VALUE_BOOL || metrics->u.boolean;
	for (size_t i = 0;
	     hosts && hosts->type == VALUE_ARRAY && i < hosts->u.array.n; i++)
		if (hosts->u.array.items[i]->type == VALUE_STRING)
			strv_add(&s->hosts,
				 hosts->u.array.items[i]->u.string.s);
	if (read_tls(value_get(v, "tls"), s, e) < 0)
		return -1;
	return read_limits(value_get(v, "limits"), s, e);
}

int
http_settings_read(struct json_text params, struct http_settings *out,
		   struct err *e)
{
	_value_ struct value *v = NULL;
	struct http_settings s = { .metrics = false };

	if (json_decode(params.s, params.len, &v, e) < 0)
		return -1;
	if (read_all(v, &s, e) < 0) {
		http_settings_release(&s);
		return -1;
	}
	*out = s;
	return 0;
}

void
http_settings_release(struct http_settings *s)
{
	strv_release(&s->hosts);
	free(steal_ptr(&s->cert));
	free(steal_ptr(&s->key));
	free(steal_ptr(&s->client_ca));
}
