#include "sandbox/ids.h"

#include <sys/random.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

#define FOLDER "/run/devops_agent"
#define LOCKS FOLDER "/ids.lock"

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

int
ids_take(uid_t *id, struct err *e)
{
	_close_ int fd = open_locks(e);
	uint32_t first;

	if (fd < 0)
		return -1;
	/*
	 * Start anywhere: an id comes back as late as chance allows, so that
	 * what a job left in a granted folder does not belong to the next.
	 */
	if (getrandom(&first, sizeof(first), 0) != sizeof(first))
		return err_errno(e, "getrandom");
	for (uint32_t i = 0; i < IDS_COUNT; i++) {
		uint32_t slot = (first + i) % IDS_COUNT;
		struct flock lock = { .l_type = F_WRLCK,
				      .l_whence = SEEK_SET,
				      .l_start = slot,
				      .l_len = 1 };

		if (fcntl(fd, F_OFD_SETLK, &lock) == 0) {
			*id = IDS_FIRST + slot;
			return steal_fd(&fd);
		}
		if (errno != EAGAIN && errno != EACCES)
			return err_errno(e, "lock " LOCKS);
	}
	return err_set(e, ERR_AGENT, "every sandbox user id is in use");
}
