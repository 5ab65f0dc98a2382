/* The statements, all of them, so that none is ever built from input. */
#include "store/parts.h"

#define JOB_COLUMNS                                                     \
	"id, name, plugin, state, \"trigger\", attempt, scheduled_ms, " \
	"started_ms, finished_ms, duration_ms, params, result, error, " \
	"\"exit\", usage, metrics, denials, sandbox, agent"

#define JOB_LIST_REST                                               \
	" id < ?1 AND (?2 IS NULL OR plugin = ?2)"                  \
	" AND (?3 = 0 OR finished_ms IS NULL OR finished_ms >= ?3)" \
	" ORDER BY id DESC"

const char *const store_sql[SQL_COUNT] = {
	/* IMMEDIATE: waits for other writers now, and not half way */
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_SAVEPOINT] = "SAVEPOINT change",
	[SQL_RELEASE] = "RELEASE change",
	[SQL_UNDO] = "ROLLBACK TO change",

	[SQL_AGENT_ID_GET] = "SELECT value FROM meta WHERE key = 'agent_id'",
	[SQL_AGENT_ID_SET] = "INSERT OR IGNORE INTO meta (key, value) "
			     "VALUES ('agent_id', ?1)",

	[SQL_JOB_START] =
		"INSERT INTO job (name, plugin, state, \"trigger\", attempt, "
		"scheduled_ms, started_ms, params, agent, owner_pid, "
		"owner_start, owner_boot) "
		"VALUES (?1, ?2, 'running', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
		"?11)",
	[SQL_JOB_STATE] = "SELECT state FROM job WHERE id = ?1",
	[SQL_JOB_FINISH] =
		"UPDATE job SET state = ?2, finished_ms = ?3, "
		"duration_ms = ?4, result = ?5, error = ?6, \"exit\" = ?7, "
		"usage = ?8, metrics = ?9, denials = ?10, sandbox = ?11, "
		"owner_pid = NULL, owner_start = NULL, owner_boot = NULL "
		"WHERE id = ?1",
	[SQL_JOB_RUNNING] = "SELECT id, owner_pid, owner_start, owner_boot "
			    "FROM job WHERE state = 'running' ORDER BY id",
	[SQL_JOB_LOSE] =
		"UPDATE job SET state = 'lost', finished_ms = ?3, error = ?4, "
		"owner_pid = NULL, owner_start = NULL, owner_boot = NULL "
		"WHERE id = ?1 AND state = 'running' AND owner_pid = ?2",
	[SQL_JOB_GET] = "SELECT " JOB_COLUMNS " FROM job WHERE id = ?1",
	[SQL_JOB_LIST] = "SELECT " JOB_COLUMNS " FROM job "
			 "WHERE" JOB_LIST_REST,
	[SQL_JOB_LIST_NAME] = "SELECT " JOB_COLUMNS " FROM job "
			      "WHERE name = ?4 AND" JOB_LIST_REST,
	[SQL_JOB_OLDEST] = "SELECT id, finished_ms FROM job "
			   "WHERE finished_ms IS NOT NULL "
			   "ORDER BY finished_ms, id LIMIT 1",
	[SQL_JOB_DELETE] = "DELETE FROM job WHERE id = ?1",

	[SQL_LOG_ADD] =
		"INSERT INTO log (job, seq, time_ms, level, stream, message, "
		"fields, left_out) VALUES (?1, "
		"(SELECT coalesce(max(seq), 0) + 1 FROM log WHERE job = ?1), "
		"?2, ?3, ?4, ?5, ?6, ?7)",
	[SQL_LOG_LIST] =
		"SELECT seq, time_ms, level, stream, message, fields, "
		"left_out FROM log WHERE job = ?1 AND seq > ?2 ORDER BY seq",

	[SQL_PAGE_SIZE] = "PRAGMA page_size",
	[SQL_PAGE_COUNT] = "PRAGMA page_count",
	[SQL_FREE_COUNT] = "PRAGMA freelist_count",
	[SQL_VACUUM] = "PRAGMA incremental_vacuum(256)",
	[SQL_CHECKPOINT] = "PRAGMA wal_checkpoint(PASSIVE)",
};

_Static_assert(STORE_VACUUM_PAGES == 256, "as SQL_VACUUM says");
