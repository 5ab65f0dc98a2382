/*
 * parts.h: what the files of store/ share; nobody else includes it.
 */
#ifndef STORE_PARTS_H
#define STORE_PARTS_H

#include <sqlite3.h>

#include <stdbool.h>

#include "store/store.h"

/* "dagt": says in the file's header whose it is. */
#define STORE_APPLICATION_ID 0x64616774

/* Every statement that is sent but those of schema.c and open.c; see sql.c. */
enum store_sql {
	SQL_BEGIN,
	SQL_BEGIN_READ,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_SAVEPOINT,
	SQL_RELEASE,
	SQL_UNDO,
	SQL_AGENT_ID_GET,
	SQL_AGENT_ID_SET,
	SQL_TALLY_GET,
	SQL_TALLY_SET,
	SQL_JOB_ADD,
	SQL_JOB_DELETE,
	SQL_ACTIVE_ADD,
	SQL_ACTIVE_FIND,
	SQL_ACTIVE_SINGLE,
	SQL_ACTIVE_SERIAL,
	SQL_ACTIVE_BEGIN,
	SQL_ACTIVE_REQUEUE,
	SQL_ACTIVE_LOG,
	SQL_ACTIVE_DELETE,
	SQL_ACTIVE_OWNED,
	SQL_ENDED_ADD,
	SQL_ENDED_STATE,
	SQL_ENDED_OLDEST,
	SQL_KEY_GET,
	SQL_KEY_ADD,
	SQL_KEY_DROP,
	SQL_KEY_OLDEST,
	SQL_KEY_DELETE,
	SQL_ATTEMPT_ADD,
	SQL_ATTEMPT_LIST,
	SQL_GET_ACTIVE,
	SQL_GET_ENDED,
	SQL_EACH_ACTIVE,
	SQL_LIST_ACTIVE,
	SQL_LIST_ENDED,
	SQL_LIST_PLACE,
	SQL_LIST_SINCE,
	SQL_NEXT,
	SQL_NEXT_NAME,
	SQL_NEXT_PLUGIN,
	SQL_PLUGIN_AFTER,
	SQL_PLUGIN_OF_NAME_AFTER,
	SQL_LOG_ADD,
	SQL_LOG_AFTER,
	SQL_LOG_DELETE,
	SQL_LOG_LIST,
	SQL_SCHEDULE_PUT,
	SQL_SCHEDULE_REMOVE,
	SQL_SCHEDULE_LIST,
	SQL_TOKEN_ADD,
	SQL_TOKEN_USED,
	SQL_TOKEN_REMOVE,
	SQL_TOKEN_LIST,
	SQL_DESTINATION_GET,
	SQL_DESTINATION_PUT,
	SQL_DESTINATION_LIST,
	SQL_DESTINATION_REMOVE,
	SQL_CURSOR_LIST,
	SQL_CURSOR_ADD,
	SQL_CURSOR_CLEAR,
	SQL_LINE_LIST,
	SQL_LINE_ADD,
	SQL_LINE_CLEAR,
	SQL_DROPPED_LIST,
	SQL_DROPPED_PUT,
	SQL_DROPPED_CLEAR,
	SQL_ASIDE_ADD,
	SQL_ASIDE_LIST,
	SQL_ASIDE_SHORTEN,
	SQL_ASIDE_CLEAR,
	SQL_OWED_READ,
	SQL_OWED_MEASURE,
	SQL_OWED_LINES,
	SQL_OWED_LOGGED,
	SQL_LINE_BEFORE,
	SQL_PAGE_SIZE,
	SQL_PAGE_COUNT,
	SQL_FREE_COUNT,
	SQL_VACUUM,
	SQL_CHECKPOINT,
	SQL_COUNT
};

extern const char *const store_sql[SQL_COUNT];

/* A process, among all that were and will be on this machine. */
struct store_owner {
	int64_t pid;
	int64_t start; /* clock ticks after the boot */
	char boot[37];
};

/* The row of `tally`, while a transaction is open. */
struct store_tally {
	bool known; /* what follows is right */
	bool changed;
	int64_t jobs[JOB_STATES];
	int64_t last_id;
	int64_t last_seq;
	int64_t latest_ms;
};

struct store {
	sqlite3 *db; /* NULL: store_replace() failed */
	char *path;
	bool kept;    /* opened in its place, not being made */
	bool damaged; /* an error said so */
	bool batch;   /* between store_begin() and its end */
	int patience_ms;
	enum store_durability durability;
	struct store_tally tally;
	int changes_before; /* rows changed until the transaction began */
	int64_t last_id;    /* as this handle saw it last */
	int64_t last_seq;   /* likewise */
	uint64_t commits;
	int64_t last_commit_us, max_commit_us;
	struct store_owner self; /* pid 0: not looked up yet */
	sqlite3_stmt *statements[SQL_COUNT];
};

/* --- error.c --- */

#define STORE_HINT_WRITE \
	"this account must be able to write the file and its folder"

/* Fill `e` from SQLite's last error; "what: reason", and a hint. */
int store_fail(struct store *s, struct err *e, const char *what);

/* Whether this result code says that the file's content is wrong. */
bool store_code_is_damage(int code);

/* The file beside the database that says to check it at the next start. */
char *store_suspect_path(const char *path);

/* --- statement.c --- */

/* Prepared at its first use; NULL on failure. To be reset: _stmt_. */
sqlite3_stmt *store_statement(struct store *s, enum store_sql which,
			      struct err *e);
void store_reset(sqlite3_stmt **statement);
#define _stmt_ _cleanup_(store_reset)

/* 1: a row, 0: the end, -1: an error, "what: ...". */
int store_step(struct store *s, sqlite3_stmt *statement, const char *what,
	       struct err *e);

