#include "base/mem.h"
#include "config/settings.h"

#define FIELD(member) offsetof(struct config_destination, member)
#define DAY INT64_C(86400000)

/* In the order of the enums of destination.h. */
static const char *const formats[] = {
	"jsonl", "otlp", "loki", "elasticsearch", "splunk-hec", "influx", NULL
};
static const char *const compressions[] = { "zstd", "gzip", "none", NULL };
static const char *const fulls[] = { "drop_oldest", "drop_newest", NULL };
static const char *const orders[] = { "oldest", "newest", NULL };
static const char *const records[] = { "job", "log", NULL };

/* clang-format off */
static const struct setting rows[] = {
	{
		.path = "name", .type = SETTING_NAME,
		.offset = FIELD(name), .without = "an error",
		.help = "What it is called; how far it has come is kept by"
			" this name.",
	}, {
		.path = "url", .type = SETTING_URL,
		.offset = FIELD(url), .without = "an error",
		.help = "Where records are posted to.",
	}, {
		.path = "format", .type = SETTING_ENUM, .names = formats,
		.offset = FIELD(format), .fallback = "jsonl",
		.help = "How they are written. See docs/forwarding.md.",
	}, {
		.path = "timeout", .type = SETTING_DURATION,
		.offset = FIELD(timeout_ms),
		.fallback = "30s", .min = 100, .max = 3600000,
		.help = "How long one request may take.",
	}, {
		.path = "auth.bearer", .type = SETTING_SECRET,
		.offset = FIELD(auth.bearer), .expects = "a token",
		.without = "none",
		.help = "The token of `Authorization: Bearer`.",
	}, {
		.path = "auth.basic.user", .type = SETTING_TEXT,
		.offset = FIELD(auth.user), .expects = "a user's name",
		.without = "none",
		.help = "With the password, `Authorization: Basic`.",
	}, {
		.path = "auth.basic.password", .type = SETTING_SECRET,
		.offset = FIELD(auth.password), .expects = "a password",
		.without = "none",
		.help = "The user's password.",
	}, {
		.path = "auth.headers", .type = SETTING_SECRETS,
		.offset = FIELD(auth.headers), .without = "none",
		.help = "Headers of every request, by name.",
	}, {
		.path = "tls.ca", .type = SETTING_PATH,
		.offset = FIELD(tls.ca), .without = "those of the host",
		.help = "The file of the certificates that the server's own"
			" is checked against.",
	}, {
		.path = "tls.cert", .type = SETTING_PATH,
		.offset = FIELD(tls.cert), .without = "none",
		.help = "The file of the certificate that the agent shows.",
	}, {
		.path = "tls.key", .type = SETTING_PATH,
		.offset = FIELD(tls.key), .without = "none",
		.help = "The file of its key.",
	}, {
		.path = "proxy", .type = SETTING_URL,
		.offset = FIELD(proxy), .without = "none",
		.help = "The proxy on the way there.",
	}, {
		.path = "compression", .type = SETTING_ENUM,
		.offset = FIELD(compression), .names = compressions,
		.fallback = "zstd",
		.help = "How requests are compressed.",
	}, {
		.path = "batch.records", .type = SETTING_INTEGER,
		.offset = FIELD(batch.records), .fallback = "500",
		.min = 1, .max = 10000,
		.help = "The most records of one request.",
	}, {
		.path = "batch.size", .type = SETTING_SIZE,
		.offset = FIELD(batch.size_bytes), .fallback = "1MiB",
		.min = 1 << 10, .max = CONFIG_BATCH_BYTES_MAX,
		.help = "The most bytes of one, before it is compressed; a"
			" record that is larger goes alone.",
	}, {
		.path = "batch.wait", .type = SETTING_DURATION,
		.offset = FIELD(batch.wait_ms), .fallback = "2s",
		.min = 0, .max = 3600000,
		.help = "How long a record waits for others to go with.",
	}, {
		.path = "buffer.size", .type = SETTING_SIZE,
		.offset = FIELD(buffer.size_bytes), .fallback = "1GiB",
		.min = 64 << 10, .max = INT64_C(1) << 53,
		.or_none = true,
		.help = "How much is kept for it while it can't be sent, even"
			" past storage.retention.",
	}, {
		.path = "buffer.age", .type = SETTING_DURATION,
		.offset = FIELD(buffer.age_ms), .fallback = "7d",
		.min = 1000, .max = 3650 * DAY, .or_none = true,
		.help = "How long. A destination that is new gets what is"
			" stored already, as far back as this.",
	}, {
		.path = "buffer.full", .type = SETTING_ENUM, .names = fulls,
		.offset = FIELD(buffer.full), .fallback = "drop_oldest",
		.help = "What is dropped where that is more than buffer.size."
			" It is counted.",
	}, {
		.path = "select.jobs", .type = SETTING_PATTERNS,
		.offset = FIELD(select.jobs), .fallback = "*",
		.help = "The names of the jobs whose records are sent.",
	}, {
		.path = "select.records", .type = SETTING_FLAGS,
		.offset = FIELD(select.records), .names = records,
		.fallback = "job, log",
		.help = "Which records of them: the job itself, lines of its"
			" log.",
	}, {
		.path = "rate", .type = SETTING_INTEGER,
		.offset = FIELD(rate), .fallback = "0",
		.min = 1, .max = 10000000,
		.help = "The most records a second, so that catching up after"
			" an outage leaves room for others.",
	}, {
		.path = "order", .type = SETTING_ENUM, .names = orders,
		.offset = FIELD(order), .fallback = "oldest",
		.help = "What goes first after an outage: the oldest, so that"
			" everything comes in order; or the newest, and the"
			" rest as there is time.",
	},
};
/* clang-format on */

/* `given` of a destination is a set of them. */
_Static_assert(ARRAY_SIZE(rows) <= 32, "struct config_destination: given");

const struct setting_table destination_settings = { rows, ARRAY_SIZE(rows) };
