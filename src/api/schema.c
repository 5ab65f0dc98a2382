/*
 * The shapes of answers, as JSON Schema: a row each.
 *
 * Members may come to be: what is not named here is to be passed over.
 */
#include "api/openapi.h"

#include "base/mem.h"

#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define MAYBE(type) "{\"type\":[\"" type "\",\"null\"]}"
#define TEXT "{\"type\":\"string\"}"
#define FLAG "{\"type\":\"boolean\"}"
#define COUNT "{\"type\":\"integer\",\"minimum\":0}"
#define WHOLE "{\"type\":\"integer\"}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define MAYBE_TIME "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define ANYTHING "{}"
#define OBJECT "{\"type\":\"object\"}"
#define LIST_OF(what) "{\"type\":\"array\",\"items\":" what "}"
#define PAGE_OF(what)                                                                 \
	"{\"type\":\"object\",\"required\":[\"items\",\"next\"],"                     \
	"\"properties\":{\"items\":" LIST_OF(REF(                                     \
		what)) ",\"next\":{"                                                  \
		       "\"type\":[\"string\",\"null\"],\"description\":\"The cursor " \
		       "of the next page; null: this is the last.\"}}}"
#define STATE                                                    \
	"{\"type\":\"string\",\"enum\":[\"queued\",\"running\"," \
	"\"succeeded\",\"failed\",\"timed_out\",\"cancelled\","  \
	"\"denied\",\"lost\"]}"

