/* plugin/manifest: what a header may say, and what is said where it is wrong.
 */
#include "tap.h"

#include "base/mem.h"
#include "config/yaml.h"
#include "plugin/fields.h"
#include "plugin/manifest.h"
#include "plugin/permissions.h"

static int
read_manifest(const char *text, enum plugin_kind kind, struct manifest *m,
	      struct strv *advice, struct err *e)
{
	_value_ struct value *tree = NULL;

	if (yaml_decode(text, strlen(text), 1, 0, &tree, e) < 0)
		return -1;
	return manifest_read(tree, kind, m, advice, e);
}

#define N "name: x\n"
#define P "name: x\npermissions: "
#define L "name: x\nlimits: "
#define S "params: {type: object, properties: {a: {default: 1}, b: {}}}\n"

static const struct {
	const char *title, *in, *want; /* the error; NULL: accepted */
} cases[] = {
	{ "a name alone", N, NULL },
	{ "no name", "version: 1.0.0", "1:1: the header has no name" },
	{ "a list", "[a]", "1:1: expected keys and values, found array" },
	{ "a name in upper case", "name: X",
	  "1:7: name: 'X' is no plugin name" },
	{ "a name that begins with '-'", "name: -x", "is no plugin name" },
	{ "a name with a slash", "name: a/b", "is no plugin name" },
	{ "a name that is a number", "name: 12",
	  "1:7: name: expected a text, found integer" },
	{ "a name in quotes that is a number", "name: '12'", NULL },
	{ "an empty name", "name: ''", "1:7: name is empty" },
	{ "a key without a value", N "permissions:",
	  "2:1: permissions has no value; leave the key out" },
	{ "a misspelt key", N "permission: {}",
	  "2:1: unknown key 'permission'; did you mean 'permissions'?" },
	{ "an unknown key", N "zzzzzzzz: 1",
	  "2:1: unknown key 'zzzzzzzz'; known are name, version, " },
	{ "a key that hides in another place", N "timeout: 5s",
	  "2:1: unknown key 'timeout'" },

	{ "a version of three numbers", N "version: 1.0.0", NULL },
	{ "a version that is a whole number", N "version: 2", NULL },
	{ "a version that is a fraction", N "version: 1.10",
	  "2:10: version: 1.1 is read as a number" },
	{ "a fraction in quotes", N "version: '1.10'", NULL },
	{ "a description of several lines", N "description: >-\n  a\n  b\n",
	  NULL },
	{ "a description that keeps its lines", N "description: |\n  a\n  b\n",
	  NULL },
	{ "two paragraphs", N "description: |\n  a\n\n  b\n",
	  "2:14: description: more than one paragraph" },
	{ "an escape sequence in the description",
	  N "description: \"a\\e[31mb\"", "2:14: description: holds a line" },
	{ "text that turns round what follows", N "description: \"a\\u202eb\"",
	  "or one that can't be seen" },

	{ "every permission",
	  P "{read: [/], write: [/var/lib/x], exec: [awk, /bin/sh, '*'],\n"
	    "  network: [tcp:443, listen:1, udp, host],\n"
	    "  capabilities: [net_raw, CAP_SYSLOG], processes: host,\n"
	    "  env: [http_proxy, X_1], secrets: [db-password], user: nobody}",
	  NULL },
	{ "an unknown permission", P "{reed: [/]}",
	  "2:15: unknown key of permissions 'reed'; did you mean 'read'?" },
	{ "permissions as a list", P "[read]",
	  "2:14: expected keys and values, found array" },
	{ "a path that is no list", P "{read: /etc}",
	  "2:21: read: expected a list, found string" },
	{ "a relative path", P "{read: [etc]}",
	  "2:22: read: 'etc' is not an absolute path" },
	{ "the home folder", P "{read: [~/x]}", "is not an absolute path" },
	{ "a path with ..", P "{read: [/etc/../root]}",
	  "'/etc/../root' has a '..' in it" },
	{ "a path that ends in ..", P "{read: [/etc/..]}", "has a '..'" },
	{ "a name with two dots in it", P "{read: [/a..b/..c/d..]}", NULL },
	{ "a path with .", P "{read: [/etc/./x]}",
	  "write '/etc/./x' as '/etc/x'" },
	{ "a path with two slashes", P "{read: [//etc//x]}",
	  "write '//etc//x' as '/etc/x'" },
	{ "a path with a slash at its end", P "{write: [/etc/]}",
	  "write '/etc/' as '/etc'" },
	{ "a path with a line feed", P "{read: [\"/a\\nb\"]}",
	  "2:22: read: holds a line break" },
	{ "a path with a NUL", P "{read: [\"/a\\0b\"]}", "holds a line break" },
	{ "a path that can't be seen", P "{read: [\"/a\\u200bb\"]}",
	  "one that can't be seen" },
	{ "an empty path", P "{read: ['']}", "read is empty" },
	{ "a path with letters of any language",
	  P "{read: [/gr\xc3\xb6\xc3\x9f"
	    "e]}",
	  NULL },
	{ "a path twice", P "{read: [/a, /a]}",
	  "2:26: read: /a is there twice" },
	{ "a path that is a number", P "{read: [1]}",
	  "read: expected a text, found integer" },
	{ "a program by a relative path", P "{exec: [bin/sh]}",
	  "'bin/sh' is neither a program's name" },
	{ "a program by a pattern", P "{exec: ['py*']}", "is neither" },
	{ "a program with ..", P "{exec: [/bin/../sh]}", "has a '..'" },
	{ "port 0", P "{network: [tcp:0]}",
	  "2:25: network: 'tcp:0' has no port: write tcp:PORT" },
	{ "port 65535", P "{network: [tcp:65535]}", NULL },
	{ "port 65536", P "{network: [tcp:65536]}", "has no port" },
	{ "a port with a sign", P "{network: [tcp:+80]}", "has no port" },
	{ "a port with a leading zero", P "{network: [tcp:080]}",
	  "has no port" },
	{ "no port", P "{network: [tcp]}", "has no port" },
	{ "a port with more behind it", P "{network: ['tcp:80 ']}", "no port" },
	{ "a port for UDP", P "{network: ['udp:53']}",
	  "'udp:53' is none of tcp:PORT" },
	{ "a host", P "{network: ['example.org:80']}", "is none of tcp:PORT" },
	{ "listening without a port", P "{network: [listen]}",
	  "write listen:PORT" },
	{ "an unknown capability", P "{capabilities: [net_row]}",
	  "there is no capability 'net_row'; did you mean 'net_raw'?" },
	{ "a capability twice, written differently",
	  P "{capabilities: [net_raw, CAP_NET_RAW]}",
	  "net_raw is there twice" },
	{ "processes of another kind", P "{processes: all}",
	  "2:26: processes: the only value is 'host'" },
	{ "LD_PRELOAD", P "{env: [LD_PRELOAD]}",
	  "2:21: env: LD_PRELOAD is never passed on" },
	{ "PYTHONPATH", P "{env: [PYTHONPATH]}", "is never passed on" },
	{ "BASH_ENV", P "{env: [BASH_ENV]}", "is never passed on" },
	{ "PATH", P "{env: [PATH]}", "is never passed on" },
	{ "PARAM_X", P "{env: [PARAM_X]}", "is never passed on" },
	{ "a variable that only begins like a refused one", P "{env: [PATHS]}",
	  NULL },
	{ "a variable with a value", P "{env: ['A=b']}",
	  "'A=b' is no name of a variable" },
	{ "a variable that begins with a digit", P "{env: [1A]}",
	  "is no name" },
	{ "a secret with a slash", P "{secrets: [a/b]}",
	  "'a/b' is no name of a secret" },
	{ "root", P "{user: root}", "a plugin never runs as root" },
	{ "a user id", P "{user: '0'}", "'0' is no name of an account" },

	{ "every limit",
	  L "{timeout: 500ms, memory: 1MiB, cpu: 5s, processes: 1,\n"
	    "  files: 8, output: 1GiB, tmp: 4096}",
	  "output: must be from 1 to 64MiB" },
	{ "an unknown limit", L "{time: 5s}", "2:10: unknown key of limits" },
	{ "a duration without its unit", L "{timeout: 10}",
	  "2:19: timeout: a duration needs its unit" },
	{ "a duration of words", L "{timeout: soon}",
	  "2:19: timeout: expected a duration such as" },
	{ "no time at all", L "{timeout: 0s}", "timeout: must be from 10ms" },
	{ "a year", L "{timeout: 365d}", "timeout: must be from 10ms to 30d" },
	{ "memory in MB", L "{memory: 64MB}", "expected a size such as" },
	{ "memory below the floor", L "{memory: 512KiB}",
	  "memory: must be from 1MiB to 1TiB" },
	{ "memory in bytes", L "{memory: 67108864}", NULL },
	{ "processes in quotes", L "{processes: '5'}",
	  "processes: expected a whole number" },
	{ "no process", L "{processes: 0}", "processes: must be from 1" },

	{ "text as output", N "output: text", NULL },
	{ "a later mode", N "output: nagios",
	  "2:9: output: nagios is not in this version" },
	{ "an unknown mode", N "output: jsn",
	  "2:9: unknown output 'jsn'; did you mean 'json'?" },
	{ "args", N "output: text\n" S "args: [-v, '{a}', '{{b}}', '', -v]",
	  NULL },
	{ "args that need quotes", N "output: text\nargs: [1]",
	  "3:8: args: expected a text, found integer" },
	{ "an unknown parameter in args",
	  N "output: text\n" S "args: [-v, 'x{c}']",
	  "4:12: args: {c} is no property of params" },
	{ "a parameter in args without params", N "output: text\nargs: ['{a}']",
	  "{a} is no property of params" },
	{ "a parameter in args that may be absent",
	  N "output: text\n" S "args: ['{b}']", "{b} may be absent" },
	{ "an open brace", N "output: text\n" S "args: ['{a']",
	  "'{a' is no {parameter}" },
	{ "a closing brace alone", N "output: text\nargs: ['a}']",
	  "a '}' without its '{'" },
	{ "empty braces", N "output: text\nargs: ['{}']", "is no {parameter}" },
	{ "args for Python that speaks rpc", N "args: [x]",
	  "2:7: args: a Python plugin gets its parameters as job.params" },
	{ "a virtual environment", N "venv: /opt/x/venv", NULL },
	{ "a relative one", N "venv: venv", "venv: 'venv' is not an absolute" },
	{ "workers", N "workers: {min_idle: 1, max: 4, max_jobs: 100}", NULL },
	{ "idle workers, and no bound on all", N "workers: {min_idle: 2}",
	  NULL },
	{ "more idle workers than workers", N "workers: {min_idle: 2, max: 1}",
	  "2:10: workers: min_idle is more than max" },
	{ "no worker", N "workers: {max: 0}", "max: must be from 1 to 256" },
	{ "a wrong schema", N "params: {type: object, requird: []}",
	  "2:24: unknown key word 'requird'; did you mean 'required'?" },
};

