/*
 * Opening: the usual case is one attempt, without a lock. What makes or
 * replaces the file holds a lock on its folder, and tries again under it, for
 * another process may have done it meanwhile.
 */
#include "store/parts.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define KEPT_LOG_BYTES (512 << 10)

/* What came of an attempt to open; *e says why where it is not OPENED. */
enum outcome {
	OPENED,
	MISSING,
	DAMAGED, /* or not ours */
	FAILED,
};

/*
 * temp_store: nothing goes to /tmp. secure_delete FAST: deleting writes no
 * more than it must, so that it works where the disk is nearly full.
 */
static const char settings[] = "PRAGMA cell_size_check = ON;"
			       "PRAGMA temp_store = MEMORY;"
			       "PRAGMA secure_delete = FAST;"
			       "PRAGMA journal_size_limit = 4194304;";

static const struct {
	int option, value;
} config[] = {
	{ SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
	{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
	{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
	{ SQLITE_DBCONFIG_DQS_DML, 0 },
	{ SQLITE_DBCONFIG_DQS_DDL, 0 },
	{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
	{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
};

void
store_disconnect(struct store *s)
{
	for (size_t i = 0; i < SQL_COUNT; i++) {
		sqlite3_finalize(s->statements[i]);
		s->statements[i] = NULL;
	}
	sqlite3_close(s->db);
	s->db = NULL;
}

/*
 * The last one to close would copy the log back and delete it, and the next
 * would make it anew: eight syncs for a program that runs one job. A small log
 * may as well stay, at the cost of being read when the next one opens it.
 */
static void
keep_small_log(struct store *s)
{
	_free_ char *log = xasprintf("%s-wal", s->path);
	struct stat st;

	if (stat(log, &st) == 0 && st.st_size <= KEPT_LOG_BYTES)
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
				  NULL);
}

void
store_close(struct store *s)
{
	if (!s)
		return;
	if (s->kept)
		keep_small_log(s);
	store_disconnect(s);
	free(s->path);
	free(s);
}

void
store_closep(struct store **s)
{
	store_close(*s);
}

void
store_set_patience(struct store *s, int ms)
{
	s->patience_ms = ms;
	if (s->db)
		sqlite3_busy_timeout(s->db, ms);
}

int
store_set_durability(struct store *s, enum store_durability d, struct err *e)
{
	static const char *const sql[] = {
		[STORE_FULL] = "PRAGMA synchronous = FULL",
		[STORE_NORMAL] = "PRAGMA synchronous = NORMAL",
	};

	if (s->db && sqlite3_exec(s->db, sql[d], NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(s, e, "set its durability");
	s->durability = d;
	return 0;
}

/* Open `path`, which exists, and set what holds for every connection. */
int
store_connect(struct store *s, const char *path, struct err *e)
{
	int rc = sqlite3_open_v2(path, &s->db,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
				 NULL);

	if (!s->db)
		fatal("out of memory");
	if (rc != SQLITE_OK)
		return store_fail(s, e, "open");
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, s->patience_ms);
	sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
	/* an option that this SQLite does not know is no reason to fail */
	for (size_t i = 0; i < ARRAY_SIZE(config); i++)
		sqlite3_db_config(s->db, config[i].option, config[i].value,
				  NULL);
	if (sqlite3_exec(s->db, settings, NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(s, e, "open");
	if (store_set_durability(s, s->durability, e) < 0)
		return -1;
	/* SQLite opens what it may not write for reading */
	if (!sqlite3_db_readonly(s->db, "main"))
		return 0;
	err_set(e, ERR_AGENT, "%s: it may not be written", path);
	return err_hint(e, "%s", STORE_HINT_WRITE);
}

/* --- Is it sound? --------------------------------------------------------- */

/* Read it all: 1 sound, 0 damaged, -1 it can't be said now. */
static int
sound(sqlite3 *db)
{
	sqlite3_stmt *st = NULL;
	int good = -1, rc;

	rc = sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &st, NULL);
	if (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		good = strcmp((const char *)sqlite3_column_text(st, 0), "ok") ==
		       0;
	if (st)
		rc = sqlite3_finalize(st);
	return store_code_is_damage(rc) ? 0 : good;
}

/* Only where an earlier process met damage: it takes long. */
static int
check_suspect(struct store *s, struct err *e)
{
	_free_ char *mark = store_suspect_path(s->path);
	int good;

	if (access(mark, F_OK) < 0)
		return 0;
	good = sound(s->db);
	if (good > 0)
		unlink(mark);
	s->damaged = good == 0;
	return s->damaged ? err_set(e, ERR_AGENT, "%s is damaged", s->path) : 0;
}

static int
check_ours(struct store *s, struct err *e)
{
	int64_t id;

	if (store_pragma_int(s, "PRAGMA application_id", &id, e) < 0)
		return -1;
	s->damaged = id != STORE_APPLICATION_ID;
	return s->damaged ? err_set(e, ERR_AGENT, "%s is of another program",
				    s->path) :
			    0;
}

/* One attempt; connected only where OPENED. */
static enum outcome
attempt(struct store *s, struct err *e)
{
	struct stat st;

	if (stat(s->path, &st) < 0) {
		err_errno(e, "%s", s->path);
		return e->errnum == ENOENT ? MISSING : FAILED;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(e, ERR_USAGE, "%s is not a regular file", s->path);
		return FAILED;
	}
	if (st.st_size == 0) {
		err_set(e, ERR_AGENT, "%s is empty", s->path);
		return DAMAGED;
	}
	s->damaged = false;
	if (store_connect(s, s->path, e) == 0 && check_ours(s, e) == 0 &&
	    check_suspect(s, e) == 0 && store_migrate(s, e) == 0)
		return OPENED;
	/* leave what is not ours as it is */
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	store_disconnect(s);
	return s->damaged ? DAMAGED : FAILED;
}

/* Where there is none, or none that is sound. */
static enum outcome
make_or_replace(struct store *s, char **set_aside, struct err *e)
{
	_close_ int folder = -1;
	enum outcome outcome;

	if (store_place_lock(s->path, &folder, e) < 0)
		return FAILED;
	outcome = attempt(s, e);
	if (outcome == OPENED || outcome == FAILED)
		return outcome;
	if (outcome == DAMAGED)
		log_debug("set aside: %s", e->msg);
	if (store_place_fill(s->path, folder, set_aside, e) < 0)
		return FAILED;
	return attempt(s, e);
}

int
store_open(const char *path, struct store **out, char **set_aside,
	   struct err *e)
{
	_store_ struct store *s = xcalloc(1, sizeof(*s));
	_free_ char *aside = NULL;
	struct err mine = ERR_INIT;
	enum outcome outcome;

	s->patience_ms = STORE_BUSY_MS;
	/* SQLite reads a meaning into "file:..." and ":memory:" */
	s->path = xasprintf("%s%s", path[0] == '/' ? "" : "./", path);
	outcome = attempt(s, &mine);
	if (outcome == MISSING || outcome == DAMAGED)
		outcome = make_or_replace(s, &aside, &mine);
	if (outcome != OPENED) {
		*e = mine;
		if (aside)
			err_wrap(e, "the old database is now %s", aside);
		return err_wrap(e, "open store");
	}
	*set_aside = steal_ptr(&aside);
	s->kept = true;
	*out = steal_ptr(&s);
	return 0;
}

bool
store_damaged(const struct store *s)
{
	return s->damaged;
}

/* The numbers of jobs go on where they were in the damaged one. */
static int
continue_ids(struct store *s, int64_t last_id, struct err *e)
{
	_change_ struct store_change change = { 0 };
	struct store_tally *tally;

	if (store_change_begin(&change, s, "continue", e) < 0)
		return -1;
	tally = store_tally(s, e);
	if (!tally)
		return -1;
	tally->last_id = last_id;
	tally->changed = true;
	return store_change_commit(&change, e);
}

static int
replace(struct store *s, char **aside, struct err *e)
{
	_close_ int folder = -1;
	int64_t last_id = s->last_id;

	if (store_place_lock(s->path, &folder, e) < 0 ||
	    store_place_fill(s->path, folder, aside, e) < 0 ||
	    attempt(s, e) != OPENED)
		return -1;
	if (continue_ids(s, last_id, e) == 0)
		return 0;
	store_disconnect(s);
	s->last_id = last_id;
	return -1;
}

int
store_replace(struct store *s, char **set_aside, struct err *e)
{
	_free_ char *aside = NULL;

	if (s->batch)
		fatal("store: replaced within a batch");
	store_disconnect(s);
	if (replace(s, &aside, e) < 0) {
		if (aside)
			err_wrap(e, "the old database is now %s", aside);
		return err_wrap(e, "replace the damaged store");
	}
	*set_aside = steal_ptr(&aside);
	return 0;
}
