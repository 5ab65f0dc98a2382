/* config/: the list of destinations. */
#include "config_folder.h"

#define URL "url: 'https://c/'"

static const struct {
	const char *title, *text, *path, *want;
} good[] = {
	{ "a url alone", URL, "url", "\"https://c/\"" },
	{ "the default format", URL, "format", "jsonl" },
	{ "a format", URL ", format: splunk-hec", "format", "splunk-hec" },
	{ "all jobs", URL, "select.jobs", "[\"*\"]" },
	{ "some jobs", URL ", select: {jobs: [a-*, b]}", "select.jobs",
	  "[\"a-*\", b]" },
	{ "all records", URL, "select.records", "[job, log]" },
	{ "some records", URL ", select: {records: [log]}", "select.records",
	  "[log]" },
	{ "in any order", URL ", select: {records: [log, job, log]}",
	  "select.records", "[job, log]" },
	{ "a buffer", URL, "buffer.size", "1GiB" },
	{ "no bound of it", URL ", buffer: {size: 0}", "buffer.size", "0" },
	{ "an age", URL, "buffer.age", "7d" },
	{ "no bound of age", URL ", buffer: {age: 0ms}", "buffer.age", "0ms" },
	{ "a full one", URL ", buffer: {full: drop_newest}", "buffer.full",
	  "drop_newest" },
	{ "a token of a file", URL ", auth: {bearer: '${file:crlf}'}",
	  "auth.bearer", "dos" },
	{ "a header", URL ", auth: {headers: {X-Scope-OrgID: a}}",
	  "auth.headers", "{X-Scope-OrgID: a}" },
	{ "a certificate", URL ", tls: {cert: c.pem, key: k.pem}", "tls.key",
	  "FOLDER/k.pem" },
	{ "a url with a port and a query", "url: 'http://[::1]:80/a?b=c&d'",
	  "url", "\"http://[::1]:80/a?b=c&d\"" },
	{ "a proxy with a user", URL ", proxy: 'socks5h://u:p@h:1'", "proxy",
	  "\"socks5h://u:p@h:1\"" },
	{ "no rate", URL, "rate", "0" },
	{ "a rate", URL ", rate: 500", "rate", "500" },
	{ "an order", URL ", order: newest", "order", "newest" },
	{ "a time-out", URL ", timeout: 5s", "timeout", "5s" },
};

