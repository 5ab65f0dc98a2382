/*
 * config/: the files that settings come from, and the pages made from them.
 *
 * `test_config --write` makes the generated pages anew.
 */
#include "config_folder.h"

#include "model/layer.h"
#include "page.h"

#define EXAMPLE "config.example.yaml"
#define REGENERATE "build/t/test_config --write makes it anew"

static const struct page doc = {
	"docs/configuration.md",
	"<!-- settings: made from src/config/settings.c -->\n",
	"<!-- end of settings -->\n",
	config_write_reference,
};

/* --- Files -------------------------------------------------------------- */

static const char seed[] = "agent:\n"
			   "  listen_addr: \"127.0.0.1:8080\"\n"
			   "  data_dir: \"/var/lib/devops_agent\"\n"
			   "  log_level: \"info\"\n"
			   "\n"
			   "plugins:\n"
			   "  path: \"./plugins\"\n"
			   "  python:\n"
			   "    enabled: true\n"
			   "\n"
			   "storage:\n"
			   "  type: \"sqlite\"\n"
			   "  path: \"./data/agent.db\"\n";

static void
test_seed(void)
{
	_config_ struct config c;
	_strv_ struct strv warnings = { 0 };
	_free_ char *plugins = fill_in("FOLDER/plugins");
	_free_ char *database = fill_in("FOLDER/data/agent.db");
	_free_ char *grants_want = fill_in("FOLDER/grants.d");
	_free_ char *grants = NULL;
	struct err e = ERR_INIT;

	write_file("config.yaml", seed, strlen(seed), 0644);
	config_init(&c);
	is_int(config_load(file, &c, &warnings, &e), 0,
	       "the first users' configuration loads: %s", e.msg);
	is_int((intmax_t)warnings.n, 0, "... without a warning");
	is_str(c.file, file, "... from the file");
	is_str(c.folder, folder, "... in its folder");
	is_str(c.agent.listen_addr, "127.0.0.1:8080", "... its address");
	is_str(c.plugins.path, plugins, "... its plugins");
	is_str(c.storage.path, database, "... its database");
	is_int(c.agent.log_level, LOG_LEVEL_INFO, "... its log level");
	grants = config_grants(&c);
	is_str(grants, grants_want, "grants are beside the file");
}

static void
test_defaults(void)
{
	_config_ struct config c;
	_free_ char *database = NULL;
	struct limits l;

	config_init(&c);
	ok(!c.file && !c.folder && !c.plugins.path && !config_grants(&c),
	   "by default there is no file, and the program's own plugins");
	is_int(c.storage.retention.age_ms, INT64_C(30) * 86400000,
	       "records are kept for 30 days");
	is_int(c.plugins.require,
	       LAYER_NAMESPACES | LAYER_ROOT | LAYER_CAPABILITIES |
		       LAYER_NO_NEW_PRIVS | LAYER_SECCOMP | LAYER_LIMITS,
	       "the layers that every kernel has are required");
	database = config_storage_path(&c);
	is_str(database, "/var/lib/devops_agent/agent.db",
	       "the database is in data_dir");
	c.plugins.ceiling.files = 99;
	config_ceiling(&c, &l);
	is_int(l.files, 99, "a ceiling that was set is the ceiling");
	ok(l.timeout_ms == INT64_C(30) * 86400000 &&
		   l.memory_bytes == INT64_C(1) << 40 && l.cpu_ms == 0 &&
		   l.processes == 65536 && l.output_bytes == 64 << 20 &&
		   l.tmp_bytes == INT64_C(64) << 30,
	   "... and the others are what is built in");
	config_release(&c);
}

