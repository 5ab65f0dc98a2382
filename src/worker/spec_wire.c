#include "worker/spec_wire.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

#define MAGIC UINT32_C(0x53504331) /* a version of this format */

/* --- What there is -----------------------------------------------------------
 */

/* A number: where it is, how wide, and from what to what. */
struct number {
	size_t offset, size;
	uint64_t max;
};

#define NUMBER(member, max)                                             \
	{                                                               \
		offsetof(struct sandbox_spec, member),                  \
			sizeof(((struct sandbox_spec *)0)->member), max \
	}

#define MAX_MS (UINT64_C(1) << 50)
#define MAX_BYTES (UINT64_C(1) << 60)

static const struct number numbers[] = {
	NUMBER(exec_any, 1),
	NUMBER(host_processes, 1),
	NUMBER(connect.n, SANDBOX_MAX_PORTS),
	NUMBER(listen.n, SANDBOX_MAX_PORTS),
	NUMBER(udp, 1),
	NUMBER(host_network, 1),
	NUMBER(unix_sockets, 1),
	NUMBER(user_set, 1),
	NUMBER(uid, UINT32_MAX),
	NUMBER(gid, UINT32_MAX),
	NUMBER(n_groups, SANDBOX_MAX_GROUPS),
	NUMBER(capabilities, UINT64_MAX),
	NUMBER(timeout_ms, MAX_MS),
	NUMBER(grace_ms, MAX_MS),
	NUMBER(memory_bytes, MAX_BYTES),
	NUMBER(cpu_ms, MAX_MS),
	NUMBER(processes, UINT32_MAX),
	NUMBER(files, UINT32_MAX),
	NUMBER(tmp_bytes, MAX_BYTES),
	NUMBER(many_jobs, 1),
	NUMBER(trace, 1),
	NUMBER(require, LAYER_END - 1),
};

/* Plain bytes, of which `n` says how many count. */
static const struct {
	size_t offset, size;
} arrays[] = {
	{ offsetof(struct sandbox_spec, connect.port),
	  sizeof(uint16_t) * SANDBOX_MAX_PORTS },
	{ offsetof(struct sandbox_spec, listen.port),
	  sizeof(uint16_t) * SANDBOX_MAX_PORTS },
	{ offsetof(struct sandbox_spec, groups),
	  sizeof(gid_t) * SANDBOX_MAX_GROUPS },
};

/* Strings, and what each of them has to be. */
enum shape { ANY, PATH, ASSIGNMENT };

static const struct list {
	const char *name;
	size_t offset;
	enum shape shape;
} lists[] = {
	{ "argv", offsetof(struct sandbox_spec, argv), ANY },
	{ "env", offsetof(struct sandbox_spec, env), ASSIGNMENT },
	{ "read", offsetof(struct sandbox_spec, read), PATH },
	{ "libraries", offsetof(struct sandbox_spec, libraries), PATH },
	{ "write", offsetof(struct sandbox_spec, write), PATH },
	{ "exec", offsetof(struct sandbox_spec, exec), PATH },
};

/* --- To bytes
 * ------------------------------------------------------------------ */

static void
put_list(const struct strv *v, struct buf *out)
{
	uint32_t n = (uint32_t)v->n;

	buf_add(out, &n, sizeof(n));
	for (size_t i = 0; i < v->n; i++) {
		uint32_t len = (uint32_t)strlen(v->items[i]);

		buf_add(out, &len, sizeof(len));
		buf_add(out, v->items[i], len);
	}
}

void
spec_encode(const struct sandbox_spec *s, struct buf *out)
{
	const char *from = (const char *)s;
	uint32_t magic = MAGIC;

	buf_add(out, &magic, sizeof(magic));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		uint64_t n = 0;

		/* little-endian: the low bytes come first */
		memcpy(&n, from + numbers[i].offset, numbers[i].size);
		buf_add(out, &n, sizeof(n));
	}
	for (size_t i = 0; i < ARRAY_SIZE(arrays); i++)
		buf_add(out, from + arrays[i].offset, arrays[i].size);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		put_list((const struct strv *)(const void *)(from +
							     lists[i].offset),
			 out);
}

