/*
 * main_api.c: devops_agent-api, the program that speaks HTTP.
 */
#include <signal.h>

#include "api/api.h"

int
main(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	/* a reader that has gone is an error of the write */
	sigaction(SIGPIPE, &ignore, NULL);
	return api_main();
}
