#include "api/route.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define WAIT_MOST_MS 600000
#define LIMIT_MOST 1000

/* A parameter that goes on to the master under `ask`. */
#define PARAM(name_, in_, kind_, ask_, ...)                                   \
	{                                                                     \
		.name = (name_), .in = (in_), .kind = (kind_), .ask = (ask_), \
		__VA_ARGS__                                                   \
	}
#define END                  \
	{                    \
		.name = NULL \
	}

#define KEY                                                                     \
	PARAM("Idempotency-Key", IN_HEADER, PARAM_TEXT, "key", .most = 255,     \
	      .help = "The same key with the same body makes one job, however " \
		      "often it is sent; with another body it is refused.")
#define WAIT                                                             \
	PARAM("wait_ms", IN_BODY, PARAM_COUNT, "wait_ms",                \
	      .most = WAIT_MOST_MS,                                      \
	      .help = "Answer when the job has ended, or after so many " \
		      "milliseconds.")
#define LIMIT(ask_)                                               \
	PARAM("limit", IN_QUERY, PARAM_COUNT, (ask_), .least = 1, \
	      .most = LIMIT_MOST, .help = "How many items at most; 100.")
#define NAME(what)                                                   \
	PARAM("name", IN_PATH, PARAM_NAME, "name", .required = true, \
	      .help = (what))
#define JOB_ID                                                                \
	PARAM("id", IN_PATH, PARAM_COUNT, "id", .required = true, .least = 1, \
	      .most = INT64_MAX, .help = "The job's id.")

static const struct param none[] = { END };
static const struct param by_id[] = { JOB_ID, END };

static const struct param named_list[] = {
	LIMIT(NULL),
	PARAM("cursor", IN_QUERY, PARAM_NAME, NULL,
	      .help = "`next` of the page before."),
	END,
};

static const struct param plugin_get[] = { NAME("The plugin's name."), END };

static const struct param job_submit[] = {
	KEY,
	PARAM("name", IN_BODY, PARAM_NAME, "name",
	      .help = "The job's name; the plugin's, where it has none."),
	PARAM("plugin", IN_BODY, PARAM_NAME, "plugin",
	      .help = "What runs. Without it and `command`: the plugin that "
		      "is called as the job."),
	PARAM("command", IN_BODY, PARAM_TEXT, "command", .most = 4096,
	      .help = "The absolute path of a plugin in no folder of plugins."),
	PARAM("params", IN_BODY, PARAM_OBJECT, "params",
	      .help = "The plugin's parameters."),
	PARAM("secrets", IN_BODY, PARAM_OBJECT, "secrets",
	      .help = "Secrets for this run; kept nowhere."),
	PARAM("method", IN_BODY, PARAM_TEXT, "method", .most = 128,
	      .help = "Of a plugin that has several."),
	PARAM("priority", IN_BODY, PARAM_COUNT, "priority", .least = -100,
	      .most = 100, .help = "Higher ones run first."),
	PARAM("at", IN_BODY, PARAM_TIME, "at", .help = "Not before then."),
	PARAM("timeout_ms", IN_BODY, PARAM_COUNT, "timeout_ms",
	      .most = INT64_MAX, .help = "Less than the plugin's own limit."),
	PARAM("queue_timeout_ms", IN_BODY, PARAM_COUNT, "queue_timeout_ms",
	      .most = INT64_MAX, .help = "To have begun within."),
	PARAM("retry", IN_BODY, PARAM_OBJECT, "retry",
	      .help = "`{max, backoff_ms, max_backoff_ms}`."),
	WAIT,
	END,
};

static const struct param job_list[] = {
	PARAM("state", IN_QUERY, PARAM_STATES, "state",
	      .help = "Only those in one of these states."),
	PARAM("name", IN_QUERY, PARAM_NAME, "name",
	      .help = "Only those of this name."),
	PARAM("plugin", IN_QUERY, PARAM_NAME, "plugin",
	      .help = "Only those of this plugin."),
	PARAM("since", IN_QUERY, PARAM_TIME, "since",
	      .help = "Only those that were due since then."),
	LIMIT("limit"),
	PARAM("cursor", IN_QUERY, PARAM_COUNT, "before", .least = 1,
	      .most = INT64_MAX, .help = "`next` of the page before."),
	END,
};

static const struct param job_get[] = {
	JOB_ID,
	PARAM("wait_ms", IN_QUERY, PARAM_COUNT, "wait_ms", .least = 0,
	      .most = WAIT_MOST_MS, .asks = "job.wait",
	      .help = "Answer when the job has ended, or after so many "
		      "milliseconds."),
	END,
};

