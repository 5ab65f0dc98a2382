/*
 * api.h: the HTTP API's program, and on whose behalf it asks.
 *
 * Requests come on the channel of peers.h as on the agent's socket, with the
 * same methods (messages.h), and say for whom they are:
 *
 *	"auth": {"token": "...", "address": "192.0.2.1",
 *		 "certificate": {"subject": "...", "fingerprint": "..."}}
 *
 * Of these only the address is there always.  The program is not believed
 * more than that: who may what is decided here, for each request.
 *
 *	cancel {"request": ID}		its client has gone: no answer is wanted
 *
 * Notifications on the way to an answer have a member "request", its id.
 */
#ifndef MASTER_API_H
#define MASTER_API_H

#include "master/peers.h"

#define API_LINE_MAX (1UL << 20)  /* bytes of a line from it */
#define API_OUT_PAUSE (8UL << 20) /* unread by it: nothing more is read */
#define API_OUT_MAX (128UL << 20) /* unread by it: it hangs */

extern const struct peer_kind api_peer;

#endif
