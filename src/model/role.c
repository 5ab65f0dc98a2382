#include "model/role.h"

#include <string.h>

static const char *const names[ROLES] = {
	[ROLE_NONE] = "none",
	[ROLE_READER] = "reader",
	[ROLE_OPERATOR] = "operator",
	[ROLE_ADMIN] = "admin",
};

const char *
role_name(enum role role)
{
	return names[role];
}

bool
role_parse(const char *name, enum role *role)
{
	for (int i = ROLE_READER; i < ROLES; i++)
		if (strcmp(names[i], name) == 0) {
			*role = (enum role)i;
			return true;
		}
	return false;
}