static const struct {
	const char *title, *text, *want;
} bad[] = {
	{ "a map", "forward: {a: {}}",
	  "1:10: forward: expected a list of destinations, found a map" },
	{ "a value", "forward: x", "1:10: forward: expected a list of" },
	{ "no map in it", "forward: [x]",
	  "1:11: forward[0]: expected a map of settings" },
	{ "no name", "forward: [{" URL "}]", "forward[0].name: it has none" },
	{ "no proper name", "forward: [{name: A_b, " URL "}]",
	  "1:18: forward[0].name: expected a name: lower case" },
	{ "the same name",
	  "forward: [{name: a, " URL "},\n {name: a, " URL "}]",
	  "2:3: forward.a.name: another destination is called so" },
	{ "no url", "forward: [{name: a}]",
	  "1:11: forward.a.url: it has none" },
	{ "no scheme", "forward: [{name: a, url: c/d}]",
	  "1:26: forward.a.url: expected a URL such as" },
	{ "another scheme", "forward: [{name: a, url: 'ftp://c/'}]",
	  "1:21: forward.a.url: expected http:// or https:// at its start" },
	{ "no host", "forward: [{name: a, url: 'https:///x'}]",
	  "1:26: forward.a.url: expected a URL such as" },
	{ "a space in it", "forward: [{name: a, url: 'https://a b'}]",
	  "1:26: forward.a.url: expected a URL such as" },
	{ "a user in it", "forward: [{name: a, url: 'https://u:pass@c'}]",
	  "1:21: forward.a.url: a user's name or password in it" },
	{ "an unknown key", "forward: [{name: a, urll: x}]",
	  "1:21: unknown key 'urll' in forward.a; did you mean 'url'?" },
	{ "an unknown format", "forward: [{name: a, " URL ", format: json}]",
	  "forward.a.format: expected one of jsonl, otlp, loki, "
	  "elasticsearch, splunk-hec, influx, found 'json'; did you mean "
	  "'jsonl'?" },
	{ "a number as a token",
	  "forward: [{name: a, " URL ", auth: {bearer: 12345}}]",
	  "forward.a.auth.bearer: expected a token, a string; quote it" },
	{ "two lines as a token",
	  "forward: [{name: a, " URL ", auth: {bearer: '${file:secret}'}}]",
	  "forward.a.auth.bearer: a control character in it" },
	{ "two lines as a header",
	  "forward: [{name: a, " URL
	  ", auth: {headers: {A: '${file:secret}'}}}]",
	  "1:47: forward.a.auth.headers: a control character in A" },
	{ "a user without password",
	  "forward: [{name: a, " URL ", auth: {basic: {user: u}}}]",
	  "forward.a.auth.basic.user: goes with auth.basic.password" },
	{ "a token and a user",
	  "forward: [{name: a, " URL
	  ", auth: {bearer: t, basic: {user: u, password: p}}}]",
	  "1:47: forward.a.auth.bearer: a destination has bearer or basic" },
	{ "a key without its certificate",
	  "forward: [{name: a, " URL ", tls: {key: k}}]",
	  "1:46: forward.a.tls.key: goes with tls.cert" },
	{ "certificates of a plain url",
	  "forward: [{name: a, url: 'http://c/', tls: {ca: c}}]",
	  "1:45: forward.a.tls.ca: goes with an https:// url" },
	{ "too many records",
	  "forward: [{name: a, " URL ", batch: {records: 10001}}]",
	  "forward.a.batch.records: expected 1 to 10000, found 10001" },
	{ "a batch too large",
	  "forward: [{name: a, " URL ", batch: {size: 9MiB}}]",
	  "forward.a.batch.size: expected 1KiB to 8MiB, found '9MiB'" },
	{ "a buffer too small",
	  "forward: [{name: a, " URL ", buffer: {size: 1}}]",
	  "forward.a.buffer.size: expected 64KiB to 8192TiB, or 0 for no bound, "
	  "found 1" },
	{ "no jobs", "forward: [{name: a, " URL ", select: {jobs: []}}]",
	  "forward.a.select.jobs: expected a list of names, which may have" },
	{ "a job that is none",
	  "forward: [{name: a, " URL ", select: {jobs: ['[a]']}}]",
	  "1:56: forward.a.select.jobs: expected a list of names" },
	{ "no such records",
	  "forward: [{name: a, " URL ", select: {records: [logs]}}]",
	  "forward.a.select.records: expected a list of: job, log, found "
	  "'logs'; did you mean 'log'?" },
	{ "a token that is not there",
	  "forward: [{name: a, " URL ", auth: {bearer: '${T_NONE}'}}]",
	  "forward.a.auth.bearer: the environment has no variable T_NONE" },
};

static void
test_good(void)
{
	for (size_t i = 0; i < TAP_COUNT(good); i++) {
		_config_ struct config c;
		_strv_ struct strv warnings = { 0 };
		_free_ char *text =
			xasprintf("forward: [{name: a, %s}]", good[i].text);
		_free_ char *want = fill_in(good[i].want);
		_free_ char *found = NULL;
		struct err e = ERR_INIT;

		config_init(&c);
		is_int(parse(text, &c, &warnings, &e), 0, "%s: %s",
		       good[i].title, e.msg);
		if (c.forward.n)
			found = get(&destination_settings, c.forward.items,
				    good[i].path);
		is_str(found, want, "... is read");
	}
}

static void
test_bad(void)
{
	for (size_t i = 0; i < TAP_COUNT(bad); i++) {
		_config_ struct config c;
		_strv_ struct strv warnings = { 0 };
		struct err e = ERR_INIT;

		config_init(&c);
		is_int(parse(bad[i].text, &c, &warnings, &e), -1,
		       "%s is refused", bad[i].title);
		has_str(e.msg, bad[i].want, "... and it is said why");
		ok(!strstr(e.msg, "12345") && !strstr(e.msg, "pass@"),
		   "... without what may be secret");
	}
}

static void
add_secret(void *arg, const char *text)
{
	buf_addf(arg, "%s|", text);
}

