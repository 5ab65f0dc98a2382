#include "sandbox/place.h"

#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <string.h>

/* Up to and with the last slash that both paths have in common. */
static size_t
common_folders(const char *a, const char *b)
{
	size_t common = 0;

	for (size_t i = 0; a[i] && a[i] == b[i]; i++)
		if (a[i] == '/')
			common = i + 1;
	return common;
}

static int
make_folder(const struct places *p, const char *path, struct err *e)
{
	if (mkdirat(p->root, path, 0755) < 0 && errno != EEXIST)
		return err_errno(e, "make folder %s", path);
	return 0;
}

static int
make_file(const struct places *p, const char *path, struct err *e)
{
	if (mknodat(p->root, path, S_IFREG | 0644, 0) < 0 && errno != EEXIST)
		return err_errno(e, "make place %s", path);
	return 0;
}

int
place_make(struct places *p, const char *path, bool folder, struct err *e)
{
	size_t at = common_folders(path, p->made);
	char part[PATH_MAX];
	const char *slash;

	if (strlen(path) >= sizeof(part))
		return err_set(e, ERR_USAGE, "%s: path too long", path);
	for (; (slash = strchr(path + at, '/'));
	     at = (size_t)(slash - path) + 1) {
		memcpy(part, path, (size_t)(slash - path));
		part[slash - path] = '\0';
		if (make_folder(p, part, e) < 0)
			return -1;
	}
	p->made = path;
	return folder ? make_folder(p, path, e) : make_file(p, path, e);
}
