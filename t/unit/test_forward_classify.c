/* forward/classify: what each answer means, for all formats. */
#include "tap.h"

#include <curl/curl.h>

#include "forward/classify.h"

static const struct {
	int curl, from, to;
	enum fate want;
} cases[] = {
	{ 0, 200, 202, FATE_ACCEPTED },
	{ 0, 203, 203, FATE_HOLD },
	{ 0, 204, 204, FATE_ACCEPTED },
	{ 0, 205, 299, FATE_HOLD },
	{ 0, 300, 399, FATE_HOLD },
	{ 0, 400, 400, FATE_BISECT },
	{ 0, 401, 405, FATE_HOLD },
	{ 0, 406, 406, FATE_BISECT },
	{ 0, 407, 407, FATE_HOLD },
	{ 0, 408, 409, FATE_RETRY },
	{ 0, 410, 412, FATE_HOLD },
	{ 0, 413, 413, FATE_HALVE },
	{ 0, 414, 414, FATE_HOLD },
	{ 0, 415, 415, FATE_BISECT },
	{ 0, 416, 420, FATE_HOLD },
	{ 0, 421, 421, FATE_RETRY },
	{ 0, 422, 422, FATE_BISECT },
	{ 0, 423, 424, FATE_HOLD },
	{ 0, 425, 425, FATE_RETRY },
	{ 0, 426, 428, FATE_HOLD },
	{ 0, 429, 429, FATE_RETRY },
	{ 0, 430, 499, FATE_HOLD },
	{ 0, 500, 500, FATE_SUSPECT },
	{ 0, 501, 501, FATE_HOLD },
	{ 0, 502, 504, FATE_RETRY },
	{ 0, 505, 506, FATE_HOLD },
	{ 0, 507, 509, FATE_RETRY },
	{ 0, 510, 511, FATE_HOLD },
	{ 0, 520, 599, FATE_RETRY },
	{ 0, 0, 0, FATE_HOLD },
	{ 0, 999, 1000, FATE_HOLD },
	{ CURLE_COULDNT_RESOLVE_HOST, 0, 0, FATE_RETRY },
	{ CURLE_COULDNT_CONNECT, 0, 0, FATE_RETRY },
	{ CURLE_OPERATION_TIMEDOUT, 0, 0, FATE_RETRY },
	{ CURLE_OPERATION_TIMEDOUT, 200, 200, FATE_RETRY },
	{ CURLE_GOT_NOTHING, 0, 0, FATE_SUSPECT },
	{ CURLE_PARTIAL_FILE, 200, 200, FATE_SUSPECT },
	{ CURLE_SEND_ERROR, 0, 0, FATE_SUSPECT },
	{ CURLE_RECV_ERROR, 0, 0, FATE_SUSPECT },
	{ CURLE_WRITE_ERROR, 200, 200, FATE_RETRY },
	{ CURLE_URL_MALFORMAT, 0, 0, FATE_HOLD },
	{ CURLE_SSL_CONNECT_ERROR, 0, 0, FATE_HOLD },
	{ CURLE_PEER_FAILED_VERIFICATION, 0, 0, FATE_HOLD },
	{ CURLE_SSL_CERTPROBLEM, 0, 0, FATE_HOLD },
	{ CURLE_SSL_CACERT_BADFILE, 0, 0, FATE_HOLD },
	{ CURLE_SSL_CLIENTCERT, 0, 0, FATE_HOLD },
	{ 9999, 0, 0, FATE_RETRY },
};

static void
check(int curl, int status, enum fate want)
{
	const struct rule *rule =
		classify(NULL, (struct reply){ curl, status });

	is_str(fate_name(rule->fate), fate_name(want), "%s %d means: %s",
	       curl ? "error" : "status", curl ? curl : status,
	       fate_name(want));
	ok(rule->why && *rule->why, "... and says why");
}

int
main(void)
{
	static const struct rule own[] = {
		{ 409, 409, FATE_ACCEPTED, "it is there already" },
		{ 0, 0, 0, NULL },
	};

	for (size_t i = 0; i < TAP_COUNT(cases); i++)
		for (int s = cases[i].from; s <= cases[i].to; s++)
			check(cases[i].curl, s, cases[i].want);
	is_int(classify(own, (struct reply){ 0, 409 })->fate, FATE_ACCEPTED,
	       "a format's own rule comes first");
	is_int(classify(own, (struct reply){ 0, 429 })->fate, FATE_RETRY,
	       "... and the others follow");
	is_int(classify(own, (struct reply){ CURLE_GOT_NOTHING, 409 })->fate,
	       FATE_SUSPECT, "... and no answer is no status");
	return tap_done();
}
