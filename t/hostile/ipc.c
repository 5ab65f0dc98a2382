/*
 * ipc.c: memory and queues of System V and POSIX, that no limit counts and
 * that outlive who made them. Refused.
 */
#include "hostile.h"

#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include <fcntl.h>
#include <mqueue.h>

int
main(void)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 8 };

	tried("shm", shmget(IPC_PRIVATE, 1 << 20, IPC_CREAT | 0777));
	tried("msg", msgget(1, IPC_CREAT | 0777));
	tried("sem", semget(1, 1, IPC_CREAT | 0777));
	tried("mq", syscall(SYS_mq_open, "x", O_CREAT | O_RDWR, 0777, &attr));
	tried("unlink", syscall(SYS_mq_unlink, "x"));
	tried("posix", shm_open("/x", O_CREAT | O_RDWR, 0777));
	over();
	return 0;
}
