/*
 * YAML from anywhere: the whole tree is walked, and whatever was taken has a
 * place in the text.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "config/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct value *v, int depth)
{
	if (v->line < 3 || v->col < 3 || depth > VALUE_MAX_DEPTH)
		abort();
	if (v->type == VALUE_STRING && v->u.string.s[v->u.string.len])
		abort();
	if (v->type == VALUE_ARRAY)
		for (size_t i = 0; i < v->u.array.n; i++)
			check(v->u.array.items[i], depth + 1);
	if (v->type != VALUE_OBJECT)
		return;
	for (size_t i = 0; i < v->u.object.n; i++) {
		if (v->u.object.members[i].line < 3)
			abort();
		check(v->u.object.members[i].value, depth + 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	struct value *v = NULL;

	if (yaml_decode((const char *)data, size, 3, 2, &v, &e) == 0)
		check(v, 0);
	else if (v || e.kind != ERR_USAGE || !e.msg[0])
		abort();
	value_free(v);
	return 0;
}
