#include "base/path.h"

#include <string.h>

bool
path_is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 &&
	       (len == 1 || path[len] == '/' || path[len] == '\0');
}
