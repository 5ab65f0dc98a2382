/*
 * hunt.h: denial_from_paths() without waiting for it.
 *
 * Paths that a plugin named are looked at by another process, which may hang
 * on a dead network mount; what it found is added to the record when it is
 * known, or given up after a time.
 */
#ifndef WORKER_HUNT_H
#define WORKER_HUNT_H

#include "base/loop.h"
#include "model/record.h"
#include "sandbox/sandbox.h"

#define HUNT_MS 3000

struct hunt;

/*
 * Everything is borrowed until `over` is called, once, from the loop; the
 * hunt is freed before that.  `text` only for this call.  NULL where no
 * process can be had: then nothing is found.
 */
struct hunt *hunt_start(struct loop *l, struct record *r,
			const struct sandbox_spec *spec, const char *text,
			void (*over)(void *arg), void *arg);

/* Give up; over() is not called. */
void hunt_free(struct hunt *h);

#endif
