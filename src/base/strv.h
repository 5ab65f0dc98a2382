/*
 * strv.h: a list of strings that it owns.
 *
 * Zero-initialise; strv_release() frees.  `items` is NULL-terminated once
 * something was added, so that it can be handed to execve().
 */
#ifndef BASE_STRV_H
#define BASE_STRV_H

#include <stdbool.h>
#include <stddef.h>

struct strv {
	char **items;
	size_t n;
};

void strv_add(struct strv *v, const char *s);
void strv_addf(struct strv *v, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
bool strv_has(const struct strv *v, const char *s);
/* Adds what is not there yet. */
void strv_add_once(struct strv *v, const char *s);
void strv_copy(struct strv *dst, const struct strv *src); /* appends */
void strv_sort(struct strv *v);
void strv_release(struct strv *v); /* also the cleanup function */

#define _strv_ _cleanup_(strv_release)

#endif
