#include "plugin/new.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "model/units.h"

/* In these texts @NAME@ is the plugin's name and @WORD@ its file's. */

static const char python_plugin[] =
	"# /// devops_agent\n"
	"# name: @NAME@\n"
	"# version: 0.1.0\n"
	"# description: Greets whoever is named.\n"
	"# params:\n"
	"#   type: object\n"
	"#   properties:\n"
	"#     name: {type: string, default: world, description: Whom to "
	"greet.}\n"
	"#   additionalProperties: false\n"
	"# limits: {timeout: 10s, memory: 64MiB}\n"
	"# ///\n"
	"\"\"\"Greets whoever is named.\"\"\"\n"
	"\n"
	"\n"
	"def register():\n"
	"    return @WORD@\n"
	"\n"
	"\n"
	"def @WORD@(job):\n"
	"    job.log.info(\"greeting %s\", job.params[\"name\"])\n"
	"    return {\"greeting\": \"hello, \" + job.params[\"name\"]}\n";

static const char python_test[] =
	"import pathlib\n"
	"\n"
	"from devops_agent import testing\n"
	"\n"
	"PLUGIN = pathlib.Path(__file__).with_name(\"@WORD@.py\")\n"
	"\n"
	"\n"
	"def test_it_greets_by_name():\n"
	"    outcome = testing.run(str(PLUGIN), {\"name\": \"x\"})\n"
	"    assert outcome.result == {\"greeting\": \"hello, x\"}\n";

static const char shell_plugin[] =
	"#!/bin/sh\n"
	"# /// devops_agent\n"
	"# name: @NAME@\n"
	"# version: 0.1.0\n"
	"# description: Greets whoever is named.\n"
	"# params:\n"
	"#   type: object\n"
	"#   properties:\n"
	"#     name:\n"
	"#       type: string\n"
	"#       pattern: '^[A-Za-z0-9 _.-]+$'\n"
	"#       default: world\n"
	"#       description: Whom to greet.\n"
	"#   additionalProperties: false\n"
	"# limits: {timeout: 10s, memory: 32MiB}\n"
	"# ///\n"
	"#\n"
	"# Parameters arrive as variables, PARAM_NAME; the last line of standard"
	" output\n"
	"# is the result, as JSON; what goes to standard error becomes logs.\n"
	"\n"
	"set -u\n"
	"\n"
	"echo \"greeting $PARAM_NAME\" >&2\n"
	"printf '{\"greeting\":\"hello, %s\"}\\n' \"$PARAM_NAME\"\n";

static const char shell_test[] =
	"#!/bin/sh\n"
	"# Runs @WORD@.sh without the agent and looks at its result.\n"
	"\n"
	"set -eu\n"
	"\n"
	"plugin=$(dirname \"$0\")/@WORD@.sh\n"
	"result=$(PARAM_NAME=x sh \"$plugin\" | tail -n 1)\n"
	"if [ \"$result\" != '{\"greeting\":\"hello, x\"}' ]; then\n"
	"\techo \"@WORD@.sh: unexpected result: $result\" >&2\n"
	"\texit 1\n"
	"fi\n"
	"echo \"@WORD@.sh: passed\"\n";

struct file {
	const char *name; /* @WORD@ as in the text */
	const char *text;
	mode_t mode;
};

static const struct file python_files[] = {
	{ "@WORD@.py", python_plugin, 0644 },
	{ "test_@WORD@.py", python_test, 0644 },
};

static const struct file shell_files[] = {
	{ "@WORD@.sh", shell_plugin, 0755 },
	{ "@WORD@_test.sh", shell_test, 0755 },
};

#define FILES 2

/* A module may not begin with a digit, so neither may the file's name. */
static char *
word_of(const char *name)
{
	char *word = xasprintf("%s%s", *name <= '9' ? "_" : "", name);

	for (char *p = word; *p; p++)
		if (*p == '-')
			*p = '_';
	return word;
}

static char *
filled(const char *text, const char *name, const char *word)
{
	_buf_ struct buf b = { 0 };

	while (*text) {
		size_t n = strcspn(text, "@");

		buf_add(&b, text, n);
		text += n;
		if (strncmp(text, "@NAME@", 6) == 0)
			buf_adds(&b, name);
		else if (strncmp(text, "@WORD@", 6) == 0)
			buf_adds(&b, word);
		else
			continue;
		text += 6;
	}
	return buf_steal(&b);
}

static int
write_new(const char *path, const char *text, mode_t mode, struct err *e)
{
	_close_ int fd = -1;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return err_errno(e, "create %s", path);
	if (file_write_all(fd, text, strlen(text)) < 0 || fsync(fd) < 0) {
		err_errno(e, "write %s", path);
		unlink(path);
		return -1;
	}
	return 0;
}

static int
check_absent(const char *path, struct err *e)
{
	if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno == ENOENT)
		return 0;
	return err_set(e, ERR_USAGE, "%s is there already", path);
}

static int
write_files(const struct file *files, const struct strv *paths,
	    const char *name, const char *word, struct err *e)
{
	for (size_t i = 0; i < FILES; i++) {
		_free_ char *text = filled(files[i].text, name, word);

		if (write_new(paths->items[i], text, files[i].mode, e) == 0)
			continue;
		while (i-- > 0)
			unlink(paths->items[i]);
		return -1;
	}
	return 0;
}

int
plugin_new(const char *folder, const char *name, bool shell,
	   struct strv *written, struct err *e)
{
	const struct file *files = shell ? shell_files : python_files;
	_strv_ struct strv paths = { 0 };
	_free_ char *word = NULL;

	if (!units_is_name(name))
		return err_set(e, ERR_USAGE,
			       "'%.80s' is no name of a plugin: up to 64 lower "
			       "case letters, digits and '-', which is not the "
			       "first",
			       name);
	word = word_of(name);
	for (size_t i = 0; i < FILES; i++) {
		_free_ char *base = filled(files[i].name, name, word);

		strv_addf(&paths, "%s/%s", folder, base);
		if (check_absent(paths.items[i], e) < 0)
			return -1;
	}
	if (file_mkdir_p(folder, 0755, e) < 0 ||
	    write_files(files, &paths, name, word, e) < 0)
		return -1;
	strv_copy(written, &paths);
	return 0;
}
