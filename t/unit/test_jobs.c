/*
 * config/: the jobs of a configuration: what each takes, what contradicts
 * itself, what others check, what a reload finds changed, what is secret.
 */
#include <time.h>

#include "config_folder.h"

static int
load(const char *text, struct config *c, struct err *e)
{
	_strv_ struct strv warnings = { 0 };

	config_init(c);
	return parse(text, c, &warnings, e);
}

/* --- What is set -------------------------------------------------------- */

#define A "jobs: {a: {plugin: p, "
#define Z "}}"

static const struct {
	const char *title, *text, *path, *want;
} good[] = {
	{ "a plugin", A Z, "plugin", "p" },
	{ "a command", "jobs: {a: {command: ./x/../y.py}}", "command",
	  "FOLDER/y.py" },
	{ "a method", A "method: forecast" Z, "method", "forecast" },
	{ "an interval", A "every: 90s" Z, "every", "90s" },
	{ "the shortest interval", A "every: 1s" Z, "every", "1s" },
	{ "cron", A "cron: '*/5 * * * *'" Z, "cron", "\"*/5 * * * *\"" },
	{ "cron in a zone", A "cron: '@daily', timezone: Europe/Berlin" Z,
	  "timezone", "Europe/Berlin" },
	{ "a time", A "at: 2026-01-31T08:00:00+01:00" Z, "at",
	  "\"2026-01-31T07:00:00.000Z\"" },
	{ "a service", A "always: true" Z, "always", "true" },
	{ "a service with its delay",
	  A "always: true, retry: {backoff: 1s, max_backoff: 1h}" Z,
	  "retry.max_backoff", "1h" },
	{ "no service, with an interval", A "always: false, every: 1m" Z,
	  "every", "1m" },
	{ "jitter of the interval", A "every: 1m, jitter: 1m" Z, "jitter",
	  "1m" },
	{ "overlap on demand", A "overlap: replace" Z, "overlap", "replace" },
	{ "missed runs", A "every: 1m, missed: all, missed_max: 1000" Z,
	  "missed_max", "1000" },
	{ "retries", A "retry: {max: 1000}" Z, "retry.max", "1000" },
	{ "a crash", A "on_crash: fail" Z, "on_crash", "fail" },
	{ "the lowest priority", A "priority: -100" Z, "priority", "-100" },
	{ "a timeout", A "timeout: 1ms" Z, "timeout", "1ms" },
	{ "no timeout", A Z, "timeout", "-" },
	{ "a timeout in the queue", A "queue_timeout: 365d" Z, "queue_timeout",
	  "365d" },
	{ "a job that is off", A "enabled: false" Z, "enabled", "false" },
	{ "params",
	  A "params: {n: 1, r: 1.0, s: '1', l: [{}, [null]], b: true}" Z,
	  "params", "{\"n\": 1, r: 1.0, s: \"1\", l: [{}, [null]], b: true}" },
	{ "params with references",
	  A "params: {a: ['<${T_WORD}>'], b: {c: '$${d}'}, d: '${T_NUMBER}'}" Z,
	  "params", "{a: [\"<word>\"], b: {c: \"${d}\"}, d: \"12\"}" },
	{ "secrets",
	  A "secrets: {a.b-c_D: 'x ${T_WORD}', f: '${file:secret}'}" Z,
	  "secrets", "{a.b-c_D: \"x word\", f: \"top\\u000asecret\"}" },
	{ "an empty section", "jobs: {a: {plugin: p, retry: }}", "retry.max",
	  "0" },
	{ "overlap by default", A Z, "overlap", "skip" },
	{ "missed by default", A Z, "missed", "once" },
	{ "how many, by default", A Z, "missed_max", "100" },
	{ "retries by default", A Z, "retry.max", "0" },
	{ "a crash by default", A Z, "on_crash", "retry" },
	{ "a job by default", A Z, "enabled", "true" },
};

static void
test_good(void)
{
	for (size_t i = 0; i < TAP_COUNT(good); i++) {
		_free_ char *want = fill_in(good[i].want);
		_free_ char *got = NULL;
		_config_ struct config c;
		struct err e = ERR_INIT;

		load(good[i].text, &c, &e);
		if (c.jobs.n == 1)
			got = get(&job_settings, c.jobs.items, good[i].path);
		is_str(got, want, "%s: %s", good[i].title, e.msg);
	}
}