/* --- From bytes
 * ---------------------------------------------------------------- */

struct reader {
	const char *at;
	size_t left;
};

static int
take(struct reader *r, void *to, size_t n, struct err *e)
{
	if (r->left < n)
		return err_set(e, ERR_USAGE, "%zu bytes where %zu are to come",
			       r->left, n);
	memcpy(to, r->at, n);
	r->at += n;
	r->left -= n;
	return 0;
}

static int
take_numbers(struct reader *r, struct sandbox_spec *s, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		uint64_t n = 0;

		if (take(r, &n, sizeof(n), e) < 0)
			return -1;
		if (n > numbers[i].max)
			return err_set(e, ERR_USAGE, "number %zu is %llu", i,
				       (unsigned long long)n);
		memcpy((char *)s + numbers[i].offset, &n, numbers[i].size);
	}
	return 0;
}

static int
take_string(struct reader *r, const struct list *l, struct strv *v,
	    struct err *e)
{
	_free_ char *s = NULL;
	uint32_t len = 0;

	if (take(r, &len, sizeof(len), e) < 0)
		return -1;
	if (len > SPEC_WIRE_STRING || len > r->left)
		return err_set(e, ERR_USAGE, "%s: a string of %u bytes",
			       l->name, len);
	s = xstrndup(r->at, len);
	r->at += len;
	r->left -= len;
	if (memchr(s, '\0', len) || (l->shape == PATH && *s != '/') ||
	    (l->shape == ASSIGNMENT && (*s == '=' || !strchr(s, '='))))
		return err_set(e, ERR_USAGE, "%s: a string that can't be",
			       l->name);
	strv_add(v, s);
	return 0;
}

static int
take_list(struct reader *r, const struct list *l, struct sandbox_spec *s,
	  struct err *e)
{
	struct strv *v = (struct strv *)(void *)((char *)s + l->offset);
	uint32_t n = 0;

	if (take(r, &n, sizeof(n), e) < 0)
		return -1;
	if (n > SPEC_WIRE_STRINGS)
		return err_set(e, ERR_USAGE, "%s: %u strings", l->name, n);
	for (uint32_t i = 0; i < n; i++)
		if (take_string(r, l, v, e) < 0)
			return -1;
	return 0;
}

static int
check(const struct sandbox_spec *s, struct err *e)
{
	if (!s->argv.n || s->argv.items[0][0] != '/')
		return err_set(e, ERR_USAGE, "argv: no absolute path");
	if (s->user_set && (!s->uid || !s->gid))
		return err_set(e, ERR_USAGE, "a plugin never runs as root");
	if (!s->memory_bytes || !s->processes || !s->files)
		return err_set(e, ERR_USAGE, "a limit of nothing");
	return 0;
}

int
spec_decode(const char *bytes, size_t len, struct sandbox_spec *s,
	    struct err *e)
{
	struct reader r = { bytes, len };
	uint32_t magic = 0;

	if (len > SPEC_WIRE_MAX)
		return err_set(e, ERR_USAGE, "%zu bytes", len);
	if (take(&r, &magic, sizeof(magic), e) < 0)
		return -1;
	if (magic != MAGIC)
		return err_set(e, ERR_USAGE, "of another version");
	if (take_numbers(&r, s, e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(arrays); i++)
		if (take(&r, (char *)s + arrays[i].offset, arrays[i].size, e) <
		    0)
			return -1;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (take_list(&r, &lists[i], s, e) < 0)
			return -1;
	if (r.left)
		return err_set(e, ERR_USAGE, "%zu bytes too many", r.left);
	return check(s, e);
}
