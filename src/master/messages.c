#include "master/messages.h"

#include <string.h>

#include "base/mem.h"
#include "model/policy.h"
#include "model/record.h"
#include "model/units.h"

#define END                    \
	{                      \
		NULL, 0, false \
	}

static const struct param none[] = { END };
static const struct param by_id[] = { { "id", PARAM_ID, true }, END };
static const struct param by_name[] = { { "name", PARAM_NAME, true }, END };

static const struct param submit[] = {
	{ "name", PARAM_NAME, false },
	{ "plugin", PARAM_NAME, false },
	{ "command", PARAM_STRING, false },
	{ "params", PARAM_OBJECT, false },
	{ "secrets", PARAM_OBJECT, false },
	{ "method", PARAM_STRING, false },
	{ "priority", PARAM_PRIORITY, false },
	{ "at", PARAM_TIME, false },
	{ "timeout_ms", PARAM_COUNT, false },
	{ "queue_timeout_ms", PARAM_COUNT, false },
	{ "retry", PARAM_OBJECT, false },
	{ "key", PARAM_STRING, false },
	{ "wait", PARAM_BOOL, false },
	{ "wait_ms", PARAM_COUNT, false },
	{ "follow", PARAM_BOOL, false },
	END,
};

static const struct param list[] = {
	{ "state", PARAM_STATES, false },
	{ "name", PARAM_NAME, false },
	{ "plugin", PARAM_NAME, false },
	{ "since", PARAM_TIME, false },
	{ "before", PARAM_ID, false },
	{ "limit", PARAM_COUNT, false },
	END,
};

static const struct param logs[] = {
	{ "id", PARAM_ID, true },
	{ "after", PARAM_COUNT, false },
	{ "limit", PARAM_COUNT, false },
	{ "follow", PARAM_BOOL, false },
	END,
};

static const struct param wait[] = {
	{ "id", PARAM_ID, true },
	{ "wait_ms", PARAM_COUNT, false },
	{ "follow", PARAM_BOOL, false },
	END,
};

static const struct param next[] = {
	{ "name", PARAM_NAME, false },
	{ "count", PARAM_COUNT, false },
	END,
};

static const struct param add[] = {
	{ "name", PARAM_NAME, true },
	{ "settings", PARAM_OBJECT, true },
	END,
};

static const struct param trigger[] = {
	{ "name", PARAM_NAME, true },	 { "key", PARAM_STRING, false },
	{ "wait", PARAM_BOOL, false },	 { "wait_ms", PARAM_COUNT, false },
	{ "follow", PARAM_BOOL, false }, END,
};

static const struct param events[] = {
	{ "after", PARAM_STRING, false },
	END,
};

static const struct param token[] = {
	{ "name", PARAM_NAME, true },
	{ "role", PARAM_STRING, true },
	{ "expires_ms", PARAM_COUNT, false },
	END,
};

static const struct param retry[] = {
	{ "id", PARAM_ID, true },
	{ "key", PARAM_STRING, false },
	END,
};

static const struct param forward_status[] = {
	{ "name", PARAM_NAME, false },
	END,
};

static const struct param replay[] = {
	{ "name", PARAM_NAME, false },
	{ "since", PARAM_TIME, true },
	END,
};

