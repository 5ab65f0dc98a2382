/*
 * chroots.c: chroot() into a folder and out of it by one that was kept, the
 * oldest way out. Refused; and there is nothing above.
 */
#include "hostile.h"

#include <sys/stat.h>

#include <fcntl.h>

int
main(void)
{
	char root[32] = "";
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_PATH);

	mkdir("/tmp/jail", 0755);
	tried("chroot", chroot("/tmp/jail"));
	tried("back", fchdir(fd));
	for (int i = 0; i < 64; i++)
		if (chdir("..") < 0)
			break;
	tried("cwd", getcwd(root, sizeof(root)) ? 0 : -1);
	tried("above", open("etc/shadow", O_RDONLY | O_CLOEXEC));
	tried("pivot", access("/old_root", F_OK));
	over();
	return 0;
}
