/* config/: each setting, what it takes and what it refuses, and where. */
#include "config_folder.h"

#include "config/expand.h"
#include "config/yaml.h"

/* --- The table -----------------------------------------------------------
 */

static void
test_table(void)
{
	for (size_t i = 0; i < agent_settings.n; i++) {
		const struct setting *s = &agent_settings.rows[i];
		size_t end = strlen(s->help);

		ok(setting_find(&agent_settings, s->path) == s,
		   "%s is there once", s->path);
		ok(end && s->help[end - 1] == '.', "... with its help");
		ok(s->fallback || (s->without && s->sample),
		   "... and what holds without it");
	}
}

/* --- What is set -------------------------------------------------------- */

static const struct {
	const char *title, *text, *path, *want;
} good[] = {
	{ "an empty file", "", "agent.log_level", "info" },
	{ "comments", "# a: b\n\n# c\n", "agent.log_level", "info" },
	{ "an empty section", "agent:\n", "agent.log_level", "info" },
	{ "an empty section in a section", "plugins:\n  python:\n",
	  "plugins.python.enabled", "true" },
	{ "a section {}", "storage: {}\n", "storage.type", "sqlite" },

	{ "an address", "agent: {listen_addr: '0.0.0.0:80'}",
	  "agent.listen_addr", "\"0.0.0.0:80\"" },
	{ "an address that is not quoted", "agent:\n  listen_addr: h-1.x:65535",
	  "agent.listen_addr", "\"h-1.x:65535\"" },
	{ "an address of IPv6", "agent: {listen_addr: '[::1]:8080'}",
	  "agent.listen_addr", "\"[::1]:8080\"" },
	{ "no address", "agent: {listen_addr: ''}", "agent.listen_addr",
	  "\"\"" },
	{ "a path", "agent: {data_dir: /var/x}", "agent.data_dir", "/var/x" },
	{ "a path with everything in it",
	  "agent: {data_dir: '//a/./b//c/../d/'}", "agent.data_dir", "/a/b/d" },
	{ "a path above the root", "agent: {data_dir: /../../x/..}",
	  "agent.data_dir", "/" },
	{ "a relative path", "plugins: {path: plugins}", "plugins.path",
	  "FOLDER/plugins" },
	{ "a relative path with a dot", "plugins: {path: ./a/./b}",
	  "plugins.path", "FOLDER/a/b" },
	{ "a relative path upwards", "plugins: {path: ../../../../../../../x}",
	  "plugins.path", "/x" },
	{ "the folder itself", "plugins: {grants: .}", "plugins.grants",
	  "FOLDER" },
	{ "a name with dots first", "plugins: {grants: ..a}", "plugins.grants",
	  "FOLDER/..a" },
	{ "a program", "plugins: {shell: {interpreter: /bin/dash}}",
	  "plugins.shell.interpreter", "/bin/dash" },
	{ "a program beside the file",
	  "plugins: {python: {interpreter: ./venv/bin/python}}",
	  "plugins.python.interpreter", "FOLDER/venv/bin/python" },
	{ "a level", "agent: {log_level: debug}", "agent.log_level", "debug" },
	{ "a boolean", "plugins: {python: {enabled: false}}",
	  "plugins.python.enabled", "false" },
	{ "a duration", "storage: {retention: {age: 36h}}",
	  "storage.retention.age", "36h" },
	{ "a duration in other words", "storage: {retention: {age: 86400s}}",
	  "storage.retention.age", "1d" },
	{ "the shortest duration", "plugins: {limits: {timeout: 1ms}}",
	  "plugins.limits.timeout", "1ms" },
	{ "the longest duration", "plugins: {limits: {timeout: 30d}}",
	  "plugins.limits.timeout", "30d" },
	{ "a duration of none", "plugins: {limits: {timeout: 0s}}",
	  "plugins.limits.timeout", "0ms" },
	{ "a size", "storage: {retention: {size: 64MiB}}",
	  "storage.retention.size", "64MiB" },
	{ "a size in bytes", "storage: {retention: {size: 1048577}}",
	  "storage.retention.size", "1048577" },
	{ "a size in bytes, quoted", "storage: {retention: {size: '2097152'}}",
	  "storage.retention.size", "2MiB" },
	{ "a size of none", "plugins: {limits: {memory: 0}}",
	  "plugins.limits.memory", "0" },
	{ "a number", "plugins: {limits: {processes: 65536}}",
	  "plugins.limits.processes", "65536" },
	{ "a number in hexadecimal", "plugins: {limits: {files: 0x10}}",
	  "plugins.limits.files", "16" },
	{ "no ceiling", "", "plugins.limits.files", "0" },
	{ "layers", "plugins: {require: [seccomp, landlock, seccomp]}",
	  "plugins.require", "[landlock, seccomp]" },
	{ "no layers", "plugins: {require: []}", "plugins.require", "[]" },
	{ "the layers by default", "", "plugins.require",
	  "[namespaces, private-root, capabilities, no-new-privs, seccomp, "
	  "limits]" },
	{ "labels", "agent: {labels: {role: web, Rack_1: 7, _up: true}}",
	  "agent.labels", "{role: web, Rack_1: \"7\", \"_up\": \"true\"}" },
	{ "no labels", "agent: {labels: {}}", "agent.labels", "{}" },

	{ "a format", "agent: {log_format: json}", "agent.log_format", "json" },
	{ "an account", "agent: {user: _agent-2.x}", "agent.user",
	  "\"_agent-2.x\"" },
	{ "the longest account",
	  "agent: {group: abcdefghijklmnopqrstuvwxyz012345}", "agent.group",
	  "abcdefghijklmnopqrstuvwxyz012345" },
	{ "no group", "", "agent.group", "-" },
	{ "a socket", "agent: {socket: ./a.sock}", "agent.socket",
	  "FOLDER/a.sock" },
	{ "time to stop", "agent: {stop_timeout: 6s}", "agent.stop_timeout",
	  "6s" },
	{ "a durability", "storage: {durability: normal}", "storage.durability",
	  "normal" },
	{ "how many work", "workers: {max: 1024}", "workers.max", "1024" },
	{ "how many wait", "queue: {max: 1}", "queue.max", "1" },
	{ "figures", "metrics: {prometheus: false}", "metrics.prometheus",
	  "false" },

	{ "a variable", "agent: {data_dir: '${T_DIR}'}", "agent.data_dir",
	  "/from/env" },
	{ "variables inside a text",
	  "agent: {data_dir: '/x${T_DIR}/${T_WORD}y'}", "agent.data_dir",
	  "/x/from/env/wordy" },
	{ "a variable that is empty", "agent: {listen_addr: '${T_EMPTY}'}",
	  "agent.listen_addr", "\"\"" },
	{ "an escape", "agent: {labels: {a: 'x$${T_WORD}y'}}", "agent.labels",
	  "{a: \"x${T_WORD}y\"}" },
	{ "a dollar before an escape", "agent: {labels: {a: '$$${T_WORD}'}}",
	  "agent.labels", "{a: \"$${T_WORD}\"}" },
	{ "dollars", "agent: {labels: {a: '$5 $$ $x $'}}", "agent.labels",
	  "{a: \"$5 $$ $x $\"}" },
	{ "a reference in a variable", "agent: {labels: {a: '${T_NEST}'}}",
	  "agent.labels", "{a: \"${T_WORD}\"}" },
	{ "a file", "agent: {labels: {a: '${file:secret}'}}", "agent.labels",
	  "{a: \"top\\u000asecret\"}" },
	{ "a file by its whole path",
	  "agent: {labels: {a: '<${file:FOLDER/crlf}>'}}", "agent.labels",
	  "{a: \"<dos>\"}" },
	{ "a file of nothing", "agent: {labels: {a: '${file:./empty}'}}",
	  "agent.labels", "{a: \"\"}" },
	{ "the largest file", "agent: {labels: {a: x}, data_dir: /}",
	  "agent.labels", "{a: x}" },
	{ "a variable for a level", "agent: {log_level: '${T_LEVEL}'}",
	  "agent.log_level", "warn" },
	{ "a variable for a number",
	  "plugins: {limits: {processes: '${T_NUMBER}'}}",
	  "plugins.limits.processes", "12" },
	{ "a variable for a boolean", "plugins: {shell: {enabled: '${T_NO}'}}",
	  "plugins.shell.enabled", "false" },
	{ "a variable for a duration",
	  "plugins: {limits: {timeout: '${T_NUMBER}s'}}",
	  "plugins.limits.timeout", "12s" },
	{ "a variable for a size", "plugins: {limits: {tmp: '${T_NUMBER}MiB'}}",
	  "plugins.limits.tmp", "12MiB" },
	{ "a variable for a layer", "plugins: {require: ['${T_LAYER}']}",
	  "plugins.require", "[cgroup]" },
};