static const struct message messages[] = {
	{ "status", ROLE_READER, MESSAGE_ANYWHERE, none, on_status },
	{ "plugin.list", ROLE_READER, MESSAGE_ANYWHERE, none, on_plugin_list },
	{ "plugin.get", ROLE_READER, MESSAGE_ANYWHERE, by_name, on_plugin_get },
	{ "job.submit", ROLE_OPERATOR, MESSAGE_ANYWHERE, submit,
	  on_job_submit },
	{ "job.list", ROLE_READER, MESSAGE_ANYWHERE, list, on_job_list },
	{ "job.get", ROLE_READER, MESSAGE_ANYWHERE, by_id, on_job_get },
	{ "job.logs", ROLE_READER, MESSAGE_ANYWHERE, logs, on_job_logs },
	{ "job.wait", ROLE_READER, MESSAGE_ANYWHERE, wait, on_job_wait },
	{ "job.cancel", ROLE_OPERATOR, MESSAGE_ANYWHERE, by_id, on_job_cancel },
	{ "job.retry", ROLE_OPERATOR, MESSAGE_ANYWHERE, retry, on_job_retry },
	{ "schedule.list", ROLE_READER, MESSAGE_ANYWHERE, none,
	  on_schedule_list },
	{ "schedule.next", ROLE_READER, MESSAGE_ANYWHERE, next,
	  on_schedule_next },
	{ "schedule.add", ROLE_ADMIN, MESSAGE_LOCAL, add, on_schedule_add },
	{ "schedule.remove", ROLE_ADMIN, MESSAGE_LOCAL, by_name,
	  on_schedule_remove },
	{ "schedule.trigger", ROLE_OPERATOR, MESSAGE_ANYWHERE, trigger,
	  on_schedule_trigger },
	{ "schedule.pause", ROLE_ADMIN, MESSAGE_ANYWHERE, by_name,
	  on_schedule_pause },
	{ "schedule.resume", ROLE_ADMIN, MESSAGE_ANYWHERE, by_name,
	  on_schedule_resume },
	{ "forward.status", ROLE_READER, MESSAGE_ANYWHERE, forward_status,
	  on_forward_status },
	{ "forward.replay", ROLE_ADMIN, MESSAGE_ANYWHERE, replay,
	  on_forward_replay },
	{ "events", ROLE_READER, MESSAGE_API, events, on_events },
	{ "metrics", ROLE_READER, MESSAGE_ANYWHERE, none, on_metrics },
	{ "health", ROLE_NONE, MESSAGE_ANYWHERE, none, on_health },
	{ "token.add", ROLE_ADMIN, MESSAGE_LOCAL, token, on_token_add },
	{ "token.list", ROLE_ADMIN, MESSAGE_LOCAL, none, on_token_list },
	{ "token.revoke", ROLE_ADMIN, MESSAGE_LOCAL, by_name, on_token_revoke },
};

const struct message *
message_find(const char *method, unsigned where)
{
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		if (messages[i].where & where &&
		    strcmp(messages[i].method, method) == 0)
			return &messages[i];
	return NULL;
}

const struct message *
message_at(size_t i)
{
	return i < ARRAY_SIZE(messages) ? &messages[i] : NULL;
}

int
message_unknown(const char *method, unsigned where, struct err *e)
{
	const char *names[ARRAY_SIZE(messages)], *near;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		if (messages[i].where & where)
			names[n++] = messages[i].method;
	near = units_nearest(method, names, n);
	err_set(e, ERR_USAGE, "no method \"%s\"", method);
	return near ? err_hint(e, "did you mean %s?", near) : -1;
}

static const char *const local_hints[ROLES] = {
	[ROLE_READER] = "root, the agent's own account and the members of "
			"agent.group may",
	[ROLE_OPERATOR] = "root, the agent's own account and the members of "
			  "agent.group may",
	[ROLE_ADMIN] = "root and the agent's own account may",
};

int
message_refuse(const struct message *msg, const struct caller *caller,
	       struct err *e)
{
	if (caller->uid != (uid_t)-1) {
		err_set(e, ERR_DENIED, "%s is not for this user", msg->method);
		return err_hint(e, "%s", local_hints[msg->role]);
	}
	if (caller->anonymous) {
		err_set(e, ERR_UNAUTHORIZED, "this takes a token");
		return err_hint(e,
				"send \"Authorization: Bearer TOKEN\"; "
				"`devops_agent token add --name NAME --role %s`"
				" makes one",
				role_name(msg->role));
	}
	err_set(e, ERR_FORBIDDEN, "this takes the role %s, and %s has %s",
		role_name(msg->role), caller->name, role_name(caller->role));
	return err_hint(e,
			"`devops_agent token add --name NAME --role %s` makes "
			"a token that may",
			role_name(msg->role));
}

