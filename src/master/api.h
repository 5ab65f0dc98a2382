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
 * more than that: who may what is decided here, for each request.  What it
 * could lie about: the address, which lets anonymous readers of this host in
 * where they are allowed; and, where api.tls.clients gives roles to
 * certificates, whose it was.
 *
 *	cancel {"request": ID}		its client has gone: no answer is wanted
 *
 * Notifications on the way to an answer have a member "request", its id.
 *
 * The sockets that it listens at are made here, at the start before the
 * privileges go.
 */
#ifndef MASTER_API_H
#define MASTER_API_H

#include "base/err.h"
#include "config/config.h"
#include "master/peers.h"

#define API_LINE_MAX (1UL << 20)  /* bytes of a line from it */
#define API_OUT_PAUSE (8UL << 20) /* unread by it: nothing more is read */
#define API_OUT_BUSY (32UL << 20) /* unread by it: requests are refused */
#define API_OUT_MAX (128UL << 20) /* unread by it: it hangs */
#define API_PEM_MAX (1UL << 20)
#define API_SOCKETS 2 /* localhost has two addresses */

/* PEM, or NULL. */
struct api_files {
	char *cert, *key, *client_ca;
};

struct api {
	struct api_files files;
	int sockets[API_SOCKETS];
	size_t n;
	/* figures */
	uint64_t audited;
};

extern const struct peer_kind api_peer;

/*
 * Listen as configured, while the privileges are there; what fails is tried
 * again, and said, when the program starts.
 */
void api_open(struct master *m, const struct config *c);
void api_close(struct master *m);

/* The certificates of a configuration; nothing where it names none. */
int api_files_read(const struct config *c, struct api_files *f, struct err *e);
void api_files_release(struct api_files *f); /* cleanup function */

/* m->setup is a new one, before peers_reload(); `files` is taken over. */
void api_reload(struct master *m, const struct config *old,
		struct api_files *files);

/* What this token has asked for ends with this error. */
void api_end_token(struct master *m, int64_t token, const struct err *e);

#endif
