#include "plugin/digest.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "plugin/trusted.h"

#define SHA256_BYTES 32

void
digest_init(struct digest *d, enum digest_mode mode)
{
	static const char head[] = "devops_agent files 1\n";

	memset(d, 0, sizeof(*d));
	d->mode = mode;
	SHA256Init(&d->sha);
	if (mode == DIGEST_MANY)
		SHA256Update(&d->sha, (const uint8_t *)head, strlen(head));
}

void
digest_end(struct digest *d, char hex[DIGEST_HEX])
{
	uint8_t sum[SHA256_BYTES];

	SHA256Final(sum, &d->sha);
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
}

/* --- One file ------------------------------------------------------------ */

static int
count(struct digest *d, const struct stat *st, const char *path, struct err *e)
{
	d->files++;
	d->bytes += st->st_size;
	if (d->files > DIGEST_MAX_FILES)
		return err_set(e, ERR_USAGE,
			       "%s: a plugin of more than %zu files", path,
			       DIGEST_MAX_FILES);
	if (st->st_size > DIGEST_MAX_BYTES || d->bytes > DIGEST_MAX_BYTES)
		return err_set(e, ERR_USAGE, "%s: a plugin of more than 64 MiB",
			       path);
	return 0;
}

static void
add_head(struct digest *d, const struct stat *st, const char *name)
{
	_free_ char *head = NULL;

	if (d->mode != DIGEST_MANY)
		return;
	head = xasprintf("%c %lld %s", st->st_mode & 0111 ? 'x' : 'f',
			 (long long)st->st_size, name);
	SHA256Update(&d->sha, (const uint8_t *)head, strlen(head) + 1);
}

/* Exactly as many bytes as the head says, or the digest would be ambiguous. */
static int
add_bytes(struct digest *d, int fd, int64_t size, const char *path,
	  struct err *e)
{
	int64_t at = 0;

	for (;;) {
		uint8_t chunk[8192];
		ssize_t n = pread(fd, chunk, sizeof(chunk), (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "read %s", path);
		at += n;
		if (at > size || (n == 0 && at != size))
			return err_set(e, ERR_AGENT,
				       "%s changed while it was read", path);
		if (n == 0)
			return 0;
		SHA256Update(&d->sha, chunk, (size_t)n);
	}
}

int
digest_file(struct digest *d, int fd, const char *name, const char *path,
	    struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(e, "stat %s", path);
	if (count(d, &st, path, e) < 0)
		return -1;
	add_head(d, &st, name);
	return add_bytes(d, fd, st.st_size, path, e);
}

/* --- A folder ------------------------------------------------------------ */

/* A folder that is walked: the digest's name of it, "" at the top. */
struct level {
	const char *name;
	const char *path;
	int depth;
	struct strv *files;
};

static int walk(struct digest *d, int fd, const struct level *at,
		struct err *e);

/* An import would load it rather than the source that a reader looks at. */
static int
refuse_compiled(const char *name, const struct level *at, struct err *e)
{
	size_t n = strlen(name);

	if (strcmp(name, "__pycache__") != 0 &&
	    (n < 4 || strcmp(name + n - 4, ".pyc") != 0))
		return 0;
	err_set(e, ERR_DENIED,
		"%s/%s is compiled Python, which would run in the place of "
		"its source",
		at->path, name);
	return err_hint(e, "rm -r %s/%s", at->path, name);
}

static int
add_entry(struct digest *d, int fd, const char *name, const struct level *at,
	  struct err *e)
{
	_free_ char *path = xasprintf("%s/%s", at->path, name);
	_free_ char *full =
		xasprintf("%s%s%s", at->name, *at->name ? "/" : "", name);
	struct level below = { full, path, at->depth + 1, at->files };
	_close_ int own = -1;
	struct stat st;

	if (refuse_compiled(name, at, e) < 0)
		return -1;
	own = trusted_open(fd, name, path, &st, e);
	if (own < 0)
		return -1;
	if (S_ISDIR(st.st_mode))
		return walk(d, own, &below, e);
	strv_add(at->files, path);
	return digest_file(d, own, full, path, e);
}

static int
walk(struct digest *d, int fd, const struct level *at, struct err *e)
{
	_strv_ struct strv names = { 0 };

	if (at->depth > DIGEST_MAX_DEPTH)
		return err_set(e, ERR_USAGE, "%s: folders deeper than %d",
			       at->path, DIGEST_MAX_DEPTH);
	if (trusted_names(fd, ".", at->path, DIGEST_MAX_FILES, &names, e) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++)
		if (add_entry(d, fd, names.items[i], at, e) < 0)
			return -1;
	return 0;
}

int
digest_folder(struct digest *d, int fd, const char *path, struct strv *files,
	      struct err *e)
{
	const struct level top = { "", path, 0, files };

	return walk(d, fd, &top, e);
}

void
digest_text(const char *text, size_t len, char hex[DIGEST_HEX])
{
	struct digest d;

	digest_init(&d, DIGEST_ONE);
	SHA256Update(&d.sha, (const uint8_t *)text, len);
	digest_end(&d, hex);
}
