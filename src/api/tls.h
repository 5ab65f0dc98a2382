/*
 * tls.h: who we are in TLS, and who the other side is.
 *
 * A connection keeps the identity that it began with, so that a certificate
 * may be renewed without one being dropped.
 */
#ifndef API_TLS_H
#define API_TLS_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct identity;

/* PEM texts; client_ca may be NULL.  NULL with `e`. */
struct identity *identity_new(const char *cert, const char *key,
			      const char *client_ca, struct err *e);
struct identity *identity_ref(struct identity *i);
void identity_unref(struct identity *i); /* NULL is fine */
void identity_unrefp(struct identity **i);

int64_t identity_ends(const struct identity *i); /* seconds since 1970 */

/* Before a session's handshake: it is ours, TLS 1.2 or 1.3. */
void identity_apply(struct identity *i, gnutls_session_t session);

enum peer {
	PEER_ANONYMOUS, /* it showed no certificate */
	PEER_KNOWN,	/* one of client_ca's */
	PEER_UNTRUSTED,
};

/*
 * After the handshake. Of a known one, adds {"subject":"...","cn":"...",
 * "fingerprint":"sha256 in hex"} to `out`; of one untrusted, why to `out`.
 */
enum peer identity_check_peer(const struct identity *i,
			      gnutls_session_t session, struct buf *out);

/* SHA-256, in hex, of which the first 32 digits are an ETag. */
#define TLS_HASH_HEX 65
void tls_hash(const void *data, size_t len, char hex[TLS_HASH_HEX]);

#endif
