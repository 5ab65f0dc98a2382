/* How long a destination waits: backoff, probes, its rate. */
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "forward/destination_parts.h"

#define SECOND_US 1000000
#define AHEAD_US SECOND_US /* of its rate, after a pause */

/* From 0 to `most`, both included. */
static int64_t
any_to(int64_t most)
{
	uint64_t r;

	if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r))
		fatal("no random numbers: %m");
	return (int64_t)(r % ((uint64_t)most + 1));
}

/*
 * Full jitter: anything up to a bound that doubles, so that those who were
 * thrown out together do not come back together. What the collector asks for
 * comes before it.
 */
int64_t
wait_retry_ms(const struct destination *d)
{
	int64_t bound = d->s.retry_min_ms;

	for (unsigned i = 1; i < d->attempts && bound < d->s.retry_max_ms; i++)
		bound *= 2;
	if (bound > d->s.retry_max_ms)
		bound = d->s.retry_max_ms;
	if (d->retry_after_ms)
		return d->retry_after_ms + any_to(d->s.retry_min_ms);
	return any_to(bound);
}

int64_t
wait_probe_ms(const struct destination *d)
{
	int64_t half = d->s.probe_ms / 2;

	return half + any_to(d->s.probe_ms - half);
}

/* 0: send them now, which uses up the time that they take at the rate. */
int64_t
wait_rate_ms(struct destination *d, size_t records)
{
	int64_t now_us = clock_mono_us();

	if (d->s.rate <= 0)
		return 0;
	if (d->paced_us < now_us - AHEAD_US)
		d->paced_us = now_us - AHEAD_US;
	if (d->paced_us > now_us)
		return (d->paced_us - now_us) / 1000 + 1;
	d->paced_us += (int64_t)records * SECOND_US / d->s.rate;
	return 0;
}