static void
test_good(void)
{
	for (size_t i = 0; i < TAP_COUNT(good); i++) {
		_free_ char *text = fill_in(good[i].text);
		_free_ char *want = fill_in(good[i].want);
		_free_ char *got = NULL;
		_config_ struct config c;
		_strv_ struct strv warnings = { 0 };
		struct err e = ERR_INIT;

		config_init(&c);
		if (parse(text, &c, &warnings, &e) < 0)
			diag("%s", e.msg);
		got = get(&agent_settings, &c, good[i].path);
		is_str(got, want, "%s is taken", good[i].title);
		is_int(e.kind || warnings.n, 0, "... without a word");
	}
}

/* --- What is refused ---------------------------------------------------- */

static const struct {
	const char *title, *text;
	const char *want; /* behind the file's name and a colon */
	const char *hint; /* NULL: none */
} bad[] = {
	{ "a list for all", "- a\n",
	  "1:1: expected a map of settings, found a list",
	  "no section in it is the agent's" },
	{ "a word for all", "hello\n",
	  "1:1: expected a map of settings, found a value",
	  "no section in it is the agent's" },
	{ "a file that is no YAML", "agent: {\n",
	  "2:1: not YAML: did not find expected node content", NULL },
	{ "a setting twice", "agent:\n  data_dir: /a\n  data_dir: /b\n",
	  "3:3: the key 'data_dir' is here twice, first on line 2", NULL },
	{ "a section twice", "agent: {}\nplugins: {}\nagent: {}\n",
	  "3:1: the key 'agent' is here twice, first on line 1", NULL },
	{ "a list for a section", "agent:\n  - data_dir: /a\n",
	  "2:3: agent: expected a map of settings, found a list", NULL },
	{ "a word for a section", "plugins:\n  python: true\n",
	  "2:11: plugins.python: expected a map of settings, found a value",
	  NULL },

	{ "a section with a slip", "agnet:\n  log_level: info\n",
	  "1:1: unknown key 'agnet'; did you mean 'agent'?",
	  "no section in it is the agent's" },
	{ "a setting with a slip", "agent:\n  log_levle: info\n",
	  "2:3: unknown key 'log_levle' in agent; did you mean 'log_level'?",
	  NULL },
	{ "a setting with a slip, further in",
	  "plugins:\n  limits: {timeuot: 10s}\n",
	  "2:12: unknown key 'timeuot' in plugins.limits; did you mean "
	  "'timeout'?",
	  NULL },
	{ "a section with a slip, further in", "plugins:\n  pyhton: {}\n",
	  "2:3: unknown key 'pyhton' in plugins; did you mean 'python'?",
	  NULL },
	{ "a setting outside its section", "storage: {}\nlog_level: info\n",
	  "2:1: unknown key 'log_level'; did you mean 'agent.log_level'?",
	  NULL },
	{ "a setting like no other", "agent:\n  zzzzzzzz: 1\n",
	  "2:3: unknown key 'zzzzzzzz' in agent",
	  "known here: listen_addr, data_dir, log_level, log_format, labels, user, "
	  "group, socket, stop_timeout" },
	{ "a path for a key", "agent.log_level: info\n",
	  "1:1: unknown key 'agent.log_level'",
	  "known here: agent, api, plugins, storage, " },
	{ "an empty key", "storage:\n  '': 1\n",
	  "2:3: unknown key '' in storage", "known here: type, path, " },
	{ "another program's file", "version: 2\nservices:\n  web: {}\n",
	  "1:1: unknown key 'version'", "name the agent's with --config FILE" },
	{ "a setting below a setting", "agent:\n  log_level:\n    x: 1\n",
	  "3:5: agent.log_level: expected one of debug, info, warn, error, "
	  "found a map",
	  NULL },

	{ "nothing for a path", "agent:\n  data_dir:\n",
	  "2:12: agent.data_dir: expected a path, found nothing; leave the key "
	  "out for the default",
	  NULL },
	{ "a number for a path", "agent: {data_dir: 1}",
	  "1:19: agent.data_dir: expected a path, found 1", NULL },
	{ "a real for a path", "agent: {data_dir: 1.5}",
	  "1:19: agent.data_dir: expected a path, found 1.5", NULL },
	{ "an empty path", "agent: {data_dir: ''}",
	  "1:19: agent.data_dir: expected a path, found an empty string",
	  NULL },
	{ "a path with a tilde", "plugins: {path: ~/plugins}",
	  "1:17: plugins.path: ~ has no meaning here; write ${HOME}/plugins",
	  NULL },
	{ "a NUL in a path", "agent: {data_dir: \"/a\\0b\"}",
	  "1:19: agent.data_dir: a NUL in a string", NULL },
	{ "a program by its name", "plugins: {shell: {interpreter: bash}}",
	  "1:32: plugins.shell.interpreter: expected a program's path, with a "
	  "/ in it, found 'bash'",
	  NULL },
	{ "an address without a port", "agent: {listen_addr: localhost}",
	  "1:22: agent.listen_addr: expected HOST:PORT such as 127.0.0.1:8080, "
	  "or \"\", found 'localhost'",
	  NULL },
	{ "a port alone", "agent: {listen_addr: 8080}",
	  "1:22: agent.listen_addr: expected HOST:PORT such as 127.0.0.1:8080, "
	  "or \"\", found 8080",
	  NULL },
	{ "an address without a host", "agent: {listen_addr: ':80'}",
	  "1:22: agent.listen_addr: expected HOST", NULL },
	{ "port 0", "agent: {listen_addr: 'a:0'}",
	  "1:22: agent.listen_addr: expected HOST", NULL },
	{ "port 65536", "agent: {listen_addr: 'a:65536'}",
	  "1:22: agent.listen_addr: expected HOST", NULL },
	{ "a port of many digits", "agent: {listen_addr: 'a:000080'}",
	  "1:22: agent.listen_addr: expected HOST", NULL },
	{ "a host that is none", "agent: {listen_addr: 'a/b:80'}",
	  "1:22: agent.listen_addr: expected HOST", NULL },
	{ "IPv6 without brackets", "agent: {listen_addr: '::1:80'}",
	  "1:22: agent.listen_addr: expected HOST", NULL },
	{ "brackets without IPv6", "agent: {listen_addr: '[x]:80'}",
	  "1:22: agent.listen_addr: expected HOST", NULL },
	{ "a level with a slip", "agent: {log_level: inof}",
	  "1:20: agent.log_level: expected one of debug, info, warn, error, "
	  "found 'inof'; did you mean 'info'?",
	  NULL },
	{ "a level that is none", "agent: {log_level: LOUD}",
	  "1:20: agent.log_level: expected one of debug, info, warn, error, "
	  "found 'LOUD'",
	  NULL },
	{ "another store", "storage: {type: postgres}",
	  "1:17: storage.type: expected one of sqlite, found 'postgres'",
	  NULL },
	{ "yes for a boolean", "plugins: {python: {enabled: yes}}",
	  "1:29: plugins.python.enabled: expected true or false, found 'yes'",
	  NULL },
	{ "1 for a boolean", "plugins: {python: {enabled: 1}}",
	  "1:29: plugins.python.enabled: expected true or false, found 1",
	  NULL },
	{ "a list for a duration", "storage:\n retention:\n  age: [30d]\n",
	  "3:8: storage.retention.age: expected a duration such as 10s, found "
	  "a list",
	  NULL },
	{ "a duration without a unit", "plugins:\n  limits:\n    timeout: 10\n",
	  "3:14: plugins.limits.timeout: the unit is missing: 10 is no "
	  "duration, 10s is",
	  NULL },
	{ "a duration with a space", "storage: {retention: {age: 30 d}}",
	  "1:28: storage.retention.age: expected a duration such as 10s, found "
	  "'30 d'",
	  NULL },
	{ "a duration too short", "storage: {retention: {age: 59s}}",
	  "1:28: storage.retention.age: expected 1m to 3650d, found '59s'",
	  NULL },
	{ "a duration of none where there must be one",
	  "storage: {retention: {age: 0s}}",
	  "1:28: storage.retention.age: expected 1m to 3650d, found '0s'",
	  NULL },
	{ "a duration too long", "plugins: {limits: {cpu: 31d}}",
	  "1:25: plugins.limits.cpu: expected 1ms to 30d, or 0ms for no bound, "
	  "found '31d'",
	  NULL },
	{ "a size too small", "plugins: {limits: {memory: 64KiB}}",
	  "1:28: plugins.limits.memory: expected 1MiB to 1TiB, or 0 for no "
	  "bound, found '64KiB'",
	  NULL },
	{ "a size too large", "plugins: {limits: {output: 67108865}}",
	  "1:28: plugins.limits.output: expected 1KiB to 64MiB, or 0 for no "
	  "bound, found 67108865",
	  NULL },
	{ "a size below zero", "plugins: {limits: {tmp: -1}}",
	  "1:25: plugins.limits.tmp: expected 4KiB to 64GiB, or 0 for no "
	  "bound, found -1",
	  NULL },
	{ "a size in another unit", "plugins: {limits: {tmp: 16MB}}",
	  "1:25: plugins.limits.tmp: expected a size such as 64MiB, found "
	  "'16MB'",
	  NULL },
	{ "a boolean for a size", "plugins: {limits: {tmp: true}}",
	  "1:25: plugins.limits.tmp: expected a size such as 64MiB, found true",
	  NULL },
	{ "a number too large", "plugins: {limits: {processes: 65537}}",
	  "1:31: plugins.limits.processes: expected 1 to 65536, or 0 for no "
	  "bound, found 65537",
	  NULL },
	{ "a number too small", "plugins: {limits: {files: 7}}",
	  "1:27: plugins.limits.files: expected 8 to 65536, or 0 for no bound, "
	  "found 7",
	  NULL },
	{ "a string for a number", "plugins: {limits: {files: '16'}}",
	  "1:27: plugins.limits.files: expected a whole number, found '16'",
	  NULL },
	{ "an account that begins with a digit", "agent: {user: 0x}",
	  "1:15: agent.user: expected an account's name, found '0x'", NULL },
	{ "an account with a slash", "agent: {group: 'a/b'}",
	  "1:16: agent.group: expected an account's name, found 'a/b'", NULL },
	{ "an account that is too long",
	  "agent: {group: abcdefghijklmnopqrstuvwxyz0123456}",
	  "1:16: agent.group: expected an account's name", NULL },
	{ "no account", "agent: {user: ''}",
	  "1:15: agent.user: expected an account's name, found ''", NULL },
	{ "too little time to stop", "agent:\n  stop_timeout: 5s\n",
	  "2:17: agent.stop_timeout: expected 6s to 1d, found '5s': a worker "
	  "may take 5s to end, and what stops it has to outlast it",
	  NULL },
	{ "a socket with too long a path",
	  "agent: {socket: /0123456789012345678901234567890123456789012345678"
	  "9012345678901234567890123456789012345678901234567890123456}",
	  "1:17: agent.socket: a path of 108 bytes, where 107 are the most",
	  NULL },
	{ "no worker", "workers: {max: 0}",
	  "1:16: workers.max: expected 1 to 1024, found 0", NULL },
	{ "a number for a section", "workers: 1",
	  "1:10: workers: expected a map of settings, found a value", NULL },
	{ "a number beyond 64 bits",
	  "plugins: {limits: {files: 99999999999999999999}}",
	  "1:27: 99999999999999999999 is a number of more than 64 bits", NULL },
	{ "a word for layers", "plugins: {require: seccomp}",
	  "1:20: plugins.require: expected a list of layers: user-namespace, ",
	  NULL },
	{ "a layer with a slip", "plugins:\n  require:\n  - secomp\n",
	  "3:5: plugins.require: expected a list of layers: ", NULL },
	{ "a number for a layer", "plugins: {require: [seccomp, 1]}",
	  "1:30: plugins.require: expected a list of layers: ", NULL },
	{ "a list for labels", "agent: {labels: [web]}",
	  "1:17: agent.labels: expected a map of names to strings, found a "
	  "list",
	  NULL },
	{ "a label's name with a dash", "agent:\n  labels:\n    a-b: x\n",
	  "3:5: agent.labels: a label is named with up to 64 letters, digits and _, no "
	  "digit first, found 'a-b'",
	  NULL },
	{ "a label's name with a digit first", "agent: {labels: {1a: x}}",
	  "1:18: agent.labels: a label is named with", NULL },
	{ "a label's name of nothing", "agent: {labels: {'': x}}",
	  "1:18: agent.labels: a label is named with", NULL },
	{ "a list for a label", "agent: {labels: {a: [x]}}",
	  "1:21: agent.labels: a label's value is a string, found a list",
	  NULL },
	{ "a real for a label", "agent: {labels: {a: 1.10}}",
	  "1:21: agent.labels: a label's value is a string, found 1.1; quote "
	  "it",
	  NULL },
	{ "nothing for a label", "agent: {labels: {a: }}",
	  "1:21: agent.labels: a label's value is a string, found nothing",
	  NULL },

	{ "a variable that is not set", "agent:\n  data_dir: /x/${T_NONE}\n",
	  "2:13: agent.data_dir: the environment has no variable T_NONE",
	  NULL },
	{ "a name that is none", "agent: {data_dir: '${T-X}'}",
	  "1:19: agent.data_dir: ${T-X} names no variable; write $${ for the "
	  "text ${",
	  NULL },
	{ "a default for a variable", "agent: {data_dir: '${T_NONE:-/x}'}",
	  "1:19: agent.data_dir: ${T_NONE:-/x} names no variable", NULL },
	{ "no name", "agent: {data_dir: '${}'}",
	  "1:19: agent.data_dir: ${} names no variable", NULL },
	{ "a name with a digit first", "agent: {data_dir: '${1}'}",
	  "1:19: agent.data_dir: ${1} names no variable", NULL },
	{ "an open reference", "agent: {data_dir: '/a${T_DIR'}",
	  "1:19: agent.data_dir: ${ without its }", NULL },
	{ "no file's name", "agent: {data_dir: '${file:}'}",
	  "1:19: agent.data_dir: ${file:} names no file", NULL },
	{ "a file that is missing", "agent: {data_dir: '${file:none}'}",
	  "1:19: agent.data_dir: open FOLDER/none: No such file", NULL },
	{ "a folder for a file", "agent: {data_dir: '${file:.}'}",
	  "1:19: agent.data_dir: FOLDER is not a regular file", NULL },
	{ "a device for a file", "agent: {data_dir: '${file:/dev/zero}'}",
	  "1:19: agent.data_dir: /dev/zero is not a regular file", NULL },
	{ "a FIFO for a file", "agent: {data_dir: '${file:fifo}'}",
	  "1:19: agent.data_dir: FOLDER/fifo is not a regular file", NULL },
	{ "a file that is too large", "agent: {data_dir: '${file:large}'}",
	  "1:19: agent.data_dir: FOLDER/large is larger than 65536 bytes",
	  NULL },
	{ "a file with a NUL", "agent: {data_dir: '${file:nul}'}",
	  "1:19: agent.data_dir: FOLDER/nul has a NUL in it", NULL },
	{ "files that are too large together",
	  "agent: {labels: {a: '${file:full}${T_WORD}'}}",
	  "1:21: agent.labels: more than 65536 bytes once everything is put in",
	  NULL },
	{ "a secret that is no level", "agent: {log_level: '${T_DIR}'}",
	  "1:20: agent.log_level: expected one of debug, info, warn, error, "
	  "found '${T_DIR}'",
	  NULL },
	{ "a secret that is no number",
	  "plugins: {limits: {files: '${T_WORD}'}}",
	  "1:27: plugins.limits.files: expected a whole number, found "
	  "'${T_WORD}'",
	  NULL },
	{ "a secret that is out of range",
	  "plugins: {limits: {files: '${T_ONE}'}}",
	  "1:27: plugins.limits.files: expected 8 to 65536, or 0 for no bound, "
	  "found '${T_ONE}'",
	  NULL },
	{ "a secret that is no number at all",
	  "plugins: {limits: {files: '${T_OCTAL}'}}",
	  "1:27: plugins.limits.files: it is a number with a leading zero",
	  NULL },
	{ "a secret that is no duration",
	  "plugins: {limits: {cpu: '${T_NUMBER}'}}",
	  "1:25: plugins.limits.cpu: expected a duration such as 10s, found "
	  "'${T_NUMBER}'",
	  NULL },
	{ "a secret path with a tilde", "plugins: {path: '${T_TILDE}'}",
	  "1:17: plugins.path: ~ has no meaning here; write ${HOME}", NULL },
	{ "a secret that is no address", "agent: {listen_addr: '${T_WORD}'}",
	  "1:22: agent.listen_addr: expected HOST:PORT such as 127.0.0.1:8080, "
	  "or \"\", found '${T_WORD}'",
	  NULL },
};

