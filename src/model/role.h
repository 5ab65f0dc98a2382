/*
 * role.h: what somebody may do with the agent.
 *
 * Each may what those before it may.  Users of this host have one by their
 * user id and group, clients of the HTTP API by their token or certificate.
 */
#ifndef MODEL_ROLE_H
#define MODEL_ROLE_H

#include <stdbool.h>

enum role {
	ROLE_NONE,     /* may connect, and is told that it may not */
	ROLE_READER,   /* may look */
	ROLE_OPERATOR, /* may run plugins, and stop them */
	ROLE_ADMIN,    /* may change what runs when */
	ROLES,
};

const char *role_name(enum role role); /* "reader" */
/* Not "none". */
bool role_parse(const char *name, enum role *role);

#endif
