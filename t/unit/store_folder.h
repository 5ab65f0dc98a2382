/*
 * store_folder.h: what the tests of store/ share: a folder with a database,
 * small calls that say what went wrong, and ways to show what is there.
 */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include "tap.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "store/parts.h"

#define HELPER __attribute__((unused)) static

static char folder[40] = "/tmp/test_store.XXXXXX";
static char path[64];

/* --- Helpers -------------------------------------------------------------- */

HELPER void
empty_folder(void)
{
	DIR *d = opendir(folder);
	struct dirent *entry;

	if (!d)
		return;
	while ((entry = readdir(d))) {
		char name[512];

		snprintf(name, sizeof(name), "%s/%s", folder, entry->d_name);
		unlink(name);
	}
	closedir(d);
}

HELPER struct store *
open_store(void)
{
	struct err e = ERR_INIT;
	struct store *s = NULL;
	char *aside = NULL;

	if (store_open(path, &s, &aside, &e) < 0) {
		diag("open: %s", e.msg);
		exit(1);
	}
	if (aside)
		diag("unexpectedly set aside: %s", aside);
	free(aside);
	return s;
}

HELPER struct store *
new_store(void)
{
	empty_folder();
	return open_store();
}

HELPER struct store_job
sample(void)
{
	return (struct store_job){
		.name = "disks",
		.plugin = "collect-disk",
		.trigger = "run",
		.attempt = 1,
		.scheduled_ms = 1000,
		.started_ms = 1001,
		.params = "{\"a\":1}",
		.agent = "{\"host\":\"h\"}",
	};
}

HELPER int64_t
start(struct store *s)
{
	struct store_job job = sample();
	struct err e = ERR_INIT;

	if (store_job_start(s, &job, &e) < 0)
		diag("start: %s", e.msg);
	return job.id;
}

HELPER int
finish(struct store *s, int64_t id, enum job_state state, int64_t at,
       struct err *e)
{
	struct store_job job = {
		.id = id, .state = state, .finished_ms = at, .result = "[1]"
	};

	return store_job_finish(s, &job, NULL, NULL, e);
}

HELPER void
add_text(struct buf *b, const char *name, const char *value)
{
	if (value)
		buf_addf(b, " %s=%s", name, value);
}

HELPER int
show(void *arg, const struct store_job *j)
{
	struct buf *b = arg;

	buf_addf(b, "%s %s %s %s %" PRId64 " %" PRId64 "/%" PRId64 "/%" PRId64,
		 j->name, j->plugin, job_state_name(j->state), j->trigger,
		 j->attempt, j->scheduled_ms, j->started_ms, j->finished_ms);
	buf_addf(b, " %" PRId64, j->duration_ms);
	add_text(b, "params", j->params);
	add_text(b, "result", j->result);
	add_text(b, "error", j->error);
	add_text(b, "exit", j->exit);
	add_text(b, "usage", j->usage);
	add_text(b, "metrics", j->metrics);
	add_text(b, "denials", j->denials);
	add_text(b, "sandbox", j->sandbox);
	add_text(b, "agent", j->agent);
	return 0;
}

HELPER int
show_id(void *arg, const struct store_job *j)
{
	buf_addf(arg, "%" PRId64 " ", j->id);
	return 0;
}

HELPER int
show_log(void *arg, const struct store_log *l)
{
	struct buf *b = arg;

	buf_addf(b, "%" PRId64 " %" PRId64 " %s %s %zu ", l->seq, l->time_ms,
		 l->level, l->stream, l->len);
	buf_add(b, l->message, l->len);
	buf_addf(b, " %s +%" PRIu64 "\n", l->fields ? l->fields : "-",
		 l->left_out);
	return 0;
}

/* The state of a job, by name; "" where it is not there. */
HELPER const char *
state_of(struct store *s, int64_t id)
{
	static char name[32];
	_buf_ struct buf b = { 0 };
	struct err e = ERR_INIT;

	name[0] = '\0';
	if (store_job_get(s, id, show, &b, &e) == 0)
		sscanf(b.data, "%*s %*s %31s", name);
	return name;
}

HELPER void
sql(struct store *s, const char *text)
{
	char *message = NULL;

	if (sqlite3_exec(s->db, text, NULL, NULL, &message) != SQLITE_OK)
		diag("%s: %s", text, message);
	sqlite3_free(message);
}

/* What SQLite says to one question. */
HELPER const char *
ask(struct store *s, const char *text)
{
	static char answer[256];
	sqlite3_stmt *st = NULL;

	snprintf(answer, sizeof(answer), "?");
	if (sqlite3_prepare_v2(s->db, text, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		snprintf(answer, sizeof(answer), "%s",
			 (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	return answer;
}

/* How SQLite goes about a statement. */
HELPER const char *
explain(struct store *s, enum store_sql which)
{
	static char plan[512];
	sqlite3_stmt *st = NULL;
	_buf_ struct buf b = { 0 };

	buf_addf(&b, "EXPLAIN QUERY PLAN %s", store_sql[which]);
	sqlite3_prepare_v2(s->db, b.data, -1, &st, NULL);
	snprintf(plan, sizeof(plan), "?");
	if (sqlite3_step(st) == SQLITE_ROW)
		snprintf(plan, sizeof(plan), "%s",
			 (const char *)sqlite3_column_text(st, 3));
	sqlite3_finalize(st);
	return plan;
}

HELPER mode_t
mode_of(const char *name)
{
	struct stat st;

	return stat(name, &st) < 0 ? 0 : st.st_mode & 07777;
}

/* Files in the folder whose name holds `part`. */
HELPER int
count_files(const char *part)
{
	DIR *d = opendir(folder);
	struct dirent *entry;
	int n = 0;

	if (!d)
		return -1;
	while ((entry = readdir(d)))
		n += strstr(entry->d_name, part) != NULL;
	closedir(d);
	return n;
}

HELPER void
write_file(const char *name, const void *data, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		diag("write %s: %s", name, strerror(errno));
	close(fd);
}

#endif