/* --- What is refused ---------------------------------------------------- */

static const struct {
	const char *title, *text;
	const char *want; /* behind the file's name and a colon */
} bad[] = {
	{ "a list of jobs", "jobs: [a]",
	  "1:7: jobs: expected a map of names to jobs, found a list" },
	{ "a word for jobs", "jobs: a",
	  "1:7: jobs: expected a map of names to jobs, found a value" },
	{ "a job with a capital", "jobs:\n  Disk: {plugin: p}\n",
	  "2:3: jobs: 'Disk' is no name of a job: up to 64 lower case" },
	{ "a job with a dash first", "jobs:\n  -a: {plugin: p}\n",
	  "2:3: jobs: '-a' is no name" },
	{ "a job without a name", "jobs:\n  '': {plugin: p}\n",
	  "2:3: jobs: '' is no name" },
	{ "a job with a dot", "jobs:\n  a.b: {plugin: p}\n",
	  "2:3: jobs: 'a.b' is no name" },
	{ "a job twice", "jobs:\n  a: {plugin: p}\n  a: {plugin: q}\n",
	  "3:3: the key 'a' is here twice, first on line 2" },
	{ "a word for a job", "jobs:\n  a: collect-disk\n",
	  "2:6: jobs.a: expected a map of settings, found a value" },
	{ "an empty job", "jobs:\n  a:\n",
	  "2:3: jobs.a: it has neither plugin nor command" },
	{ "a job of nothing", "jobs:\n  a: {every: 1m}\n",
	  "2:3: jobs.a: it has neither plugin nor command" },
	{ "a job of two", "jobs:\n  a:\n    command: x\n    plugin: p\n",
	  "3:5: jobs.a.command: a job has plugin or command, and this one has "
	  "plugin, on line 4" },
	{ "a key with a slip", "jobs:\n  a:\n    plugin: p\n    evrey: 1m\n",
	  "4:5: unknown key 'evrey' in jobs.a; did you mean 'every'?" },
	{ "a key with a slip, further in", A "retry: {backof: 1s}" Z,
	  "1:31: unknown key 'backof' in jobs.a.retry; did you mean "
	  "'backoff'?" },
	{ "a key of a section outside it", A "max_backoff: 1s" Z,
	  "1:23: unknown key 'max_backoff' in jobs.a; did you mean "
	  "'retry.max_backoff'?" },
	{ "a path for a key", A "retry.max: 1" Z,
	  "1:23: unknown key 'retry.max' in jobs.a" },
	{ "a number for a section", A "retry: 3" Z,
	  "1:30: jobs.a.retry: expected a map of settings, found a value" },

	{ "a plugin's file for its name", "jobs: {a: {plugin: a_b.py}}",
	  "1:20: jobs.a.plugin: expected a name: lower case letters, digits "
	  "and -, found 'a_b.py'" },
	{ "an interval without a unit", A "every: 60" Z,
	  "1:30: jobs.a.every: the unit is missing: 60 is no duration, 60s "
	  "is" },
	{ "too short an interval", A "every: 999ms" Z,
	  "1:30: jobs.a.every: expected 1s to 3650d, found '999ms'" },
	{ "no interval", A "every: 0s" Z,
	  "1:30: jobs.a.every: expected 1s to 3650d, found '0s'" },
	{ "a date for a time", A "at: 2026-01-31" Z,
	  "1:27: jobs.a.at: expected a time such as 2026-01-31T08:00:00Z, "
	  "found '2026-01-31'" },
	{ "the beginning of time", A "at: 1970-01-01T00:00:00Z" Z,
	  "1:27: jobs.a.at: expected a time" },
	{ "no cron", A "cron: ''" Z,
	  "1:29: jobs.a.cron: expected five fields of cron, or a word such as "
	  "\"@hourly\", found an empty string" },
	{ "cron with a line's end", A "cron: \"a\\nb\"" Z,
	  "1:29: jobs.a.cron: a control character in it" },
	{ "an overlap with a slip", A "overlap: skpi" Z,
	  "1:32: jobs.a.overlap: expected one of skip, queue, replace, found "
	  "'skpi'; did you mean 'skip'?" },
	{ "too high a priority", A "priority: 101" Z,
	  "1:33: jobs.a.priority: expected -100 to 100, found 101" },
	{ "a priority in letters", A "priority: high" Z,
	  "1:33: jobs.a.priority: expected a whole number, found 'high'" },
	{ "retries below zero", A "retry: {max: -1}" Z,
	  "1:36: jobs.a.retry.max: expected 0 to 1000, found -1" },
	{ "a list for params", A "params: [a]" Z,
	  "1:31: jobs.a.params: expected a map, found a list" },
	{ "a variable in params that is not set",
	  A "params: {a: ['${T_NONE}']}" Z,
	  "1:36: jobs.a.params: the environment has no variable T_NONE" },
	{ "a NUL in params", A "params: {a: \"x\\0\"}" Z,
	  "1:35: jobs.a.params: a NUL in a string" },
	{ "a list for secrets", A "secrets: [hunter2]" Z,
	  "1:32: jobs.a.secrets: expected a map of names to strings" },
	{ "a number for a secret", A "secrets: {pin: 1234}" Z,
	  "1:38: jobs.a.secrets: the secret 'pin' is a string; quote it" },
	{ "a secret with a strange name", A "secrets: {'a b': x}" Z,
	  "1:33: jobs.a.secrets: a secret is named with up to 64 letters, "
	  "digits, _, . and -, no . or - first, found 'a b'" },
	{ "a secret from a file that is missing",
	  A "secrets: {a: '${file:none}'}" Z, "1:36: jobs.a.secrets: " },

	{ "every and cron",
	  "jobs:\n  a:\n    cron: '@daily'\n    plugin: p\n    every: 1m\n",
	  "3:5: jobs.a.cron: a job has one of every, cron, at and always, and "
	  "this one has every, on line 5" },
	{ "cron and always", A "cron: '@daily', always: true" Z,
	  "1:39: jobs.a.always: a job has one of every, cron, at and always, "
	  "and this one has cron, on line 1" },
	{ "at and every", A "at: 2026-01-31T08:00:00Z, every: 1h" Z,
	  "1:23: jobs.a.at: a job has one of" },
	{ "a zone without cron",
	  "jobs:\n a:\n  plugin: p\n  every: 1m\n"
	  "  timezone: UTC\n",
	  "5:3: jobs.a.timezone: goes with cron, and this job has every" },
	{ "a zone on demand", A "timezone: UTC" Z,
	  "1:23: jobs.a.timezone: goes with cron, and this job has none" },
	{ "jitter on demand", A "jitter: 1s" Z,
	  "1:23: jobs.a.jitter: goes with every, cron or at, and this job has "
	  "none" },
	{ "jitter longer than the interval", A "every: 1m, jitter: 61s" Z,
	  "1:34: jobs.a.jitter: 61s is longer than every, 1m" },
	{ "missed on demand", A "missed: none" Z,
	  "1:23: jobs.a.missed: goes with every, cron or at, and this job has "
	  "none" },
	{ "a cap of what is not capped", A "every: 1m, missed_max: 5" Z,
	  "1:34: jobs.a.missed_max: goes with missed: all" },
	{ "overlap of a service",
	  "jobs:\n a:\n  overlap: skip\n  plugin: p\n"
	  "  always: true\n",
	  "3:3: jobs.a.overlap: has no meaning for a job that runs always "
	  "(line 5)" },
	{ "retries of a service", A "always: true, retry: {max: 1}" Z,
	  "1:45: jobs.a.retry.max: has no meaning for a job that runs always" },
	{ "a timeout of a service", A "always: true, timeout: 1s" Z,
	  "1:37: jobs.a.timeout: has no meaning" },
	{ "a delay beyond the longest",
	  A "retry: {backoff: 1h, max_backoff: 1m}" Z,
	  "1:31: jobs.a.retry.backoff: backoff, 1h, is longer than "
	  "max_backoff, 1m" },
	{ "a longest delay below the delay", A "retry: {max_backoff: 4s}" Z,
	  "1:31: jobs.a.retry.max_backoff: backoff, 5s, is longer than "
	  "max_backoff, 4s" },
};

