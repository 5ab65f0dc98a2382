/*
 * privileges.h: from root to an account that may nothing.
 */
#ifndef MASTER_PRIVILEGES_H
#define MASTER_PRIVILEGES_H

#include "base/err.h"
#include "config/config.h"

/*
 * Make the folders of the data, of the database and of the socket, owned by
 * the account that the agent becomes.
 */
int privileges_make_folders(const struct config *c, struct err *e);

/*
 * Become agent.user with its groups, where root started us, and give up every
 * capability for good, in this order: groups, ids, bounding set, capability
 * sets, no_new_privs, dumpable.  Where there is no such account, user id 0 is
 * kept, without capabilities, and a warning says so.
 */
int privileges_drop(const struct config *c, struct err *e);

#endif
