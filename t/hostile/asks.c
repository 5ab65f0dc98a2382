/*
 * asks.c: system calls that pid 1 has to answer, without end and by many
 * threads: refused ones, addresses that are never the same. The deadline
 * holds, the record is bounded.
 */
#include "hostile.h"

#include <netinet/in.h>
#include <sys/socket.h>

static void *
flood(void *arg)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	for (unsigned i = (unsigned)(size_t)arg << 24;; i++) {
		to.sin_addr.s_addr = i;
		to.sin_port = (in_port_t)(i * 7);
		(void)connect(fd, (void *)&to, sizeof(to));
		syscall(SYS_sethostname, "x", (size_t)i);
		syscall(SYS_kcmp, i, i, i, i, i);
	}
	return NULL;
}

int
main(void)
{
	for (size_t i = 0; i < 6; i++)
		if (fork() == 0)
			flood((void *)i);
	for (;;)
		pause();
}
