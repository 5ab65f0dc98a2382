#include "master/privileges.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/capability.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

/* NULL: there is none, or no need. */
static struct passwd *
find_account(const struct config *c)
{
	return geteuid() == 0 && c->agent.user ? getpwnam(c->agent.user) : NULL;
}

/* One that is there belongs to whom it belongs. */
static int
make_folder(const char *path, mode_t mode, const struct passwd *owner,
	    struct err *e)
{
	struct stat st;

	if (stat(path, &st) == 0)
		return 0;
	if (file_mkdir_p(path, mode, e) < 0)
		return -1;
	if (owner && chown(path, owner->pw_uid, owner->pw_gid) < 0)
		return err_errno(e, "give %s to %s", path, owner->pw_name);
	return 0;
}

static char *
folder_of(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash && slash != path)
		*slash = '\0';
	return path;
}

int
privileges_make_folders(const struct config *c, struct err *e)
{
	const struct passwd *owner = find_account(c);
	_free_ char *storage = config_storage_path(c);
	_free_ char *socket = config_socket_path(c);

	return make_folder(c->agent.data_dir, 0700, owner, e) < 0 ||
			       make_folder(folder_of(storage), 0700, owner, e) <
				       0 ||
			       make_folder(folder_of(socket), 0755, owner, e) <
				       0 ?
		       -1 :
		       0;
}

static int
become(const struct passwd *pw, struct err *e)
{
	if (initgroups(pw->pw_name, pw->pw_gid) < 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
		return err_errno(e, "become %s", pw->pw_name);
	return 0;
}

static int
drop_capabilities(struct err *e)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
						 0 };
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	for (unsigned long cap = 0;
	     prctl(PR_CAPBSET_READ, cap, 0UL, 0UL, 0UL) >= 0; cap++)
		/* EPERM: an ordinary user, who has none to lose */
		if (prctl(PR_CAPBSET_DROP, cap, 0UL, 0UL, 0UL) < 0 &&
		    errno != EPERM)
			return err_errno(e, "drop a capability");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0UL, 0UL, 0UL) <
		    0 ||
	    syscall(SYS_capset, &head, none) < 0)
		return err_errno(e, "drop the capabilities");
	return 0;
}

int
privileges_drop(const struct config *c, struct err *e)
{
	const struct passwd *pw = find_account(c);

	if (geteuid() == 0 && !pw)
		log_event(LOG_LEVEL_WARN,
			  &(struct log_about){ .component = "agent" },
			  "there is no account %s: the agent keeps user id 0, "
			  "without its capabilities; `useradd --system "
			  "--no-create-home %s` makes one",
			  c->agent.user, c->agent.user);
	/* the bounding set can be dropped with CAP_SETPCAP only */
	if (geteuid() == 0 && pw) {
		for (unsigned long cap = 0;
		     prctl(PR_CAPBSET_READ, cap, 0UL, 0UL, 0UL) >= 0; cap++)
			(void)prctl(PR_CAPBSET_DROP, cap, 0UL, 0UL, 0UL);
		if (become(pw, e) < 0)
			return -1;
	}
	if (drop_capabilities(e) < 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) < 0)
		return err_errno(e, "prctl");
	return 0;
}
