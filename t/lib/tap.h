/*
 * tap.h: what a unit test in C needs, and nothing else.
 *
 *	#include "tap.h"
 *
 *	static const struct {
 *		const char *title, *input;
 *		int want;
 *	} cases[] = { ... };
 *
 *	int main(void)
 *	{
 *		for (size_t i = 0; i < TAP_COUNT(cases); i++)
 *			is_int(parse(cases[i].input), cases[i].want, "%s",
 *			       cases[i].title);
 *		return tap_done();
 *	}
 *
 * A title is a sentence that says what holds ("a duration without a unit is
 * refused"); it is a printf format with its arguments. Every check returns
 * whether it held, so that a test can stop at a broken premise. What was got
 * comes before what was wanted.  tap_done() prints the plan and returns the
 * exit status of the program.
 *
 * All of it is for one thread of one process: a forked child must leave with
 * _exit() and report by its status.
 */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAP_COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define TAP_FORMAT(a, b) __attribute__((unused, format(printf, a, b)))

static int tap_run_count;
static int tap_failed_count;

/* diag: a remark on standard error, which prove shows; a comment a line. */
TAP_FORMAT(1, 2) static void diag(const char *format, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
		fprintf(stderr, "# %s\n", line);
}

/* One line of the report; a '#' would end the title, so it is escaped. */
__attribute__((unused, format(printf, 3, 0))) static bool
tap_report(bool held, const char *directive, const char *format, va_list ap)
{
	char title[1024];

	vsnprintf(title, sizeof(title), format, ap);
	tap_failed_count += !held;
	printf("%sok %d - ", held ? "" : "not ", ++tap_run_count);
	for (const char *p = title; *p; p++)
		fputs(*p == '#'	 ? "\\#" :
		      *p == '\n' ? "\\n" :
				   (char[]){ *p, '\0' },
		      stdout);
	printf("%s\n", directive);
	fflush(stdout);
	if (!held)
		diag("not ok: %s", title);
	return held;
}

#define TAP_REPORT(held, directive)                          \
	do {                                                 \
		va_list tap_ap;                              \
		va_start(tap_ap, format);                    \
		tap_report(held, directive, format, tap_ap); \
		va_end(tap_ap);                              \
	} while (0)

/* Where a failed check stands, in a macro so that the caller's line is it. */
#define TAP_HERE(check) \
	((check) ? true : (diag("    at: %s:%d", __FILE__, __LINE__), false))

TAP_FORMAT(2, 3) static bool tap_ok(bool held, const char *format, ...)
{
	TAP_REPORT(held, "");
	return held;
}

TAP_FORMAT(3, 4)
static bool
tap_is_int(intmax_t got, intmax_t want, const char *format, ...)
{
	TAP_REPORT(got == want, "");
	if (got != want)
		diag("   got: %jd\n  want: %jd", got, want);
	return got == want;
}

/* Either may be NULL, which equals NULL only. */
TAP_FORMAT(3, 4)
static bool
tap_is_str(const char *got, const char *want, const char *format, ...)
{
	bool same = got && want ? !strcmp(got, want) : got == want;

	TAP_REPORT(same, "");
	if (!same) {
		diag("   got: %s%s%s", got ? "\"" : "", got ? got : "NULL",
		     got ? "\"" : "");
		diag("  want: %s%s%s", want ? "\"" : "", want ? want : "NULL",
		     want ? "\"" : "");
	}
	return same;
}

/* got contains want somewhere; for messages whose rest may vary. */
TAP_FORMAT(3, 4)
static bool
tap_has_str(const char *got, const char *want, const char *format, ...)
{
	bool found = got && want && strstr(got, want);

	TAP_REPORT(found, "");
	if (!found)
		diag("   got: %s\n  want: ...%s...", got ? got : "NULL",
		     want ? want : "NULL");
	return found;
}

TAP_FORMAT(4, 5)
static bool
tap_is_mem(const void *got, const void *want, size_t size, const char *format,
	   ...)
{
	const unsigned char *g = got, *w = want;
	size_t at = 0;

	while (at < size && g[at] == w[at])
		at++;
	TAP_REPORT(at == size, "");
	if (at < size)
		diag("   byte %zu of %zu: got 0x%02x, want 0x%02x", at, size,
		     g[at], w[at]);
	return at == size;
}

#define ok(held, ...) TAP_HERE(tap_ok(held, __VA_ARGS__))
#define is_int(got, want, ...) TAP_HERE(tap_is_int(got, want, __VA_ARGS__))
#define is_str(got, want, ...) TAP_HERE(tap_is_str(got, want, __VA_ARGS__))
#define has_str(got, want, ...) TAP_HERE(tap_has_str(got, want, __VA_ARGS__))
#define is_mem(got, want, size, ...) \
	TAP_HERE(tap_is_mem(got, want, size, __VA_ARGS__))

/*
 * skip: one check that can't be made here, with the reason. The reason must be
 * listed in t/lib/skips.allowed, or the run fails.
 */
__attribute__((unused, format(printf, 2, 3))) static void
skip(const char *reason, const char *format, ...)
{
	char directive[512];

	snprintf(directive, sizeof(directive), " # SKIP %s", reason);
	TAP_REPORT(true, directive);
}

/* The whole program can't run here: call it first, and return its value. */
__attribute__((unused)) static int
skip_all(const char *reason)
{
	printf("1..0 # SKIP %s\n", reason);
	return 0;
}

__attribute__((unused)) static int
tap_done(void)
{
	printf("1..%d\n", tap_run_count);
	if (tap_failed_count)
		diag("%d of %d checks failed", tap_failed_count, tap_run_count);
	return tap_failed_count || !tap_run_count;
}

#endif
