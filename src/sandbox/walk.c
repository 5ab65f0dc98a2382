#include "sandbox/walk.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox/mountapi.h"

/* A walk under way: `rest` is what is still to be walked. */
struct step {
	struct walk *w;
	char rest[2 * PATH_MAX];
	char canon[PATH_MAX]; /* "" is the root */
};

/* Could anybody but root and the caller have made this link? */
static int
check_link(int dir, const struct stat *link, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(dir, &st) < 0)
		return err_errno(e, "stat the folder of %s", path);
	if ((link->st_uid == 0 || link->st_uid == geteuid()) &&
	    (st.st_uid == 0 || st.st_uid == geteuid()) &&
	    (!(st.st_mode & (S_IWGRP | S_IWOTH)) || (st.st_mode & S_ISVTX)))
		return 0;
	err_set(e, ERR_DENIED,
		"%s is a symbolic link that user id %u could "
		"point elsewhere",
		path, (unsigned)link->st_uid);
	return err_hint(e, "grant the path that it leads to instead");
}

static int
open_root(struct step *s, struct err *e)
{
	if (s->w->fd >= 0)
		close(s->w->fd);
	s->canon[0] = '\0';
	s->w->fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return s->w->fd < 0 ? err_errno(e, "open /") : 0;
}

/* Put what the link says before the rest of the path. */
static int
follow(struct step *s, int link, uid_t owner, const char *path, struct err *e)
{
	char target[PATH_MAX], joined[sizeof(s->rest)];
	ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);
	struct walk *w = s->w;

	if (n < 0)
		return err_errno(e, "read link %s", path);
	target[n] = '\0';
	if (w->n_links == WALK_MAX_LINKS ||
	    (size_t)n + strlen(s->rest) + 2 > sizeof(joined))
		return err_set(e, ERR_DENIED, "%s: too many symbolic links",
			       path);
	w->links[w->n_links].callers = owner != 0;
	w->links[w->n_links].path = xstrdup(path);
	w->links[w->n_links++].target = xstrdup(target);
	memcpy(joined, target, (size_t)n);
	joined[n] = '/';
	memcpy(joined + n + 1, s->rest, strlen(s->rest) + 1);
	memcpy(s->rest, joined, strlen(joined) + 1);
	return target[0] == '/' ? open_root(s, e) : 0;
}

static int
go_up(struct step *s, struct err *e)
{
	char *slash = strrchr(s->canon, '/');
	int fd = openat(s->w->fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, "open the parent of %s", s->canon);
	if (slash)
		*slash = '\0';
	close(s->w->fd);
	s->w->fd = fd;
	return 0;
}

static int
go_into(struct step *s, const char *name, struct err *e)
{
	size_t len = strlen(s->canon);
	char path[PATH_MAX];
	_close_ int fd = -1;
	struct stat st;

	if (len + strlen(name) + 2 > sizeof(path))
		return err_set(e, ERR_USAGE, "%s: path too long", s->canon);
	memcpy(path, s->canon, len);
	path[len] = '/';
	memcpy(path + len + 1, name, strlen(name) + 1);
	fd = openat(s->w->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "%s", path);
	if (fstat(fd, &st) < 0)
		return err_errno(e, "stat %s", path);
	if (S_ISLNK(st.st_mode))
		return check_link(s->w->fd, &st, path, e) < 0 ?
			       -1 :
			       follow(s, fd, st.st_uid, path, e);
	memcpy(s->canon, path, strlen(path) + 1);
	close(s->w->fd);
	s->w->fd = steal_fd(&fd);
	s->w->folder = S_ISDIR(st.st_mode);
	return 0;
}

/* Cut the next component off the rest; false at the end. */
static bool
next_component(struct step *s, char name[NAME_MAX + 1])
{
	char *start = s->rest + strspn(s->rest, "/");
	size_t len = strcspn(start, "/");

	if (len == 0 || len > NAME_MAX)
		return false;
	memcpy(name, start, len);
	name[len] = '\0';
	memmove(s->rest, start + len, strlen(start + len) + 1);
	return true;
}

/* Is it written as a walk would write it: no "//", no ".", no ".."? */
static bool
is_canonical(const char *path)
{
	const char *p = path;

	while (*p++ == '/') {
		size_t len = strcspn(p, "/");

		if (len == 0 || len > NAME_MAX ||
		    (p[0] == '.' && (len == 1 || (len == 2 && p[1] == '.'))))
			return false;
		p += len;
	}
	return true;
}

/*
 * Most paths lead through no symlink, which the kernel tells in one call:
 * 1 it was opened, 0 it has to be walked, -1 there is no such file.
 */
static int
open_at_once(const char *path, struct walk *w, struct err *e)
{
	_close_ int fd = -1;
	struct stat st;

	if (!is_canonical(path))
		return 0;
	fd = mountapi_open_real(path);
	if (fd < 0)
		return errno == ENOENT ? err_errno(e, "%s", path) : 0;
	if (fstat(fd, &st) < 0)
		return err_errno(e, "stat %s", path);
	w->fd = steal_fd(&fd);
	w->folder = S_ISDIR(st.st_mode);
	w->path = xstrdup(path);
	return 1;
}

static int
walk(const char *path, struct walk *w, struct err *e)
{
	struct step s; /* large: what is not used is not cleared */
	char name[NAME_MAX + 1];
	int rc;

	s.w = w;
	memcpy(s.rest, path, strlen(path) + 1);
	rc = open_root(&s, e);
	while (rc == 0 && next_component(&s, name)) {
		if (strcmp(name, ".") == 0)
			continue;
		rc = strcmp(name, "..") == 0 ? go_up(&s, e) :
					       go_into(&s, name, e);
	}
	if (rc == 0 && s.rest[strspn(s.rest, "/")] != '\0')
		rc = err_set(e, ERR_USAGE, "%s: name too long", path);
	w->path = xstrdup(s.canon[0] ? s.canon : "/");
	if (rc < 0)
		walk_release(w);
	return rc;
}

int
walk_open(const char *path, struct walk *w, struct err *e)
{
	int rc;

	memset(w, 0, sizeof(*w));
	w->fd = -1;
	w->folder = true;
	if (path[0] != '/' || strlen(path) >= PATH_MAX)
		return err_set(e, ERR_USAGE, "%s is not an absolute path",
			       path);
	rc = open_at_once(path, w, e);
	if (rc == 0)
		return walk(path, w, e);
	return rc < 0 ? -1 : 0;
}

void
walk_release(struct walk *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	free(w->path);
	w->path = NULL;
	while (w->n_links > 0) {
		w->n_links--;
		free(w->links[w->n_links].path);
		free(w->links[w->n_links].target);
	}
}
