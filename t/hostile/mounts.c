/*
 * mounts.c: mount() of a file system over the sandbox's own. The whole job is
 * killed.
 */
#include "hostile.h"

#include <sys/mount.h>

int
main(void)
{
	tried("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
	over();
	return 0;
}
