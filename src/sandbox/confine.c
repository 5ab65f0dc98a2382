#include "sandbox/confine.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <linux/capability.h>
#include <linux/securebits.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "model/layer.h"
#include "sandbox/confine_parts.h"
#include "sandbox/landlock.h"

static int
no_new_privileges(unsigned *layers, struct err *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) < 0)
		return err_errno(e, "no_new_privs");
	*layers |= LAYER_NO_NEW_PRIVS;
	return 0;
}

/* A namespace of its own came with all of them in it. */
static int
drop_capabilities(unsigned *layers, struct err *e)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
						 0 };
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	/* EPERM: it has none, in its own namespace or another */
	for (unsigned long cap = 0;
	     prctl(PR_CAPBSET_READ, cap, 0UL, 0UL, 0UL) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0UL, 0UL, 0UL) < 0 &&
		    errno != EPERM)
			return err_errno(e, "drop a capability");
	(void)prctl(PR_SET_SECUREBITS,
		    (unsigned long)(SECURE_ALL_BITS | SECURE_ALL_LOCKS) &
			    ~(unsigned long)(SECBIT_KEEP_CAPS),
		    0UL, 0UL, 0UL);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0UL, 0UL, 0UL) <
		    0 ||
	    syscall(SYS_capset, &head, none) < 0)
		return err_errno(e, "drop the capabilities");
	*layers |= LAYER_CAPABILITIES;
	return 0;
}

static int
set_limit(int which, uint64_t value, struct err *e)
{
	struct rlimit now, limit = { value, value };

	if (getrlimit((__rlimit_resource_t)which, &now) == 0 &&
	    now.rlim_max < limit.rlim_max)
		limit = (struct rlimit){ now.rlim_max, now.rlim_max };
	return setrlimit((__rlimit_resource_t)which, &limit) < 0 ?
		       err_errno(e, "set a limit") :
		       0;
}

static int
set_limits(const struct confine *c, unsigned *layers, struct err *e)
{
	static const int none[] = { RLIMIT_CORE,     RLIMIT_MEMLOCK,
				    RLIMIT_MSGQUEUE, RLIMIT_NICE,
				    RLIMIT_RTPRIO,   RLIMIT_LOCKS };

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		if (set_limit(none[i], 0, e) < 0)
			return -1;
	if ((c->files && set_limit(RLIMIT_NOFILE, c->files, e) < 0) ||
	    (c->memory_bytes && set_limit(RLIMIT_AS, c->memory_bytes, e) < 0))
		return -1;
	*layers |= LAYER_LIMITS;
	return 0;
}

/* Other credentials may have undone that it dies with its parent. */
static int
stay_tied(pid_t parent, struct err *e)
{
	if (prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0UL, 0UL, 0UL) <
		    0 ||
	    prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) < 0)
		return err_errno(e, "prctl");
	return getppid() == parent ?
		       0 :
		       err_set(e, ERR_AGENT, "its parent has died");
}

int
confine_self(const struct confine *c, unsigned *layers, struct err *e)
{
	pid_t parent = getppid();

	*layers = 0;
	if (no_new_privileges(layers, e) < 0 ||
	    confine_namespaces(c, layers, e) < 0 ||
	    landlock_confine(c->readable, c->network, landlock_abi(), layers,
			     e) < 0 ||
	    drop_capabilities(layers, e) < 0 || set_limits(c, layers, e) < 0 ||
	    stay_tied(parent, e) < 0 || confine_filter(c->list, e) < 0)
		return err_wrap(e, "confine itself");
	*layers |= LAYER_SECCOMP;
	return 0;
}

const char *
confine_layers(unsigned layers, char *text, unsigned long size)
{
	_buf_ struct buf b = { 0 };

	for (unsigned bit = 1; bit < LAYER_END; bit <<= 1)
		if (layers & bit)
			buf_addf(&b, "%s%s", b.len ? ", " : "",
				 layer_name(bit));
	snprintf(text, size, "%s", b.len ? b.data : "none");
	return text;
}
