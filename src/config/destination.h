/*
 * destination.h: a destination of the configuration: where records are sent,
 * how, which ones, and how many are kept for it while they can't be.
 *
 * What each setting means is a row of the table in destination_settings.c.
 */
#ifndef CONFIG_DESTINATION_H
#define CONFIG_DESTINATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/value.h"

enum config_format {
	CONFIG_FORMAT_JSONL,
	CONFIG_FORMAT_OTLP,
	CONFIG_FORMAT_LOKI,
	CONFIG_FORMAT_ELASTICSEARCH,
	CONFIG_FORMAT_SPLUNK_HEC,
	CONFIG_FORMAT_INFLUX,
};
enum config_compression {
	CONFIG_COMPRESSION_ZSTD,
	CONFIG_COMPRESSION_GZIP,
	CONFIG_COMPRESSION_NONE,
};
enum config_full { CONFIG_FULL_DROP_OLDEST, CONFIG_FULL_DROP_NEWEST };
enum config_order { CONFIG_ORDER_OLDEST, CONFIG_ORDER_NEWEST };

/* Bits of select.records, in the order of its names. */
#define CONFIG_RECORD_JOB 1U
#define CONFIG_RECORD_LOG 2U

/* The most of a batch: with the rest of its line it fits the channel. */
#define CONFIG_BATCH_BYTES_MAX (INT64_C(8) << 20)

/* All of it belongs to the configuration that it is in. */
struct config_destination {
	char *name;
	char *url; /* http: or https:, without a user in it */
	enum config_format format;
	int64_t timeout_ms; /* of one request */
	struct {
		char *bearer; /* NULL: none */
		char *user;   /* NULL: none, with the next */
		char *password;
		struct value *headers; /* object of strings; NULL: none */
	} auth;
	struct {
		char *ca;   /* NULL: the host's */
		char *cert; /* NULL: none, with the next */
		char *key;
	} tls;
	char *proxy; /* NULL: none */
	enum config_compression compression;
	struct {
		int64_t records;
		int64_t size_bytes;
		int64_t wait_ms;
	} batch;
	struct {
		int64_t size_bytes; /* 0: no bound, as of the next */
		int64_t age_ms;
		enum config_full full;
	} buffer;
	struct {
		struct value *jobs; /* array of patterns */
		unsigned records;   /* set of CONFIG_RECORD_... */
	} select;
	int64_t rate; /* records a second; 0: no bound */
	enum config_order order;

	/* row -> value, of those with a ${...} in it; NULL: none has */
	struct value *written;
	unsigned
		given; /* config/ alone: set of the rows that are in the file */
};

/* Whether both say the same: all settings, wherever they stand in a file. */
bool config_destination_equal(const struct config_destination *a,
			      const struct config_destination *b);

/* Whether records of a job of that name are sent. */
bool config_destination_wants(const struct config_destination *d,
			      const char *job);

/*
 * All of it as the forwarder needs it, secrets too: as of config_to_value().
 * The caller frees.
 */
struct value *config_destination_value(const struct config_destination *d);

#endif