static void
test_load(void)
{
	_config_ struct config c;
	_strv_ struct strv warnings = { 0 };
	struct err e = ERR_INIT;
	_buf_ struct buf large = { 0 };
	char path[PATH_MAX + 64];

	config_init(&c);
	snprintf(path, sizeof(path), "%s/none.yaml", folder);
	is_int(config_load(path, &c, &warnings, &e), -1,
	       "a file that is missing is refused");
	has_str(e.msg, "/none.yaml: No such file or directory", "... by name");
	is_int(e.kind, ERR_USAGE, "... as wrong usage");
	is_int(config_load(folder, &c, &warnings, &e), -1,
	       "a folder is refused");
	has_str(e.msg, "is not a regular file", "... and it is said why");
	for (size_t i = 0; i < CONFIG_MAX_FILE; i++)
		buf_addc(&large, '#');
	write_file("large.yaml", large.data, large.len, 0644);
	snprintf(path, sizeof(path), "%s/large.yaml", folder);
	is_int(config_load(path, &c, &warnings, &e), 0, "16 MiB are taken");
	buf_addc(&large, '#');
	write_file("large.yaml", large.data, large.len, 0644);
	is_int(config_load(path, &c, &warnings, &e), -1, "more is refused");
	has_str(e.msg, "larger than 16777216 bytes", "... and it is said why");
	is_int(config_load("/dev/null", &c, &warnings, &e), 0,
	       "/dev/null is taken");
	ok(!c.file, "... as the defaults");
}

/* --- Finding ------------------------------------------------------------ */

static const struct {
	const char *title;
	mode_t file, folder;
	bool link;
	bool found;
	const char *warning; /* NULL: none */
} finds[] = {
	{ "my file in my folder", 0644, 0755, false, true, NULL },
	{ "a file that others may write", 0646, 0755, false, false,
	  "./config.yaml is passed over: ./config.yaml may be written by "
	  "others (mode 0646) (chmod go-w ./config.yaml)" },
	{ "a file that its group may write", 0664, 0755, false, false,
	  "may be written by its group" },
	{ "a file in a folder that others may write", 0644, 0757, false, false,
	  "./config.yaml is passed over: . may be written by others" },
	{ "a link to my file", 0644, 0755, true, true, NULL },
	{ "a link to a file that others may write", 0646, 0755, true, false,
	  "may be written by others" },
};

