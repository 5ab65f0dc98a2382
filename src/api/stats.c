#include "api/stats.h"

#include <stdio.h>

#include "base/mem.h"

enum {
	REQUESTS,
	REQUEST_TIME,
	BYTES_IN,
	BYTES_OUT,
	REJECTED,
	CONNECTIONS,
	STREAMS,
	STREAMS_DROPPED,
	CERTIFICATE_ENDS,
};

static const double seconds[] = { 0.0005, 0.001, 0.0025, 0.005, 0.01,
				  0.025,  0.05,	 0.1,	 0.25,	0.5,
				  1,	  2.5,	 5,	 10 };

#define API(of) .name = "devops_agent_api_" of

static const struct metric_row rows[] = {
	[REQUESTS] = { API("requests_total"), .kind = METRIC_COUNTER,
		       .help = "Requests that were answered, by route and "
			       "status.",
		       .labels = { "route", "status" } },
	[REQUEST_TIME] = { API("request_seconds"), .kind = METRIC_HISTOGRAM,
			   .unit = "seconds",
			   .help = "Time from a request's header to its "
				   "answer, without streams and waits.",
			   .bounds = seconds, .n_bounds = ARRAY_SIZE(seconds) },
	[BYTES_IN] = { API("received_bytes_total"), .kind = METRIC_COUNTER,
		       .unit = "bytes", .help = "Bytes of bodies that came." },
	[BYTES_OUT] = { API("sent_bytes_total"), .kind = METRIC_COUNTER,
			.unit = "bytes", .help = "Bytes of bodies that went." },
	[REJECTED] = { API("rejected_total"), .kind = METRIC_COUNTER,
		       .help = "Connections that were turned away or ended, "
			       "by reason.",
		       .labels = { "reason" } },
	[CONNECTIONS] = { API("connections"), .kind = METRIC_GAUGE,
			  .help = "Open connections." },
	[STREAMS] = { API("streams"), .kind = METRIC_GAUGE,
		      .help = "Open streams of events." },
	[STREAMS_DROPPED] = { API("streams_dropped_total"),
			      .kind = METRIC_COUNTER,
			      .help = "Streams whose reader was too slow." },
	[CERTIFICATE_ENDS] = { API("certificate_not_after_timestamp_seconds"),
			       .kind = METRIC_GAUGE, .unit = "seconds",
			       .help = "When the TLS certificate ends; 0 where "
				       "there is none." },
};

static struct metrics *metrics;

void
stats_open(void)
{
	metrics = metrics_new(rows, ARRAY_SIZE(rows));
}

void
stats_close(void)
{
	metrics_free(steal_ptr(&metrics));
}

const struct metrics *
stats_metrics(void)
{
	return metrics;
}

void
stats_request(const char *route, int status, int64_t us)
{
	char text[16];

	if (!metrics)
		return;
	snprintf(text, sizeof(text), "%d", status);
	metrics_add(metrics, REQUESTS, 1, route, text, NULL);
	if (us >= 0)
		metrics_observe(metrics, REQUEST_TIME, (double)us / 1e6, NULL,
				NULL, NULL);
}

void
stats_bytes(int64_t in, int64_t out)
{
	if (!metrics)
		return;
	metrics_add(metrics, BYTES_IN, (double)in, NULL, NULL, NULL);
	metrics_add(metrics, BYTES_OUT, (double)out, NULL, NULL, NULL);
}

void
stats_rejected(const char *reason)
{
	if (metrics)
		metrics_add(metrics, REJECTED, 1, reason, NULL, NULL);
}

void
stats_connections(size_t n)
{
	if (metrics)
		metrics_set(metrics, CONNECTIONS, (double)n, NULL, NULL, NULL);
}

void
stats_streams(size_t n)
{
	if (metrics)
		metrics_set(metrics, STREAMS, (double)n, NULL, NULL, NULL);
}

void
stats_stream_dropped(void)
{
	if (metrics)
		metrics_add(metrics, STREAMS_DROPPED, 1, NULL, NULL, NULL);
}

void
stats_certificate(int64_t ends_s)
{
	if (metrics)
		metrics_set(metrics, CERTIFICATE_ENDS, (double)ends_s, NULL,
			    NULL, NULL);
}
