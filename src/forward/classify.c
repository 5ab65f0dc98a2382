#include "forward/classify.h"

#include <curl/curl.h>

#include <stddef.h>

#include "base/mem.h"

static const char *const names[] = {
	[FATE_ACCEPTED] = "accepted", [FATE_RETRY] = "retry",
	[FATE_SUSPECT] = "suspect",   [FATE_HALVE] = "halve",
	[FATE_BISECT] = "bisect",     [FATE_HOLD] = "hold",
};

const char *
fate_name(enum fate fate)
{
	return names[fate];
}

/* What libcurl says that is no matter of the moment. */
static const struct rule errors[] = {
	{ CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT, FATE_HOLD,
	  "its url can't be used" },
	{ CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CONNECT_ERROR, FATE_HOLD,
	  "TLS failed; does it speak TLS there, and want a client "
	  "certificate?" },
	{ CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED, FATE_HOLD,
	  "TLS failed" },
	{ CURLE_SSL_CERTPROBLEM, CURLE_PEER_FAILED_VERIFICATION, FATE_HOLD,
	  "TLS failed: its certificate is not trusted or not its own; see "
	  "ca" },
	{ CURLE_USE_SSL_FAILED, CURLE_USE_SSL_FAILED, FATE_HOLD, "TLS failed" },
	{ CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CACERT_BADFILE, FATE_HOLD,
	  "the file of ca can't be read" },
	{ CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR, FATE_HOLD,
	  "TLS failed: its certificate is not trusted" },
	{ CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_INVALIDCERTSTATUS,
	  FATE_HOLD, "TLS failed: its certificate is not trusted" },
	{ CURLE_SSL_CLIENTCERT, CURLE_SSL_CLIENTCERT, FATE_HOLD,
	  "TLS failed: it wants a client certificate" },
	/* the connection stood, and was cut: a record may have done it */
	{ CURLE_PARTIAL_FILE, CURLE_PARTIAL_FILE, FATE_SUSPECT,
	  "its answer was cut short" },
	{ CURLE_GOT_NOTHING, CURLE_GOT_NOTHING, FATE_SUSPECT,
	  "it hung up without an answer" },
	{ CURLE_WRITE_ERROR, CURLE_WRITE_ERROR, FATE_RETRY,
	  "its answer is too large" },
	{ CURLE_SEND_ERROR, CURLE_RECV_ERROR, FATE_SUSPECT,
	  "the connection was cut" },
	{ 0, 999, FATE_RETRY, "no answer" },
};

static const struct rule statuses[] = {
	{ 200, 202, FATE_ACCEPTED, "accepted" },
	{ 204, 204, FATE_ACCEPTED, "accepted" },
	{ 200, 299, FATE_HOLD,
	  "a success that this format does not know; is it a collector of this "
	  "format?" },
	{ 300, 399, FATE_HOLD,
	  "a redirect, which is not followed; set url to where it points" },
	{ 400, 400, FATE_BISECT, "bad request" },
	{ 401, 401, FATE_HOLD, "not authorised; see auth" },
	{ 403, 403, FATE_HOLD, "forbidden; see auth" },
	{ 404, 404, FATE_HOLD, "not found; see url" },
	{ 406, 406, FATE_BISECT, "not acceptable" },
	{ 408, 408, FATE_RETRY, "it took too long" },
	{ 409, 409, FATE_RETRY, "the same is under way" },
	{ 413, 413, FATE_HALVE, "too large" },
	{ 415, 415, FATE_BISECT,
	  "unsupported media type; if nothing is accepted, see format and "
	  "compression" },
	{ 421, 421, FATE_RETRY, "misdirected" },
	{ 422, 422, FATE_BISECT, "unprocessable" },
	{ 425, 425, FATE_RETRY, "too early" },
	{ 429, 429, FATE_RETRY, "too many requests" },
	{ 500, 500, FATE_SUSPECT, "it failed" },
	{ 502, 504, FATE_RETRY, "unavailable" },
	{ 507, 509, FATE_RETRY, "no room" },
	{ 520, 599, FATE_RETRY, "unavailable" },
	{ 0, 999, FATE_HOLD, "an answer that no collector should give" },
};

static const struct rule *
find(const struct rule *rules, size_t n, int code)
{
	for (size_t i = 0; i < n; i++)
		if (code >= rules[i].from && code <= rules[i].to)
			return &rules[i];
	return NULL;
}

static size_t
count(const struct rule *rules)
{
	size_t n = 0;

	while (rules && rules[n].to)
		n++;
	return n;
}

const struct rule *
classify(const struct rule *own, struct reply reply)
{
	const struct rule *found = NULL;

	if (reply.curl) {
		found = find(errors, ARRAY_SIZE(errors), reply.curl);
		return found ? found : &errors[ARRAY_SIZE(errors) - 1];
	}
	found = find(own, count(own), reply.status);
	if (!found)
		found = find(statuses, ARRAY_SIZE(statuses), reply.status);
	return found ? found : &statuses[ARRAY_SIZE(statuses) - 1];
}