static const struct param job_logs[] = {
	JOB_ID,
	LIMIT("limit"),
	PARAM("cursor", IN_QUERY, PARAM_COUNT, "after", .most = INT64_MAX,
	      .help = "`next` of the page before."),
	PARAM("follow", IN_QUERY, PARAM_FLAG, "follow", .streams = true,
	      .help = "A stream of events, to the job's end."),
	PARAM("Last-Event-ID", IN_HEADER, PARAM_COUNT, "after",
	      .most = INT64_MAX,
	      .help = "Where a stream is to go on: after this line."),
	END,
};

static const struct param job_again[] = { JOB_ID, KEY, END };

static const struct param schedule_change[] = { NAME("The schedule's name."),
						END };

static const struct param schedule_trigger[] = {
	NAME("The schedule's name."),
	KEY,
	WAIT,
	END,
};

static const struct param events[] = {
	PARAM("Last-Event-ID", IN_HEADER, PARAM_TEXT, "after", .most = 64,
	      .help = "Where a stream is to go on: after this event."),
	END,
};

#define EVENT_STREAM "text/event-stream"
#define PROMETHEUS_TEXT "text/plain; version=0.0.4; charset=utf-8"

const struct route routes[] = {
	{ VERB_GET, FOR_READER, "/v1/status", "getStatus", "status", none,
	  reply_plain, "Status", NULL, 200, false, false, "How the agent is",
	  NULL },
	{ VERB_GET, FOR_READER, "/v1/plugins", "listPlugins", "plugin.list",
	  named_list, reply_named, "PluginList", NULL, 200, false, true,
	  "The plugins", "By name." },
	{ VERB_GET, FOR_READER, "/v1/plugins/{name}", "getPlugin", "plugin.get",
	  plugin_get, reply_plain, "Plugin", NULL, 200, false, true,
	  "A plugin, and whether it may run", NULL },
	{ VERB_POST, FOR_OPERATOR, "/v1/jobs", "submitJob", "job.submit",
	  job_submit, reply_created, "Job", NULL, 201, false, false,
	  "Run a plugin",
	  "Answers once the job is safe on disk, by its record. With `wait_ms` "
	  "it answers when the job has ended or the time is up. A repeat by "
	  "`Idempotency-Key` answers 200." },
	{ VERB_GET, FOR_READER, "/v1/jobs", "listJobs", "job.list", job_list,
	  reply_jobs, "JobList", NULL, 200, false, true,
	  "The queue and its history",
	  "Newest first, without what may be "
	  "large: parameters, results, metrics." },
	{ VERB_GET, FOR_READER, "/v1/jobs/{id}", "getJob", "job.get", job_get,
	  reply_plain, "Job", NULL, 200, false, true, "A job's record", NULL },
	{ VERB_GET, FOR_READER, "/v1/jobs/{id}/logs", "getJobLogs", "job.logs",
	  job_logs, reply_logs, "LogList", NULL, 200, false, true,
	  "A job's log",
	  "With `follow=1` it is a stream of server-sent events: `log` for each "
	  "line, `progress`, `attempt`, and `end` with the job's record." },
	{ VERB_POST, FOR_OPERATOR, "/v1/jobs/{id}/cancel", "cancelJob",
	  "job.cancel", by_id, reply_plain, "Job", NULL, 200, false, false,
	  "Cancel a job", "Answers at the job's end, by its record." },
	{ VERB_POST, FOR_OPERATOR, "/v1/jobs/{id}/retry", "retryJob",
	  "job.retry", job_again, reply_created, "Job", NULL, 201, false, false,
	  "Run a job that has ended again",
	  "As a new job with the same plugin and parameters." },
	{ VERB_GET, FOR_READER, "/v1/schedules", "listSchedules",
	  "schedule.list", named_list, reply_named, "ScheduleList", NULL, 200,
	  false, true, "Recurring jobs", "By name." },
	{ VERB_POST, FOR_OPERATOR, "/v1/schedules/{name}/trigger",
	  "triggerSchedule", "schedule.trigger", schedule_trigger,
	  reply_created, "Job", NULL, 201, false, false,
	  "Run a recurring job now", NULL },
	{ VERB_POST, FOR_ADMIN, "/v1/schedules/{name}/pause", "pauseSchedule",
	  "schedule.pause", schedule_change, reply_plain, "Schedule", NULL, 200,
	  false, false, "Run it no more until it is resumed", NULL },
	{ VERB_POST, FOR_ADMIN, "/v1/schedules/{name}/resume", "resumeSchedule",
	  "schedule.resume", schedule_change, reply_plain, "Schedule", NULL,
	  200, false, false, "Run it again as it is due", NULL },
	{ VERB_GET, FOR_READER, "/v1/forward", "getForward", "forward.status",
	  none, reply_plain, "Forward", NULL, 200, false, true,
	  "Where records are sent to, and how far each is", NULL },
	{ VERB_GET, FOR_READER, "/v1/events", "streamEvents", "events", events,
	  reply_plain, NULL, EVENT_STREAM, 200, true, false,
	  "What happens, as it happens",
	  "Server-sent events. `id` is where to go on after a lost connection "
	  "(`Last-Event-ID`); an event of type `gap` says that some were "
	  "missed, and how many: `missed`, null where nobody knows. A comment "
	  "comes every 15 s where nothing else does. A reader that is too slow "
	  "is dropped." },
	{ VERB_GET, FOR_ALL, "/openapi.json", "getOpenApi", NULL, none,
	  reply_openapi, "OpenApi", NULL, 200, false, true,
	  "This description, as OpenAPI 3.1", NULL },
	{ VERB_GET, FOR_READER, "/metrics", "getMetrics", "metrics", none,
	  reply_metrics, NULL, PROMETHEUS_TEXT, 200, false, false,
	  "Figures for Prometheus",
	  "In OpenMetrics 1.0 where Accept asks for it." },
	{ VERB_GET, FOR_ALL, "/healthz", "getHealth", "health", none,
	  reply_alive, "Health", NULL, 200, false, false,
	  "Whether the agent is alive", NULL },
	{ VERB_GET, FOR_ALL, "/readyz", "getReady", "health", none, reply_ready,
	  "Health", NULL, 200, false, false,
	  "Whether the agent can take jobs and keep them",
	  "503 with the reasons where it can't." },
};