static void
test_bad(void)
{
	for (size_t i = 0; i < TAP_COUNT(bad); i++) {
		_free_ char *want = xasprintf("%s:%s", file, bad[i].want);
		_config_ struct config c;
		struct err e = ERR_INIT;

		is_int(load(bad[i].text, &c, &e), -1, "%s is refused",
		       bad[i].title);
		has_str(e.msg, want, "... and it is said where and why");
		ok(!strstr(e.msg, "1234") && !strstr(e.msg, "hunter2"),
		   "... without a secret");
	}
}

/* --- When ----------------------------------------------------------------- */

static void
test_when(void)
{
	static const struct {
		const char *text;
		enum config_when want;
	} cases[] = {
		{ A Z, CONFIG_ON_DEMAND },
		{ A "always: false" Z, CONFIG_ON_DEMAND },
		{ A "always: true" Z, CONFIG_ALWAYS },
		{ A "every: 1m" Z, CONFIG_EVERY },
		{ A "cron: x" Z, CONFIG_CRON },
		{ A "at: 2026-01-31T08:00:00Z" Z, CONFIG_AT },
	};

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		_config_ struct config c;
		struct err e = ERR_INIT;

		load(cases[i].text, &c, &e);
		is_int(c.jobs.n ? (int)c.jobs.items[0].when : -1, cases[i].want,
		       "%s is known by when it runs", cases[i].text);
	}
}

