/*
 * tokens.h: what the HTTP API's clients are known by.
 *
 * A token is 256 random bits, shown once and kept as its SHA-256 in the
 * database and here; it needs no slow hash, as it can't be guessed.  It is
 * looked for by comparing with every one in constant time.
 *
 * Who sends wrong ones is counted by address (an IPv6 network of 64 bits
 * counts as one): after TOKEN_TRIES he is told to wait, twice as long each
 * time up to TOKEN_SLOW_MAX_MS, and is forgotten after TOKEN_FORGET_MS.  A
 * right token is taken all the same, so that nobody can keep others out.
 *
 * A token that is revoked, or whose time is up, ends what it asked for.
 */
#ifndef MASTER_TOKENS_H
#define MASTER_TOKENS_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"
#include "master/changes.h"
#include "master/request.h"
#include "model/role.h"

#define TOKENS_MAX 1000
#define TOKEN_PREFIX "dagt_"
#define TOKEN_TEXT (sizeof(TOKEN_PREFIX) + 43) /* with its NUL */
#define TOKEN_TRIES 5
#define TOKEN_SLOW_MS 1000
#define TOKEN_SLOW_MAX_MS 60000
#define TOKEN_FORGET_MS 600000
#define TOKEN_ADDRESSES_MAX 4096
#define TOKEN_USED_MS 60000 /* when its last use is written, at the latest */

struct token {
	TAILQ_ENTRY(token) link;
	int64_t id;
	char *name;
	enum role role;
	char hash[65];
	int64_t created_ms, expires_ms; /* the latter 0: never */
	int64_t used_ms;
	char used_from[CALLER_ADDRESS];
	bool used; /* since that was written */
	bool adding, removing;
	/* private */
	struct change change;
	struct ticket *ticket;
	char *text; /* until it was shown */
};

struct suspect;
TAILQ_HEAD(suspects, suspect);

struct tokens {
	TAILQ_HEAD(, token) list;
	size_t n;
	struct suspects suspects; /* the one that tried last is last */
	size_t n_suspects;
	struct loop_timer expiry, write;
	struct change uses;
	uint64_t wrong, slowed; /* figures */
};

void tokens_init(struct master *m);
int tokens_load(struct master *m, struct err *e);
/* Put them into a database that is new, in the batch that is open. */
int tokens_restore(struct master *m, struct err *e);
void tokens_release(struct master *m);
/* Note their last uses for the next commit: the agent ends. */
void tokens_keep_uses(struct master *m);
/* Is there one that could be used? */
bool tokens_any(const struct master *m);

/*
 * Whose token it is: fills `caller`.  Otherwise -1: ERR_UNAUTHORIZED, or
 * ERR_TOO_MANY with *retry_ms.  `address` is as text.
 */
int tokens_find(struct master *m, const char *text, const char *address,
		struct caller *caller, int64_t *retry_ms, struct err *e);

/* Answers by q: {name, role, expires_at, token}, once it is on disk. */
int tokens_add(struct master *m, struct request *q, const char *name,
	       enum role role, int64_t expires_ms, struct err *e);
/* Answers by q. */
int tokens_revoke(struct master *m, struct request *q, const char *name,
		  struct err *e);

#endif
