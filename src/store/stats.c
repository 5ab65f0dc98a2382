/* What the database is like, in numbers. */
#include "store/parts.h"

#include <sys/stat.h>

#include <string.h>

int
store_number(struct store *s, enum store_sql which, int64_t *n, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, which, e);
	int rc = st ? store_step(s, st, "measure the database", e) : -1;

	if (rc > 0)
		*n = sqlite3_column_int64(st, 0);
	return rc < 0 ? -1 : 0;
}

static int64_t
wal_bytes(const struct store *s)
{
	_free_ char *path = xasprintf("%s-wal", s->path);
	struct stat st;

	return stat(path, &st) < 0 ? 0 : st.st_size;
}

int
store_stats(struct store *s, struct store_stats *out, struct err *e)
{
	_change_ struct store_change read = { 0 };
	const struct store_tally *tally;
	int64_t size = 0, pages = 0, unused = 0;

	if (store_read_begin(&read, s, "measure the database", e) < 0)
		return -1;
	tally = store_tally(s, e);
	if (!tally || store_number(s, SQL_PAGE_SIZE, &size, e) < 0 ||
	    store_number(s, SQL_PAGE_COUNT, &pages, e) < 0 ||
	    store_number(s, SQL_FREE_COUNT, &unused, e) < 0)
		return -1;
	*out = (struct store_stats){
		.file_bytes = pages * size,
		.free_bytes = unused * size,
		.wal_bytes = wal_bytes(s),
		.last_id = tally->last_id,
		.last_seq = tally->last_seq,
		.commits = s->commits,
		.last_commit_us = s->last_commit_us,
		.max_commit_us = s->max_commit_us,
	};
	memcpy(out->jobs, tally->jobs, sizeof(out->jobs));
	s->max_commit_us = 0;
	return 0;
}
