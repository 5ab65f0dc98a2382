/*
 * config_folder.h: what the tests of settings share: a folder with files that
 * ${file:...} refers to, and variables that ${...} does.
 *
 * set_up() first, tear_down() last; `folder` and `file` name the folder and
 * the configuration in it, which need not exist.
 */
#ifndef CONFIG_FOLDER_H
#define CONFIG_FOLDER_H

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

#include "base/file.h"
#include "base/mem.h"
#include "config/config.h"
#include "config/settings.h"

/* The folder of this test, and a configuration in it. */
static char folder[PATH_MAX];
static char file[PATH_MAX + 16];

static int
parse(const char *text, struct config *c, struct strv *warnings, struct err *e)
{
	return config_parse(text, strlen(text), file, c, warnings, e);
}

/* The setting as it would be shown, "-" where it is not set. */
static char *
get(const struct setting_table *t, const void *base, const char *path)
{
	const struct setting *s = setting_find(t, path);
	_value_ struct value *v = s ? setting_value(s, base) : NULL;
	struct buf b = { 0 };

	if (v)
		setting_add_yaml(v, &b);
	else
		buf_adds(&b, s ? "-" : "no such setting");
	return buf_steal(&b);
}

/* FOLDER in `text` by the test's folder. */
static char *
fill_in(const char *text)
{
	struct buf b = { 0 };
	const char *at;

	for (; (at = strstr(text, "FOLDER")); text = at + 6)
		buf_addf(&b, "%.*s%s", (int)(at - text), text, folder);
	buf_adds(&b, text);
	return buf_steal(&b);
}

static void
write_file(const char *name, const char *text, size_t len, mode_t mode)
{
	char path[PATH_MAX + 64];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	ok(fd >= 0 && file_write_all(fd, text, len) == 0 && !fchmod(fd, mode),
	   "(%s is written)", name);
	close(fd);
}

/* --- The folder --------------------------------------------------------- */

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

static void
set_up(void)
{
	static const char *const variables[][2] = {
		{ "T_DIR", "/from/env" },
		{ "T_WORD", "word" },
		{ "T_EMPTY", "" },
		{ "T_NEST", "${T_WORD}" },
		{ "T_LEVEL", "warn" },
		{ "T_NUMBER", "12" },
		{ "T_NO", "false" },
		{ "T_LAYER", "cgroup" },
		{ "T_ONE", "1" },
		{ "T_OCTAL", "010" },
		{ "T_TILDE", "~/secret-x" },
	};
	static char text[(64 << 10) + 1];
	const char *tmp = getenv("TMPDIR");
	char path[PATH_MAX + 64];

	umask(022);
	unsetenv("T_NONE");
	for (size_t i = 0; i < TAP_COUNT(variables); i++)
		setenv(variables[i][0], variables[i][1], 1);
	snprintf(path, sizeof(path), "%s/config-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(path) || !realpath(path, folder))
		abort();
	snprintf(file, sizeof(file), "%s/config.yaml", folder);
	write_file("secret", "top\nsecret\n", 11, 0600);
	write_file("crlf", "dos\r\n", 5, 0600);
	write_file("empty", "", 0, 0600);
	write_file("nul", "a\0b", 3, 0600);
	memset(text, 'x', sizeof(text));
	write_file("large", text, sizeof(text), 0600);
	write_file("full", text, sizeof(text) - 1, 0600);
	snprintf(path, sizeof(path), "%s/fifo", folder);
	ok(mkfifo(path, 0600) == 0, "(a FIFO is made)");
}

static void
tear_down(void)
{
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
