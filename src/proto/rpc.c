#include "proto/rpc.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "proto/json.h"

/* --- Requests ----------------------------------------------------------- */

static const char *const kinds[ERR_KINDS] = {
	[ERR_NONE] = "none",
	[ERR_AGENT] = "agent",
	[ERR_USAGE] = "usage",
	[ERR_DENIED] = "denied",
	[ERR_NOT_FOUND] = "not_found",
	[ERR_CONFLICT] = "conflict",
	[ERR_TOO_MANY] = "too_many",
	[ERR_UNAVAILABLE] = "unavailable",
	[ERR_UNAUTHORIZED] = "unauthorized",
	[ERR_FORBIDDEN] = "forbidden",
};

static int
wrong(enum rpc_code *code, enum rpc_code what, struct err *e, const char *text)
{
	*code = what;
	return err_set(e, ERR_USAGE, "%s", text);
}

static int
take_id(struct json_text t, struct rpc_request *r)
{
	if (!t.s)
		return 0;
	if (t.len > RPC_ID_MAX)
		return -1;
	memcpy(r->id.text, t.s, t.len);
	r->id.text[t.len] = '\0';
	return 0;
}

static int
take_object(struct json_text t, struct value **out, struct err *e)
{
	if (t.s)
		return json_decode(t.s, t.len, out, e);
	*out = value_object();
	return 0;
}

int
rpc_request_parse(const char *line, size_t len, struct rpc_request *r,
		  enum rpc_code *code, struct err *e)
{
	struct json_field fields[] = {
		{ "jsonrpc", JSON_IS_STRING, { NULL, 0 } },
		{ "id", JSON_IS_NUMBER | JSON_IS_STRING, { NULL, 0 } },
		{ "method", JSON_IS_STRING, { NULL, 0 } },
		{ "params", JSON_IS_OBJECT, { NULL, 0 } },
		{ "auth", JSON_IS_OBJECT, { NULL, 0 } },
	};
	_buf_ struct buf method = { 0 };

	*r = (struct rpc_request){ .id = { "null" } };
	*code = RPC_PARSE_ERROR;
	if (json_check(line, len, e) < 0)
		return -1;
	*code = RPC_INVALID_REQUEST;
	if (json_pick(line, len, 0, fields, ARRAY_SIZE(fields), e) < 0)
		return -1;
	if (take_id(fields[1].value, r) < 0)
		return wrong(code, RPC_INVALID_REQUEST, e, "id is too long");
	if (!fields[0].value.s || !json_text_is(fields[0].value, "2.0"))
		return wrong(code, RPC_INVALID_REQUEST, e,
			     "\"jsonrpc\" must be \"2.0\"");
	if (!fields[2].value.s ||
	    json_add_string(&method, fields[2].value, RPC_METHOD_MAX) > 0 ||
	    method.len == 0 || strlen(method.data) != method.len)
		return wrong(code, RPC_INVALID_REQUEST, e,
			     "\"method\" must name one");
	if (!fields[1].value.s)
		r->id.text[0] = '\0';
	memcpy(r->method, method.data, method.len + 1);
	*code = RPC_INVALID_PARAMS;
	return take_object(fields[3].value, &r->params, e) < 0 ||
			       (fields[4].value.s &&
				take_object(fields[4].value, &r->auth, e) < 0) ?
		       -1 :
		       0;
}

void
rpc_request_release(struct rpc_request *r)
{
	value_free(steal_ptr(&r->params));
	value_free(steal_ptr(&r->auth));
}

/* --- Writing ------------------------------------------------------------ */

static void
add_value(struct buf *out, const struct value *v)
{
	if (v)
		json_encode(v, out);
	else
		buf_adds(out, "null");
}