/* --- Checks by others ----------------------------------------------------- */

struct checks {
	enum config_check fails, warns;
	unsigned asked; /* set of enum config_check */
};

static int
check(void *arg, const struct config_job *j, enum config_check what,
      struct err *e)
{
	struct checks *c = arg;

	if (strcmp(j->name, "b") == 0)
		c->asked |= 1U << what;
	err_set(e, ERR_NOT_FOUND, "not so");
	err_hint(e, "but so");
	if (strcmp(j->name, "b") != 0)
		return 0;
	return what == c->fails ? -1 : what == c->warns ? 1 : 0;
}

static const char checked[] = "jobs:\n"
			      "  a: {plugin: p}\n"
			      "  b:\n"
			      "    command: ./p\n"
			      "    params: {}\n"
			      "    method: m\n"
			      "    cron: x\n"
			      "    timezone: y\n";

static void
test_check(void)
{
	static const struct {
		enum config_check what;
		const char *want;
	} places[] = {
		{ CONFIG_CHECK_PLUGIN, "4:14: jobs.b.command: not so" },
		{ CONFIG_CHECK_PARAMS, "5:13: jobs.b.params: not so" },
		{ CONFIG_CHECK_METHOD, "6:13: jobs.b.method: not so" },
		{ CONFIG_CHECK_CRON, "7:11: jobs.b.cron: not so" },
		{ CONFIG_CHECK_TIMEZONE, "8:15: jobs.b.timezone: not so" },
		{ CONFIG_CHECK_SECRETS, "3:3: jobs.b: not so" },
	};
	_config_ struct config c;
	struct err e = ERR_INIT;

	load(checked, &c, &e);
	for (size_t i = 0; i < TAP_COUNT(places); i++) {
		struct checks fails = { places[i].what, CONFIG_CHECKS, 0 };
		struct checks warns = { CONFIG_CHECKS, places[i].what, 0 };
		_free_ char *want = xasprintf("%s:%s", file, places[i].want);
		_free_ char *warning = xasprintf("%s (but so)", want);
		_strv_ struct strv warnings = { 0 };

		is_int(config_check(&c, check, &fails, &warnings, &e), -1,
		       "check %d fails", (int)places[i].what);
		is_str(e.msg, want, "... and it is said where");
		is_str(e.hint, "but so", "... and what to do");
		is_int(e.kind, ERR_USAGE, "... as wrong usage");
		is_int(config_check(&c, check, &warns, &warnings, &e), 0,
		       "... or warns");
		is_str(warnings.n == 1 ? warnings.items[0] : NULL, warning,
		       "... in the same words");
	}
}