const struct schema schemas[] = {
	{ "Error",
	  "{\"type\":[\"object\",\"null\"],\"required\":[\"code\",\"message\"],"
	  "\"properties\":{\"code\":" TEXT ",\"message\":" TEXT
	  ",\"hint\":" MAYBE("string") "}}" },
	{ "Metric",
	  "{\"type\":\"object\",\"required\":[\"name\",\"value\"],"
	  "\"properties\":{\"name\":" TEXT ",\"value\":{\"type\":\"number\"},"
	  "\"unit\":" MAYBE("string") ",\"kind\":" TEXT ",\"labels\":" OBJECT
				      "}}" },
	{ "Agent",
	  "{\"type\":\"object\",\"properties\":{\"id\":" TEXT ",\"host\":" TEXT
	  ",\"version\":" TEXT ",\"labels\":" OBJECT "}}" },
	{ "Job",
	  "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"plugin\","
	  "\"state\",\"trigger\",\"attempt\"],\"properties\":{\"id\":" COUNT
	  ",\"name\":" TEXT ",\"plugin\":" TEXT ",\"state\":" STATE
	  ",\"trigger\":" TEXT ",\"attempt\":" COUNT
	  ",\"scheduled_at\":" MAYBE_TIME ",\"started_at\":" MAYBE_TIME
	  ",\"finished_at\":" MAYBE_TIME
	  ",\"duration_ms\":" MAYBE("integer") ",\"params\":" OBJECT ",\"result\":" ANYTHING ",\"error\":" REF(
		  "Error") ",\"exit\":{\"type\":[\"object\",\"null\"],\"properties\":{"
			   "\"code\":" MAYBE(
				   "integer") ",\"signal\":{}}}"
					      ",\"usage\":{\"type\":[\"object\",\"null\"],\"properties\":{"
					      "\"cpu_ms\":" COUNT
					      ",\"max_rss_bytes\":" COUNT "}}"
					      ",\"metrics\":" LIST_OF(REF("Metric")) ",\"denials\":" LIST_OF(
						      ANYTHING) ",\"sandbox\":" OBJECT
								",\"agent\":" REF("Agent") ",\"attempts\":" LIST_OF(
									OBJECT) ",\"priority\":" WHOLE
										",\"not_before\":" MAYBE_TIME
										",\"schedule\":" TEXT
										",\"retry_of\":" COUNT
										",\"existed\":" FLAG
										"}}" },
	{ "JobList", PAGE_OF("Job") },
	{ "LogLine",
	  "{\"type\":\"object\",\"required\":[\"time\",\"level\",\"message\"],"
	  "\"properties\":{\"job\":" COUNT ",\"seq\":" COUNT ",\"time\":" TIME
	  ",\"level\":" TEXT ",\"stream\":" TEXT ",\"message\":" TEXT
	  ",\"fields\":" OBJECT ",\"left_out\":" COUNT "}}" },
	{ "LogList", PAGE_OF("LogLine") },
	{ "Plugin",
	  "{\"type\":\"object\",\"required\":[\"name\",\"path\",\"allowed\"],"
	  "\"properties\":{\"name\":" TEXT
	  ",\"version\":" MAYBE("string") ",\"description\":" MAYBE(
		  "string") ",\"kind\":" TEXT ",\"path\":" TEXT
			    ",\"sha256\":" TEXT ",\"allowed\":" FLAG
			    ",\"reason\":" MAYBE("string") ",\"params\":" MAYBE(
				    "object") "}}" },
	{ "PluginList", PAGE_OF("Plugin") },
	{ "Schedule",
	  "{\"type\":\"object\",\"required\":[\"name\",\"paused\"],"
	  "\"properties\":{\"name\":" TEXT
	  ",\"plugin\":" MAYBE("string") ",\"when\":" MAYBE("string") ",\"timezone\":" MAYBE(
		  "string") ",\"jitter_ms\":" COUNT ",\"overlap\":" TEXT
			    ",\"enabled\":" FLAG ",\"paused\":" FLAG
			    ",\"next\":" MAYBE_TIME ",\"last_due\":" MAYBE_TIME
			    ",\"last_job\":" MAYBE("integer") ",\"last_state\":" MAYBE(
				    "string") ",\"runs\":" COUNT
					      ",\"missed\":" COUNT
					      ",\"skipped\":" COUNT
					      ",\"source\":" TEXT "}}" },
	{ "ScheduleList", PAGE_OF("Schedule") },
	{ "Status",
	  "{\"type\":\"object\",\"required\":[\"agent\",\"phase\","
	  "\"uptime_ms\",\"jobs\",\"store\"],\"properties\":{"
	  "\"agent\":" REF(
		  "Agent") ",\"pid\":" COUNT ",\"phase\":" TEXT
			   ",\"started_at\":" TIME ",\"uptime_ms\":" WHOLE
			   ",\"config\":" MAYBE(
				   "string") ",\"jobs\":" OBJECT
					     ",\"workers_max\":" COUNT
					     ",\"pools\":" LIST_OF(
						     OBJECT) ",\"schedules\":" COUNT
							     ",\"services\":" COUNT
							     ",\"store\":" OBJECT
							     ",\"metrics\":" LIST_OF(
								     OBJECT) "}}" },
	{ "Forward",
	  "{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{"
	  "\"items\":" LIST_OF(OBJECT) "}}" },
	{ "Health",
	  "{\"type\":\"object\",\"required\":[\"status\",\"reasons\"],"
	  "\"properties\":{\"status\":" TEXT
	  ",\"reasons\":" LIST_OF(ANYTHING) "}}" },
	{ "OpenApi",
	  "{\"type\":\"object\",\"required\":[\"openapi\",\"info\"]}" },
	{ "Problem",
	  "{\"type\":\"object\",\"required\":[\"type\",\"title\",\"status\","
	  "\"code\"],\"properties\":{\"type\":{\"type\":\"string\","
	  "\"format\":\"uri\"},\"title\":" TEXT ",\"status\":" COUNT
	  ",\"code\":{\"type\":\"string\",\"description\":\"The last part of "
	  "type.\"},\"detail\":" TEXT ",\"hint\":{\"type\":\"string\","
	  "\"description\":\"What to do about it.\"},\"retry_after_ms\":" COUNT
	  "}}" },
};

const size_t schemas_count = ARRAY_SIZE(schemas);
