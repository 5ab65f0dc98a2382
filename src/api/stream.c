/*
 * Server-sent events: what the master tells of a request, as it comes.
 *
 * What a reader has not taken yet is kept up to a bound.  One that is further
 * behind gets what there is and the end of the stream: it comes again and
 * says where it was (Last-Event-ID).  One that takes nothing at all is cut.
 */
#include <sys/socket.h>

#include <string.h>

#include "api/http_parts.h"
#include "api/stats.h"
#include "base/mem.h"

static size_t
backlog(const struct exchange *x)
{
	return x->out.len - x->out_sent;
}

/* --- Events --------------------------------------------------------------- */

static void
add_id(struct buf *out, struct json_text id)
{
	_buf_ struct buf text = { 0 };

	if (!id.s)
		return;
	if (json_kind(id) == JSON_IS_STRING)
		json_add_string(&text, id, 64);
	else
		buf_add(&text, id.s, id.len < 32 ? id.len : 32);
	if (!text.len || memchr(text.data, '\n', text.len) ||
	    memchr(text.data, '\r', text.len) ||
	    memchr(text.data, '\0', text.len))
		return;
	buf_addf(out, "id: %s\n", text.data);
}

/* A name of letters, so that it can't end the line. */
static void
add_type(struct buf *out, const char *type)
{
	buf_adds(out, "event: ");
	for (; *type; type++)
		if ((*type >= 'a' && *type <= 'z') || *type == '.' ||
		    *type == '_' || *type == '-')
			buf_addc(out, *type);
	buf_addc(out, '\n');
}

/* All members but what is between the api and the master. */
static int
add_member(void *arg, struct json_text key, struct json_text value,
	   struct err *e)
{
	struct buf *out = arg;

	(void)e;
	if (json_text_is(key, "request"))
		return 0;
	buf_addc(out, out->data[out->len - 1] == '{' ? ' ' : ',');
	buf_add(out, key.s, key.len);
	buf_addc(out, ':');
	buf_add(out, value.s, value.len);
	return 0;
}

static void
wake(struct exchange *x)
{
	exchange_hold(x, backlog(x));
	connection_resume(x->connection);
}

/* No more comes; what there is still goes. */
static void
finish(struct exchange *x)
{
	x->ended = true;
	upstream_cancel(x->connection->listener->http->master, &x->call);
	wake(x);
}

static void
add_event(struct exchange *x, const char *type, struct json_text id,
	  struct json_text data)
{
	struct http *h = x->connection->listener->http;

	if (x->ended)
		return;
	if (backlog(x) > STREAM_BACKLOG_MAX || exchange_is_held_up(h)) {
		stats_stream_dropped();
		finish(x);
		return;
	}
	add_id(&x->out, id);
	add_type(&x->out, type);
	buf_adds(&x->out, "data: ");
	buf_add(&x->out, data.s, data.len);
	buf_adds(&x->out, "\n\n");
	wake(x);
}

/* The client is told that there is a stream. */
void
stream_begin(struct exchange *x)
{
	struct http *h = x->connection->listener->http;

	if (x->begun)
		return;
	x->begun = true;
	stats_streams(++h->streams);
	buf_adds(&x->out, "retry: 2000\n\n");
	wake(x);
}

void
stream_notified(struct exchange *x, const char *method, struct json_text params)
{
	struct json_field fields[] = {
		{ "id", JSON_IS_ANY, { NULL, 0 } },
		{ "type", JSON_IS_STRING, { NULL, 0 } },
		{ "data", JSON_IS_ANY, { NULL, 0 } },
		{ "seq", JSON_IS_NUMBER, { NULL, 0 } },
	};
	_buf_ struct buf data = { 0 }, type = { 0 };
	struct err ignored = ERR_INIT;

	stream_begin(x);
	if (strcmp(method, "stream") == 0 ||
	    json_pick(params.s, params.len, 0, fields, ARRAY_SIZE(fields),
		      &ignored) < 0)
		return;
	if (strcmp(method, "event") == 0 && fields[1].value.s) {
		json_add_string(&type, fields[1].value, 64);
		buf_adds(&type, "");
		add_event(x, type.data, fields[0].value,
			  fields[2].value.s ? fields[2].value :
					      (struct json_text){ "{}", 2 });
		return;
	}
	buf_addc(&data, '{');
	json_each(params.s, params.len, 0, add_member, &data, &ignored);
	buf_addc(&data, '}');
	add_event(x, method, fields[3].value,
		  (struct json_text){ data.data, data.len });
}

/* The stream's end: by its last word, or by what went wrong. */
void
stream_answered(struct exchange *x, const struct answer *a)
{
	const struct json_text no_id = { NULL, 0 };
	_buf_ struct buf text = { 0 };

	stream_begin(x);
	if (a->problem.code == PROBLEM_NONE) {
		add_event(x, "end", no_id, a->result);
	} else {
		problem_write(&a->problem, a->members.s, a->members.len, &text);
		add_event(x, "error", no_id,
			  (struct json_text){ text.data, text.len });
	}
	finish(x);
}

/* --- The reader ------------------------------------------------------------
 */

/* So often: a word, so that a dead connection is noticed, by both. */
void
stream_beat(struct exchange *x)
{
	if (!backlog(x)) {
		x->stalled = 0;
		buf_adds(&x->out, ":\n\n");
		wake(x);
	} else if (x->sent != x->sent_at_beat) {
		x->stalled = 0;
	} else if (++x->stalled >= STREAM_STALLED_BEATS) {
		stats_stream_dropped();
		x->ended = true;
		connection_set_phase(x->connection, PHASE_GONE);
		shutdown(x->connection->fd, SHUT_RDWR);
		connection_resume(x->connection);
	}
	x->sent_at_beat = x->sent;
}

ssize_t
stream_read(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct exchange *x = cls;
	size_t n = backlog(x) < max ? backlog(x) : max;

	(void)pos;
	if (x->connection->phase == PHASE_GONE)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (!n && x->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (!n) {
		connection_suspend(x->connection);
		return 0;
	}
	memcpy(buf, x->out.data + x->out_sent, n);
	x->out_sent += n;
	x->sent += n;
	if (!backlog(x)) {
		buf_release(&x->out);
		buf_init(&x->out, STREAM_BACKLOG_MAX + REPLY_MAX);
		x->out_sent = 0;
	}
	exchange_hold(x, backlog(x));
	return (ssize_t)n;
}
