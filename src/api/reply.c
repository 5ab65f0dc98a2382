#include "api/reply.h"

#include <stdio.h>
#include <string.h>

#include "api/expose.h"
#include "api/openapi.h"
#include "base/mem.h"

void
reply_init(struct reply *r)
{
	*r = (struct reply){ .status = 200, .type = TYPE_JSON };
	buf_init(&r->body, REPLY_MAX);
}

void
reply_release(struct reply *r)
{
	buf_release(&r->body);
}

void
reply_problem(struct reply *r, const struct problem *p, const struct mapped *m,
	      const char *members, size_t len)
{
	reply_release(r);
	reply_init(r);
	r->status = problem_types[p->code].status;
	r->type = TYPE_PROBLEM;
	r->close = p->close;
	r->challenge = r->status == 401;
	if (p->retry_after_ms > 0)
		r->retry_after_s = (p->retry_after_ms + 999) / 1000;
	if (m && p->code == PROBLEM_METHOD)
		memcpy(r->allow, m->allow, sizeof(r->allow));
	problem_write(p, members, len, &r->body);
}

void
reply_options(struct reply *r, const struct mapped *m)
{
	r->status = 204;
	memcpy(r->allow, m->allow, sizeof(r->allow));
}

/* --- As the master said it ---------------------------------------------- */

static int
unexpected(struct problem *pb, const struct err *e)
{
	return problem_set(pb, PROBLEM_AGENT,
			   "the agent's answer is not as it should be: %s",
			   e->msg);
}

int
reply_plain(const struct mapped *m, struct json_text result, struct reply *r,
	    struct problem *pb)
{
	(void)pb;
	r->status = m->route->status;
	buf_add(&r->body, result.s, result.len);
	return 0;
}

/* A job that was made, or, by its key, was there already. */
int
reply_created(const struct mapped *m, struct json_text result, struct reply *r,
	      struct problem *pb)
{
	struct json_field fields[] = {
		{ "id", JSON_IS_NUMBER, { NULL, 0 } },
		{ "existed", JSON_IS_BOOL, { NULL, 0 } },
	};
	struct err e = ERR_INIT;
	int64_t id;

	if (json_pick(result.s, result.len, 0, fields, ARRAY_SIZE(fields), &e) <
	    0)
		return unexpected(pb, &e);
	reply_plain(m, result, r, pb);
	if (fields[1].value.s && *fields[1].value.s == 't')
		r->status = 200;
	if (fields[0].value.s && json_to_int(fields[0].value, &id))
		snprintf(r->location, sizeof(r->location), "/v1/jobs/%lld",
			 (long long)id);
	return 0;
}

/* --- Lists -------------------------------------------------------------- */

static int
pick_items(struct json_text result, struct json_text *items,
	   struct json_text *next, struct problem *pb)
{
	struct json_field fields[] = {
		{ "items", JSON_IS_ARRAY, { NULL, 0 } },
		{ "next", JSON_IS_NUMBER | JSON_IS_NULL, { NULL, 0 } },
	};
	struct err e = ERR_INIT;

	if (json_pick(result.s, result.len, 0, fields, ARRAY_SIZE(fields), &e) <
	    0)
		return unexpected(pb, &e);
	if (!fields[0].value.s) {
		err_set(&e, ERR_AGENT, "a list without items");
		return unexpected(pb, &e);
	}
	*items = fields[0].value;
	*next = fields[1].value;
	return 0;
}

int
reply_jobs(const struct mapped *m, struct json_text result, struct reply *r,
	   struct problem *pb)
{
	struct json_text items = { NULL, 0 }, next = { NULL, 0 };
	int64_t id;

	(void)m;
	if (pick_items(result, &items, &next, pb) < 0)
		return -1;
	buf_adds(&r->body, "{\"items\":");
	buf_add(&r->body, items.s, items.len);
	if (next.s && json_to_int(next, &id))
		buf_addf(&r->body, ",\"next\":\"%lld\"}", (long long)id);
	else
		buf_adds(&r->body, ",\"next\":null}");
	return 0;
}

struct page {
	const struct mapped *m;
	struct reply *r;
	int64_t n;
	char last[72];
	int64_t last_seq;
	bool more;
};

static void
text_of(struct json_text t, char *out, size_t size)
{
	_buf_ struct buf text = { 0 };

	if (t.s)
		json_add_string(&text, t, size - 1);
	snprintf(out, size, "%s", text.data ? text.data : "");
}

/* Those after the cursor, by name, as many as were asked for. */
static int
take_named(void *arg, struct json_text key, struct json_text item,
	   struct err *e)
{
	struct page *page = arg;
	struct json_field name = { "name", JSON_IS_STRING, { NULL, 0 } };
	char text[72];

	(void)key;
	if (json_pick(item.s, item.len, 0, &name, 1, e) < 0)
		return -1;
	text_of(name.value, text, sizeof(text));
	if (page->m->cursor[0] && strcmp(text, page->m->cursor) <= 0)
		return 0;
	if (page->n == page->m->limit) {
		page->more = true;
		return 0;
	}
	if (page->n++)
		buf_addc(&page->r->body, ',');
	buf_add(&page->r->body, item.s, item.len);
	memcpy(page->last, text, sizeof(text));
	return 0;
}

