/*
 * memory_file.c: a program in a memory file, which no path names:
 * memfd_create(), then execveat() and fexecve(). Refused.
 */
#include "hostile.h"

#include <sys/mman.h>
#include <sys/sendfile.h>

#include <fcntl.h>

int
main(int argc, char **argv)
{
	char *const none[] = { NULL };
	int fd = memfd_create("x", 0), self;

	(void)argc;
	tried("memfd", fd);
	tried("sealed", memfd_create("x", MFD_ALLOW_SEALING | MFD_CLOEXEC));
	fd = open("/tmp/x", O_RDWR | O_CREAT | O_CLOEXEC, 0755);
	self = open(argv[0], O_RDONLY | O_CLOEXEC);
	sendfile(fd, self, NULL, 1 << 20);
	close(fd);
	fd = open("/tmp/x", O_RDONLY | O_CLOEXEC);
	tried("execveat", syscall(SYS_execveat, fd, "", none, none, 0x1000));
	tried("fexecve", fexecve(fd, none, none));
	fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0755);
	tried("tmpfile", syscall(SYS_execveat, fd, "", none, none, 0x1000));
	over();
	return 0;
}
