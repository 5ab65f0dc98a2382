/*
 * log.h: what the agent says of itself.
 *
 * The command line says it on standard error, "devops_agent: <text>".  A
 * service calls log_open(), and everything said from then on, log_warn() and
 * its like included, goes to standard output as structured lines:
 *
 *	{"time":"2026-01-31T23:59:59.123Z","level":"warn","message":"...",
 *	 "component":"queue","job":42,"plugin":"x"}
 *
 * or, as text, 2026-01-31T23:59:59.123Z WARN  queue: ... (job 42, plugin x).
 *
 * - Whatever bytes a message holds, a line is one line, valid JSON, valid
 *   UTF-8, and harmless to a terminal (text.h); it is cut at LOG_MESSAGE_MAX.
 * - A line that repeats one of the LOG_RECENT last ones (level, component,
 *   plugin, message) within the window is held and counted; the first is
 *   never held.  When the window ends, or its place is needed, "... (repeated
 *   N times)" is said once.
 * - Logging never waits: what standard output does not take is kept up to a
 *   bound; lines past it are dropped, counted, and the count is said.
 * - Secrets are replaced by *** wherever they stand in a message.
 *
 * Shared folders never log above debug: they return a struct err and let the
 * process decide.  One thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR
};

/* Lines below `level` are dropped; the default is LOG_LEVEL_WARN. */
void log_set_level(enum log_level level);

void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What a line is about; members that are NULL or 0 are left out. */
struct log_about {
	const char *component; /* "queue", "schedule", "spawner", ... */
	int64_t job;
	const char *plugin;
};

/* `about` may be NULL.  Without log_open() it is as log_warn() and so on. */
void log_event(enum log_level level, const struct log_about *about,
	       const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A broken invariant or no memory: says so and exits with 125. */
void fatal(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

/* --- Secrets: in service and on the command line -----------------------------
 */

/*
 * From now on `text` is shown as "***"; if it has several lines, each line of
 * at least 8 bytes is too.  Copied.  Empty: nothing.  A secret is looked for
 * in a message as it was logged: one that a caller has encoded (base64, or
 * JSON where that changes it) is not found.
 */
void log_add_secret(const char *text);
void log_forget_secrets(void); /* wiped; before they are read anew */

/* --- The service
 * -------------------------------------------------------------- */

#define LOG_MESSAGE_MAX 4096 /* bytes of a message, before it is escaped */
#define LOG_RECENT 16

enum log_format {
	LOG_AUTO, /* text on a terminal, JSON elsewhere */
	LOG_TEXT,
	LOG_JSON
};

struct log_options {
	int fd; /* stays the caller's, is never closed nor made non-blocking */
	enum log_format format;
	enum log_level level;
	int64_t window_ms; /* 0: 10 seconds; < 0: nothing is held */
	size_t buffer;	   /* bytes kept for a slow reader; 0: 64 KiB */
};

/*
 * Colour is used for text on a terminal without NO_COLOR.  SIGPIPE is to be
 * ignored by the process.
 */
void log_open(const struct log_options *o);
/* Says what is held, writes what can be without waiting; then as before. */
void log_close(void);

/*
 * Let a loop write what is left over and end windows in time: all that a
 * service needs.  log_attach(NULL) before the loop is freed.
 */
void log_attach(struct loop *l);

/* The same by hand. */
int log_pending_fd(void); /* call log_write() when writable; -1: none */
void log_write(void);	  /* write what can be without waiting */
int64_t
log_next_flush_ms(void);  /* clock_mono_ms() to call log_flush() at; -1 */
void log_flush(bool all); /* say what is held: where due, or all of it */

/* For metrics, since the start. */
struct log_stats {
	uint64_t lines, repeated, dropped;
};
void log_get_stats(struct log_stats *out);

#endif
