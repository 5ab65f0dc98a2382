/*
 * pools_parts.h: what pools.c and members.c share.
 */
#ifndef MASTER_POOLS_PARTS_H
#define MASTER_POOLS_PARTS_H

#include "master/pools.h"

/* Follows from the members of struct member; what pools count. */
enum member_state { MEMBER_STARTING, MEMBER_IDLE, MEMBER_BUSY, MEMBER_ENDING };
enum member_state member_state(const struct member *w);

/* A new worker, not started. */
struct member *member_add(struct master *m, struct pool *p, struct version *v,
			  struct launch *launch);
void member_remove(struct member *w);
void member_set_idle(struct member *w);
void member_set_job(struct member *w, struct live_job *j);
/* An idle one that is wanted no more. */
void member_end(struct member *w);

/* The job whose turn it is; NULL. */
struct live_job *pool_first(const struct pool *p);
/* There may be more idle ones now than are wanted. */
void pools_watch_idle(struct master *m, const struct pool *p);

#endif
