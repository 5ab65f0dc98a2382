/* Whether a process that started something is still there. */
#include "store/parts.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define STATE_FIELD 3
#define START_FIELD 22

/*
 * The state and the start of a process from /proc/PID/stat, whose second
 * field, the name in parentheses, may hold anything.
 */
static int
read_stat(int64_t pid, char *state, int64_t *start, struct err *e)
{
	_buf_ struct buf text = { .max = 4096 };
	_free_ char *path = xasprintf("/proc/%" PRId64 "/stat", pid);
	const char *at;

	if (file_read(path, &text, e) < 0)
		return -1;
	at = strrchr(text.data, ')');
	for (int field = 2; at && field < START_FIELD; field++) {
		at = strchr(at + 1, ' ');
		if (at && field + 1 == STATE_FIELD)
			*state = at[1];
	}
	if (!at)
		return err_set(e, ERR_AGENT, "%s can't be understood", path);
	*start = strtoll(at, NULL, 10);
	return 0;
}

int
store_owner_self(struct store_owner *o, struct err *e)
{
	_buf_ struct buf boot = { .max = 64 };
	struct store_owner self = { .pid = getpid() };
	char state = 0;

	if (read_stat(self.pid, &state, &self.start, e) < 0 ||
	    file_read("/proc/sys/kernel/random/boot_id", &boot, e) < 0)
		return -1;
	snprintf(self.boot, sizeof(self.boot), "%s", boot.data);
	*o = self;
	return 0;
}

bool
store_owner_gone(const struct store_owner *o, const struct store_owner *now)
{
	struct err ignored = ERR_INIT;
	int64_t start = 0;
	char state = 0;

	if (strcmp(o->boot, now->boot) != 0 || o->pid <= 0)
		return true;
	if (kill((pid_t)o->pid, 0) < 0 && errno == ESRCH)
		return true;
	/* it is there, and hidden from this account (hidepid) */
	if (read_stat(o->pid, &state, &start, &ignored) < 0)
		return false;
	return start != o->start || state == 'Z' || state == 'X';
}
