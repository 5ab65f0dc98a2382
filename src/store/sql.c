/* The statements, all of them, so that none is ever built from input. */
#include "store/parts.h"

/* What store_get_job() reads, from either half of a job's life. */
#define JOB_COLUMNS                                                     \
	"job.id, job.name, job.plugin, job.\"trigger\", job.added_ms, " \
	"job.scheduled_ms, job.priority, job.max_attempts, "            \
	"job.retry_of, job.schedule, job.policy, job.agent, job.params"
#define ACTIVE_COLUMNS                                                   \
	JOB_COLUMNS ", active.state, active.attempt, active.started_ms," \
		    " active.not_before_ms, active.expires_ms, "         \
		    "active.single, active.serial, active.owner_pid"
#define NO_END ", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL"
#define ENDED_COLUMNS                                                  \
	JOB_COLUMNS ", ended.state, ended.attempt, ended.started_ms, " \
		    "NULL, NULL, NULL, NULL, NULL, ended.seq, "        \
		    "ended.finished_ms, ended.duration_ms, "           \
		    "ended.\"exit\", ended.usage, ended.sandbox, "     \
		    "ended.error, ended.denials, ended.metrics, "      \
		    "ended.result"

#define LOG_COLUMNS "seq, time_ms, level, stream, message, fields, left_out"

