/* forward/destination: what it heeds, every state by every event. */
#include "tap.h"

#include "forward/destination_parts.h"

static const char *const states[DEST_STATES] = {
	[DEST_EMPTY] = "empty",	    [DEST_PACED] = "paced",
	[DEST_SENDING] = "sending", [DEST_RETRYING] = "retrying",
	[DEST_HELD] = "held",	    [DEST_STALLED] = "stalled",
};

static const char *const events[DEST_EVENTS] = {
	[DEST_BATCH] = "a batch",      [DEST_DUE] = "the time",
	[DEST_NEXT] = "next",	       [DEST_WAIT] = "wait",
	[DEST_HOLD] = "hold",	       [DEST_FINISHED] = "finished",
	[DEST_SETTLED] = "settled",    [DEST_CHANGED] = "other settings",
	[DEST_DROP] = "stale records",
};

/* A row a state, a letter an event: heeded ('x') or not ('.'). */
static const char *const want[DEST_STATES] = {
	/*                  batch, due, next, wait, hold, finished, settled,
	 *                  changed, drop */
	[DEST_EMPTY] = "x......xx",   [DEST_PACED] = ".x.....xx",
	[DEST_SENDING] = "x.xxxx..x", [DEST_RETRYING] = "xx.....xx",
	[DEST_HELD] = ".x.....xx",    [DEST_STALLED] = "......x.x",
};

int
main(void)
{
	for (int s = 0; s < DEST_STATES; s++)
		for (int e = 0; e < DEST_EVENTS; e++)
			is_int(destination_expects((enum dstate)s,
						   (enum devent)e),
			       want[s][e] == 'x', "%s %s %s", states[s],
			       want[s][e] == 'x' ? "heeds" : "ignores",
			       events[e]);
	return tap_done();
}