const size_t routes_count = ARRAY_SIZE(routes);

static const char *const verbs[] = {
	[VERB_GET] = "GET",
	[VERB_POST] = "POST",
};

static const char *const roles[] = {
	[FOR_ALL] = "anybody",
	[FOR_READER] = "reader",
	[FOR_OPERATOR] = "operator",
	[FOR_ADMIN] = "admin",
};

const char *
route_verb_name(enum route_verb verb)
{
	return verbs[verb];
}

const char *
route_role_name(enum route_role role)
{
	return roles[role];
}

/* --- Finding ------------------------------------------------------------ */

/* Segment by segment; {x} is any one that is not empty. */
static bool
match(const char *pattern, const char *path, size_t len,
      struct json_text *captured)
{
	const char *end = path + len;

	*captured = (struct json_text){ NULL, 0 };
	while (*pattern && path < end) {
		if (*pattern == '{') {
			captured->s = path;
			while (path < end && *path != '/')
				path++;
			captured->len = (size_t)(path - captured->s);
			pattern = strchr(pattern, '}') + 1;
			if (!captured->len)
				return false;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return !*pattern && path == end;
}

static bool
is_verb(const struct route *r, const char *method)
{
	if (strcmp(method, "HEAD") == 0)
		return r->verb == VERB_GET;
	return strcmp(verbs[r->verb], method) == 0;
}

void
route_allow(const char *path, size_t len, char allow[ROUTE_ALLOW])
{
	bool get = false, post = false;
	struct json_text ignored;

	for (size_t i = 0; i < routes_count; i++) {
		if (!match(routes[i].path, path, len, &ignored))
			continue;
		get |= routes[i].verb == VERB_GET;
		post |= routes[i].verb == VERB_POST;
	}
	snprintf(allow, ROUTE_ALLOW, "%s%s%s", get ? "GET, HEAD, " : "",
		 post ? "POST, " : "", get || post ? "OPTIONS" : "");
}

static const struct route *
no_route(const char *path, size_t len, struct problem *pb)
{
	char allow[ROUTE_ALLOW];

	route_allow(path, len, allow);
	if (allow[0]) {
		problem_set(pb, PROBLEM_METHOD, "this path takes %s", allow);
		return NULL;
	}
	problem_set(pb, PROBLEM_NO_ROUTE, "there is nothing of that path here");
	problem_hint(pb, "GET /openapi.json lists what there is");
	return NULL;
}

const struct route *
route_find(const char *method, const char *path, size_t len,
	   struct json_text *captured, struct problem *pb)
{
	for (size_t i = 0; i < routes_count; i++)
		if (is_verb(&routes[i], method) &&
		    match(routes[i].path, path, len, captured))
			return &routes[i];
	return no_route(path, len, pb);
}

const struct param *
route_param(const struct route *r, enum param_in in, const char *name,
	    size_t len)
{
	for (const struct param *p = r->takes; p->name; p++)
		if (p->in == in && strlen(p->name) == len &&
		    memcmp(p->name, name, len) == 0)
			return p;
	return NULL;
}
