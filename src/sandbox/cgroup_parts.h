/*
 * cgroup_parts.h: what cgroup.c and its two versions share.
 */
#ifndef SANDBOX_CGROUP_PARTS_H
#define SANDBOX_CGROUP_PARTS_H

#include "sandbox/cgroup.h"

struct cgroup {
	const char *kind;
	char *folders[CGROUP_FOLDERS];
	int tasks[CGROUP_FOLDERS]; /* what a process enters by */
	int n;
	int memory_event; /* eventfd; -1: none */
	int cpu;	  /* what tells its CPU time; -1: none */
};

/* --- The kernel's files --------------------------------------------------- */

/* 0, or -1 with errno. */
int cgroup_write(const char *folder, const char *name, const char *text);
int cgroup_write_number(const char *folder, const char *name, int64_t n);
/* The whole of it, to be freed; "" where there is none. */
char *cgroup_read(const char *folder, const char *name);
bool cgroup_has_word(const char *text, const char *word);
/* The path of our own group by /proc/self/cgroup; "": that of version 2. */
char *cgroup_own_path(const char *controller);

/* --- Making a group ------------------------------------------------------- */

/*
 * One more folder of the group, below `parent`, to be entered by its file
 * `entry`: 0, or -1 with nothing made.
 */
int cgroup_add_folder(struct cgroup *cg, const char *parent, const char *entry);
/* The file of the last folder that tells the CPU time. */
void cgroup_open_cpu(struct cgroup *cg, const char *name);

/* cgroup_v2.c, cgroup_v1.c: see cgroup_possible(). */
bool cgroup_v2_possible(void);
bool cgroup_v1_possible(void);
/* False where there is none to be had. */
bool cgroup_v2_new(struct cgroup *cg, const struct cgroup_limits *limits);
bool cgroup_v1_new(struct cgroup *cg, const struct cgroup_limits *limits);

#endif