/* Prepare, step to the end, reset. */
int store_run(struct store *s, enum store_sql which, const char *what,
	      struct err *e);

/* NULL, and 0 in store_bind_nonzero(), become NULL; a text must outlive the
 * statement's use. */
void store_bind_text(sqlite3_stmt *statement, int at, const char *text);
void store_bind_bytes(sqlite3_stmt *statement, int at, const char *text,
		      size_t len);
void store_bind_int(sqlite3_stmt *statement, int at, int64_t value);
void store_bind_nonzero(sqlite3_stmt *statement, int at, int64_t ms);

/* A text's own length is checked before it is bound. */
int store_check_text(const char *what, size_t len, struct err *e);
/* The same for each that is not NULL; adds their lengths to *bytes. */
int store_check_texts(const char *const texts[], size_t n, int64_t *bytes,
		      struct err *e);

/* --- change.c --- */

/*
 * One change of the caller's: a transaction of its own, or a part of the batch.
 *
 *	_change_ struct store_change c = { 0 };
 *
 *	store_change_begin(&c, s, "add a job", e)
 *	... look whether it is to be refused
 *	c.writes = true;
 *	... write
 *	store_change_commit(&c, e)
 *
 * What is left between `writes` and the commit takes the batch along, as half
 * of a change would be in it.
 */
struct store_change {
	struct store *s; /* NULL: over */
	const char *what;
	bool own;
	bool writes;
};
int store_change_begin(struct store_change *c, struct store *s,
		       const char *what, struct err *e);
int store_change_commit(struct store_change *c, struct err *e);
void store_change_end(struct store_change *c);
#define _change_ _cleanup_(store_change_end)

/* Several reads of one state of the database; for the cleanup attribute. */
int store_read_begin(struct store_change *c, struct store *s, const char *what,
		     struct err *e);

/* Within a change: the tally, to be changed in place; NULL on failure. */
struct store_tally *store_tally(struct store *s, struct err *e);

/* --- schema.c --- */

/* Bring the schema up to date; a newer one is an error. */
int store_migrate(struct store *s, struct err *e);

/* Make a new database, whole, in the empty file that s->db is. */
int store_create_schema(struct store *s, struct err *e);

/* The number that `sql`, a PRAGMA, gives. */
int store_pragma_int(struct store *s, const char *sql, int64_t *value,
		     struct err *e);

/* --- open.c --- */

/* Open `path`, which exists, and set what holds for every connection. */
int store_connect(struct store *s, const char *path, struct err *e);
void store_disconnect(struct store *s); /* may be connected again */

/* --- place.c --- */

/* Make the folder of `path`, and lock it until *folder is closed. */
int store_place_lock(const char *path, int *folder, struct err *e);

/*
 * Under that lock: make a new database at `path`. What was there gets another
 * name, which *set_aside is then, even on failure.
 */
int store_place_fill(const char *path, int folder, char **set_aside,
		     struct err *e);

/* --- owner.c --- */

int store_owner_self(struct store_owner *o, struct err *e);
/* `now` is what runs on this machine now: only its boot is looked at. */
bool store_owner_gone(const struct store_owner *o,
		      const struct store_owner *now);

/* --- active.c --- */

/* A row of `active`, as far as a change needs it. */
struct store_active {
	int64_t id;
	enum job_state state;
	int64_t attempt, started_ms, bytes;
	int64_t log_seq;
	int64_t log_first; /* the last line of the first ones; 0: still open */
	int64_t log_first_bytes, log_newest_bytes;
	bool serial; /* it has one */
	char *name, *plugin;
};
void store_active_release(struct store_active *a);
#define _active_ _cleanup_(store_active_release)

/* ERR_NOT_FOUND where there is no such job, ERR_USAGE where it has ended. */
int store_active_find(struct store *s, int64_t id, const char *cannot,
		      struct store_active *a, struct err *e);
/* The same, and whether it may become `to`. */
int store_active_check(struct store *s, int64_t id, enum job_state to,
		       struct store_active *a, struct err *e);
/* Where its log is now. */
int store_active_put_log(struct store *s, const struct store_active *a,
			 struct err *e);

/* --- key.c --- */

/* STORE_EXISTS and the id of then, 0 where the key is free, or -1. */
int store_key_check(struct store *s, const struct store_job *job, int64_t *id,
		    struct err *e);
int store_key_add(struct store *s, const struct store_job *job, int64_t id,
		  struct err *e);
/* Forget up to `limit` old ones; 1 where there are more. */
int store_key_prune(struct store *s, int64_t now_ms, size_t limit,
		    struct err *e);

/* --- log.c --- */

/*
 * All lines of `logs`, which may be NULL, behind those that `a` has; adds what
 * they take to a->bytes. What fails leaves none of them.
 */
int store_log_add_all(struct store *s, struct store_active *a,
		      store_log_source *logs, void *arg, struct err *e);
int64_t store_log_size(const struct store_log *log);

/* --- list.c --- */

/*
 * The first place in the order of ends, not before `from` nor after `high`,
 * from which on nothing ended before `since_ms`.
 */
int store_find_since(struct store *s, int64_t from, int64_t high,
		     int64_t since_ms, int64_t *seq, struct err *e);

/* --- read.c --- */

/* A row of LOG_COLUMNS (sql.c). */
struct store_log store_get_log(sqlite3_stmt *st);

/* A row of COLUMNS (sql.c). */
void store_get_job(sqlite3_stmt *st, struct store_job *job);

/* --- stats.c --- */

int store_number(struct store *s, enum store_sql which, int64_t *n,
		 struct err *e);

#endif
