/*
 * personas.c: personality() with READ_IMPLIES_EXEC or without address
 * randomisation, and prctl() that would undo what was done to it. Refused.
 */
#include "hostile.h"

#include <sys/personality.h>
#include <sys/prctl.h>

int
main(void)
{
	unsigned long mm[12] = { 0 };

	tried("exec", personality(READ_IMPLIES_EXEC));
	tried("norandom", personality(ADDR_NO_RANDOMIZE));
	tried("linux32", personality(PER_LINUX32));
	tried("nnp", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	tried("ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0));
	tried("securebits", prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
	tried("mm", prctl(PR_SET_MM, PR_SET_MM_MAP, mm, sizeof(mm), 0));
	tried("speculation", prctl(PR_SET_SPECULATION_CTRL, 0, 0, 0, 0));
	tried("tracer", prctl(PR_SET_PTRACER, -1, 0, 0, 0));
	tried("timing", prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0));
	tried("dispatch", prctl(59, 1, 0, 0, 0));
	tried("core", prctl(62, 0, 1, 0, 0));
	over();
	return 0;
}
