/*
 * JSON text: the checker, the reader of trees and the writer agree.  Whatever
 * a tree was read from, it is written as text that reads to the same tree.
 */
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_and_read(const struct value *v,
	       void (*encode)(const struct value *, struct buf *))
{
	_buf_ struct buf text = { 0 };
	_value_ struct value *again = NULL;
	struct err e = ERR_INIT;

	encode(v, &text);
	if (json_decode(text.data, text.len, &again, &e) < 0 ||
	    !value_equal(v, again))
		__builtin_trap();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_value_ struct value *v = NULL, *argument = NULL;
	_free_ char *word = xmemdup(data, size);
	struct err e = ERR_INIT;

	if (json_decode((const char *)data, size, &v, &e) == 0) {
		if (json_check((const char *)data, size, &e) < 0)
			__builtin_trap();
		write_and_read(v, json_encode);
		write_and_read(v, json_encode_pretty);
	}
	(void)json_parse_argument(word, &argument, &e);
	return 0;
}
