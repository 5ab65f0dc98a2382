/*
 * Configurations from anywhere: what is taken can be shown, and what is shown
 * is taken again and is shown the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char file[] = "/nowhere/config.yaml";

static void
check_shown(const struct config *c)
{
	struct config again;
	struct strv warnings = { 0 };
	struct buf first = { 0 }, second = { 0 };
	struct err e = ERR_INIT;

	config_show(c, &first);
	config_init(&again);
	if (config_parse(first.data, first.len, file, &again, &warnings, &e) <
	    0)
		abort();
	/* what was a default is given now: only the marks differ */
	for (size_t i = 0; i < again.given->u.object.n; i++)
		value_set(c->given, again.given->u.object.members[i].key,
			  value_copy(again.given->u.object.members[i].value));
	first.len = 0;
	config_show(c, &first);
	config_show(&again, &second);
	if (first.len < second.len ||
	    memcmp(first.data, second.data, second.len) != 0)
		abort();
	strv_release(&warnings);
	buf_release(&first);
	buf_release(&second);
	config_release(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	struct config c;
	struct strv warnings = { 0 };

	/* no host's files, no environment: inputs are reproduced anywhere */
	setenv("A", "1", 1);
	if (memmem(data, size, "file:", 5))
		return 0;
	config_init(&c);
	if (config_parse((const char *)data, size, file, &c, &warnings, &e) ==
	    0) {
		check_shown(&c);
		value_free(config_to_value(&c));
	} else if (e.kind != ERR_USAGE ||
		   strncmp(e.msg, file, strlen(file)) != 0) {
		abort();
	}
	config_release(&c);
	strv_release(&warnings);
	return 0;
}