void
rpc_add_request(struct buf *out, int64_t id, const char *method,
		const struct value *params)
{
	buf_addf(out, "{\"jsonrpc\":\"2.0\",\"id\":%lld,\"method\":\"%s\"",
		 (long long)id, method);
	if (params) {
		buf_adds(out, ",\"params\":");
		json_encode(params, out);
	}
	buf_adds(out, "}\n");
}

static void
begin_answer(struct buf *out, const struct rpc_id *id, const char *member)
{
	buf_adds(out, "{\"jsonrpc\":\"2.0\",\"id\":");
	buf_adds(out, id->text[0] ? id->text : "null");
	buf_adds(out, ",\"");
	buf_adds(out, member);
	buf_adds(out, "\":");
}

void
rpc_add_result(struct buf *out, const struct rpc_id *id,
	       const struct value *result)
{
	begin_answer(out, id, "result");
	add_value(out, result);
	buf_adds(out, "}\n");
}

static void
add_member(struct buf *out, const char *name, const char *text)
{
	buf_addf(out, "\"%s\":", name);
	json_encode_string(text, strlen(text), out);
}

void
rpc_add_error(struct buf *out, const struct rpc_id *id, enum rpc_code code,
	      const struct err *e, const struct value *data)
{
	begin_answer(out, id, "error");
	buf_addf(out, "{\"code\":%d,", (int)code);
	add_member(out, "message", e->msg);
	buf_adds(out, ",\"data\":{");
	add_member(out, "kind", kinds[e->kind]);
	if (e->hint[0]) {
		buf_addc(out, ',');
		add_member(out, "hint", e->hint);
	}
	for (size_t i = 0; data && i < data->u.object.n; i++) {
		buf_addf(out, ",\"%s\":", data->u.object.members[i].key);
		json_encode(data->u.object.members[i].value, out);
	}
	buf_adds(out, "}}}\n");
}

void
rpc_add_notification(struct buf *out, const char *method,
		     const struct value *params)
{
	buf_addf(out,
		 "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":", method);
	json_encode(params, out);
	buf_adds(out, "}\n");
}

/* --- Answers ------------------------------------------------------------ */

static void
take_error(struct rpc_answer *a, const struct value *error)
{
	const char *kind;

	a->code = (enum rpc_code)value_get_int(error, "code", RPC_FAILED);
	a->data = value_get(error, "data") ?
			  value_copy(value_get(error, "data")) :
			  NULL;
	kind = value_get_string(a->data, "kind", "agent");
	a->error.kind = ERR_AGENT;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i], kind) == 0)
			a->error.kind = (enum err_kind)i;
	snprintf(a->error.msg, sizeof(a->error.msg), "%s",
		 value_get_string(error, "message", "no reason given"));
	snprintf(a->error.hint, sizeof(a->error.hint), "%s",
		 value_get_string(a->data, "hint", ""));
}

int
rpc_answer_parse(const char *line, size_t len, struct rpc_answer *a,
		 struct err *e)
{
	_value_ struct value *v = NULL;
	const struct value *result, *error;
	const char *method;

	*a = (struct rpc_answer){ .id = -1 };
	if (json_decode(line, len, &v, e) < 0)
		return err_wrap(e, "what the agent said");
	method = value_get_string(v, "method", NULL);
	error = value_get(v, "error");
	result = value_get(v, method ? "params" : "result");
	if (method) {
		snprintf(a->method, sizeof(a->method), "%s", method);
	} else if (value_get(v, "id")) {
		a->id = value_get_int(v, "id", -1);
		if (a->id < 0 && !error)
			return err_set(e, ERR_AGENT,
				       "the agent answered what was not asked");
	} else if (!error) {
		return err_set(e, ERR_AGENT,
			       "the agent said what is no message");
	}
	if (error)
		take_error(a, error);
	else
		a->value = result ? value_copy(result) : value_null();
	return 0;
}

void
rpc_answer_release(struct rpc_answer *a)
{
	value_free(steal_ptr(&a->value));
	value_free(steal_ptr(&a->data));
}
