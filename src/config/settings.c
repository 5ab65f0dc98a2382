#include "config/settings.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/units.h"

static const char *const log_levels[] = { "debug", "info", "warn", "error",
					  NULL };
static const char *const storage_types[] = { "sqlite", NULL };

#define FIELD(member) offsetof(struct config, member)
#define DAY INT64_C(86400000)

/* clang-format off */
const struct setting settings[] = {
	{
		.path = "agent.listen_addr", .type = SETTING_ADDRESS,
		.offset = FIELD(agent.listen_addr),
		.fallback = "127.0.0.1:8080",
		.help = "Where the HTTP API of the agent as a service listens;"
			" \"\" turns it off.",
	}, {
		.path = "agent.data_dir", .type = SETTING_PATH,
		.offset = FIELD(agent.data_dir),
		.fallback = "/var/lib/devops_agent",
		.help = "The folder of what the agent keeps.",
	}, {
		.path = "agent.log_level", .type = SETTING_ENUM,
		.offset = FIELD(agent.log_level), .names = log_levels,
		.fallback = "info",
		.help = "The least important messages of the agent itself that"
			" are written.",
	}, {
		.path = "agent.labels", .type = SETTING_LABELS,
		.offset = FIELD(agent.labels), .fallback = "",
		.help = "What every record of this agent is labelled with,"
			" as in {role: web}.",
	}, {
		.path = "plugins.path", .type = SETTING_PATH,
		.offset = FIELD(plugins.path),
		.without = "the program's own plugins", .sample = "./plugins",
		.help = "The folder of plugins.",
	}, {
		.path = "plugins.grants", .type = SETTING_PATH,
		.offset = FIELD(plugins.grants),
		.without = "grants.d beside the configuration, or the "
			   "program's own",
		.sample = "./grants.d",
		.help = "The folder of what plugins were granted.",
	}, {
		.path = "plugins.python.enabled", .type = SETTING_BOOL,
		.offset = FIELD(plugins.python.enabled), .fallback = "true",
		.help = "Whether Python plugins run.",
	}, {
		.path = "plugins.python.interpreter", .type = SETTING_PROGRAM,
		.offset = FIELD(plugins.python.interpreter),
		.fallback = "/usr/bin/python3",
		.help = "The Python that runs them.",
	}, {
		.path = "plugins.shell.enabled", .type = SETTING_BOOL,
		.offset = FIELD(plugins.shell.enabled), .fallback = "true",
		.help = "Whether shell plugins run.",
	}, {
		.path = "plugins.shell.interpreter", .type = SETTING_PROGRAM,
		.offset = FIELD(plugins.shell.interpreter),
		.fallback = "/bin/sh",
		.help = "The shell that runs them.",
	}, {
		.path = "plugins.limits.timeout", .type = SETTING_DURATION,
		.offset = FIELD(plugins.ceiling.timeout_ms),
		.fallback = "0ms", .min = 1, .max = 30 * DAY,
		.help = "The most time that any plugin may take.",
	}, {
		.path = "plugins.limits.memory", .type = SETTING_SIZE,
		.offset = FIELD(plugins.ceiling.memory_bytes),
		.fallback = "0", .min = 1 << 20, .max = INT64_C(1) << 40,
		.help = "The most memory.",
	}, {
		.path = "plugins.limits.cpu", .type = SETTING_DURATION,
		.offset = FIELD(plugins.ceiling.cpu_ms),
		.fallback = "0ms", .min = 1, .max = 30 * DAY,
		.help = "The most CPU time.",
	}, {
		.path = "plugins.limits.processes", .type = SETTING_INTEGER,
		.offset = FIELD(plugins.ceiling.processes),
		.fallback = "0", .min = 1, .max = 65536,
		.help = "The most processes and threads at once.",
	}, {
		.path = "plugins.limits.files", .type = SETTING_INTEGER,
		.offset = FIELD(plugins.ceiling.files),
		.fallback = "0", .min = 8, .max = 65536,
		.help = "The most open files of a process.",
	}, {
		.path = "plugins.limits.output", .type = SETTING_SIZE,
		.offset = FIELD(plugins.ceiling.output_bytes),
		.fallback = "0", .min = 1 << 10, .max = 64 << 20,
		.help = "The longest result, and the longest logs.",
	}, {
		.path = "plugins.limits.tmp", .type = SETTING_SIZE,
		.offset = FIELD(plugins.ceiling.tmp_bytes),
		.fallback = "0", .min = 4 << 10, .max = INT64_C(64) << 30,
		.help = "The most that a plugin may keep in its /tmp.",
	}, {
		.path = "plugins.require", .type = SETTING_LAYERS,
		.offset = FIELD(plugins.require),
		.fallback = "namespaces, private-root, capabilities, "
			    "no-new-privs, seccomp, limits",
		.help = "The layers of the sandbox without which no plugin "
			"runs. `devops_agent doctor` says which ones this host "
			"has.",
	}, {
		.path = "storage.type", .type = SETTING_ENUM,
		.offset = FIELD(storage.type), .names = storage_types,
		.fallback = "sqlite",
		.help = "What job records are kept in.",
	}, {
		.path = "storage.path", .type = SETTING_PATH,
		.offset = FIELD(storage.path),
		.without = "agent.db in agent.data_dir",
		.sample = "./data/agent.db",
		.help = "The file of the database.",
	}, {
		.path = "storage.retention.age", .type = SETTING_DURATION,
		.offset = FIELD(storage.retention.age_ms),
		.fallback = "30d", .min = 60000, .max = 3650 * DAY,
		.help = "Records older than this are removed.",
	}, {
		.path = "storage.retention.size", .type = SETTING_SIZE,
		.offset = FIELD(storage.retention.size_bytes),
		.fallback = "1GiB", .min = 1 << 20, .max = INT64_C(1) << 53,
		.help = "The oldest records are removed once the database is "
			"larger than this.",
	},
	{ .path = "api", .type = SETTING_RESERVED,
	  .help = "The HTTP API: who may use it, and its certificates." },
	{ .path = "workers", .type = SETTING_RESERVED,
	  .help = "How many plugins run at once." },
	{ .path = "jobs", .type = SETTING_RESERVED,
	  .help = "What runs when." },
	{ .path = "forward", .type = SETTING_RESERVED,
	  .help = "Where records are sent." },
	{ .path = "metrics", .type = SETTING_RESERVED,
	  .help = "Figures for Prometheus." },
};
/* clang-format on */

