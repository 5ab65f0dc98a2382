/*
 * digest.h: the SHA-256 that pins a plugin's files.
 *
 * Of a plugin that is one file it is the file's own, as sha256sum prints it.
 * Of several files it is that of "devops_agent files 1\n" and then, for each
 * file sorted by name, folder by folder:
 *
 *	"f" or, with an execute bit, "x"; " "; its size in decimal; " "; its
 *	name relative to the plugin; a NUL; its bytes
 *
 *	struct digest d;
 *	digest_init(&d, DIGEST_MANY);
 *	digest_file(&d, ...) or digest_folder(&d, ...)
 *	digest_end(&d, hex);
 */
#ifndef PLUGIN_DIGEST_H
#define PLUGIN_DIGEST_H

#include <sys/types.h>
#include <sha2.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"

#define DIGEST_HEX 65 /* with its NUL */
#define DIGEST_MAX_FILES 1000UL
#define DIGEST_MAX_BYTES (INT64_C(64) << 20)
#define DIGEST_MAX_DEPTH 16

enum digest_mode {
	DIGEST_ONE, /* the bytes of one file, nothing else */
	DIGEST_MANY,
};

struct digest {
	SHA2_CTX sha;
	enum digest_mode mode;
	size_t files;
	int64_t bytes;
};

void digest_init(struct digest *d, enum digest_mode mode);
void digest_end(struct digest *d, char hex[DIGEST_HEX]);

/*
 * Add an open file, which is read from its start.  `name` is what the digest
 * calls it, `path` what messages do.
 */
int digest_file(struct digest *d, int fd, const char *name, const char *path,
		struct err *e);

/*
 * Add every file below an open folder, and each one's path to `files`.  Every
 * file and folder must be trusted (trusted.h); symlinks, other kinds of files
 * and compiled Python, which would run instead of the source that is read,
 * are refused.
 */
int digest_folder(struct digest *d, int fd, const char *path,
		  struct strv *files, struct err *e);

/* The SHA-256 of a text. */
void digest_text(const char *text, size_t len, char hex[DIGEST_HEX]);

#endif
