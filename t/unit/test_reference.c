/*
 * What docs/ says of the agent's metrics and messages is what their tables in
 * master/ say.
 *
 * `test_reference --write` makes the generated page anew.
 */
#include "master/messages.h"
#include "master/metrics.h"
#include "page.h"

static const struct page metrics_page = {
	"docs/metrics.md",
	"<!-- metrics: made from src/master/metrics.c -->\n",
	"<!-- end of metrics -->\n",
	metrics_write_reference,
};

#define CONTROL "docs/control.md"

/* The row of a table of the page; NULL where there is none. */
static char *
row_of(const char *page, const char *method)
{
	_free_ char *begin = xasprintf("\n| `%s` |", method);
	const char *row = strstr(page, begin);

	return row ? xstrndup(row + 1, strcspn(row + 1, "\n")) : NULL;
}

static void
check_message(const char *page, const struct message *msg)
{
	const char *who =
		msg->role == ROLE_NONE ? "anybody" : role_name(msg->role);
	_free_ char *cell =
		xasprintf(" %s%s |", who,
			  msg->where == MESSAGE_API   ? ", HTTP only" :
			  msg->where == MESSAGE_LOCAL ? ", here only" :
							"");
	_free_ char *row = row_of(page, msg->method);

	if (!ok(row != NULL, CONTROL " has %s", msg->method))
		return;
	ok(strstr(row, cell) != NULL, "... and who may:%.30s", cell);
	for (const struct param *p = msg->takes; p->name; p++) {
		_free_ char *quoted = xasprintf("`%s`", p->name);

		ok(strstr(row, quoted) != NULL, "... and its %s", p->name);
	}
}

int
main(int argc, char **argv)
{
	_buf_ struct buf page = { 0 };
	struct err e = ERR_INIT;
	const struct message *msg;

	if (argc > 1 && strcmp(argv[1], "--write") == 0)
		return page_write(&metrics_page);
	page_check(&metrics_page, "test_reference");
	is_int(file_read(CONTROL, &page, &e), 0, "there is " CONTROL);
	for (size_t i = 0; page.data && (msg = message_at(i)); i++)
		check_message(page.data, msg);
	return tap_done();
}
