/* worker/worker: one plugin process, its sandbox made right here. */
#include "worker_cases.h"

int
main(void)
{
	struct loop *l = loop_new();
	struct starter *s = starter_local(l);

	signal(SIGPIPE, SIG_IGN);
	worker_cases(l, s);
	starter_free(s);
	loop_free(l);
	return tap_done();
}