static void
test_bad(void)
{
	for (size_t i = 0; i < TAP_COUNT(bad); i++) {
		_free_ char *inner = fill_in(bad[i].want);
		_free_ char *want = xasprintf("%s:%s", file, inner);
		_config_ struct config c;
		_strv_ struct strv warnings = { 0 };
		struct err e = ERR_INIT;

		config_init(&c);
		free(c.agent.data_dir);
		c.agent.data_dir = xstrdup("/as/it/was");
		is_int(parse(bad[i].text, &c, &warnings, &e), -1,
		       "%s is refused", bad[i].title);
		has_str(e.msg, want, "... and it is said where and why");
		ok(e.kind == ERR_USAGE &&
			   !strcmp(c.agent.data_dir, "/as/it/was"),
		   "... as wrong usage, and nothing has changed");
		if (bad[i].hint)
			has_str(e.hint, bad[i].hint, "... with a hint");
		else
			is_str(e.hint, "", "... without a hint");
	}
}

static void
test_long_texts(void)
{
	static char text[8192];
	_config_ struct config c;
	_strv_ struct strv warnings = { 0 };
	struct err e = ERR_INIT;

	config_init(&c);
	snprintf(text, sizeof(text), "agent: {data_dir: /%04095d}", 0);
	is_int(parse(text, &c, &warnings, &e), 0, "4096 bytes are a path");
	snprintf(text, sizeof(text), "agent: {data_dir: /%04096d}", 0);
	is_int(parse(text, &c, &warnings, &e), -1, "4097 bytes are not");
	has_str(e.msg, "1:19: agent.data_dir: a string of more than 4096 bytes",
		"... and it is said why");
	for (int labels = 64; labels <= 65; labels++) {
		_buf_ struct buf b = { 0 };

		buf_adds(&b, "agent:\n  labels:\n");
		for (int i = 0; i < labels; i++)
			buf_addf(&b, "    l%d: x\n", i);
		is_int(parse(b.data, &c, &warnings, &e), labels == 64 ? 0 : -1,
		       "%d labels are %s", labels,
		       labels == 64 ? "fine" : "too many");
	}
	has_str(e.msg, "3:5: agent.labels: more than 64 labels",
		"... and it is said why");
}