static void
test_cases(void)
{
	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		_cleanup_(manifest_release) struct manifest m = { 0 };
		struct err e = ERR_INIT;
		int r = read_manifest(cases[i].in, PLUGIN_PYTHON, &m, NULL, &e);

		is_int(r, cases[i].want ? -1 : 0, "%s: %s", cases[i].title,
		       cases[i].want ? "refused" : "accepted");
		if (cases[i].want)
			has_str(e.msg, cases[i].want, "... with the place");
		else if (r < 0)
			diag("%s", e.msg);
	}
}

static void
test_kinds(void)
{
	static const struct {
		enum plugin_kind kind;
		enum output_mode output;
		const char *venv; /* the error of a venv */
	} kinds[] = {
		{ PLUGIN_PYTHON, OUTPUT_RPC, "" },
		{ PLUGIN_SHELL, OUTPUT_JSON,
		  "2:7: venv: is for Python plugins" },
		{ PLUGIN_EXECUTABLE, OUTPUT_JSON, "2:7: venv: is for Python" },
	};

	for (size_t i = 0; i < TAP_COUNT(kinds); i++) {
		_cleanup_(manifest_release) struct manifest m = { 0 };
		_cleanup_(manifest_release) struct manifest v = { 0 };
		const char *name = plugin_kind_name(kinds[i].kind);
		struct err e = ERR_INIT;

		read_manifest(N, kinds[i].kind, &m, NULL, &e);
		is_int(m.output, kinds[i].output, "%s has its own output",
		       name);
		read_manifest(N "venv: /v", kinds[i].kind, &v, NULL, &e);
		has_str(e.msg, kinds[i].venv, "... and venv is for Python");
	}
}

