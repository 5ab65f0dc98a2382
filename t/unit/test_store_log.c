/* store/: the log of a job that runs and runs. */
#include "store_folder.h"

static int
add_line(struct store *s, int64_t id, const char *text, size_t len,
	 const struct store_log_bounds *bounds)
{
	const struct store_log line = {
		.level = "info", .stream = "log", .message = text, .len = len
	};
	struct err e = ERR_INIT;
	int rc = store_log_add(s, id, &line, bounds, &e);

	if (rc < 0)
		diag("%s", e.msg);
	return rc;
}

static int
show_seq(void *arg, const struct store_log *l)
{
	buf_addf(arg, "%" PRId64 " ", l->seq);
	return 0;
}

static const char *
seqs(struct store *s, int64_t id, int64_t after, struct buf *b)
{
	struct err e = ERR_INIT;

	b->len = 0;
	buf_adds(b, "");
	store_log_list(s, id, after, 0, show_seq, b, &e);
	return b->data;
}

/* Lines of 36 bytes cost 100. */
static const char text36[] = "123456789012345678901234567890123456";

static void
test_bounds(void)
{
	static const struct {
		const char *title;
		struct store_log_bounds bounds;
		int lines;
		const char *want;
	} cases[] = {
		{ "below the bound", { 500, 500 }, 5, "1 2 3 4 5 " },
		{ "at both bounds", { 300, 200 }, 5, "1 2 3 4 5 " },
		{ "one too many", { 300, 200 }, 6, "1 2 3 5 6 " },
		{ "many too many", { 300, 200 }, 1000, "1 2 3 999 1000 " },
		{ "not quite three lines", { 299, 199 }, 9, "1 2 9 " },
		{ "no room at all", { 0, 0 }, 9, "1 9 " },
		{ "no first lines", { 0, 300 }, 9, "1 7 8 9 " },
		{ "no newest lines", { 300, 0 }, 9, "1 2 3 9 " },
	};

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		struct store *s = new_store();
		_buf_ struct buf b = { 0 };
		struct err e = ERR_INIT;

		start(s);
		start(s);
		add_line(s, 2, text36, 36, &cases[i].bounds);
		store_begin(s, &e);
		for (int n = 0; n < cases[i].lines; n++)
			add_line(s, 1, text36, 36, &cases[i].bounds);
		is_int(store_commit(s, &e), 0, "lines come: %s",
		       cases[i].title);
		is_str(seqs(s, 1, 0, &b), cases[i].want,
		       "the first and the newest are kept: %s", cases[i].title);
		is_str(seqs(s, 2, 0, &b), "1 ", "... of each job its own");
		store_close(s);
	}
}

static void
test_follow(void)
{
	const struct store_log_bounds bounds = { 200, 300 };
	struct store *s = new_store();
	_buf_ struct buf b = { 0 };

	start(s);
	for (int i = 0; i < 5; i++)
		add_line(s, 1, text36, 36, &bounds);
	is_str(seqs(s, 1, 3, &b), "4 5 ", "a log can be followed");
	is_str(seqs(s, 1, 5, &b), "", "... to its end");
	for (int i = 0; i < 5; i++)
		add_line(s, 1, text36, 36, &bounds);
	is_str(seqs(s, 1, 5, &b), "8 9 10 ",
	       "who is too slow sees by the numbers what is missing");
	store_close(s);
	s = open_store();
	add_line(s, 1, text36, 36, &bounds);
	is_str(seqs(s, 1, 0, &b), "1 2 9 10 11 ",
	       "bounds hold over a new start");
	store_close(s);
}

static int
two_lines(void *arg, store_log_fn *add, void *add_arg)
{
	const struct store_log line = {
		.level = "info", .stream = "log", .message = text36, .len = 36
	};

	(void)arg;
	return add(add_arg, &line) < 0 ? -1 : add(add_arg, &line);
}

static void
test_ends(void)
{
	const struct store_log_bounds bounds = { 200, 300 };
	struct store *s = new_store();
	struct store_job ended = { .id = 1,
				   .state = JOB_FAILED,
				   .finished_ms = 3 };
	struct err e = ERR_INIT;
	_buf_ struct buf b = { 0 };
	char want[32];

	start(s);
	sql(s, "UPDATE active SET owner_pid = NULL, owner_start = NULL, "
	       "owner_boot = NULL");
	for (int i = 0; i < 6; i++)
		add_line(s, 1, text36, 36, &bounds);
	is_int(store_job_requeue(s, &ended, 0, two_lines, NULL, &e), 0,
	       "an attempt's last lines come with its end");
	is_str(seqs(s, 1, 0, &b), "1 2 4 5 6 7 8 ", "... behind the others");
	is_int(store_log_add(s, 1, &(struct store_log){ .message = "" },
			     &bounds, &e),
	       -1, "in the queue a job does not log");
	is_int(e.kind, ERR_USAGE, "... %s", e.msg);
	store_job_begin(s, 1, 2, 4, &e);
	add_line(s, 1, text36, 36, &bounds);
	is_str(seqs(s, 1, 0, &b), "1 2 7 8 9 ",
	       "the next attempt goes on, within the same bounds");
	is_int(store_job_finish(s, &ended, two_lines, NULL, &e), 0,
	       "so does its end");
	is_str(seqs(s, 1, 0, &b), "1 2 7 8 9 10 11 ", "... behind the others");
	/* seven lines; "disks", "collect-disk", "run", params, agent */
	snprintf(want, sizeof(want), "%d", 7 * 100 + 5 + 12 + 3 + 7 + 12);
	is_str(ask(s, "SELECT bytes FROM ended"), want,
	       "the job's size is what it keeps");
	store_close(s);
}

/* A line that is too long is refused, and spoils nothing. */
static void
test_too_long(void)
{
	const struct store_log_bounds bounds = { 100, 100 };
	struct store *s = new_store();
	char *huge = xmalloc(STORE_TEXT_MAX + 2);
	struct err e = ERR_INIT;
	_buf_ struct buf b = { 0 };

	memset(huge, 'x', STORE_TEXT_MAX + 1);
	huge[STORE_TEXT_MAX + 1] = '\0';
	start(s);
	store_begin(s, &e);
	add_line(s, 1, "a", 1, &bounds);
	is_int(store_log_add(s, 1,
			     &(struct store_log){ .level = "info",
						  .stream = "log",
						  .message = huge,
						  .len = STORE_TEXT_MAX + 1 },
			     &bounds, &e),
	       -1, "a line that is too long is refused");
	is_int(e.kind, ERR_USAGE, "... as misuse");
	add_line(s, 1, "b", 1, &bounds);
	is_int(store_commit(s, &e), 0, "... and the batch goes on");
	is_str(seqs(s, 1, 0, &b), "1 2 ", "... without it");
	free(huge);
	store_close(s);
}

int
main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/agent.db", folder);
	test_bounds();
	test_follow();
	test_ends();
	test_too_long();
	empty_folder();
	rmdir(folder);
	return tap_done();
}
