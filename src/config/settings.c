#include "config/settings.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/grace.h"
#include "model/units.h"

#define FIELD(member) offsetof(struct config, member)
#define DAY INT64_C(86400000)

_Static_assert(GRACE_WORKER_MS == 5000, "agent.stop_timeout says 5s");

static const char *const log_levels[] = { "debug", "info", "warn", "error",
					  NULL };
static const char *const log_formats[] = { "auto", "json", "text", NULL };
static const char *const storage_types[] = { "sqlite", NULL };
static const char *const anonymous[] = { "none", "read", NULL };
static const char *const durabilities[] = { "full", "normal", NULL };

/* clang-format off */
static const struct setting rows[] = {
	{
		.path = "agent.listen_addr", .type = SETTING_ADDRESS,
		.offset = FIELD(agent.listen_addr),
		.fallback = "127.0.0.1:8080",
		.help = "Where the HTTP API of the agent as a service listens;"
			" \"\" turns it off.",
	}, {
		.path = "agent.data_dir", .type = SETTING_PATH,
		.offset = FIELD(agent.data_dir),
		.fallback = CONFIG_DATA_DIR, .sample = "./data",
		.needs_restart = true,
		.help = "The folder of what the agent keeps.",
	}, {
		.path = "agent.log_level", .type = SETTING_ENUM,
		.offset = FIELD(agent.log_level), .names = log_levels,
		.fallback = "info",
		.help = "The least important messages of the agent itself that"
			" are written.",
	}, {
		.path = "agent.log_format", .type = SETTING_ENUM,
		.offset = FIELD(agent.log_format), .names = log_formats,
		.fallback = "auto",
		.help = "How they are written: JSON, a line each, or text;"
			" auto is text on a terminal and JSON elsewhere.",
	}, {
		.path = "agent.labels", .type = SETTING_LABELS,
		.offset = FIELD(agent.labels), .fallback = "",
		.help = "What every record of this agent is labelled with,"
			" as in {role: web}.",
	}, {
		.path = "agent.user", .type = SETTING_ACCOUNT,
		.offset = FIELD(agent.user), .needs_restart = true,
		.fallback = "devops_agent",
		.help = "The account that the agent runs as when root starts"
			" it. Where there is none of that name it keeps user"
			" id 0, without any capability, and warns.",
	}, {
		.path = "agent.group", .type = SETTING_ACCOUNT,
		.offset = FIELD(agent.group), .needs_restart = true,
		.without = "only root and the agent's own account",
		.sample = "operators",
		.help = "The group whose members may use the agent's socket:"
			" run plugins, and look at jobs.",
	}, {
		.path = "agent.socket", .type = SETTING_PATH,
		.offset = FIELD(agent.socket), .needs_restart = true,
		.without = CONFIG_SERVICE_SOCKET " as a service, "
			   CONFIG_SOCKET_NAME " in agent.data_dir otherwise",
		.sample = "./data/" CONFIG_SOCKET_NAME, .max = 107,
		.help = "The socket of the command line; its path is up to"
			" 107 bytes long.",
	}, {
		.path = "agent.stop_timeout", .type = SETTING_DURATION,
		.offset = FIELD(agent.stop_timeout_ms), .fallback = "30s",
		.min = GRACE_WORKER_MS + 1000, .max = DAY,
		.why = "a worker may take 5s to end, and what stops it has to"
		       " outlast it",
		.help = "How long a stop may take: running jobs may finish"
			" until 5s before its end, and are cancelled then.",
	}, {
		.path = "api.anonymous", .type = SETTING_ENUM,
		.offset = FIELD(api.anonymous), .names = anonymous,
		.fallback = "none", .sample = "read",
		.help = "What a request without a token may: read is what the"
			" role reader may, and goes with an address of this"
			" host's own only.",
	}, {
		.path = "api.insecure", .type = SETTING_BOOL,
		.offset = FIELD(api.insecure), .fallback = "false",
		.help = "Whether the API may listen without TLS where other"
			" hosts reach it, so that tokens can be read on the"
			" way.",
	}, {
		.path = "api.hosts", .type = SETTING_HOSTS,
		.offset = FIELD(api.hosts), .fallback = "",
		.help = "The names that the API is called by, as in"
			" [agent.example], beside addresses and localhost. A request for another one is refused,"
			" as a web page may have sent it.",
	}, {
		.path = "api.tls.cert", .type = SETTING_PATH,
		.offset = FIELD(api.tls.cert),
		.without = "no TLS", .sample = "/etc/devops_agent/tls.crt",
		.help = "The API's certificate and those between it and the"
			" root, as PEM. Read again at a reload.",
	}, {
		.path = "api.tls.key", .type = SETTING_PATH,
		.offset = FIELD(api.tls.key),
		.without = "no TLS", .sample = "/etc/devops_agent/tls.key",
		.help = "Its key. agent.user must be able to read it.",
	}, {
		.path = "api.tls.client_ca", .type = SETTING_PATH,
		.offset = FIELD(api.tls.client_ca),
		.without = "clients show no certificate",
		.sample = "/etc/devops_agent/clients.crt",
		.help = "Who signs the certificates of clients.",
	}, {
		.path = "api.tls.clients", .type = SETTING_ROLES,
		.offset = FIELD(api.tls.clients), .fallback = "",
		.help = "What a client may by its certificate alone, as in"
			" {\"CN=prometheus\": reader}: its subject, or the"
			" SHA-256 of it in hex, and a role."
			" The API's program is believed which one it was.",
	}, {
		.path = "api.limits.connections", .type = SETTING_INTEGER,
		.offset = FIELD(api.limits.connections), .fallback = "11000",
		.min = 1, .max = 100000,
		.help = "How many connections are open at once.",
	}, {
		.path = "api.limits.per_address", .type = SETTING_INTEGER,
		.offset = FIELD(api.limits.per_address), .fallback = "256",
		.min = 1, .max = 100000,
		.help = "How many of them from one address, this host's own"
			" apart.",
	}, {
		.path = "api.limits.streams", .type = SETTING_INTEGER,
		.offset = FIELD(api.limits.streams), .fallback = "2000",
		.min = 1, .max = 9000,
		.help = "How many of them are streams of events.",
	}, {
		.path = "api.limits.body", .type = SETTING_SIZE,
		.offset = FIELD(api.limits.body_bytes),
		.fallback = "960KiB",
		.min = 1024, .max = 983040,
		.help = "The longest body of a request.",
	}, {
		.path = "api.limits.header_time", .type = SETTING_DURATION,
		.offset = FIELD(api.limits.header_ms), .fallback = "10s",
		.min = 100, .max = 600000,
		.help = "From the first byte of a request to the end of its"
			" header.",
	}, {
		.path = "api.limits.idle_time", .type = SETTING_DURATION,
		.offset = FIELD(api.limits.idle_ms), .fallback = "75s",
		.min = 100, .max = 3600000,
		.help = "How long a connection is kept without a request.",
	}, {
		.path = "api.limits.request_time", .type = SETTING_DURATION,
		.offset = FIELD(api.limits.request_ms), .fallback = "30s",
		.min = 100, .max = 600000,
		.help = "How long a body may take to come.",
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
		.needs_restart = true,
		.help = "What job records are kept in.",
	}, {
		.path = "storage.path", .type = SETTING_PATH,
		.offset = FIELD(storage.path),
		.without = "agent.db in agent.data_dir",
		.sample = "./data/agent.db",
		.needs_restart = true,
		.help = "The file of the database.",
	}, {
		.path = "storage.durability", .type = SETTING_ENUM,
		.offset = FIELD(storage.durability), .names = durabilities,
		.fallback = "full",
		.help = "When a job counts as safe: full once it is on the"
			" disk; normal once the kernel has it, so that a power"
			" cut may cost the last moments, but never the"
			" database.",
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
	}, {
		.path = "workers.max", .type = SETTING_INTEGER,
		.offset = FIELD(workers.max), .fallback = "8",
		.min = 1, .max = 1024,
		.help = "How many jobs run at once.",
	}, {
		.path = "queue.max", .type = SETTING_INTEGER,
		.offset = FIELD(queue.max), .fallback = "100000",
		.min = 1, .max = 10000000,
		.help = "How many jobs may wait; more are refused.",
	}, {
		.path = "metrics.prometheus", .type = SETTING_BOOL,
		.offset = FIELD(metrics.prometheus), .fallback = "true",
		.help = "Whether the HTTP API has figures for Prometheus.",
	}, {
		.path = "jobs", .type = SETTING_JOBS,
		.offset = FIELD(jobs), .fallback = "",
		.help = "What runs when, by name. A name is up to 64 lower"
			" case letters, digits and -.",
	},
	{
		.path = "forward", .type = SETTING_DESTINATIONS,
		.offset = FIELD(forward), .fallback = "",
		.help = "Where records are sent, each with a name of its own.",
	},
};
/* clang-format on */

const struct setting_table agent_settings = { rows, ARRAY_SIZE(rows) };
