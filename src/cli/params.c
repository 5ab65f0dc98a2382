#include "cli/params.h"

#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "proto/json.h"

static int
read_source(const char *source, struct buf *text, struct err *e)
{
	if (strcmp(source, "-") == 0)
		return file_read_fd(STDIN_FILENO, "standard input", text, e);
	if (source[0] == '@') {
		if (file_read(source + 1, text, e) == 0)
			return 0;
		e->kind = ERR_USAGE;
		return -1;
	}
	buf_adds(text, source);
	return 0;
}

int
params_read_object(const char *option, const char *source, struct value **out,
		   struct err *e)
{
	_buf_ struct buf text = { .max = PARAMS_MAX };
	_value_ struct value *v = NULL;

	if (!source) {
		*out = value_object();
		return 0;
	}
	if (read_source(source, &text, e) < 0 ||
	    json_decode(text.len ? text.data : "", text.len, &v, e) < 0)
		return err_wrap(e, "%s", option);
	if (v->type != VALUE_OBJECT)
		return err_set(e, ERR_USAGE,
			       "%s: expected a JSON object, found %s", option,
			       value_type_name(v));
	*out = steal_ptr(&v);
	return 0;
}

static int
read_word(const char *word, struct value *params, struct err *e)
{
	const char *equals = strchr(word, '=');
	struct value *v = NULL;
	_free_ char *key = NULL;

	if (!equals || equals == word) {
		err_set(e, ERR_USAGE, "%s: expected KEY=VALUE", word);
		return err_hint(e, "parameters are given as in name=x");
	}
	key = xstrndup(word, (size_t)(equals - word));
	if (json_parse_argument(equals + 1, &v, e) < 0)
		return err_wrap(e, "parameter %s", key);
	value_set(params, key, v);
	return 0;
}

int
params_read(const char *all, char **words, int n, struct value **out,
	    struct err *e)
{
	_value_ struct value *params = NULL;

	if (params_read_object("--params", all, &params, e) < 0)
		return -1;
	for (int i = 0; i < n; i++)
		if (read_word(words[i], params, e) < 0)
			return -1;
	*out = steal_ptr(&params);
	return 0;
}

int
params_read_secrets(const char *all, const struct manifest *m,
		    struct value **out, struct err *e)
{
	const struct strv *asked = &m->permissions.secrets;
	_value_ struct value *secrets = NULL;

	if (params_read_object("--secrets", all, &secrets, e) < 0)
		return -1;
	for (size_t i = 0; i < asked->n; i++) {
		const struct value *v = value_get(secrets, asked->items[i]);

		if (v && v->type == VALUE_STRING)
			continue;
		err_set(e, ERR_USAGE, "the secret %s %s", asked->items[i],
			v ? "is no string" : "is missing");
		return err_hint(e, "--secrets @FILE, a JSON object, gives it");
	}
	for (size_t i = 0; secrets && i < secrets->u.object.n; i++)
		if (!strv_has(asked, secrets->u.object.members[i].key))
			return err_set(e, ERR_USAGE,
				       "the plugin asks for no secret %s",
				       secrets->u.object.members[i].key);
	*out = steal_ptr(&secrets);
	return 0;
}