/* --- Parameters --------------------------------------------------------- */

static bool
is_name(const struct value *v)
{
	return v->type == VALUE_STRING && units_is_name(v->u.string.s);
}

static bool
is_plain_string(const struct value *v)
{
	return v->type == VALUE_STRING &&
	       strlen(v->u.string.s) == v->u.string.len;
}

static bool
is_count(const struct value *v)
{
	return v->type == VALUE_INT && v->u.integer >= 0;
}

static bool
is_id(const struct value *v)
{
	return v->type == VALUE_INT && v->u.integer >= 1;
}

static bool
is_priority(const struct value *v)
{
	return v->type == VALUE_INT && v->u.integer >= -POLICY_PRIORITY_MAX &&
	       v->u.integer <= POLICY_PRIORITY_MAX;
}

static bool
is_bool(const struct value *v)
{
	return v->type == VALUE_BOOL;
}

static bool
is_object(const struct value *v)
{
	return v->type == VALUE_OBJECT;
}

static bool
is_time(const struct value *v)
{
	int64_t ms;

	return is_plain_string(v) && units_parse_time(v->u.string.s, &ms);
}

static bool
is_state(const struct value *v)
{
	enum job_state state;

	return is_plain_string(v) && job_state_parse(v->u.string.s, &state);
}

static bool
is_states(const struct value *v)
{
	if (v->type != VALUE_ARRAY)
		return is_state(v);
	for (size_t i = 0; i < v->u.array.n; i++)
		if (!is_state(v->u.array.items[i]))
			return false;
	return true;
}

static const struct {
	bool (*is)(const struct value *v);
	const char *what;
} kinds[] = {
	[PARAM_STRING] = { is_plain_string, "a string" },
	[PARAM_NAME] = { is_name, "a name of a-z, 0-9 and -" },
	[PARAM_COUNT] = { is_count, "a whole number from 0 on" },
	[PARAM_ID] = { is_id, "a job's id" },
	[PARAM_PRIORITY] = { is_priority, "a whole number from -100 to 100" },
	[PARAM_BOOL] = { is_bool, "true or false" },
	[PARAM_OBJECT] = { is_object, "an object" },
	[PARAM_TIME] = { is_time, "a time such as 2026-01-31T23:59:59Z" },
	[PARAM_STATES] = { is_states, "a job's state, or a list of states" },
};

static const struct param *
find_param(const struct message *msg, const char *name)
{
	for (const struct param *p = msg->takes; p->name; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

static int
unknown_param(const struct message *msg, const char *name, struct err *e)
{
	const char *names[32], *near;
	size_t n = 0;

	for (const struct param *p = msg->takes; p->name; p++)
		names[n++] = p->name;
	near = units_nearest(name, names, n);
	err_set(e, ERR_USAGE, "%s takes no \"%.64s\"", msg->method, name);
	return near ? err_hint(e, "did you mean \"%s\"?", near) : -1;
}

int
message_check(const struct message *msg, const struct value *params,
	      struct err *e)
{
	for (size_t i = 0; i < params->u.object.n; i++) {
		const struct value_member *member =
			&params->u.object.members[i];
		const struct param *p = find_param(msg, member->key);

		if (!p)
			return unknown_param(msg, member->key, e);
		if (!kinds[p->kind].is(member->value))
			return err_set(e, ERR_USAGE, "\"%s\" must be %s",
				       p->name, kinds[p->kind].what);
	}
	for (const struct param *p = msg->takes; p->name; p++)
		if (p->required && !value_get(params, p->name))
			return err_set(e, ERR_USAGE, "%s wants \"%s\": %s",
				       msg->method, p->name,
				       kinds[p->kind].what);
	return 0;
}
