/*
 * faulty_disk.h: a disk below SQLite that fails when it is told to.
 *
 *	faulty_install();
 *	faulty_arm(FAULTY_FULL, 7, 1);	the 7th write, once
 *	...
 *	faulty_arm(FAULTY_NONE, 0, 0);	from now on all is well
 *
 * FAULTY_KILL ends the process at that write or sync, FAULTY_POWER as well,
 * but loses a part of what was not synced before: of each file any subset of
 * its writes, one of them perhaps torn.
 */
#ifndef FAULTY_DISK_H
#define FAULTY_DISK_H

#include <sqlite3.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum faulty {
	FAULTY_NONE,
	FAULTY_FULL,  /* writes: no space */
	FAULTY_WRITE, /* writes: EIO */
	FAULTY_SYNC,  /* syncs: EIO */
	FAULTY_READ,  /* reads: EIO */
	FAULTY_KILL,
	FAULTY_POWER,
	FAULTY_KINDS
};

#define FAULTY_KILLED 77

struct faulty_write {
	sqlite3_file *real;
	sqlite3_int64 at;
	int len;
	char *before, *after;
};

struct faulty_file {
	sqlite3_file base;
	sqlite3_file *real;
};

static struct {
	enum faulty kind;
	int at, times; /* operations until it fails, how often then */
	int fired;
	unsigned seed;
	struct faulty_write *writes; /* not synced, of all files */
	size_t n;
} faulty;

static void
faulty_arm(enum faulty kind, int at, int times)
{
	faulty.kind = kind;
	faulty.at = at;
	faulty.times = times;
	faulty.fired = 0;
}

static sqlite3_file *
faulty_real(sqlite3_file *f)
{
	return ((struct faulty_file *)f)->real;
}

static void
faulty_lose_power(void)
{
	for (size_t i = faulty.n; i-- > 0;) {
		struct faulty_write *w = &faulty.writes[i];

		w->real->pMethods->xWrite(w->real, w->before, w->len, w->at);
	}
	for (size_t i = 0; i < faulty.n; i++) {
		struct faulty_write *w = &faulty.writes[i];
		int kept = w->len;

		faulty.seed = faulty.seed * 1103515245 + 12345;
		if (faulty.seed >> 16 & 1)
			continue;
		if ((faulty.seed >> 17 & 7) == 0 && kept > 512)
			kept = 512;
		w->real->pMethods->xWrite(w->real, w->after, kept, w->at);
	}
}

/* Whether this operation fails; `kinds` are those that it may fail by. */
static int
faulty_now(unsigned kinds)
{
	if (!(kinds & 1U << faulty.kind) || --faulty.at > 0 ||
	    faulty.fired >= faulty.times)
		return 0;
	faulty.fired++;
	if (faulty.kind == FAULTY_POWER)
		faulty_lose_power();
	if (faulty.kind == FAULTY_POWER || faulty.kind == FAULTY_KILL)
		_exit(FAULTY_KILLED);
	return 1;
}

static void
faulty_note(sqlite3_file *real, const void *data, int len, sqlite3_int64 at)
{
	struct faulty_write w = { real, at, len, calloc(1, (size_t)len),
				  malloc((size_t)len) };

	/* what is beyond the end reads as zeros */
	real->pMethods->xRead(real, w.before, len, at);
	memcpy(w.after, data, (size_t)len);
	faulty.writes =
		realloc(faulty.writes, (faulty.n + 1) * sizeof(*faulty.writes));
	faulty.writes[faulty.n++] = w;
}

static void
faulty_forget(const sqlite3_file *real)
{
	size_t kept = 0;

	for (size_t i = 0; i < faulty.n; i++) {
		if (faulty.writes[i].real == real) {
			free(faulty.writes[i].before);
			free(faulty.writes[i].after);
		} else {
			faulty.writes[kept++] = faulty.writes[i];
		}
	}
	faulty.n = kept;
}

static int
faulty_write(sqlite3_file *f, const void *data, int len, sqlite3_int64 at)
{
	sqlite3_file *real = faulty_real(f);

	if (faulty_now(1U << FAULTY_FULL))
		return SQLITE_FULL;
	if (faulty_now(1U << FAULTY_WRITE))
		return SQLITE_IOERR_WRITE;
	faulty_now(1U << FAULTY_KILL | 1U << FAULTY_POWER);
	if (faulty.kind == FAULTY_POWER)
		faulty_note(real, data, len, at);
	return real->pMethods->xWrite(real, data, len, at);
}

