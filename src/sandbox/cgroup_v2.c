#include <sys/stat.h>
#include <sys/xattr.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox/cgroup_parts.h"

#define MOUNT "/sys/fs/cgroup"
#define TOP MOUNT "/devops_agent"
/* Where processes go that stood in the group which is to have children. */
#define LEAF "agent"
/* A process may be born between the look at them and the order. */
#define TRIES 8

/* --- What is ours: "Where groups are made" of docs/sandbox.md --------------
 */

/* So systemd marks what it handed to a unit of the system (Delegate=yes). */
static bool
is_marked(const char *folder)
{
	static const char *const names[] = { "user.delegate",
					     "trusted.delegate" };
	char value;

	/* it does not say to whom */
	if (geteuid() != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (getxattr(folder, names[i], &value, 1) == 1 && value == '1')
			return true;
	return false;
}

/* What was handed to an ordinary user is that user's. */
static bool
is_owned(const char *folder)
{
	struct stat st;

	return geteuid() != 0 && stat(folder, &st) == 0 &&
	       st.st_uid == geteuid();
}

static bool
ends_with(const char *s, const char *end)
{
	size_t len = strlen(s), end_len = strlen(end);

	return len > end_len && strcmp(s + len - end_len, end) == 0;
}

/* A group that systemd made, and keeps to itself unless it was delegated. */
static bool
is_unit(const char *folder)
{
	return ends_with(folder, ".service") || ends_with(folder, ".scope") ||
	       ends_with(folder, ".slice");
}

/* To the folder above; false at the mount, which has none. */
static bool
go_up(char *folder)
{
	if (strcmp(folder, MOUNT) == 0)
		return false;
	*strrchr(folder, '/') = '\0';
	return true;
}

/* A container's own root looks as every other group does from outside. */
static bool
is_root_of_namespace(void)
{
	return access(MOUNT "/cgroup.type", F_OK) == 0 &&
	       access(MOUNT "/cgroup.procs", W_OK) == 0;
}

char *
cgroup_delegated(void)
{
	_free_ char *own = cgroup_own_path("");
	_free_ char *folder = NULL;
	_free_ char *top = NULL; /* the highest that is ours by its owner */

	/* outside of our cgroup namespace, where no path leads */
	if (!own || strncmp(own, "/..", 3) == 0)
		return NULL;
	folder = xasprintf(MOUNT "%s", strcmp(own, "/") == 0 ? "" : own);
	do {
		if (is_unit(folder))
			return is_marked(folder) || is_owned(folder) ?
				       steal_ptr(&folder) :
				       NULL;
		if (is_owned(folder)) {
			free(top);
			top = xstrdup(folder);
		}
	} while (go_up(folder));
	if (is_root_of_namespace())
		return steal_ptr(&folder);
	return steal_ptr(&top);
}

/* --- Making room in it ---------------------------------------------------- */

/*
 * A group has processes or children with limits, never both: those that are
 * in it, ourselves first among them, move into one below it.
 */
static int
move_away(const char *folder)
{
	_free_ char *leaf = xasprintf("%s/" LEAF, folder);
	_free_ char *pids = cgroup_read(folder, "cgroup.procs");
	char *save = NULL;

	if (mkdir(leaf, 0755) < 0 && errno != EEXIST)
		return -1;
	for (char *pid = strtok_r(pids, "\n", &save); pid;
	     pid = strtok_r(NULL, "\n", &save))
		/* one that has ended meanwhile is no matter */
		if (cgroup_write(leaf, "cgroup.procs", pid) < 0 &&
		    errno != ESRCH)
			return -1;
	return 0;
}

/* May children of this folder be given memory and pids limits? */
static bool
hand_down(const char *folder, bool ours)
{
	_free_ char *have = cgroup_read(folder, "cgroup.subtree_control");
	int rc = cgroup_has_word(have, "memory") &&
				 cgroup_has_word(have, "pids") ?
			 0 :
			 -1;

	for (int i = 0; i < TRIES && rc < 0; i++) {
		rc = cgroup_write(folder, "cgroup.subtree_control",
				  "+memory +pids");
		if (rc < 0 &&
		    (!ours || errno != EBUSY || move_away(folder) < 0))
			return false;
	}
	if (rc == 0 && !cgroup_has_word(have, "cpu"))
		cgroup_write(folder, "cgroup.subtree_control", "+cpu");
	return rc == 0;
}

/* --- A group for a job ---------------------------------------------------- */

static bool
fill(struct cgroup *cg, const char *parent, const struct cgroup_limits *limits)
{
	const char *folder;

	if (!hand_down(parent, true) ||
	    cgroup_add_folder(cg, parent, "cgroup.procs") < 0)
		return false;
	folder = cg->folders[0];
	cgroup_open_cpu(cg, "cpu.stat");
	/* oom.group: a job dies as one; swap would only hide the limit */
	cgroup_write(folder, "memory.oom.group", "1");
	cgroup_write(folder, "memory.swap.max", "0");
	/* however many its processes are, a job takes one core at most */
	cgroup_write(folder, "cpu.max", "100000 100000");
	return cgroup_write_number(folder, "memory.max",
				   limits->memory_bytes) == 0 &&
	       cgroup_write_number(folder, "pids.max", limits->processes + 1) ==
		       0;
}

/* Has this group what its children are to be limited by? */
static bool
has_controllers(const char *folder)
{
	_free_ char *have = cgroup_read(folder, "cgroup.controllers");

	return cgroup_has_word(have, "memory") && cgroup_has_word(have, "pids");
}

static bool
may_fill(const char *parent)
{
	return access(parent, W_OK) == 0 && has_controllers(parent);
}

bool
cgroup_v2_possible(void)
{
	_free_ char *ours = NULL;

	if (!has_controllers(MOUNT))
		return false;
	ours = cgroup_delegated();
	return (ours && may_fill(ours)) || (geteuid() == 0 && may_fill(MOUNT));
}

bool
cgroup_v2_new(struct cgroup *cg, const struct cgroup_limits *limits)
{
	_free_ char *ours = NULL;

	if (!has_controllers(MOUNT))
		return false;
	cg->kind = "v2";
	ours = cgroup_delegated();
	if (ours && fill(cg, ours, limits))
		return true;
	/* root may make a group of its own, beside the service manager's */
	if (cg->n || geteuid() != 0 || !hand_down(MOUNT, false))
		return false;
	if (mkdir(TOP, 0755) < 0 && errno != EEXIST)
		return false;
	return fill(cg, TOP, limits);
}
