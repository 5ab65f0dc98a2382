#include <string.h>

#include "base/mem.h"
#include "config/settings.h"

#define FIELD(member) offsetof(struct config_job, member)
#define DAY INT64_C(86400000)

#define TIMED (CONFIG_EVERY | CONFIG_CRON | CONFIG_AT)
#define ENDING (TIMED | CONFIG_ON_DEMAND) /* but not a service */

/* In the order of the enums of job.h. */
static const char *const overlaps[] = { "skip", "queue", "replace", NULL };
static const char *const missed[] = { "once", "all", "none", NULL };
static const char *const crashes[] = { "retry", "fail", NULL };

/* clang-format off */
static const struct setting rows[] = {
	{
		.path = "plugin", .type = SETTING_NAME,
		.offset = FIELD(plugin), .without = "see `command`",
		.help = "The plugin that runs.",
	}, {
		.path = "command", .type = SETTING_PATH,
		.offset = FIELD(command), .without = "see `plugin`",
		.help = "Instead of its name, the plugin's file.",
	}, {
		.path = "method", .type = SETTING_TEXT,
		.offset = FIELD(method), .expects = "a method's name",
		.without = "run",
		.help = "Which of its methods.",
	}, {
		.path = "enabled", .type = SETTING_BOOL,
		.offset = FIELD(enabled), .fallback = "true",
		.help = "Whether it runs when it is due. It can be triggered"
			" all the same.",
	}, {
		.path = "every", .type = SETTING_DURATION,
		.offset = FIELD(every_ms), .without = "not by an interval",
		.min = 1000, .max = 3650 * DAY,
		.help = "How often it runs.",
	}, {
		.path = "cron", .type = SETTING_TEXT,
		.offset = FIELD(cron), .expects = "five fields of cron, or a "
						  "word such as \"@hourly\"",
		.without = "not by a calendar",
		.help = "When it runs: minute, hour, day of the month, month,"
			" day of the week. See docs/scheduling.md.",
	}, {
		.path = "at", .type = SETTING_TIME,
		.offset = FIELD(at_ms), .without = "not at one time",
		.help = "When it runs, once.",
	}, {
		.path = "always", .type = SETTING_BOOL,
		.offset = FIELD(always), .fallback = "false",
		.help = "Whether it runs as long as the agent: a service that"
			" is restarted when it ends, with a delay that"
			" doubles from retry.backoff to retry.max_backoff.",
	}, {
		.path = "timezone", .type = SETTING_TEXT,
		.offset = FIELD(timezone), .when = CONFIG_CRON,
		.expects = "a time zone such as Europe/Berlin",
		.without = "the host's",
		.help = "What cron's fields are local to.",
	}, {
		.path = "jitter", .type = SETTING_DURATION,
		.offset = FIELD(jitter_ms), .when = TIMED,
		.fallback = "0ms", .min = 0, .max = 7 * DAY,
		.help = "It runs later by a part of this, always the same for"
			" this host and job, so that many hosts don't start at"
			" once.",
	}, {
		.path = "overlap", .type = SETTING_ENUM, .names = overlaps,
		.offset = FIELD(overlap), .when = ENDING,
		.fallback = "skip",
		.help = "What becomes of a run that is due while the one"
			" before is not over: it is left out, waits, or"
			" replaces that one, which is cancelled.",
	}, {
		.path = "missed", .type = SETTING_ENUM, .names = missed,
		.offset = FIELD(missed), .when = TIMED,
		.fallback = "once",
		.help = "What becomes of runs that were due while the agent"
			" was not there: one for all of them, each, or none.",
	}, {
		.path = "missed_max", .type = SETTING_INTEGER,
		.offset = FIELD(missed_max), .when = TIMED,
		.fallback = "100", .min = 1, .max = 1000,
		.help = "With `missed: all`, how many of them at most: the"
			" latest.",
	}, {
		.path = "retry.max", .type = SETTING_INTEGER,
		.offset = FIELD(retry.max), .when = ENDING,
		.fallback = "0", .min = 0, .max = 1000,
		.help = "How often a run that failed or timed out is tried"
			" again. Where it is not given, a plugin may ask for"
			" three by job.Retry; where it is, for as many: with"
			" 0 for none.",
	}, {
		.path = "retry.backoff", .type = SETTING_DURATION,
		.offset = FIELD(retry.backoff_ms),
		.fallback = "5s", .min = 100, .max = 7 * DAY,
		.help = "How long after the first failure. It doubles each"
			" time.",
	}, {
		.path = "retry.max_backoff", .type = SETTING_DURATION,
		.offset = FIELD(retry.max_backoff_ms),
		.fallback = "5m", .min = 100, .max = 7 * DAY,
		.help = "... up to this.",
	}, {
		.path = "on_crash", .type = SETTING_ENUM, .names = crashes,
		.offset = FIELD(on_crash), .when = ENDING,
		.fallback = "retry",
		.help = "What becomes of a run that the agent's own death cut"
			" off: it is repeated, or is lost.",
	}, {
		.path = "params", .type = SETTING_PARAMS,
		.offset = FIELD(params), .without = "none",
		.help = "The plugin's parameters.",
	}, {
		.path = "secrets", .type = SETTING_SECRETS,
		.offset = FIELD(secrets), .without = "none",
		.help = "The plugin's secrets, by name. They are handed to it"
			" when it runs, and are never stored or logged.",
	}, {
		.path = "priority", .type = SETTING_INTEGER,
		.offset = FIELD(priority),
		.fallback = "0", .min = -100, .max = 100,
		.help = "A job of higher priority runs first where several"
			" wait.",
	}, {
		.path = "timeout", .type = SETTING_DURATION,
		.offset = FIELD(timeout_ms), .when = ENDING,
		.without = "the plugin's own limit", .min = 1, .max = 30 * DAY,
		.help = "How long one attempt may take, instead of the limit"
			" in the plugin's header.",
	}, {
		.path = "queue_timeout", .type = SETTING_DURATION,
		.offset = FIELD(queue_timeout_ms), .when = ENDING,
		.without = "no bound", .min = 1, .max = 365 * DAY,
		.help = "How long a run may wait for its turn before it is"
			" given up.",
	},
};
/* clang-format on */

/* `given` of a job is a set of them. */
_Static_assert(ARRAY_SIZE(rows) <= 32, "struct config_job: given");

const struct setting_table job_settings = { rows, ARRAY_SIZE(rows) };
