/* sandbox/watch: what is read of processes, from folders like those of /proc.
 */
#include "tap.h"

#include <sys/stat.h>

#include <sys/resource.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "sandbox/watch.h"

static char folder[] = "/tmp/t-watch.XXXXXX";

static void
put(const char *path, const char *text)
{
	char full[128];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", folder, path);
	for (char *p = full + sizeof(folder); (p = strchr(p, '/'));
	     *p++ = '/') {
		*p = '\0';
		mkdir(full, 0755);
	}
	f = fopen(full, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		exit(1);
}

#define KIB(n) ((int64_t)(n)*1024)

static const struct {
	const char *title;
	const char *files[6][2];
	int64_t memory, ticks;
} cases[] = {
	{ "private memory, swap and page tables count",
	  { { "7/status",
	      "Name:\tx\nVmSize:\t 900 kB\nVmRSS:\t 80 kB\n"
	      "RssAnon:\t      10 kB\nRssFile:\t 50 kB\n"
	      "RssShmem:\t 20 kB\nVmPTE:\t 3 kB\nVmSwap:\t 400 kB\n" } },
	  KIB(413),
	  0 },
	{ "all processes but pid 1",
	  { { "1/status", "Name:\tx\nRssAnon:\t 1000 kB\n" },
	    { "2/status", "Name:\tx\nRssAnon:\t 5 kB\n" },
	    { "12/status", "Name:\tx\nRssAnon:\t 6 kB\n" },
	    { "self/status", "Name:\tx\nRssAnon:\t 1000 kB\n" } },
	  KIB(11),
	  0 },
	{ "a process whose first thread has ended",
	  { { "7/status", "Name:\tx\nState:\tZ (zombie)\n" },
	    { "7/task/7/status", "Name:\tx\nState:\tZ (zombie)\n" },
	    { "7/task/8/status", "Name:\tx\nRssAnon:\t 70 kB\n" } },
	  KIB(70),
	  0 },
	/* its own time is asked of its clock, and there is no such process */
	{ "a name with a bracket, and times of children",
	  { { "99999999/status", "Name:\tx\n" },
	    { "99999999/stat", "7 (a) R 1 ) S 1 1 1 0 -1 4194560 1 1 0 0 "
			       "11 22 33 44 20 0 1 0 1 1 1\n" } },
	  0,
	  77 },
	{ "a process that has gone", { { "7/gone", "" } }, 0, 0 },
};

/* What the commands below used: this process is pid 1 here. */
static int64_t
reaped_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
		       INT64_C(1000000) +
	       usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

int
main(void)
{
	char command[64];

	if (!mkdtemp(folder))
		return 1;
	snprintf(command, sizeof(command), "rm -rf %s/*", folder);
	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		int proc = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct watch w = { .proc = proc, .memory = true, .cpu = true };

		for (size_t k = 0; k < 6 && cases[i].files[k][0]; k++)
			put(cases[i].files[k][0], cases[i].files[k][1]);
		watch_look(&w);
		is_int(w.memory_bytes, cases[i].memory, "%s: memory",
		       cases[i].title);
		is_int(w.cpu_us - reaped_us(),
		       cases[i].ticks * 1000000 / sysconf(_SC_CLK_TCK),
		       "... and CPU time");
		watch_release(&w);
		close(proc);
		if (system(command) != 0)
			return 1;
	}
	rmdir(folder);
	return tap_done();
}
