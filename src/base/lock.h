/*
 * lock.h: one agent a data folder.
 *
 * The lock is on the open file FOLDER/agent.lock: it lasts until every
 * process that has the descriptor has closed it or ended, however that
 * happens.  So a spawner that inherits it keeps a second agent out until the
 * last process of the first has gone.  The file itself stays; it holds the
 * pid of the process that took the lock, for messages.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include "base/err.h"

#define LOCK_FILE "agent.lock"

/*
 * Take the lock, waiting at most wait_ms for another's processes to end; uses
 * SIGALRM meanwhile, so before other threads and loops.  Returns the
 * descriptor (close-on-exec), or -1: it is held, or the file is not such that
 * only root, the folder's owner and the caller can have made it.
 */
int lock_folder(const char *folder, int wait_ms, struct err *e);

#endif
