#include "cli/submit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/strv.h"
#include "cli/follow.h"
#include "cli/outcome.h"
#include "cli/params.h"

/* The agent has another working folder. */
static char *
absolute(const char *path, struct err *e)
{
	_free_ char *folder = NULL;

	if (path[0] == '/')
		return xstrdup(path);
	folder = getcwd(NULL, 0);
	if (!folder) {
		err_errno(e, "the working folder");
		return NULL;
	}
	while (strncmp(path, "./", 2) == 0)
		path += 2;
	return xasprintf("%s/%s", strcmp(folder, "/") == 0 ? "" : folder, path);
}

int
submit_source(struct value *params, const char *plugin, const char *path,
	      struct err *e)
{
	_free_ char *full = NULL;

	if (plugin) {
		value_set(params, "plugin", value_string(plugin));
		return 0;
	}
	full = absolute(path, e);
	if (!full)
		return -1;
	if (access(full, F_OK) < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "%s: there is no such file",
			       path);
	value_set(params, "command", value_string(full));
	return 0;
}

int
submit_input(struct value *params, const struct cli *c, char **words, int n,
	     struct err *e)
{
	_value_ struct value *input = NULL, *secrets = NULL;

	if (params_read(c->params, words, n, &input, e) < 0)
		return -1;
	if (input->u.object.n)
		value_set(params, "params", steal_ptr(&input));
	if (c->secrets) {
		if (params_read_object("--secrets", c->secrets, &secrets, e) <
		    0)
			return -1;
		value_set(params, "secrets", steal_ptr(&secrets));
	}
	if (c->method)
		value_set(params, "method", value_string(c->method));
	return 0;
}

/* The agent said no: what is missing, and what would help. */
static int
refused(const struct cli *c, struct client *client, struct err *e)
{
	const struct value *lines = value_get(client->data, "difference");
	size_t n = lines && lines->type == VALUE_ARRAY ? lines->u.array.n : 0;
	_strv_ struct strv difference = { NULL, 0 };

	for (size_t i = 0; i < n; i++)
		if (lines->u.array.items[i]->type == VALUE_STRING)
			strv_add(&difference,
				 lines->u.array.items[i]->u.string.s);
	if (e->kind == ERR_DENIED && !n && c->command->options & OPTION_LOCAL &&
	    client_is_stranger(client))
		err_hint(e, "--local runs it right here");
	return outcome_refuse(&difference, e);
}

int
submit_send(const struct cli *c, struct client *client, const char *method,
	    struct value *params, struct value **answer)
{
	struct err e = ERR_INIT;

	if (client_call(client, method, params, answer, &e) < 0)
		return refused(c, client, &e);
	if (value_get_int(*answer, "id", 0) > 0)
		return 0;
	err_set(&e, ERR_AGENT, "the agent at %s answered without a job's id",
		client->path);
	return cli_fail(&e);
}

int
submit_and_wait(const struct cli *c, struct client *client, const char *method,
		struct value *params)
{
	_value_ struct value *answer = NULL;
	int status = submit_send(c, client, method, params, &answer);

	return status ?
		       status :
		       follow_to_end(c, client, value_get_int(answer, "id", 0));
}
