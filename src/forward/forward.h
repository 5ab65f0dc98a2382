/*
 * forward.h: the process that pushes records to collectors.
 *
 * Started by the master with one end of a socketpair; has no files but those
 * that destinations name, no database and no listener. Leaves when the master
 * closes its end, with 0, or when it says what makes no sense, with 125.
 */
#ifndef FORWARD_FORWARD_H
#define FORWARD_FORWARD_H

#define FORWARD_CHANNEL 3 /* the descriptor that the master leaves us */

/* Returns the exit status. */
int forward_main(int fd);

#endif
