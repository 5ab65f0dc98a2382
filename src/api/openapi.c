#include "api/openapi.h"

#include <string.h>

#include "api/problem.h"
#include "api/reply.h"
#include "api/route.h"
#include "base/mem.h"
#include "proto/json.h"

static void
add_string(struct buf *out, const char *s)
{
	json_encode_string(s, strlen(s), out);
}

static void
add_member(struct buf *out, const char *name, const char *text)
{
	buf_addf(out, "\"%s\":", name);
	add_string(out, text);
}

static void
add_ref(struct buf *out, const char *schema)
{
	buf_addf(out, "{\"$ref\":\"#/components/schemas/%s\"}", schema);
}

/* --- Parameters ---------------------------------------------------------- */

static const char *const places[] = {
	[IN_PATH] = "path",
	[IN_QUERY] = "query",
	[IN_HEADER] = "header",
};

static void
add_param(struct buf *out, const struct param *p)
{
	buf_addc(out, '{');
	add_member(out, "name", p->name);
	buf_addf(out, ",\"in\":\"%s\",\"required\":%s,", places[p->in],
		 p->required ? "true" : "false");
	add_member(out, "description", p->help);
	if (p->kind == PARAM_STATES)
		buf_adds(out, ",\"style\":\"form\",\"explode\":false");
	buf_adds(out, ",\"schema\":");
	param_write_schema(p, out);
	buf_addc(out, '}');
}

static void
add_params(struct buf *out, const struct route *r)
{
	const char *before = "";

	buf_adds(out, ",\"parameters\":[");
	for (const struct param *p = r->takes; p->name; p++) {
		if (p->in == IN_BODY)
			continue;
		buf_adds(out, before);
		add_param(out, p);
		before = ",";
	}
	buf_addc(out, ']');
}

static void
add_body(struct buf *out, const struct route *r)
{
	const char *before = "";

	buf_adds(out, ",\"requestBody\":{\"required\":false,\"content\":{"
		      "\"" TYPE_JSON "\":{\"schema\":{\"type\":\"object\","
		      "\"additionalProperties\":false,\"properties\":{");
	for (const struct param *p = r->takes; p->name; p++) {
		if (p->in != IN_BODY)
			continue;
		buf_addf(out, "%s\"%s\":", before, p->name);
		param_write_schema(p, out);
		/* the description becomes a part of the schema */
		out->len--;
		buf_addc(out, ',');
		add_member(out, "description", p->help);
		buf_addc(out, '}');
		before = ",";
	}
	buf_adds(out, "}}}}}");
}

/* --- Answers ------------------------------------------------------------- */

static void
add_content(struct buf *out, const char *type, const char *schema)
{
	_buf_ struct buf bare = { 0 };

	buf_add(&bare, type, strcspn(type, ";"));
	add_string(out, bare.data);
	buf_adds(out, ":{\"schema\":");
	if (schema)
		add_ref(out, schema);
	else
		buf_adds(out, "{\"type\":\"string\"}");
	buf_addc(out, '}');
}

static void
add_success(struct buf *out, const struct route *r, int status)
{
	bool streams = r->streams;

	for (const struct param *p = r->takes; p->name; p++)
		streams |= p->streams;
	buf_addf(out, "\"%d\":{", status);
	add_member(out, "description", r->summary);
	buf_adds(out, ",\"content\":{");
	add_content(out, r->type ? r->type : TYPE_JSON, r->schema);
	if (streams && !r->streams) {
		buf_addc(out, ',');
		add_content(out, "text/event-stream", NULL);
	}
	if (r->reply == reply_metrics) {
		buf_addc(out, ',');
		add_content(out, "application/openmetrics-text", NULL);
	}
	buf_adds(out, "}}");
}

static void
add_answers(struct buf *out, const struct route *r)
{
	buf_adds(out, ",\"responses\":{");
	add_success(out, r, r->status);
	if (r->status == 201) {
		buf_addc(out, ',');
		add_success(out, r, 200);
	}
	if (r->etag)
		buf_adds(out, ",\"304\":{\"description\":\"It is as it was: "
			      "If-None-Match\"}");
	buf_adds(out, ",\"default\":{\"$ref\":\"#/components/responses/"
		      "Problem\"}}");
}

/* --- Operations ------------------------------------------------------------
 */

static void
add_operation(struct buf *out, const struct route *r, const char *verb)
{
	bool head = strcmp(verb, "head") == 0;

	buf_addf(out, "\"%s\":{\"operationId\":\"%s%s\",", verb,
		 head ? "head_" : "", r->id);
	add_member(out, "summary", r->summary);
	if (r->details) {
		buf_addc(out, ',');
		add_member(out, "description", r->details);
	}
	buf_addf(out, ",\"x-role\":\"%s\"", route_role_name(r->role));
	buf_adds(out, r->role == FOR_ALL ? ",\"security\":[]" :
					   ",\"security\":[{\"token\":[]}]");
	add_params(out, r);
	if (r->verb == VERB_POST)
		add_body(out, r);
	add_answers(out, r);
	buf_addc(out, '}');
}

static bool
is_first_of_path(const struct route *r)
{
	for (const struct route *o = routes; o < r; o++)
		if (strcmp(o->path, r->path) == 0)
			return false;
	return true;
}

static void
add_path(struct buf *out, const struct route *first)
{
	const char *before = "";

	buf_addf(out, "\"%s\":{", first->path);
	for (const struct route *r = first; r < routes + routes_count; r++) {
		if (strcmp(r->path, first->path) != 0)
			continue;
		buf_adds(out, before);
		add_operation(out, r, r->verb == VERB_POST ? "post" : "get");
		if (r->verb == VERB_GET) {
			buf_addc(out, ',');
			add_operation(out, r, "head");
		}
		before = ",";
	}
	buf_addc(out, '}');
}

static void
add_paths(struct buf *out)
{
	const char *before = "";

	buf_adds(out, "\"paths\":{");
	for (size_t i = 0; i < routes_count; i++) {
		if (!is_first_of_path(&routes[i]))
			continue;
		buf_adds(out, before);
		add_path(out, &routes[i]);
		before = ",";
	}
	buf_adds(out, "},");
}

static void
add_components(struct buf *out)
{
	buf_adds(out, "\"components\":{\"securitySchemes\":{\"token\":{"
		      "\"type\":\"http\",\"scheme\":\"bearer\","
		      "\"description\":\"devops_agent token add --name NAME "
		      "--role ROLE\"}},\"responses\":{\"Problem\":{"
		      "\"description\":\"Something is wrong (RFC 9457)\","
		      "\"content\":{\"" TYPE_PROBLEM "\":{\"schema\":");
	add_ref(out, "Problem");
	buf_adds(out, "}}}},\"schemas\":{");
	for (size_t i = 0; i < schemas_count; i++)
		buf_addf(out, "%s\"%s\":%s", i ? "," : "", schemas[i].name,
			 schemas[i].text);
	buf_adds(out, "}}");
}

void
openapi_write(struct buf *out)
{
	buf_adds(out,
		 "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"devops_agent\","
		 "\"version\":\"1\",\"summary\":\"Plugins run safely, on a "
		 "schedule or on demand\",\"license\":{\"name\":\"MIT\","
		 "\"identifier\":\"MIT\"}},\"servers\":[{\"url\":\"/\"}],");
	add_paths(out);
	add_components(out);
	buf_addc(out, '}');
}