int
reply_named(const struct mapped *m, struct json_text result, struct reply *r,
	    struct problem *pb)
{
	struct page page = { .m = m, .r = r };
	struct json_text items = { NULL, 0 }, next = { NULL, 0 };
	struct err e = ERR_INIT;

	if (pick_items(result, &items, &next, pb) < 0)
		return -1;
	buf_adds(&r->body, "{\"items\":[");
	if (json_each(items.s, items.len, 0, take_named, &page, &e) < 0)
		return unexpected(pb, &e);
	buf_adds(&r->body, "],\"next\":");
	if (page.more)
		json_encode_string(page.last, strlen(page.last), &r->body);
	else
		buf_adds(&r->body, "null");
	buf_addc(&r->body, '}');
	return 0;
}

static int
take_line(void *arg, struct json_text key, struct json_text item, struct err *e)
{
	struct page *page = arg;
	struct json_field seq = { "seq", JSON_IS_NUMBER, { NULL, 0 } };

	(void)key;
	if (json_pick(item.s, item.len, 0, &seq, 1, e) < 0)
		return -1;
	page->n++;
	if (!seq.value.s || !json_to_int(seq.value, &page->last_seq))
		page->last_seq = 0;
	return 0;
}

/* A page that is full has another one after it, as far as is known. */
int
reply_logs(const struct mapped *m, struct json_text result, struct reply *r,
	   struct problem *pb)
{
	struct page page = { .m = m };
	struct json_text items = { NULL, 0 }, next = { NULL, 0 };
	struct err e = ERR_INIT;

	if (pick_items(result, &items, &next, pb) < 0)
		return -1;
	if (json_each(items.s, items.len, 0, take_line, &page, &e) < 0)
		return unexpected(pb, &e);
	buf_adds(&r->body, "{\"items\":");
	buf_add(&r->body, items.s, items.len);
	if (page.n >= m->limit && page.last_seq)
		buf_addf(&r->body, ",\"next\":\"%lld\"}",
			 (long long)page.last_seq);
	else
		buf_adds(&r->body, ",\"next\":null}");
	return 0;
}

/* --- Health ------------------------------------------------------------- */

static int
health(struct json_text result, const char *member, bool *well,
       struct json_text *reasons, struct problem *pb)
{
	struct json_field fields[] = {
		{ member, JSON_IS_BOOL, { NULL, 0 } },
		{ "reasons", JSON_IS_ARRAY, { NULL, 0 } },
	};
	struct err e = ERR_INIT;

	if (json_pick(result.s, result.len, 0, fields, ARRAY_SIZE(fields), &e) <
	    0)
		return unexpected(pb, &e);
	*well = fields[0].value.s && *fields[0].value.s == 't';
	*reasons = fields[1].value;
	return 0;
}

static int
reply_health(struct json_text result, const char *member, struct reply *r,
	     struct problem *pb)
{
	_buf_ struct buf members = { 0 };
	struct json_text reasons = { NULL, 0 };
	bool well = false;

	if (health(result, member, &well, &reasons, pb) < 0)
		return -1;
	if (!reasons.s)
		reasons = (struct json_text){ "[]", 2 };
	if (well) {
		buf_addf(&r->body, "{\"status\":\"%s\",\"reasons\":", member);
		buf_add(&r->body, reasons.s, reasons.len);
		buf_addc(&r->body, '}');
		return 0;
	}
	problem_set(pb, PROBLEM_NOT_READY, "the agent is not %s", member);
	buf_adds(&members, "{\"reasons\":");
	buf_add(&members, reasons.s, reasons.len);
	buf_addc(&members, '}');
	reply_problem(r, pb, NULL, members.data, members.len);
	return 0;
}

int
reply_alive(const struct mapped *m, struct json_text result, struct reply *r,
	    struct problem *pb)
{
	(void)m;
	return reply_health(result, "alive", r, pb);
}

int
reply_ready(const struct mapped *m, struct json_text result, struct reply *r,
	    struct problem *pb)
{
	(void)m;
	return reply_health(result, "ready", r, pb);
}

/* --- Others ------------------------------------------------------------- */

int
reply_openapi(const struct mapped *m, struct json_text result, struct reply *r,
	      struct problem *pb)
{
	static struct buf text; /* always the same */

	(void)m;
	(void)result;
	(void)pb;
	if (!text.len)
		openapi_write(&text);
	buf_add(&r->body, text.data, text.len);
	return 0;
}

int
reply_metrics(const struct mapped *m, struct json_text result, struct reply *r,
	      struct problem *pb)
{
	struct err e = ERR_INIT;
	int form = expose_choose(m->accept);

	if (form < 0)
		return problem_set(pb, PROBLEM_NOT_ACCEPTABLE,
				   "metrics are text/plain or "
				   "application/openmetrics-text");
	r->type = expose_types[form];
	return expose_write(result, (enum expose_form)form, &r->body, &e) < 0 ?
		       unexpected(pb, &e) :
		       0;
}
