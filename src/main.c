/*
 * main.c: which role this process has: a command of the command line, or,
 * without one, the agent as a service.
 */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "cli/cli.h"
#include "master/master.h"
#include "sandbox/sandbox.h"

/* Descriptors 0 to 2 are open, so that no file of ours becomes one of them. */
static void
open_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

int
main(int argc, char **argv)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	open_standard_streams();
	/* a reader that has gone is an error of the write */
	sigaction(SIGPIPE, &ignore, NULL);
	sandbox_set_arguments(argc, argv);
	return cli_main(argc, argv, master_run);
}