static void
test_checked(void)
{
	struct checks all = { CONFIG_CHECKS, CONFIG_CHECKS, 0 };
	struct checks unknown = { CONFIG_CHECKS, CONFIG_CHECK_PLUGIN, 0 };
	_config_ struct config c, bare;
	_strv_ struct strv warnings = { 0 };
	struct err e = ERR_INIT;

	load(checked, &c, &e);
	load("jobs: {b: {plugin: p}}", &bare, &e);
	is_int(config_check(&c, check, &all, &warnings, &e), 0,
	       "a job that is right is right");
	is_int(all.asked, (1 << CONFIG_CHECKS) - 1, "... in all respects");
	config_check(&c, check, &unknown, &warnings, &e);
	is_int(unknown.asked,
	       1 << CONFIG_CHECK_CRON | 1 << CONFIG_CHECK_TIMEZONE |
		       1 << CONFIG_CHECK_PLUGIN,
	       "of an unknown plugin nothing more is asked");
	all.asked = 0;
	config_check(&bare, check, &all, &warnings, &e);
	is_int(all.asked,
	       1 << CONFIG_CHECK_PLUGIN | 1 << CONFIG_CHECK_PARAMS |
		       1 << CONFIG_CHECK_SECRETS,
	       "what is not set is not checked, but what may be missing");
}

static int
tell(void *arg, const struct config_job *j, enum config_check what,
     struct err *e)
{
	(void)arg;
	(void)what;
	return err_set(e, ERR_USAGE, "'%s' is no port",
		       value_get_string(j->params, "port", ""));
}

static void
test_check_masks(void)
{
	_config_ struct config c;
	_strv_ struct strv warnings = { 0 };
	struct err e = ERR_INIT;

	load("jobs: {a: {plugin: p, params: {port: '${T_WORD}'}}}", &c, &e);
	config_check(&c, tell, NULL, &warnings, &e);
	has_str(e.msg, "jobs.a.plugin: '****' is no port",
		"what came by ${...} is masked where a check quotes it");
}

/* --- Reloading ------------------------------------------------------------ */

static void
note(void *arg, const struct config_change *ch)
{
	static const char *const kinds[] = {
		[CONFIG_JOB_ADDED] = "+",
		[CONFIG_JOB_REMOVED] = "-",
		[CONFIG_JOB_CHANGED] = "~",
		[CONFIG_DESTINATION_ADDED] = "+>",
		[CONFIG_DESTINATION_REMOVED] = "->",
		[CONFIG_DESTINATION_CHANGED] = "~>",
		[CONFIG_SETTING_CHANGED] = "=",
	};

	buf_addf(arg, "%s%s%s ", kinds[ch->kind], ch->name,
		 ch->needs_restart ? "!" : "");
	if (ch->kind == CONFIG_JOB_CHANGED)
		ok(ch->from && ch->to && ch->from != ch->to,
		   "(both are there)");
}

static const struct {
	const char *title, *from, *to, *want;
} diffs[] = {
	{ "nothing", "", "", "" },
	{ "a default that is written down", "", "agent: {log_level: info}",
	  "" },
	{ "a setting", "", "agent: {log_level: warn}", "=agent.log_level " },
	{ "settings of every kind", "",
	  "agent: {listen_addr: '', data_dir: /x, labels: {a: b}, group: g, "
	  "socket: /s}\nstorage: {path: /p, durability: normal, "
	  "retention: {age: 1d}}\nplugins: {require: [], shell: {enabled: "
	  "false}}\nworkers: {max: 2}\nmetrics: {prometheus: false}",
	  "=agent.listen_addr =agent.data_dir! =agent.labels =agent.group! "
	  "=agent.socket! =plugins.shell.enabled =plugins.require "
	  "=storage.path! =storage.durability =storage.retention.age "
	  "=workers.max =metrics.prometheus " },
	{ "jobs that come and go",
	  "jobs: {a: {plugin: p}, c: {plugin: p}, e: {plugin: p}}",
	  "jobs: {d: {plugin: p}, c: {plugin: p}, b: {plugin: p}}",
	  "-a +b +d -e " },
	{ "jobs in another order, with a default",
	  "jobs: {a: {plugin: p, every: 60s}, b: {plugin: p}}",
	  "jobs:\n  b: {plugin: p, priority: 0}\n\n  a: {every: 1m, plugin: "
	  "p}\n",
	  "" },
	{ "a job", A "every: 1m" Z, A "every: 2m" Z, "~a " },
	{ "a job's kind", A "every: 1m" Z, A "cron: x" Z, "~a " },
	{ "a job's params", A "params: {a: 1}" Z, A "params: {a: 2}" Z, "~a " },
	{ "a job's params that go", A "params: {a: 1}" Z, A Z, "~a " },
	{ "a job's secret", A "secrets: {a: x}" Z,
	  A "secrets: {a: '${T_WORD}'}" Z, "~a " },
	{ "how a secret is written", A "secrets: {a: word}" Z,
	  A "secrets: {a: '${T_WORD}'}" Z, "" },
	{ "a job's retry", A "retry: {max: 1}" Z, A "retry: {max: 2}" Z,
	  "~a " },
	{ "destinations that come and go",
	  "forward: [{name: a, url: 'http://h/'}, {name: c, url: "
	  "'http://h/'}]",
	  "forward: [{name: b, url: 'http://h/'}, {name: c, url: "
	  "'http://i/'}]",
	  "->a +>b ~>c " },
	{ "everything goes", "agent: {user: me}\njobs: {a: {plugin: p}}", "",
	  "=agent.user! -a " },
};