const size_t settings_count = ARRAY_SIZE(settings);

const struct setting *
setting_find(const char *path)
{
	for (size_t i = 0; i < settings_count; i++)
		if (strcmp(settings[i].path, path) == 0)
			return &settings[i];
	return NULL;
}

/* What follows "SECTION." in a path; NULL where it is not below. */
static const char *
below(const char *section, const char *path)
{
	size_t n = strlen(section);

	if (n == 0)
		return path;
	return strncmp(path, section, n) == 0 && path[n] == '.' ? path + n + 1 :
								  NULL;
}

bool
setting_is_section(const char *path)
{
	for (size_t i = 0; i < settings_count; i++)
		if (below(path, settings[i].path))
			return true;
	return false;
}

const char *
setting_name(const struct setting *s)
{
	const char *dot = strrchr(s->path, '.');

	return dot ? dot + 1 : s->path;
}

/* The keys right below a section. */
static void
add_keys(const char *section, struct strv *keys)
{
	for (size_t i = 0; i < settings_count; i++) {
		const char *rest = below(section, settings[i].path);
		_free_ char *key = NULL;

		if (!rest)
			continue;
		key = xstrndup(rest, strcspn(rest, "."));
		strv_add_once(keys, key);
	}
}

/* A setting that is called so, but stands in another section. */
static const char *
find_elsewhere(const char *key)
{
	for (size_t i = 0; i < settings_count; i++)
		if (strcmp(setting_name(&settings[i]), key) == 0)
			return settings[i].path;
	return NULL;
}

static int
hint_keys(const struct strv *keys, struct err *e)
{
	_buf_ struct buf b = { 0 };

	for (size_t i = 0; i < keys->n; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", keys->items[i]);
	return err_hint(e, "known here: %s", b.data);
}

int
setting_unknown(const char *section, const char *key, int line, int col,
		struct err *e)
{
	_strv_ struct strv keys = { 0 };
	const char *nearest;

	add_keys(section, &keys);
	nearest = units_nearest(key, (const char *const *)keys.items, keys.n);
	if (!nearest)
		nearest = find_elsewhere(key);
	err_set(e, ERR_USAGE, "%d:%d: unknown key '%.64s'%s%s", line, col, key,
		*section ? " in " : "", section);
	if (!nearest)
		return hint_keys(&keys, e);
	err_set(e, ERR_USAGE,
		"%d:%d: unknown key '%.64s'%s%s; did you mean '%s'?", line, col,
		key, *section ? " in " : "", section, nearest);
	return -1;
}
