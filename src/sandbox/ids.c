#include "sandbox/ids.h"

#include <sys/random.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

#define FOLDER "/run/devops_agent"
#define LOCKS FOLDER "/ids.lock"
#define MAP_MAX 16384 /* the kernel takes 340 lines */

/*
 * In the order of preference: those that nobody else uses; and, for a user
 * namespace of 65,536 ids, those between accounts made by hand and the dynamic
 * users of systemd (61,184 on).
 */
static const struct ids ranges[] = {
	{ 0x7a000000u, 0x10000u },
	{ 20000, 41184 },
};

static int
open_locks(struct err *e)
{
	struct stat st;
	int fd;

	if (mkdir(FOLDER, 0755) < 0 && errno != EEXIST)
		return err_errno(e, "create " FOLDER);
	/* a link planted here would make us lock another file */
	if (lstat(FOLDER, &st) < 0 || !S_ISDIR(st.st_mode) ||
	    file_check_trusted(FOLDER, false, e) < 0)
		return err_set(e, ERR_AGENT,
			       FOLDER " is no folder of root's own");
	fd = open(LOCKS, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? err_errno(e, "open " LOCKS) : fd;
}

/* The largest part of `ids` that one line of a map has, in place. */
static int
cut_to_map(const char *map, struct ids *ids, struct err *e)
{
	_buf_ struct buf text = { .max = MAP_MAX };
	struct ids best = { 0, 0 };
	char *save = NULL;

	if (file_read(map, &text, e) < 0)
		return -1;
	for (char *line = strtok_r(text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		uint64_t from, count, to = (uint64_t)ids->first + ids->count;

		if (sscanf(line, "%" SCNu64 " %*u %" SCNu64, &from, &count) !=
		    2)
			continue;
		to = from + count < to ? from + count : to;
		from = from > ids->first ? from : ids->first;
		if (from < to && to - from > best.count)
			best = (struct ids){ (uint32_t)from,
					     (uint32_t)(to - from) };
	}
	*ids = best;
	return 0;
}

int
ids_range(struct ids *ids, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		*ids = ranges[i];
		if (cut_to_map("/proc/self/uid_map", ids, e) < 0 ||
		    cut_to_map("/proc/self/gid_map", ids, e) < 0)
			return -1;
		if (ids->count)
			return 0;
	}
	err_set(e, ERR_AGENT,
		"the user namespace that this runs in (a container's?) has no "
		"user and group ids from %u on for a sandbox to take",
		ranges[ARRAY_SIZE(ranges) - 1].first);
	return err_hint(e, "map 65536 ids into it (rootless containers get "
			   "theirs from /etc/subuid and /etc/subgid), or start "
			   "devops_agent as an ordinary user");
}

int
ids_take(uid_t *id, struct err *e)
{
	_close_ int fd = -1;
	struct ids ids;
	uint32_t first;

	if (ids_range(&ids, e) < 0 || (fd = open_locks(e)) < 0)
		return -1;
	/*
	 * Start anywhere: an id comes back as late as chance allows, so that
	 * what a job left in a granted folder does not belong to the next.
	 */
	if (getrandom(&first, sizeof(first), 0) != sizeof(first))
		return err_errno(e, "getrandom");
	for (uint32_t i = 0; i < ids.count; i++) {
		uint32_t one = ids.first +
			       (uint32_t)(((uint64_t)first + i) % ids.count);
		struct flock lock = { .l_type = F_WRLCK,
				      .l_whence = SEEK_SET,
				      .l_start = one,
				      .l_len = 1 };

		if (fcntl(fd, F_OFD_SETLK, &lock) == 0) {
			*id = one;
			return steal_fd(&fd);
		}
		if (errno != EAGAIN && errno != EACCES)
			return err_errno(e, "lock " LOCKS);
	}
	return err_set(e, ERR_AGENT, "every sandbox user id is in use");
}