const char *const store_sql[SQL_COUNT] = {
	/* IMMEDIATE: waits for other writers now, and not half way */
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_BEGIN_READ] = "BEGIN",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_SAVEPOINT] = "SAVEPOINT change",
	[SQL_RELEASE] = "RELEASE change",
	[SQL_UNDO] = "ROLLBACK TO change",

	[SQL_AGENT_ID_GET] = "SELECT value FROM meta WHERE key = 'agent_id'",
	[SQL_AGENT_ID_SET] = "INSERT OR IGNORE INTO meta (key, value) "
			     "VALUES ('agent_id', ?1)",

	/* in the order of enum job_state */
	[SQL_TALLY_GET] = "SELECT queued, running, succeeded, failed, "
			  "timed_out, cancelled, denied, lost, last_id, "
			  "last_seq, latest_ms FROM tally WHERE one = 1",
	[SQL_TALLY_SET] = "UPDATE tally SET queued = ?1, running = ?2, "
			  "succeeded = ?3, failed = ?4, timed_out = ?5, "
			  "cancelled = ?6, denied = ?7, lost = ?8, "
			  "last_id = ?9, last_seq = ?10, latest_ms = ?11 "
			  "WHERE one = 1",

	[SQL_JOB_ADD] =
		"INSERT INTO job (id, name, plugin, \"trigger\", added_ms, "
		"scheduled_ms, priority, max_attempts, retry_of, schedule, "
		"policy, agent, params) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
		"?13)",
	[SQL_JOB_DELETE] = "DELETE FROM job WHERE id = ?1",

	[SQL_ACTIVE_ADD] =
		"INSERT INTO active (job, state, attempt, started_ms, "
		"not_before_ms, expires_ms, bytes, owner_pid, owner_start, "
		"owner_boot, name, plugin, single, serial) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
		"?13, ?14)",
	[SQL_ACTIVE_FIND] =
		"SELECT state, attempt, started_ms, bytes, log_seq, "
		"log_first, log_first_bytes, log_newest_bytes, name, plugin, "
		"serial IS NOT NULL FROM active WHERE job = ?1",
	[SQL_ACTIVE_SINGLE] = "SELECT job FROM active WHERE single = ?1",
	[SQL_ACTIVE_SERIAL] =
		"SELECT 1 FROM active AS a JOIN active AS b "
		"ON b.serial = a.serial AND b.state = 1 WHERE a.job = ?1 "
		"AND a.serial IS NOT NULL",
	[SQL_ACTIVE_BEGIN] = "UPDATE active SET state = 1, attempt = ?2, "
			     "started_ms = ?3 WHERE job = ?1",
	[SQL_ACTIVE_REQUEUE] = "UPDATE active SET state = 0, attempt = ?2, "
			       "started_ms = NULL, not_before_ms = ?3, "
			       "expires_ms = NULL WHERE job = ?1",
	[SQL_ACTIVE_LOG] = "UPDATE active SET bytes = ?2, log_seq = ?3, "
			   "log_first = ?4, log_first_bytes = ?5, "
			   "log_newest_bytes = ?6 WHERE job = ?1",
	[SQL_ACTIVE_DELETE] = "DELETE FROM active WHERE job = ?1",
	[SQL_ACTIVE_OWNED] = "SELECT job, owner_pid, owner_start, owner_boot "
			     "FROM active WHERE owner_pid IS NOT NULL "
			     "ORDER BY job",

	[SQL_ENDED_ADD] =
		"INSERT INTO ended (seq, job, state, attempt, finished_ms, "
		"latest_ms, started_ms, duration_ms, bytes, name, plugin, "
		"\"exit\", usage, sandbox, error, denials, metrics, result) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
		"?13, ?14, ?15, ?16, ?17, ?18)",
	[SQL_ENDED_STATE] = "SELECT state FROM ended WHERE job = ?1",
	[SQL_ENDED_OLDEST] = "SELECT seq, job, finished_ms, bytes, state "
			     "FROM ended "
			     "ORDER BY seq LIMIT 1",

	[SQL_KEY_GET] = "SELECT job, time_ms, digest FROM key WHERE key = ?1",
	[SQL_KEY_ADD] = "INSERT INTO key (job, time_ms, key, digest) "
			"VALUES (?1, ?2, ?3, ?4)",
	[SQL_KEY_DROP] = "DELETE FROM key WHERE key = ?1",
	[SQL_KEY_OLDEST] = "SELECT job, time_ms FROM key ORDER BY job LIMIT 1",
	[SQL_KEY_DELETE] = "DELETE FROM key WHERE job = ?1",

	[SQL_ATTEMPT_ADD] =
		"INSERT OR REPLACE INTO attempt (job, attempt, state, "
		"started_ms, finished_ms, duration_ms, \"exit\", usage, "
		"error, denials) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	[SQL_ATTEMPT_LIST] = "SELECT attempt, state, started_ms, finished_ms, "
			     "duration_ms, \"exit\", usage, error, denials "
			     "FROM attempt WHERE job = ?1 ORDER BY attempt",

	[SQL_GET_ACTIVE] = "SELECT " ACTIVE_COLUMNS NO_END
			   " FROM active JOIN job ON job.id = active.job "
			   "WHERE active.job = ?1",
	[SQL_GET_ENDED] = "SELECT " ENDED_COLUMNS
			  " FROM ended JOIN job ON job.id = ended.job "
			  "WHERE ended.job = ?1",
	/* CROSS: `active` is the outer loop, whatever SQLite thinks of it */
	[SQL_EACH_ACTIVE] =
		"SELECT " ACTIVE_COLUMNS NO_END " FROM active CROSS JOIN job "
		"ON job.id = active.job "
		"WHERE owner_pid IS NULL ORDER BY active.job",
	[SQL_LIST_ACTIVE] =
		"SELECT " ACTIVE_COLUMNS NO_END
		" FROM active CROSS JOIN job ON job.id = active.job "
		"WHERE active.job < ?1 AND (?2 >> active.state) & 1 "
		"AND (?3 IS NULL OR active.name = ?3) "
		"AND (?4 IS NULL OR active.plugin = ?4) "
		"ORDER BY active.job DESC",
	[SQL_LIST_ENDED] = "SELECT " ENDED_COLUMNS
			   " FROM ended JOIN job ON job.id = ended.job "
			   "WHERE ended.seq = ?1",

	/* list.c says how these make a list */
	[SQL_LIST_PLACE] = "SELECT job, seq FROM ended WHERE job <= ?1 "
			   "ORDER BY job DESC LIMIT 1",
	[SQL_LIST_SINCE] = "SELECT seq, latest_ms FROM ended WHERE seq >= ?1 "
			   "ORDER BY seq LIMIT 1",
	[SQL_NEXT] = "SELECT max(seq) FROM ended WHERE seq < ?1",
	[SQL_NEXT_NAME] = "SELECT max(seq) FROM ended WHERE name = ?2 "
			  "AND plugin = ?3 AND state = ?4 AND seq < ?1",
	[SQL_NEXT_PLUGIN] = "SELECT max(seq) FROM ended WHERE plugin = ?3 "
			    "AND state = ?4 AND seq < ?1",
	[SQL_PLUGIN_AFTER] = "SELECT min(plugin) FROM ended WHERE plugin > ?1",
	[SQL_PLUGIN_OF_NAME_AFTER] = "SELECT min(plugin) FROM ended "
				     "WHERE name = ?2 AND plugin > ?1",

	[SQL_LOG_ADD] =
		"INSERT INTO log (job, seq, time_ms, level, stream, message, "
		"fields, left_out) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[SQL_LOG_AFTER] = "SELECT seq, length(CAST(message AS BLOB)) + "
			  "ifnull(length(CAST(fields AS BLOB)), 0) FROM log "
			  "WHERE job = ?1 AND seq > ?2 ORDER BY seq LIMIT 1",
	[SQL_LOG_DELETE] = "DELETE FROM log WHERE job = ?1 AND seq = ?2",
	[SQL_LOG_LIST] = "SELECT " LOG_COLUMNS " FROM log "
			 "WHERE job = ?1 AND seq > ?2 ORDER BY seq",

	[SQL_SCHEDULE_PUT] =
		"INSERT OR REPLACE INTO schedule (name, spec, paused, "
		"last_due_ms, last_job, runs, missed, skipped, definition) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[SQL_SCHEDULE_REMOVE] = "DELETE FROM schedule WHERE name = ?1",
	[SQL_SCHEDULE_LIST] =
		"SELECT name, spec, paused, last_due_ms, last_job, runs, "
		"missed, skipped, definition FROM schedule ORDER BY name",

	[SQL_TOKEN_ADD] =
		"INSERT INTO token (name, role, hash, created_ms, expires_ms) "
		"VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (name) DO NOTHING",
	[SQL_TOKEN_USED] =
		"UPDATE token SET used_ms = ?2, used_from = ?3 WHERE id = ?1",
	[SQL_TOKEN_REMOVE] = "DELETE FROM token WHERE name = ?1",
	[SQL_TOKEN_LIST] =
		"SELECT id, name, role, hash, created_ms, expires_ms, "
		"used_ms, used_from FROM token ORDER BY name",
	[SQL_DESTINATION_GET] = "SELECT created_ms, accepted, aside, last_ms "
				"FROM destination WHERE name = ?1",
	[SQL_DESTINATION_PUT] =
		"INSERT OR REPLACE INTO destination (name, created_ms, "
		"accepted, aside, last_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
	[SQL_DESTINATION_LIST] = "SELECT name FROM destination ORDER BY name",
	[SQL_DESTINATION_REMOVE] = "DELETE FROM destination WHERE name = ?1",
	[SQL_CURSOR_LIST] = "SELECT at, line, until FROM cursor "
			    "WHERE destination = ?1 ORDER BY at",
	[SQL_CURSOR_ADD] = "INSERT INTO cursor (destination, at, line, until) "
			   "VALUES (?1, ?2, ?3, ?4)",
	[SQL_CURSOR_CLEAR] = "DELETE FROM cursor WHERE destination = ?1",
	[SQL_LINE_LIST] = "SELECT job, line, most FROM cursor_line "
			  "WHERE destination = ?1 ORDER BY job",
	/* one whose job retention took is of no use */
	[SQL_LINE_ADD] = "INSERT INTO cursor_line (destination, job, line, "
			 "most) SELECT ?1, id, ?3, ?4 FROM job WHERE id = ?2",
	[SQL_LINE_CLEAR] = "DELETE FROM cursor_line WHERE destination = ?1",
	[SQL_DROPPED_LIST] = "SELECT reason, records FROM dropped "
			     "WHERE destination = ?1",
	[SQL_DROPPED_PUT] = "INSERT OR REPLACE INTO dropped (destination, "
			    "reason, records) VALUES (?1, ?2, ?3)",
	[SQL_DROPPED_CLEAR] = "DELETE FROM dropped WHERE destination = ?1",
	[SQL_ASIDE_ADD] = "INSERT INTO aside (destination, time_ms, record, "
			  "code, reason, excerpt) "
			  "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[SQL_ASIDE_LIST] = "SELECT time_ms, record, code, reason, excerpt "
			   "FROM aside WHERE destination = ?1 "
			   "ORDER BY id DESC LIMIT ?2",
	[SQL_ASIDE_SHORTEN] =
		"DELETE FROM aside WHERE destination = ?1 AND id <= "
		"(SELECT id FROM aside WHERE destination = ?1 "
		"ORDER BY id DESC LIMIT 1 OFFSET ?2)",
	[SQL_ASIDE_CLEAR] = "DELETE FROM aside WHERE destination = ?1",

	/* CROSS: in the order of ends, whatever SQLite thinks of it */
	[SQL_OWED_READ] = "SELECT " ENDED_COLUMNS
			  ", ended.bytes FROM ended CROSS JOIN job "
			  "ON job.id = ended.job "
			  "WHERE ended.seq >= ?1 AND ended.seq < ?2 "
			  "ORDER BY ended.seq",
	[SQL_OWED_MEASURE] = "SELECT seq, job, name, bytes, latest_ms "
			     "FROM ended WHERE seq >= ?1 AND seq < ?2 "
			     "ORDER BY seq",
	[SQL_OWED_LINES] =
		"SELECT count(*) FROM log WHERE job = ?1 AND seq > ?2",
	[SQL_OWED_LOGGED] =
		"SELECT " ACTIVE_COLUMNS NO_END ", active.log_seq "
		"FROM active INDEXED BY active_logged CROSS JOIN job "
		"ON job.id = active.job "
		"WHERE active.log_seq > 0 AND active.job > ?1 "
		"ORDER BY active.job",
	[SQL_LINE_BEFORE] = "SELECT seq FROM log WHERE job = ?1 AND seq <= ?2 "
			    "AND time_ms < ?3 ORDER BY seq DESC LIMIT 1",

	[SQL_PAGE_SIZE] = "PRAGMA page_size",
	[SQL_PAGE_COUNT] = "PRAGMA page_count",
	[SQL_FREE_COUNT] = "PRAGMA freelist_count",
	[SQL_VACUUM] = "PRAGMA incremental_vacuum(256)",
	[SQL_CHECKPOINT] = "PRAGMA wal_checkpoint(PASSIVE)",
};

_Static_assert(STORE_VACUUM_PAGES == 256, "as SQL_VACUUM says");