static int
faulty_sync(sqlite3_file *f, int flags)
{
	sqlite3_file *real = faulty_real(f);

	if (faulty_now(1U << FAULTY_SYNC))
		return SQLITE_IOERR_FSYNC;
	faulty_now(1U << FAULTY_KILL | 1U << FAULTY_POWER);
	faulty_forget(real);
	return real->pMethods->xSync(real, flags);
}

static int
faulty_read(sqlite3_file *f, void *data, int len, sqlite3_int64 at)
{
	sqlite3_file *real = faulty_real(f);

	if (faulty_now(1U << FAULTY_READ))
		return SQLITE_IOERR_READ;
	return real->pMethods->xRead(real, data, len, at);
}

static int
faulty_close(sqlite3_file *f)
{
	sqlite3_file *real = faulty_real(f);

	faulty_forget(real);
	return real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
}

#define FAULTY_PASS(name, parameters, ...)                        \
	static int faulty_##name parameters                       \
	{                                                         \
		sqlite3_file *real = faulty_real(f);              \
                                                                  \
		return real->pMethods->name(real, ##__VA_ARGS__); \
	}
FAULTY_PASS(xTruncate, (sqlite3_file * f, sqlite3_int64 size), size)
FAULTY_PASS(xFileSize, (sqlite3_file * f, sqlite3_int64 *size), size)
FAULTY_PASS(xLock, (sqlite3_file * f, int lock), lock)
FAULTY_PASS(xUnlock, (sqlite3_file * f, int lock), lock)
FAULTY_PASS(xCheckReservedLock, (sqlite3_file * f, int *out), out)
FAULTY_PASS(xFileControl, (sqlite3_file * f, int op, void *arg), op, arg)
FAULTY_PASS(xSectorSize, (sqlite3_file * f))
FAULTY_PASS(xDeviceCharacteristics, (sqlite3_file * f))
FAULTY_PASS(xShmMap,
	    (sqlite3_file * f, int page, int size, int extend,
	     void volatile **out),
	    page, size, extend, out)
FAULTY_PASS(xShmLock, (sqlite3_file * f, int at, int n, int flags), at, n,
	    flags)
FAULTY_PASS(xShmUnmap, (sqlite3_file * f, int remove), remove)

static void
faulty_barrier(sqlite3_file *f)
{
	sqlite3_file *real = faulty_real(f);

	real->pMethods->xShmBarrier(real);
}

static const sqlite3_io_methods faulty_methods = {
	.iVersion = 2,
	.xClose = faulty_close,
	.xRead = faulty_read,
	.xWrite = faulty_write,
	.xTruncate = faulty_xTruncate,
	.xSync = faulty_sync,
	.xFileSize = faulty_xFileSize,
	.xLock = faulty_xLock,
	.xUnlock = faulty_xUnlock,
	.xCheckReservedLock = faulty_xCheckReservedLock,
	.xFileControl = faulty_xFileControl,
	.xSectorSize = faulty_xSectorSize,
	.xDeviceCharacteristics = faulty_xDeviceCharacteristics,
	.xShmMap = faulty_xShmMap,
	.xShmLock = faulty_xShmLock,
	.xShmBarrier = faulty_barrier,
	.xShmUnmap = faulty_xShmUnmap,
};

static sqlite3_vfs faulty_vfs;

static int
faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags,
	    int *out)
{
	struct faulty_file *file = (struct faulty_file *)f;
	sqlite3_vfs *below = vfs->pAppData;
	int rc;

	memset(file, 0, sizeof(*file));
	file->real = (sqlite3_file *)(file + 1);
	rc = below->xOpen(below, name, file->real, flags, out);
	file->base.pMethods = file->real->pMethods ? &faulty_methods : NULL;
	return rc;
}

static void
faulty_install(void)
{
	sqlite3_vfs *below = sqlite3_vfs_find(NULL);

	faulty_vfs = *below;
	faulty_vfs.zName = "faulty";
	faulty_vfs.pAppData = below;
	faulty_vfs.szOsFile += (int)sizeof(struct faulty_file);
	faulty_vfs.xOpen = faulty_open;
	sqlite3_vfs_register(&faulty_vfs, 1);
}

#endif