static void
test_diff(void)
{
	for (size_t i = 0; i < TAP_COUNT(diffs); i++) {
		_config_ struct config from, to;
		_buf_ struct buf b = { 0 };
		struct err e = ERR_INIT;

		is_int(load(diffs[i].from, &from, &e) ||
			       load(diffs[i].to, &to, &e),
		       0, "(both load) %s", e.msg);
		buf_adds(&b, "");
		buf_add(&b, "", 0);
		config_diff(&from, &to, note, &b);
		is_str(b.data ? b.data : "", diffs[i].want, "%s is seen",
		       diffs[i].title);
	}
}

static void
test_keep_fixed(void)
{
	_config_ struct config from, to;
	_buf_ struct buf b = { 0 };
	struct err e = ERR_INIT;

	load("agent: {data_dir: /a, log_level: warn, group: g}", &from, &e);
	load("agent: {data_dir: /b, log_level: error, socket: /s}", &to, &e);
	config_keep_fixed(&from, &to);
	config_diff(&from, &to, note, &b);
	is_str(b.data, "=agent.log_level ",
	       "what is read at start stays, the rest is new");
	is_str(to.agent.data_dir, "/a", "... the folder");
	ok(!to.agent.socket, "... and what was not set");
}

/* --- Secrets -------------------------------------------------------------- */

static void
add_secret(void *arg, const char *text)
{
	buf_addf(arg, "<%s>", text);
}

static void
test_secrets(void)
{
	_config_ struct config c;
	_buf_ struct buf b = { 0 };
	struct err e = ERR_INIT;
	static const char text[] =
		"agent: {data_dir: '${T_DIR}', labels: {a: '${T_LEVEL}'}}\n"
		"jobs:\n"
		"  a: {plugin: p, params: {x: ['v=${T_WORD}'], y: plain}, "
		"secrets: {a: hunter2, b: abc, c: 'Bearer ${T_WORD}'}}\n"
		"  b: {plugin: p, secrets: {a: hunter2, b: '${file:secret}', "
		"c: \"-----BEGIN KEY\\r\\nMIIE0123\\nx\\n\"}}\n";

	is_int(load(text, &c, &e), 0, "(it loads) %s", e.msg);
	config_secrets(&c, add_secret, &b);
	is_str(b.data,
	       "<-----BEGIN KEY\r\nMIIE0123\nx\n><-----BEGIN KEY><Bearer word>"
	       "<top\nsecret><MIIE0123><hunter2><word>",
	       "secrets are listed, each once, the longest first");
}

/* --- Where the socket is -------------------------------------------------- */