static void
test_values(void)
{
	_cleanup_(manifest_release) struct manifest m = { 0 };
	struct err e = ERR_INIT;

	read_manifest(N "version: 2\ndescription: |\n  a  b\n  c\n"
			"limits: {timeout: 5m, memory: 64MiB, cpu: 2s}\n"
			"permissions: {capabilities: [CAP_NET_RAW]}\n",
		      PLUGIN_PYTHON, &m, NULL, &e);
	is_str(m.name, "x", "the name is read");
	is_str(m.version, "2", "the version is text");
	is_str(m.description, "a b c", "the description is one line");
	is_int(m.limits.timeout_ms, 300000, "the timeout is in milliseconds");
	is_int(m.limits.memory_bytes, 64 << 20, "memory is in bytes");
	is_int(m.limits.cpu_ms, 2000, "CPU time is in milliseconds");
	is_int(m.limits.processes, 16, "what is not said has its default");
	ok(strv_has(&m.permissions.capabilities, "net_raw"),
	   "capabilities are kept in lower case");
}

static void
test_advice(void)
{
	static const struct {
		const char *in, *want;
	} advised[] = {
		{ N, "add a version" },
		{ N "version: 1.0.0", "add a description" },
		{ N "params: {type: object}", "say additionalProperties" },
		{ N S, "describe a" },
		{ P "{network: [host, udp]}", "network: [host] covers" },
		{ P "{exec: ['*', sh]}", "covers the other" },
		{ N "version: 1.0.0\ndescription: d", "" },
	};

	for (size_t i = 0; i < TAP_COUNT(advised); i++) {
		_cleanup_(manifest_release) struct manifest m = { 0 };
		_strv_ struct strv advice = { 0 };
		_buf_ struct buf all = { 0 };
		struct err e = ERR_INIT;

		read_manifest(advised[i].in, PLUGIN_PYTHON, &m, &advice, &e);
		for (size_t j = 0; j < advice.n; j++)
			buf_addf(&all, "%s\n", advice.items[j]);
		buf_adds(&all, "");
		if (*advised[i].want)
			has_str(all.data, advised[i].want, "advice on: %s",
				advised[i].want);
		else
			is_str(all.data, "", "no advice where none is due");
	}
}

