/*
 * What a client may write on the agent's socket: cut into pieces as the first
 * byte says, read as lines, found in the table of messages and checked.  What
 * is answered must read back as the answer that it is.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "master/messages.h"
#include "proto/line.h"
#include "proto/rpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINE_LIMIT 16384

static void
check_answer(const struct buf *out)
{
	_cleanup_(rpc_answer_release) struct rpc_answer a = { .id = 0 };
	struct err e = ERR_INIT;

	if (!out->len || out->data[out->len - 1] != '\n' ||
	    memchr(out->data, '\n', out->len) != out->data + out->len - 1)
		abort();
	/* ids of its own are numbers: others can't be read back */
	rpc_answer_parse(out->data, out->len - 1, &a, &e);
}

static void
add_error(struct buf *out, const struct rpc_id *id, enum rpc_code code,
	  const struct err *e)
{
	if (!e->msg[0] || strlen(id->text) > RPC_ID_MAX)
		abort();
	rpc_add_error(out, id, code, e, NULL);
}

static int
on_line(void *arg, const struct line *line, struct err *ignored)
{
	_cleanup_(rpc_request_release) struct rpc_request r = { .params =
									NULL };
	_buf_ struct buf out = { 0 };
	enum rpc_code code = RPC_FAILED;
	const struct message *msg;
	struct err e = ERR_INIT;

	(void)arg;
	(void)ignored;
	if (rpc_request_parse(line->s, line->len, &r, &code, &e) < 0) {
		add_error(&out, &r.id, code, &e);
	} else if (!(msg = message_find(r.method, MESSAGE_LOCAL))) {
		message_unknown(r.method, MESSAGE_LOCAL, &e);
		add_error(&out, &r.id, RPC_NO_METHOD, &e);
	} else if (message_check(msg, r.params, &e) < 0) {
		add_error(&out, &r.id, RPC_INVALID_PARAMS, &e);
	} else {
		rpc_add_result(&out, &r.id, r.params);
	}
	check_answer(&out);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct line_splitter lines;
	struct err e = ERR_INIT;
	size_t piece = size ? data[0] + 1U : 1, at = 1, n;

	line_init(&lines, LINE_LIMIT);
	while (at < size) {
		n = size - at < piece ? size - at : piece;
		if (line_feed(&lines, (const char *)data + at, n, on_line, NULL,
			      &e) < 0)
			break;
		at += n;
	}
	line_release(&lines);
	return 0;
}
