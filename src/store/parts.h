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
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_SAVEPOINT,
	SQL_RELEASE,
	SQL_UNDO,
	SQL_AGENT_ID_GET,
	SQL_AGENT_ID_SET,
	SQL_JOB_START,
	SQL_JOB_STATE,
	SQL_JOB_FINISH,
	SQL_JOB_RUNNING,
	SQL_JOB_LOSE,
	SQL_JOB_GET,
	SQL_JOB_LIST,
	SQL_JOB_LIST_NAME,
	SQL_JOB_OLDEST,
	SQL_JOB_DELETE,
	SQL_LOG_ADD,
	SQL_LOG_LIST,
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

struct store {
	sqlite3 *db;
	char *path;
	bool kept;		 /* opened in its place, not being made */
	bool damaged;		 /* an error said so */
	bool batch;		 /* between store_begin() and its end */
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

/* NULL and time 0 become NULL; a text must outlive the statement's use. */
void store_bind_text(sqlite3_stmt *statement, int at, const char *text);
void store_bind_bytes(sqlite3_stmt *statement, int at, const char *text,
		      size_t len);
void store_bind_int(sqlite3_stmt *statement, int at, int64_t value);
void store_bind_time(sqlite3_stmt *statement, int at, int64_t ms);

/* A text's own length is checked before it is bound. */
int store_check_text(const char *what, size_t len, struct err *e);

/* A transaction, or within one a part of it; undone unless committed. */
struct store_change {
	struct store *s; /* NULL: over */
	bool nested;
};
int store_change_begin(struct store_change *c, struct store *s,
		       const char *what, struct err *e);
int store_change_commit(struct store_change *c, const char *what,
			struct err *e);
void store_change_end(struct store_change *c);
#define _change_ _cleanup_(store_change_end)

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

#endif