static void
test_secrets(void)
{
	_config_ struct config c;
	_strv_ struct strv warnings = { 0 };
	_value_ struct value *v = NULL;
	_buf_ struct buf b = { 0 };
	struct err e = ERR_INIT;

	config_init(&c);
	parse("forward: [{name: a, " URL ", auth: {bearer: tokentoken, "
	      "headers: {X: x-header}}, proxy: 'http://u:proxypass@h'},"
	      "{name: b, " URL ", auth: {basic: {user: root, password: "
	      "basicpass}}}]",
	      &c, &warnings, &e);
	config_secrets(&c, add_secret, &b);
	is_str(b.data, "tokentoken|basicpass|proxypass|x-header|",
	       "what a log must not show");
	if (c.forward.n != 2)
		return;
	v = config_destination_value(&c.forward.items[0]);
	is_str(value_get_string(value_get(v, "auth"), "bearer", ""),
	       "tokentoken", "the forwarder gets it");
	is_int(value_get_int(value_get(v, "batch"), "wait_ms", 0), 2000,
	       "... and numbers in their units");
	is_int(value_get_int(value_get(v, "buffer"), "size_bytes", 0), 1 << 30,
	       "... of bytes, too");
}

static void
add_change(void *arg, const struct config_change *change)
{
	static const char marks[] = {
		[CONFIG_DESTINATION_ADDED] = '+',
		[CONFIG_DESTINATION_REMOVED] = '-',
		[CONFIG_DESTINATION_CHANGED] = '~',
		[CONFIG_SETTING_CHANGED] = '?',
	};

	buf_addf(arg, "%c%s ", marks[change->kind], change->name);
}

static void
test_warnings(void)
{
	static const struct {
		const char *text;
		size_t n;
	} cases[] = {
		{ "url: 'http://c/', auth: {bearer: x}", 1 },
		{ "url: 'http://c/', auth: {headers: {X: x}}", 1 },
		{ "url: 'http://c/'", 0 },
		{ "url: 'http://127.0.0.1:9/', auth: {bearer: x}", 0 },
		{ "url: 'https://c/', auth: {bearer: x}", 0 },
	};

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		_config_ struct config c;
		_strv_ struct strv warnings = { 0 };
		_free_ char *text =
			xasprintf("forward: [{name: a, %s}]", cases[i].text);
		struct err e = ERR_INIT;

		config_init(&c);
		parse(text, &c, &warnings, &e);
		is_int((intmax_t)warnings.n, (intmax_t)cases[i].n,
		       "%s: warned of, if it is plain", cases[i].text);
		if (warnings.n)
			has_str(warnings.items[0],
				":1:26: forward.a.url: what is below auth goes "
				"there unencrypted",
				"... with its place");
	}
}

static void
test_reload(void)
{
	_config_ struct config from, to;
	_strv_ struct strv warnings = { 0 };
	_buf_ struct buf b = { 0 };
	struct err e = ERR_INIT;

	config_init(&from);
	config_init(&to);
	parse("forward: [{name: a, " URL "}, {name: b, " URL "}, {name: c, " URL
	      "}, {name: d, " URL ", auth: {bearer: x}}]",
	      &from, &warnings, &e);
	parse("forward: [{name: e, " URL "}, {name: d, " URL
	      ", auth: {bearer: y}}, {name: c, url: 'https://c/'}, {name: a, " URL
	      ", select: {jobs: [x]}}]",
	      &to, &warnings, &e);
	config_diff(&from, &to, add_change, &b);
	is_str(b.data, "-b +e ~d ~a ", "what a reload changes");
	ok(config_find_destination(&to, "c") &&
		   !config_find_destination(&to, "b"),
	   "they are found by name");
}

static void
test_wanted(void)
{
	static const struct {
		const char *job;
		bool want;
	} jobs[] = {
		{ "disk", true }, { "disks", false }, { "net-a", true },
		{ "net-", true }, { "net", false },   { "xnet-a", false },
		{ "a1", true },	  { "a12", false },
	};
	_config_ struct config c;
	_strv_ struct strv warnings = { 0 };
	struct err e = ERR_INIT;

	config_init(&c);
	parse("forward: [{name: a, " URL
	      ", select: {jobs: [disk, net-*, 'a?']}}]",
	      &c, &warnings, &e);
	for (size_t i = 0; c.forward.n && i < TAP_COUNT(jobs); i++)
		ok(config_destination_wants(c.forward.items, jobs[i].job) ==
			   jobs[i].want,
		   "%s is %s", jobs[i].job, jobs[i].want ? "sent" : "not sent");
}

int
main(void)
{
	set_up();
	test_good();
	test_bad();
	test_secrets();
	test_warnings();
	test_reload();
	test_wanted();
	tear_down();
	return tap_done();
}
