/*
 * int80.c: a system call by int 0x80, where numbers mean other calls. The
 * filter kills at once.
 */
#include "hostile.h"

int
main(void)
{
	long rc;

	/* 39 is getpid() here and mkdir() there */
	__asm__ volatile("int $0x80"
			 : "=a"(rc)
			 : "a"(39), "b"(0), "c"(0777)
			 : "memory");
	tried("int80", rc);
	over();
	return 0;
}
