#include "api/encode.h"

#include "pack/compress.h"

const char *const coding_names[CODINGS] = {
	[CODING_ZSTD] = "zstd",
	[CODING_GZIP] = "gzip",
	[CODING_IDENTITY] = "identity",
};

/* One for the process: a body is done before the next is begun. */
static struct compressor *
compressor(void)
{
	static struct compressor *one;

	if (!one)
		one = compressor_new();
	return one;
}

bool
encode_body(enum coding coding, struct buf *body)
{
	struct buf out;

	if (body->len < ENCODE_LEAST || coding == CODING_IDENTITY)
		return false;
	buf_init(&out, body->max ? body->max * 2 : 0);
	compressor_begin(compressor(),
			 coding == CODING_ZSTD ? COMPRESS_ZSTD : COMPRESS_GZIP,
			 &out);
	compressor_add(compressor(), body->data, body->len);
	compressor_end(compressor());
	if (out.len >= body->len) {
		buf_release(&out);
		return false;
	}
	buf_release(body);
	*body = out;
	return true;
}
