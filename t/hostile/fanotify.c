/*
 * fanotify.c: watching, and holding up, every access to a file system by
 * fanotify. Refused; inotify sees what is visible and no more.
 */
#include "hostile.h"

#include <sys/fanotify.h>
#include <sys/inotify.h>

#include <fcntl.h>

int
main(void)
{
	int fd = inotify_init1(IN_CLOEXEC);

	tried("init", fanotify_init(FAN_CLASS_NOTIF, O_RDONLY));
	tried("content", fanotify_init(FAN_CLASS_CONTENT, O_RDONLY));
	tried("fid", fanotify_init(FAN_REPORT_FID, O_RDONLY));
	tried("inotify /tmp", inotify_add_watch(fd, "/tmp", IN_ALL_EVENTS));
	tried("inotify /etc", inotify_add_watch(fd, "/etc", IN_ALL_EVENTS));
	tried("inotify one",
	      inotify_add_watch(fd, "/proc/1/root/etc", IN_ALL_EVENTS));
	over();
	return 0;
}