static void
test_long_list(void)
{
	_cleanup_(manifest_release) struct manifest m = { 0 };
	_buf_ struct buf b = { 0 };
	struct err e = ERR_INIT;

	buf_adds(&b, P "{network: [");
	for (int i = 1; i <= 65; i++)
		buf_addf(&b, "tcp:%d, ", i);
	buf_adds(&b, "]}");
	is_int(read_manifest(b.data, PLUGIN_PYTHON, &m, NULL, &e), -1,
	       "a list of 65 is refused");
	has_str(e.msg, "network: more than 64 items", "... and why");
}

/* --- Permissions in words and as YAML ------------------------------------- */

#define ALL                                            \
	"name: x\npermissions:\n"                      \
	"  read: [/, \"/a b\", \"/q\\\"\\\\\"]\n"      \
	"  write: [/var/lib/x]\n"                      \
	"  exec: [\"*\", \"true\", awk]\n"             \
	"  network: [tcp:443, listen:80, udp, host]\n" \
	"  capabilities: [net_raw, sys_admin]\n"       \
	"  env: [http_proxy]\n"                        \
	"  secrets: [db]\n"                            \
	"  processes: host\n"                          \
	"  user: nobody\n"

static void
test_words(void)
{
	static const char *const want[] = {
		"may read every file that its user id may read: /",
		"may read /a b and all below it",
		"may read /q\"\\ and all below it",
		("may read, change, create and remove /var/lib/x and all "
		 "below it"),
		"may start every program that it can see",
		"may start the program true",
		"may start the program awk",
		"may connect to TCP port 443 of any host",
		"may accept connections on TCP port 80",
		"may send UDP to any host and port, as name resolution does",
		("may use the host's network without bounds: every port, "
		 "listening, local sockets"),
		"keeps the capability net_raw",
		("keeps the capability sys_admin, with which the whole host "
		 "may be in its reach"),
		"is passed the environment variable http_proxy",
		"is given the secret db",
		"sees every process of the host, with its command line",
		"runs as the user nobody",
	};
	_cleanup_(manifest_release) struct manifest m = { 0 };
	_strv_ struct strv lines = { 0 };
	struct err e = ERR_INIT;

	read_manifest(ALL, PLUGIN_PYTHON, &m, NULL, &e);
	permissions_describe(&m.permissions, &lines);
	is_int((intmax_t)lines.n, TAP_COUNT(want), "a sentence a permission");
	for (size_t i = 0; i < lines.n && i < TAP_COUNT(want); i++)
		is_str(lines.items[i], want[i], "sentence %zu", i + 1);
}

static void
test_written(void)
{
	static const char *const texts[] = {
		ALL,
		"name: x\npermissions: {}\n",
		(P "{network: [tcp:11111, tcp:11112, tcp:11113, tcp:11114,\n"
		   "  tcp:11115, tcp:11116, tcp:11117, tcp:11118, tcp:11119]}"),
	};

	for (size_t i = 0; i < TAP_COUNT(texts); i++) {
		_cleanup_(manifest_release) struct manifest a = { 0 },
							    b = { 0 };
		_buf_ struct buf text = { 0 }, again = { 0 };
		struct err e = ERR_INIT;

		read_manifest(texts[i], PLUGIN_PYTHON, &a, NULL, &e);
		buf_adds(&text, N);
		permissions_write(&a.permissions, &text);
		if (!is_int(read_manifest(text.data, PLUGIN_PYTHON, &b, NULL,
					  &e),
			    0, "what was written is read"))
			diag("%s\n%s", e.msg, text.data);
		buf_adds(&again, N);
		permissions_write(&b.permissions, &again);
		is_str(again.data, text.data, "... and is the same");
		for (char *rest = text.data, *line;
		     (line = strsep(&rest, "\n"));)
			if (strlen(line) > 78)
				ok(false, "'%s' fits into a line", line);
	}
}

int
main(void)
{
	test_cases();
	test_kinds();
	test_values();
	test_advice();
	test_long_list();
	test_words();
	test_written();
	return tap_done();
}
