/*
 * The place of the database in its folder. A new one is made beside and
 * renamed into place, so that nobody ever sees half of one.
 */
#include "store/parts.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/file.h"

/* What SQLite keeps beside a database. */
static const char *const companions[] = { "-wal", "-shm", "-journal" };

/* Wait as long as for a lock of SQLite, and in the same way. */
static int
lock_folder(const char *path, int fd, struct err *e)
{
	int64_t deadline = clock_mono_ms() + STORE_BUSY_MS;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_errno(e, "lock the folder of %s", path);
		if (clock_mono_ms() >= deadline)
			return err_set(
				e, ERR_AGENT,
				"the folder of %s stays locked by another process",
				path);
		sqlite3_sleep(5);
	}
	return 0;
}

static void
remove_with_companions(const char *path)
{
	unlink(path);
	for (size_t i = 0; i < ARRAY_SIZE(companions); i++) {
		_free_ char *name = xasprintf("%s%s", path, companions[i]);

		unlink(name);
	}
}

/*
 * A run of root's may be the first in the folder of an agent that is not root:
 * what it makes there is that agent's, or it could never start.  SQLite gives
 * what it makes beside a database to the database's owner by itself.
 */
static int
give_to_owner(const char *path, int fd, struct err *e)
{
	_free_ char *copy = xstrdup(path);
	struct stat st;

	if (geteuid() != 0 || stat(dirname(copy), &st) < 0 || st.st_uid == 0)
		return 0;
	if (fchown(fd, st.st_uid, st.st_gid) < 0)
		return err_errno(e, "give %s to its folder's owner", path);
	return 0;
}

/* An empty file, with no other's eyes on it. */
static int
create_file(const char *path, struct err *e)
{
	_close_ int fd = -1;

	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, "create %s", path);
	return give_to_owner(path, fd, e);
}

static int
use_wal(struct store *s, struct err *e)
{
	sqlite3_stmt *st = NULL;
	bool wal = false;

	if (sqlite3_prepare_v2(s->db, "PRAGMA journal_mode = WAL", -1, &st,
			       NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		wal = strcmp((const char *)sqlite3_column_text(st, 0), "wal") ==
		      0;
	if (sqlite3_finalize(st) != SQLITE_OK)
		return store_fail(s, e, "create");
	if (wal)
		return 0;
	err_set(e, ERR_AGENT, "%s: its file system can't share memory",
		s->path);
	return err_hint(e, "set storage.path to a local file system");
}

/* A whole new database at `path`, closed. */
static int
create(const char *path, struct err *e)
{
	_store_ struct store *s = xcalloc(1, sizeof(*s));

	s->path = xstrdup(path);
	s->patience_ms = STORE_BUSY_MS;
	remove_with_companions(path);
	if (create_file(path, e) < 0)
		return -1;
	if (store_connect(s, path, e) < 0 || store_create_schema(s, e) < 0 ||
	    use_wal(s, e) < 0) {
		store_disconnect(s);
		remove_with_companions(path);
		return -1;
	}
	return 0;
}

/* PATH.damaged-20260131T235959Z, or with a number where there is one. */
static char *
name_aside(const char *path)
{
	time_t now = (time_t)(clock_real_ms() / 1000);
	char date[32];
	struct tm tm;
	char *name;

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", &tm);
	name = xasprintf("%s.damaged-%s", path, date);
	for (int i = 2; access(name, F_OK) == 0; i++) {
		free(name);
		name = xasprintf("%s.damaged-%s-%d", path, date, i);
	}
	return name;
}

/* Returns whether it was there and now is not, -1 on failure. */
static int
move_aside(const char *path, const char *aside, const char *suffix,
	   struct err *e)
{
	_free_ char *from = xasprintf("%s%s", path, suffix);
	_free_ char *to = xasprintf("%s%s", aside, suffix);

	if (rename(from, to) == 0)
		return 1;
	return errno == ENOENT ? 0 : err_errno(e, "rename %s", from);
}

/*
 * The database first: until it is gone nobody may take it for one without a
 * log, and a log that stays behind alone is found here the next time.
 */
static int
clear_place(const char *path, char **set_aside, struct err *e)
{
	_free_ char *aside = name_aside(path);
	_free_ char *mark = store_suspect_path(path);
	int moved = move_aside(path, aside, "", e);

	for (size_t i = 0; moved >= 0 && i < ARRAY_SIZE(companions); i++) {
		int rc = move_aside(path, aside, companions[i], e);

		moved = rc < 0 ? rc : moved | rc;
		CRASH_POINT("place-moved");
	}
	if (moved < 0)
		return -1;
	unlink(mark);
	if (moved)
		*set_aside = steal_ptr(&aside);
	return 0;
}

int
store_place_fill(const char *path, int folder, char **set_aside, struct err *e)
{
	_free_ char *fresh = xasprintf("%s.new", path);

	if (create(fresh, e) < 0)
		return -1;
	CRASH_POINT("place-made");
	if (clear_place(path, set_aside, e) < 0)
		return -1;
	CRASH_POINT("place-cleared");
	if (rename(fresh, path) < 0)
		return err_errno(e, "rename %s", fresh);
	CRASH_POINT("place-filled");
	if (fsync(folder) < 0)
		return err_errno(e, "sync the folder of %s", path);
	return 0;
}

int
store_place_lock(const char *path, int *folder, struct err *e)
{
	_free_ char *copy = xstrdup(path);
	const char *name = dirname(copy);
	_close_ int fd = -1;

	if (file_mkdir_p(name, 0700, e) < 0)
		return -1;
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "open folder %s", name);
	if (lock_folder(path, fd, e) < 0)
		return -1;
	*folder = steal_fd(&fd);
	return 0;
}
