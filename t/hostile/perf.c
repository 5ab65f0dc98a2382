/*
 * perf.c: events of the whole machine by perf_event_open(), a wide surface and
 * a side channel. Refused.
 */
#include "hostile.h"

#include <linux/perf_event.h>

int
main(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.size = sizeof(attr),
					.exclude_kernel = 1 };

	tried("self", syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
	tried("one", syscall(SYS_perf_event_open, &attr, 1, -1, -1, 0));
	tried("all", syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0));
	over();
	return 0;
}
