/* What SQLite says, as this program says it. */
#include "store/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static const struct {
	int code;	    /* a primary result code */
	const char *reason; /* NULL: SQLite's own */
	const char *hint;
} reasons[] = {
	{ SQLITE_FULL, "the disk is full",
	  "free space where the database is, or lower storage.retention" },
	{ SQLITE_BUSY, "another process keeps it locked",
	  "try again; `fuser` on the file says which process it is" },
	{ SQLITE_LOCKED, NULL, "try again" },
	{ SQLITE_READONLY, NULL, STORE_HINT_WRITE },
	{ SQLITE_CANTOPEN, NULL, STORE_HINT_WRITE },
	{ SQLITE_PERM, NULL, STORE_HINT_WRITE },
	{ SQLITE_IOERR, NULL,
	  "look for errors of the disk in the kernel's log (dmesg)" },
	{ SQLITE_CORRUPT, "the database is damaged",
	  "start again: it is checked then, and set aside for a new one" },
	{ SQLITE_NOTADB, "the file is not a database",
	  "start again: it is checked then, and set aside for a new one" },
};

bool
store_code_is_damage(int code)
{
	return (code & 0xff) == SQLITE_CORRUPT ||
	       (code & 0xff) == SQLITE_NOTADB;
}

char *
store_suspect_path(const char *path)
{
	return xasprintf("%s.suspect", path);
}

/* Best effort: without it, the damage shows again, and the same is tried. */
static void
mark_suspect(const struct store *s)
{
	_free_ char *mark = store_suspect_path(s->path);
	int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0)
		close(fd);
}

/* A disk that is full while a file is enlarged is called an I/O error. */
static int
primary_code(int code, int errnum)
{
	if ((code & 0xff) == SQLITE_IOERR &&
	    (errnum == ENOSPC || errnum == EDQUOT))
		return SQLITE_FULL;
	return code & 0xff;
}

int
store_fail(struct store *s, struct err *e, const char *what)
{
	int extended = sqlite3_extended_errcode(s->db);
	int errnum = sqlite3_system_errno(s->db);
	int code = primary_code(extended, errnum);
	const char *reason = NULL, *hint = NULL;

	if (code == SQLITE_NOMEM)
		fatal("out of memory");
	if (store_code_is_damage(code)) {
		s->damaged = true;
		mark_suspect(s);
	}
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (reasons[i].code == code) {
			reason = reasons[i].reason;
			hint = reasons[i].hint;
		}
	}
	/* the system's reason belongs to these only, else it is an old one */
	if (code != SQLITE_IOERR && code != SQLITE_CANTOPEN &&
	    code != SQLITE_FULL)
		errnum = 0;
	err_set(e, ERR_AGENT, "%s: %s: %s%s%s%s (%d)", s->path, what,
		reason ? reason : sqlite3_errmsg(s->db), errnum ? " (" : "",
		errnum ? strerror(errnum) : "", errnum ? ")" : "", extended);
	e->errnum = code == SQLITE_FULL ? ENOSPC : errnum;
	return hint ? err_hint(e, "%s", hint) : -1;
}
