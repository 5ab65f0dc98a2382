#include "model/layer.h"

#include <stddef.h>
#include <string.h>

const char *const layer_names[] = {
	"user-namespace", "namespaces",
	"private-root",	  "capabilities",
	"no-new-privs",	  "landlock",
	"landlock-net",	  "landlock-scope",
	"seccomp",	  "seccomp-notify",
	"cgroup",	  "limits",
	"user-id",	  NULL,
};

const char *
layer_name(unsigned bit)
{
	for (size_t i = 0; layer_names[i]; i++)
		if (bit == 1u << i)
			return layer_names[i];
	return NULL;
}

unsigned
layer_bit(const char *name)
{
	for (size_t i = 0; layer_names[i]; i++)
		if (strcmp(layer_names[i], name) == 0)
			return 1u << i;
	return 0;
}
