#include "forward/compress.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/log.h"
#include "base/mem.h"

#define LEVEL 1	       /* of both: the network is rarely slower than that */
#define ZSTD_WINDOW 18 /* 256 KiB: what a decoder must hold, and we */
#define GZIP 16	       /* of zlib's window bits: a gzip header */
#define ROOM (16 << 10)

static const char *const names[] = {
	[COMPRESS_NONE] = "none",
	[COMPRESS_GZIP] = "gzip",
	[COMPRESS_ZSTD] = "zstd",
};

struct compressor {
	enum compression how;
	struct buf *out;
	ZSTD_CCtx *zstd;
	z_stream gzip;
	bool has_gzip;
};

const char *
compression_name(enum compression c)
{
	return names[c];
}

int
compression_parse(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

struct compressor *
compressor_new(void)
{
	return xcalloc(1, sizeof(struct compressor));
}

void
compressor_free(struct compressor *c)
{
	if (!c)
		return;
	ZSTD_freeCCtx(c->zstd);
	if (c->has_gzip)
		deflateEnd(&c->gzip);
	free(c);
}

static void
begin_zstd(struct compressor *c)
{
	if (!c->zstd) {
		c->zstd = ZSTD_createCCtx();
		if (!c->zstd)
			fatal("no memory for zstd");
		ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel, LEVEL);
		ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_windowLog, ZSTD_WINDOW);
	}
	ZSTD_CCtx_reset(c->zstd, ZSTD_reset_session_only);
}

static void
begin_gzip(struct compressor *c)
{
	int rc = c->has_gzip ?
			 deflateReset(&c->gzip) :
			 deflateInit2(&c->gzip, LEVEL, Z_DEFLATED,
				      MAX_WBITS + GZIP, 8, Z_DEFAULT_STRATEGY);

	if (rc != Z_OK)
		fatal("no memory for gzip");
	c->has_gzip = true;
}

void
compressor_begin(struct compressor *c, enum compression how, struct buf *out)
{
	c->how = how;
	c->out = out;
	if (how == COMPRESS_ZSTD)
		begin_zstd(c);
	else if (how == COMPRESS_GZIP)
		begin_gzip(c);
}

static void
room(struct compressor *c)
{
	if (!buf_reserve(c->out, ROOM))
		fatal("a compressed body of more than %zu bytes", c->out->len);
}

static void
zstd_run(struct compressor *c, ZSTD_inBuffer *in, ZSTD_EndDirective mode)
{
	size_t left;

	do {
		ZSTD_outBuffer out = { 0 };

		room(c);
		out.dst = c->out->data + c->out->len;
		out.size = ROOM;
		left = ZSTD_compressStream2(c->zstd, &out, in, mode);
		if (ZSTD_isError(left))
			fatal("zstd: %s", ZSTD_getErrorName(left));
		c->out->len += out.pos;
	} while (in->pos < in->size || (mode == ZSTD_e_end && left));
}

static void
gzip_run(struct compressor *c, const void *data, size_t len, int mode)
{
	int rc;

	/* zlib does not write to its input; its type is older than const */
	c->gzip.next_in = (unsigned char *)(uintptr_t)data;
	c->gzip.avail_in = (unsigned)len;
	do {
		room(c);
		c->gzip.next_out = (unsigned char *)c->out->data + c->out->len;
		c->gzip.avail_out = ROOM;
		rc = deflate(&c->gzip, mode);
		if (rc == Z_STREAM_ERROR)
			fatal("gzip: its state is broken");
		c->out->len += ROOM - c->gzip.avail_out;
	} while (c->gzip.avail_out == 0 && rc != Z_STREAM_END);
}

void
compressor_add(struct compressor *c, const void *data, size_t len)
{
	if (c->how == COMPRESS_ZSTD)
		zstd_run(c, &(ZSTD_inBuffer){ data, len, 0 }, ZSTD_e_continue);
	else if (c->how == COMPRESS_GZIP)
		gzip_run(c, data, len, Z_NO_FLUSH);
	else
		buf_add(c->out, data, len);
}

void
compressor_end(struct compressor *c)
{
	if (c->how == COMPRESS_ZSTD)
		zstd_run(c, &(ZSTD_inBuffer){ "", 0, 0 }, ZSTD_e_end);
	else if (c->how == COMPRESS_GZIP)
		gzip_run(c, "", 0, Z_FINISH);
}