static void
find_one(size_t i)
{
	_free_ char *at = xasprintf("%s/find%zu", folder, i);
	_free_ char *path = NULL;
	_strv_ struct strv warnings = { 0 };

	if (mkdir(at, 0700) < 0 || chdir(at) < 0)
		diag("%s can't be made", at);
	write_file(finds[i].link ? "target.yaml" : "find", "", 0, 0644);
	if (finds[i].link && symlink("../target.yaml", "config.yaml") < 0)
		diag("no link");
	close(open("config.yaml", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	chmod("config.yaml", finds[i].file);
	chmod(".", finds[i].folder);
	path = config_find(&warnings);
	ok((path && !strcmp(path, "./config.yaml")) == finds[i].found,
	   "%s is %s", finds[i].title, finds[i].found ? "found" : "not found");
	if (finds[i].warning)
		has_str(warnings.n ? warnings.items[0] : NULL, finds[i].warning,
			"... with a warning");
	else
		is_int((intmax_t)warnings.n, 0, "... without a warning");
}

static void
test_find(void)
{
	_strv_ struct strv warnings = { 0 };
	_free_ char *path = NULL;
	_free_ char *here = getcwd(NULL, 0);

	for (size_t i = 0; i < TAP_COUNT(finds); i++)
		find_one(i);
	ok(mkdir("empty", 0755) == 0 && chdir("empty") == 0, "(a folder)");
	path = config_find(&warnings);
	is_str(path,
	       access(CONFIG_SYSTEM_FILE, F_OK) ? NULL : CONFIG_SYSTEM_FILE,
	       "in a folder without a file, the system's is found, if any");
	is_int((intmax_t)warnings.n, 0, "... without a warning");
	if (chdir(here) < 0)
		diag("%s is gone", here);
}

static void
test_relative(void)
{
	_free_ char *here = getcwd(NULL, 0);
	_config_ struct config c;
	_strv_ struct strv warnings = { 0 };
	_free_ char *want = fill_in("FOLDER/plugins");
	struct err e = ERR_INIT;

	config_init(&c);
	ok(chdir(folder) == 0 && symlink("/", "root") == 0, "(a link)");
	config_load("./config.yaml", &c, &warnings, &e);
	is_str(c.file, file, "a relative name is made absolute");
	is_str(c.plugins.path, want, "... and what is beside the file");
	config_load("root/../config.yaml", &c, &warnings, &e);
	has_str(e.msg, "root/../config.yaml",
		"a file's name is the kernel's to understand");
	config_parse("x: 1", 4, "config.yaml", &c, &warnings, &e);
	has_str(e.msg, "config.yaml:1:1: unknown key 'x'",
		"an error names the file as it was named");
	if (chdir(here) < 0)
		diag("%s is gone", here);
}

/* --- Showing ------------------------------------------------------------ */

static const char shown_text[] =
	"agent:\n"
	"  data_dir: ./data\n"
	"  log_level: ${T_LEVEL}\n"
	"  labels: {role: web, key: 'x${T_WORD}', dollar: 'a$${b}', n: 7, "
	"odd: \"a\\\"\\\\\\n\\x9b\\u202e\\uFEFF\xc3\xa9\xf0\x9f\x98\x80\"}\n"
	"plugins:\n"
	"  limits: {processes: '${T_NUMBER}', timeout: '${T_NUMBER}s', "
	"memory: 64MiB}\n"
	"  require: [seccomp, '${T_LAYER}']\n"
	"jobs:\n"
	"  b: {plugin: p, always: true}\n"
	"  'null':\n"
	"    retry: {max: 3, backoff: 1s}\n"
	"    command: ./c\n"
	"    at: 2026-01-31T08:00:00.5+01:00\n"
	"    params: {a: [1.0, -0.0, 1e300, '$${x}'], \"b\\n\": 2, s: ''}\n"
	"    secrets: {plain: hunter2, bearer: 'Bearer ${T_WORD}'}\n"
	"  a:\n"
	"    plugin: p\n"
	"    timezone: '${T_WORD}'\n"
	"    cron: '@hourly'\n"
	"    params: {a: {b: ['x${T_WORD}']}, c: 'a$${b}'}\n"
	"forward:\n"
	"  - url: https://c.example/${T_WORD}\n"
	"    name: central\n"
	"    auth: {bearer: 'x${T_WORD}', headers: {X-A: hunter2}}\n"
	"    batch: {size: 2MiB}\n"
	"    proxy: http://me:hunter2@proxy:3128\n"
	"  - {name: b, url: http://b/, auth: {basic: {user: u, password: "
	"hunter2}}, select: {records: [log]}, buffer: {age: 0ms, size: 0}}\n";

static const char shown_want[] =
	"# FOLDER/config.yaml\n"
	"agent:\n"
	"  listen_addr: \"127.0.0.1:8080\" # default\n"
	"  data_dir: FOLDER/data\n"
	"  log_level: \"${T_LEVEL}\"\n"
	"  log_format: auto # default\n"
	"  labels: {role: web, key: \"x${T_WORD}\", dollar: \"a$${b}\", "
	"\"n\": \"7\", "
	"odd: \"a\\\"\\\\\\u000a\\u009b\\u202e\\ufeff\xc3\xa9"
	"\xf0\x9f\x98\x80\"}\n"
	"  user: devops_agent # default\n"
	"  # group: only root and the agent's own account\n"
	"  # socket: /run/devops_agent/agent.sock as a service, agent.sock in "
	"agent.data_dir otherwise\n"
	"  stop_timeout: 30s # default\n"
	"api:\n"
	"  anonymous: none # default\n"
	"  insecure: false # default\n"
	"  hosts: [] # default\n"
	"  tls:\n"
	"    # cert: no TLS\n"
	"    # key: no TLS\n"
	"    # client_ca: clients show no certificate\n"
	"    clients: {} # default\n"
	"  limits:\n"
	"    connections: 11000 # default\n"
	"    per_address: 256 # default\n"
	"    streams: 2000 # default\n"
	"    body: 960KiB # default\n"
	"    header_time: 10s # default\n"
	"    idle_time: 75s # default\n"
	"    request_time: 30s # default\n"
	"plugins:\n"
	"  # path: the program's own plugins\n"
	"  # grants: grants.d beside the configuration, or the program's own\n"
	"  python:\n"
	"    enabled: true # default\n"
	"    interpreter: /usr/bin/python3 # default\n"
	"  shell:\n"
	"    enabled: true # default\n"
	"    interpreter: /bin/sh # default\n"
	"  limits:\n"
	"    timeout: \"${T_NUMBER}s\"\n"
	"    memory: 64MiB\n"
	"    cpu: 0ms # default\n"
	"    processes: \"${T_NUMBER}\"\n"
	"    files: 0 # default\n"
	"    output: 0 # default\n"
	"    tmp: 0 # default\n"
	"  require: [seccomp, \"${T_LAYER}\"]\n"
	"storage:\n"
	"  type: sqlite # default\n"
	"  # path: agent.db in agent.data_dir\n"
	"  durability: full # default\n"
	"  retention:\n"
	"    age: 30d # default\n"
	"    size: 1GiB # default\n"
	"workers:\n"
	"  max: 8 # default\n"
	"queue:\n"
	"  max: 100000 # default\n"
	"metrics:\n"
	"  prometheus: true # default\n"
	"jobs:\n"
	"  a:\n"
	"    plugin: p\n"
	"    cron: \"@hourly\"\n"
	"    timezone: \"${T_WORD}\"\n"
	"    params: {a: {b: [\"x${T_WORD}\"]}, c: \"a$${b}\"}\n"
	"  b:\n"
	"    plugin: p\n"
	"    always: true\n"
	"  \"null\":\n"
	"    command: FOLDER/c\n"
	"    at: \"2026-01-31T07:00:00.500Z\"\n"
	"    retry:\n"
	"      max: 3\n"
	"      backoff: 1s\n"
	"    params: {a: [1.0, -0.0, 1.0000000000000001e+300, \"$${x}\"], "
	"\"b\\u000a\": 2, s: \"\"}\n"
	"    secrets: {plain: \"********\", bearer: \"Bearer ${T_WORD}\"}\n"
	"forward:\n"
	"  - name: central\n"
	"    url: \"https://c.example/${T_WORD}\"\n"
	"    auth:\n"
	"      bearer: \"x${T_WORD}\"\n"
	"      headers: {X-A: \"********\"}\n"
	"    proxy: \"http://********@proxy:3128\"\n"
	"    batch:\n"
	"      size: 2MiB\n"
	"  - name: b\n"
	"    url: \"http://b/\"\n"
	"    auth:\n"
	"      basic:\n"
	"        user: u\n"
	"        password: \"********\"\n"
	"    buffer:\n"
	"      size: 0\n"
	"      age: 0ms\n"
	"    select:\n"
	"      records: [log]\n";

/* Every setting of both holds the same. */
static bool
is_same(const struct config *a, const struct config *b)
{
	for (size_t i = 0; i < agent_settings.n; i++) {
		_free_ char *x =
			get(&agent_settings, a, agent_settings.rows[i].path);
		_free_ char *y =
			get(&agent_settings, b, agent_settings.rows[i].path);

		if (strcmp(x, y) != 0) {
			diag("%s: %s, %s", agent_settings.rows[i].path, x, y);
			return false;
		}
	}
	return true;
}

static void
test_show(void)
{
	_config_ struct config c, again;
	_strv_ struct strv warnings = { 0 };
	_free_ char *want = fill_in(shown_want);
	_buf_ struct buf b = { 0 };
	struct err e = ERR_INIT;

	config_init(&c);
	config_init(&again);
	is_int(parse(shown_text, &c, &warnings, &e), 0, "it loads: %s", e.msg);
	config_show(&c, &b);
	is_str(b.data, want, "what is in force is shown");
	ok(!strstr(b.data, "xword") && !strstr(b.data, "/word") &&
		   !strstr(b.data, "Bearer word") &&
		   !strstr(b.data, "cgroup") && !strstr(b.data, "hunter2"),
	   "... without what ${...} stands for, nor a secret");
	is_int(parse(b.data, &again, &warnings, &e), 0,
	       "... and loads again: %s", e.msg);
	ok(is_same(&c, &again), "... to the same");
}

static void
test_show_defaults(void)
{
	_config_ struct config c, again;
	_strv_ struct strv warnings = { 0 };
	_buf_ struct buf b = { 0 };
	struct err e = ERR_INIT;

	config_init(&c);
	config_init(&again);
	config_show(&c, &b);
	has_str(b.data, "# the built-in defaults\nagent:\n",
		"the defaults are shown as such");
	is_int(parse(b.data, &again, &warnings, &e), 0,
	       "... and load again: %s", e.msg);
	ok(is_same(&c, &again), "... to the same");
}

static void
test_value(void)
{
	_config_ struct config c;
	_strv_ struct strv warnings = { 0 };
	_value_ struct value *v = NULL;
	_buf_ struct buf b = { 0 };
	_free_ char *want = NULL;
	struct err e = ERR_INIT;

	config_init(&c);
	parse(shown_text, &c, &warnings, &e);
	v = config_to_value(&c);
	is_str(value_get_string(v, "file", NULL), file,
	       "as a value, there is the file");
	setting_add_yaml(value_get(value_get(v, "plugins"), "limits"), &b);
	is_str(b.data,
	       "{timeout_ms: \"${T_NUMBER}s\", memory_bytes: 67108864, "
	       "cpu_ms: 0, processes: \"${T_NUMBER}\", files: 0, "
	       "output_bytes: 0, tmp_bytes: 0}",
	       "... numbers in their units, and no secret");
	buf_release(&b);
	setting_add_yaml(value_get(v, "storage"), &b);
	want = xasprintf("{type: sqlite, path: null, durability: full, "
			 "retention: {age_ms: %lld, "
			 "size_bytes: %d}}",
			 30 * 86400000LL, 1 << 30);
	is_str(b.data, want, "... and null where nothing is set");
}

/* --- The table and its pages -------------------------------------------- */

static void
test_pages(void)
{
	_buf_ struct buf example = { 0 };
	_buf_ struct buf want = { 0 };
	struct err e = ERR_INIT;

	page_check(&doc, "test_config");
	ok(file_read(EXAMPLE, &example, &e) == 0, "there is " EXAMPLE);
	config_write_example(&want);
	if (!ok(example.data && !strcmp(example.data, want.data),
		EXAMPLE " is up to date"))
		diag(REGENERATE);
}

/* Without its comments, the example sets everything to its default. */
static void
test_example(void)
{
	_config_ struct config c, example;
	_strv_ struct strv warnings = { 0 };
	struct err e = ERR_INIT;
	size_t set = 0;

	config_init(&c);
	config_init(&example);
	is_int(config_load(EXAMPLE, &example, &warnings, &e), 0,
	       "the example loads: %s", e.msg);
	is_int((intmax_t)warnings.n, 0, "... without a warning");
	free(example.agent.data_dir);
	example.agent.data_dir = xstrdup(CONFIG_DATA_DIR);
	is_int(example.api.anonymous, CONFIG_ANONYMOUS_READ,
	       "... lets anybody on the host look");
	example.api.anonymous = CONFIG_ANONYMOUS_NONE;
	ok(is_same(&c, &example),
	   "... and equals the defaults, but for that and data_dir");
	for (size_t i = 0; i < agent_settings.n; i++)
		set += agent_settings.rows[i].fallback &&
		       agent_settings.rows[i].type != SETTING_JOBS &&
		       agent_settings.rows[i].type != SETTING_DESTINATIONS;
	is_int((intmax_t)example.given->u.object.n, (intmax_t)set,
	       "... all of them");
}

/* The samples work once their # is taken off. */
static void
test_samples(void)
{
	_buf_ struct buf example = { 0 }, text = { 0 };
	_config_ struct config c;
	_strv_ struct strv warnings = { 0 };
	struct err e = ERR_INIT;
	const char *at = NULL;

	if (file_read(EXAMPLE, &example, &e) == 0)
		at = strstr(example.data, "# jobs:\n");
	for (; at && *at; at += strcspn(at, "\n") + 1)
		if (!strncmp(at, "#  ", 3) || !strncmp(at, "# jobs:", 7) ||
		    !strncmp(at, "# forward:", 10))
			buf_addf(&text, "%.*s\n", (int)strcspn(at + 2, "\n"),
				 at + 2);
	config_init(&c);
	write_file("token", "t", 1, 0600);
	is_int(parse(text.data ? text.data : "-", &c, &warnings, &e), 0,
	       "the example's jobs and destinations load: %s", e.msg);
	is_int((intmax_t)c.jobs.n, 3, "... all of them");
	is_int((intmax_t)c.forward.n, 1, "... these, too");
}

static int
write_pages(void)
{
	_buf_ struct buf example = { 0 };
	struct err e = ERR_INIT;

	config_write_example(&example);
	if (file_replace(EXAMPLE, example.data, example.len, 0644, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	return page_write(&doc);
}

int
main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--write"))
		return write_pages();
	set_up();
	test_defaults();
	test_seed();
	test_load();
	test_find();
	test_relative();
	test_show();
	test_show_defaults();
	test_value();
	test_pages();
	test_samples();
	test_example();
	tear_down();
	return tap_done();
}
