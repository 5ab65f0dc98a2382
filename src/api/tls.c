#include "api/tls.h"

#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proto/json.h"

#define PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"
#define HASH_BYTES 32

struct identity {
	unsigned refs;
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority;
	bool asks; /* for certificates of clients */
	int64_t ends;
};

static int
failed(struct err *e, const char *what, int rc)
{
	return err_set(e, ERR_USAGE, "%s: %s", what, gnutls_strerror(rc));
}

static gnutls_datum_t
datum(const char *text)
{
	return (gnutls_datum_t){ .data = (unsigned char *)text,
				 .size = (unsigned)strlen(text) };
}

/* --- Ours --------------------------------------------------------------- */

static void
take_end(struct identity *i)
{
	gnutls_x509_crt_t *list = NULL;
	unsigned n = 0;

	if (gnutls_certificate_get_x509_crt(i->credentials, 0, &list, &n) < 0)
		return;
	for (unsigned k = 0; k < n; k++) {
		if (k == 0)
			i->ends = (int64_t)gnutls_x509_crt_get_expiration_time(
				list[0]);
		gnutls_x509_crt_deinit(list[k]);
	}
	gnutls_free(list);
}

static int
load(struct identity *i, const char *cert, const char *key,
     const char *client_ca, struct err *e)
{
	gnutls_datum_t cert_text = datum(cert), key_text = datum(key), ca_text;
	int rc = gnutls_certificate_allocate_credentials(&i->credentials);

	if (rc < 0)
		return failed(e, "TLS", rc);
	rc = gnutls_priority_init(&i->priority, PRIORITY, NULL);
	if (rc < 0)
		return failed(e, "TLS", rc);
	rc = gnutls_certificate_set_x509_key_mem2(i->credentials, &cert_text,
						  &key_text,
						  GNUTLS_X509_FMT_PEM, NULL, 0);
	if (rc < 0)
		return failed(e, "api.tls.cert and key", rc);
	take_end(i);
	if (!client_ca)
		return 0;
	ca_text = datum(client_ca);
	rc = gnutls_certificate_set_x509_trust_mem(i->credentials, &ca_text,
						   GNUTLS_X509_FMT_PEM);
	if (rc <= 0)
		return failed(e, "api.tls.client_ca",
			      rc < 0 ? rc : GNUTLS_E_NO_CERTIFICATE_FOUND);
	i->asks = true;
	return 0;
}

struct identity *
identity_new(const char *cert, const char *key, const char *client_ca,
	     struct err *e)
{
	struct identity *i = xcalloc(1, sizeof(*i));

	i->refs = 1;
	if (load(i, cert, key, client_ca, e) < 0) {
		identity_unref(i);
		return NULL;
	}
	return i;
}

struct identity *
identity_ref(struct identity *i)
{
	i->refs++;
	return i;
}

void
identity_unref(struct identity *i)
{
	if (!i || --i->refs)
		return;
	if (i->credentials)
		gnutls_certificate_free_credentials(i->credentials);
	if (i->priority)
		gnutls_priority_deinit(i->priority);
	free(i);
}

void
identity_unrefp(struct identity **i)
{
	identity_unref(*i);
}

int64_t
identity_ends(const struct identity *i)
{
	return i->ends;
}

void
identity_apply(struct identity *i, gnutls_session_t session)
{
	gnutls_priority_set(session, i->priority);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, i->credentials);
	gnutls_certificate_server_set_request(
		session, i->asks ? GNUTLS_CERT_REQUEST : GNUTLS_CERT_IGNORE);
}

/* --- Theirs ------------------------------------------------------------- */

void
tls_hash(const void *data, size_t len, char hex[TLS_HASH_HEX])
{
	unsigned char hash[HASH_BYTES];

	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, data, len, hash) < 0)
		memset(hash, 0, sizeof(hash));
	for (size_t i = 0; i < HASH_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
}

static void
add_text(struct buf *out, const char *name, const char *text)
{
	buf_addf(out, "\"%s\":", name);
	json_encode_string(text, strlen(text), out);
	buf_addc(out, ',');
}

static enum peer
describe(const gnutls_datum_t *der, struct buf *out)
{
	char cn[256], hex[TLS_HASH_HEX];
	size_t cn_len = sizeof(cn);
	gnutls_datum_t subject = { NULL, 0 };
	gnutls_x509_crt_t crt;

	if (gnutls_x509_crt_init(&crt) < 0)
		return PEER_UNTRUSTED;
	if (gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) < 0 ||
	    gnutls_x509_crt_get_dn3(crt, &subject, 0) < 0) {
		gnutls_x509_crt_deinit(crt);
		buf_adds(out, "its subject can't be read");
		return PEER_UNTRUSTED;
	}
	if (gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0,
					  0, cn, &cn_len) < 0)
		cn[0] = '\0';
	gnutls_x509_crt_deinit(crt);
	tls_hash(der->data, der->size, hex);
	buf_addc(out, '{');
	/* as RFC 4514 writes it: CN=client,O=example */
	add_text(out, "subject", (const char *)subject.data);
	gnutls_free(subject.data);
	if (cn[0])
		add_text(out, "cn", cn);
	buf_addf(out, "\"fingerprint\":\"%s\"}", hex);
	return PEER_KNOWN;
}

static void
say_why(unsigned status, struct buf *out)
{
	gnutls_datum_t text = { NULL, 0 };

	if (gnutls_certificate_verification_status_print(
		    status, GNUTLS_CRT_X509, &text, 0) < 0) {
		buf_adds(out, "it can't be checked");
		return;
	}
	buf_add(out, text.data, strlen((const char *)text.data));
	gnutls_free(text.data);
}

enum peer
identity_check_peer(const struct identity *i, gnutls_session_t session,
		    struct buf *out)
{
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT,
	};
	const gnutls_datum_t *list;
	unsigned n = 0, status = 0;

	list = i->asks ? gnutls_certificate_get_peers(session, &n) : NULL;
	if (!list || !n)
		return PEER_ANONYMOUS;
	if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) <
		    0 ||
	    status) {
		say_why(status, out);
		return PEER_UNTRUSTED;
	}
	return describe(&list[0], out);
}