/* --- Writing YAML ------------------------------------------------------- */

/* Words that some YAML takes for something else come back as they were. */
static void
test_words(void)
{
	static const char *const words[] = {
		"",	"true", "no",	"null", "~",	 "1",	"10s",
		"0x1f", "0o7",	"007",	"1.5",	"1e3",	 "1e",	"12-30",
		"-",	"- a",	"a: b", "a #b", "#a",	 "[a",	"{a",
		"&a",	"*a",	"!a",	"|",	">",	 "'a'", "\"a\"",
		"@a",	"`a",	"%a",	"?",	":",	 ",",	"a\nb",
		" a",	"a ",	"/a",	"a.b",	".inf",	 "_",	"1_0",
		"---",	"...",	"0b1",	"1/2",	"0.1.2",
	};

	for (size_t i = 0; i < TAP_COUNT(words); i++) {
		_value_ struct value *v = value_string(words[i]);
		_value_ struct value *again = NULL;
		_buf_ struct buf b = { 0 };
		struct err e = ERR_INIT;

		setting_add_yaml(v, &b);
		yaml_decode(b.data, b.len, 1, 0, &again, &e);
		ok(again && value_equal(v, again),
		   "'%s' is written so that it "
		   "is read again",
		   words[i]);
	}
}

static void
test_need(void)
{
	static const struct {
		const char *text;
		bool want;
	} cases[] = {
		{ "", false },	       { "$", false },	 { "${", true },
		{ "a${b}", true },     { "$${", false }, { "$$${", false },
		{ "$${a}${b}", true }, { "$a{", false }, { "$$", false },
	};

	for (size_t i = 0; i < TAP_COUNT(cases); i++)
		is_int(expand_is_needed(cases[i].text), cases[i].want,
		       "'%s' %s something in it to look up", cases[i].text,
		       cases[i].want ? "has" : "has not");
}

int
main(void)
{
	set_up();
	test_table();
	test_good();
	test_bad();
	test_long_texts();
	test_words();
	test_need();
	tear_down();
	return tap_done();
}
