/*
 * peak.c FOLDER COMMAND...: run a command; its process id is in FOLDER/.pid at
 * once, and the most memory that it had, in KiB, in FOLDER/.peak at the end.
 *
 * VmHWM is that of the process alone: what wait4() tells is also that of
 * every process below it.
 */
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pid_t child;

static void
pass_on(int sig)
{
	kill(child, sig);
}

static void
save(const char *folder, const char *name, long number)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "we");
	if (f) {
		fprintf(f, "%ld\n", number);
		fclose(f);
	}
}

static void
look(FILE *status, long *peak)
{
	char line[256];
	long kib;

	rewind(status);
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
			*peak = kib; /* a new program starts anew */
}

int
main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = pass_on };
	char path[64];
	FILE *status;
	long peak = 0;
	int how;

	if (argc < 3)
		return 125;
	child = fork();
	if (child == 0) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	sigaction(SIGTERM, &act, NULL);
	save(argv[1], ".pid", child);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)child);
	status = fopen(path, "re");
	while (waitpid(child, &how, WNOHANG) == 0) {
		if (status)
			look(status, &peak);
		poll(NULL, 0, 3);
	}
	save(argv[1], ".peak", peak);
	return WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
}
