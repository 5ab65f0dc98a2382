/*
 * destination.h: one destination: asks the master for records, sends them,
 * says what became of them. Each has its own queue, rate and backoff.
 *
 * Its life is a table of states and events (destination.c). While a batch is
 * sent the next is fetched and compressed; what was accepted is acknowledged
 * while the next is on its way; the master gives no more than
 * DESTINATION_BATCHES that are not acknowledged.
 */
#ifndef FORWARD_DESTINATION_H
#define FORWARD_DESTINATION_H

#include "forward/channel.h"
#include "pack/compress.h"
#include "forward/settings.h"

#define DESTINATION_BATCHES 4

/* What destinations share; outlives them. */
struct forward_context {
	struct loop *loop;
	struct channel *channel;
	struct compressor *compressor;
	struct forward_agent agent;
	size_t batch_bytes; /* at most of each destination's batch */
};

struct destination;

/* Takes the settings over. */
struct destination *destination_new(const struct forward_context *context,
				    struct settings *s);
void destination_free(struct destination *d);

/* Those in force, or those that soon will be. */
const struct settings *destination_wanted(const struct destination *d);

/*
 * Other settings, taken over: used once what is under way was answered. A
 * destination that waits tries at once.
 */
void destination_change(struct destination *d, struct settings *s);

#endif