static void
test_socket(void)
{
	static const struct {
		const char *title, *text, *runtime, *agent, *client;
	} cases[] = {
		{ "by default", "", NULL, "/var/lib/devops_agent/agent.sock",
		  "/run/devops_agent/agent.sock "
		  "/var/lib/devops_agent/agent.sock " },
		{ "in a folder", "agent: {data_dir: ./d}", NULL,
		  "FOLDER/d/agent.sock", "FOLDER/d/agent.sock " },
		{ "of a service", "", "/run/x:/run/y", "/run/x/agent.sock",
		  "/run/devops_agent/agent.sock /run/x/agent.sock " },
		{ "of a service without one", "", "",
		  "/var/lib/devops_agent/agent.sock", NULL },
		{ "as set", "agent: {socket: s}", "/run/x", "FOLDER/s",
		  "FOLDER/s " },
	};

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		_config_ struct config c;
		_strv_ struct strv paths = { 0 };
		_free_ char *want = fill_in(cases[i].agent);
		_free_ char *path = NULL;
		_buf_ struct buf b = { 0 };
		struct err e = ERR_INIT;

		load(cases[i].text, &c, &e);
		if (cases[i].runtime)
			setenv("RUNTIME_DIRECTORY", cases[i].runtime, 1);
		else
			unsetenv("RUNTIME_DIRECTORY");
		path = config_socket_path(&c);
		is_str(path, want, "the socket %s", cases[i].title);
		config_client_sockets(&c, &paths);
		for (size_t k = 0; k < paths.n; k++)
			buf_addf(&b, "%s ", paths.items[k]);
		free(want);
		want = fill_in(cases[i].client ? cases[i].client : b.data);
		is_str(b.data, want, "... and where it is looked for");
	}
	unsetenv("RUNTIME_DIRECTORY");
}

/* --- Many ----------------------------------------------------------------- */

#define MANY 10000
#define TIMES 10

static void
add_jobs(int n, struct buf *out)
{
	buf_adds(out, "jobs:\n");
	for (int i = 0; i < n; i++)
		buf_addf(out,
			 "  job-%d:\n    plugin: collect-disk\n    every: 1m\n"
			 "    jitter: 10s\n    retry: {max: 3, backoff: 5s}\n"
			 "    params: {min_percent: 80, path: /srv/%d}\n"
			 "    secrets: {token: \"${T_WORD}-%d\"}\n",
			 i, i, i);
}

/* Load, load again, compare and show: milliseconds of CPU time for each. */
static double
time_jobs(int n, double *load_ms)
{
	_config_ struct config c, again;
	_buf_ struct buf text = { 0 }, diff = { 0 }, shown = { 0 };
	_value_ struct value *v = NULL;
	struct err e = ERR_INIT;
	clock_t start;

	add_jobs(n, &text);
	start = clock();
	is_int(load(text.data, &c, &e), 0, "%d jobs load: %s", n, e.msg);
	*load_ms = 1e3 * (double)(clock() - start) / CLOCKS_PER_SEC;
	is_int((intmax_t)c.jobs.n, n, "... all of them");
	ok(config_find_job(&c, "job-777") && !config_find_job(&c, "job-x"),
	   "... and are found");
	load(text.data, &again, &e);
	config_diff(&c, &again, note, &diff);
	ok(!diff.len, "... and are the same when loaded again");
	config_show(&c, &shown);
	v = config_to_value(&c);
	is_int((intmax_t)value_get(v, "jobs")->u.object.n, n, "... and shown");
	return 1e3 * (double)(clock() - start) / CLOCKS_PER_SEC;
}

/* Ten times the jobs may take some ten times as long, not a hundred. */
static void
test_many(void)
{
	double load_few, load_many;
	double few = time_jobs(MANY / TIMES, &load_few);
	double many = time_jobs(MANY, &load_many);

	diag("CPU time of %d and of %d jobs: %.0f ms and %.0f ms to load, "
	     "%.0f ms and %.0f ms with all the rest",
	     MANY / TIMES, MANY, load_few, load_many, few, many);
	ok(load_many < 4 * TIMES * load_few + 50,
	   "the time to load grows with their number");
	ok(many < 4 * TIMES * few + 50, "... and so does all the rest");
}

int
main(void)
{
	set_up();
	test_good();
	test_bad();
	test_when();
	test_check();
	test_checked();
	test_check_masks();
	test_diff();
	test_keep_fixed();
	test_secrets();
	test_socket();
	test_many();
	tear_down();
	return tap_done();
}
