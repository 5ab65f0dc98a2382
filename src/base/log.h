/*
 * log.h: what the agent says of itself, on standard error.
 *
 * Lines are "devops_agent: <text>".  Shared folders never log above debug:
 * they return a struct err and let the process decide.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

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

/* A broken invariant or no memory: says so and exits with 125. */
void fatal(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

#endif
