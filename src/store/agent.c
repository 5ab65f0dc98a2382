/* Who this agent is. */
#include "store/parts.h"

#include <sys/random.h>

#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* A random UUID (RFC 9562, version 4). */
static void
make_uuid(char id[STORE_AGENT_ID])
{
	unsigned char b[16];
	size_t n = 0;

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		fatal("no random numbers");
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(b); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			id[n++] = '-';
		snprintf(id + n, STORE_AGENT_ID - n, "%02x", b[i]);
		n += 2;
	}
}

/* 1 and the id, 0 where there is none yet. */
static int
get(struct store *s, char id[STORE_AGENT_ID], struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_AGENT_ID_GET, e);
	int rc = st ? store_step(s, st, "read the agent's id", e) : -1;

	if (rc <= 0)
		return rc;
	if (sqlite3_column_bytes(st, 0) != STORE_AGENT_ID - 1)
		return err_set(e, ERR_AGENT, "%s: the agent's id is no UUID",
			       s->path);
	memcpy(id, sqlite3_column_text(st, 0), STORE_AGENT_ID);
	return 1;
}

static int
set(struct store *s, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_AGENT_ID_SET, e);
	char fresh[STORE_AGENT_ID];

	if (!st)
		return -1;
	make_uuid(fresh);
	store_bind_text(st, 1, fresh);
	return store_step(s, st, "keep the agent's id", e);
}

int
store_agent_id(struct store *s, char id[STORE_AGENT_ID], struct err *e)
{
	int rc = get(s, id, e);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	/* where two processes do this at once, both get the first one's */
	if (set(s, e) < 0 || get(s, id, e) < 0)
		return -1;
	return 0;
}
