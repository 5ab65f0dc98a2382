/*
 * mem.h: memory that is never NULL, and the cleanup attributes.
 *
 * Allocation failure is fatal: every size that input controls is bounded
 * before it gets here.  A local that owns something is declared with its
 * cleanup attribute and leaves the function through steal_ptr()/steal_fd().
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n, size_t size); /* room for n * size bytes */
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n); /* of a string; n bytes at most */
char *xmemdup(const void *p, size_t n);	 /* n bytes, whatever; and a NUL */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* For __attribute__((cleanup)): take the address of the variable. */
void cleanup_freep(void *p); /* p: address of a malloc'ed pointer */
void cleanup_fdp(int *fd);   /* closes *fd if >= 0 */

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _free_ _cleanup_(cleanup_freep)
#define _close_ _cleanup_(cleanup_fdp)

#define steal_ptr(pp)                              \
	__extension__({                            \
		__typeof__(*(pp)) stolen_ = *(pp); \
		*(pp) = NULL;                      \
		stolen_;                           \
	})

static inline int
steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

/* The struct that `pointer` points to a member of. */
#define container_of(pointer, type, member) \
	((type *)((char *)(pointer)-offsetof(type, member)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
